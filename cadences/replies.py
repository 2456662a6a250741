"""What an incoming text is: a person, a machine, an absence, an opt-out. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

GREETING_WITHIN = timedelta(seconds=10)
"""A machine greets faster than a person can."""


class Kind(StrEnum):
    """What a reply means to a run."""

    HUMAN = "human"
    PROBABLY_MACHINE = "probably_machine"
    ABSENCE = "absence"
    OPT_OUT = "opt_out"
    MAYBE_OPT_OUT = "maybe_opt_out"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text was read as; an absence may tell when it ends."""

    kind: Kind
    until: date | None = None


OPT_OUT = {
    "sair", "parar", "pare", "cancelar", "stop", "remover", "descadastrar", "unsubscribe",
    "nao quero", "nao quero mais", "nao me mande mais mensagem",
    "nao me mande mais mensagens", "me tira da lista", "me tire da lista",
    "me remova da lista", "quero sair", "sair da lista", "cancelar inscricao",
}  # fmt: skip
MAYBE = re.compile(
    r"\b(nao quero mais|nao me mand|nao me envi|me tir[ae] (da|dessa) lista"
    r"|me remov[ae]|descadastr|para de (me )?(mandar|enviar)|pare de"
    r"|sair da lista|unsubscribe)"
)
GREETING = re.compile(
    r"mensagem automatica|resposta automatica|horario de atendimento"
    r"|assim que possivel|agradece(mos)? (o |pelo )?(seu )?contato|digite \d"
    r"|retornaremos|em breve (te |lhe )?(retorn|respond)|atendente virtual"
)
ABSENT_SUBJECT = re.compile(
    r"resposta automatica|fora do escritorio|ausencia|automatic reply|out of office"
    r"|ausente"
)
ABSENT = re.compile(
    r"(estou|estarei) (de |em )?(ferias|licenca|ausente|fora do escritorio)"
    r"|fora do escritorio|out of (the )?office|de volta (em|no dia)|retorno (em|no dia)"
)
RETURN = re.compile(
    r"(?:de volta|retorn[oa]\w*|volto|back|ate|until)\D{0,25}?"
    r"(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}|\d{2}))?"
)
AUTO_HEADERS = ("x-autoreply", "x-autorespond", "x-auto-response-suppress")
AUTO_PRECEDENCE = ("auto_reply", "bulk", "junk")
CENTURY = "20"


def read(
    text: str,
    *,
    today: date,
    subject: str = "",
    headers: Mapping[str, str] | None = None,
    after: timedelta | None = None,
    is_first: bool = True,
) -> Reading:
    """Tell what a text is. `after` is how long after our message it came."""
    folded = fold(text)
    if folded in OPT_OUT:
        return Reading(Kind.OPT_OUT)
    if _is_absence(folded, fold(subject), headers or {}):
        return Reading(Kind.ABSENCE, _return(folded, today))
    quick = after is not None and after <= GREETING_WITHIN
    if quick and is_first and GREETING.search(folded):
        return Reading(Kind.PROBABLY_MACHINE)
    if MAYBE.search(folded):
        return Reading(Kind.MAYBE_OPT_OUT)
    return Reading(Kind.HUMAN)


def fold(text: str) -> str:
    """Return a text without accents, case, punctuation at its ends and extra space."""
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    return " ".join(letters.casefold().split()).strip(" .!?,;:\"'")


def _is_absence(text: str, subject: str, headers: Mapping[str, str]) -> bool:
    lower = {name.lower(): value.lower() for name, value in headers.items()}
    if lower.get("auto-submitted", "no") != "no":
        return True
    if lower.get("precedence") in AUTO_PRECEDENCE:
        return True
    if any(name in lower for name in AUTO_HEADERS):
        return True
    return bool(ABSENT_SUBJECT.search(subject) or ABSENT.search(text))


def _return(text: str, today: date) -> date | None:
    """Return the day of return; without a year, the next such day."""
    found = RETURN.search(text)
    if found is None:
        return None
    day, month, year = found.groups()
    number = int(year.rjust(4, "_").replace("__", CENTURY)) if year else today.year
    try:
        back = date(number, int(month), int(day))
        if not year and back < today:
            back = back.replace(year=number + 1)
    except ValueError:
        return None
    return back if back >= today else None
