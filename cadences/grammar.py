"""The grammar of templates: variables, defaults and a fixed list of filters.

Names are keys of a flat mapping of plain values. There is no attribute, no call and
no loop to escape into.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from html import escape

from cadences.errors import BadTemplate, MissingVariable

MAX_TEMPLATE = 20_000
NAME = r"[a-z_][a-z0-9_]*(?:\.[a-z0-9_]+)*"
ARGUMENT = r'"[^"{}]*"|\d+'
FILTER = rf"\s*\|\s*([a-z_]+)\s*(?::\s*({ARGUMENT}))?"
TAG = re.compile(rf"\s*({NAME})((?:{FILTER})*)\s*")
PART = re.compile(r"\\\{\{|\{\{(.*?)\}\}|\{\{|\}\}|\{%|%\}", re.DOTALL)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029]")
BRACE = re.compile(r"\{(?=[{%])|[}%](?=\})")
APART = "\u200b"
"""What keeps two braces apart that a provider would read as a variable of its own."""

Value = str | int | float | Decimal | date | datetime | None


@dataclass(frozen=True, slots=True)
class Variable:
    """A place in a text that a value goes to."""

    name: str
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def default(self) -> str | None:
        """What stands there if there is no value."""
        return next((word for name, word in self.filters if name == "padrao"), None)


Part = str | Variable


def parse(text: str) -> list[Part]:
    """Return the parts of a template; raises BadTemplate."""
    if len(text) > MAX_TEMPLATE:
        raise BadTemplate(f"longer than {MAX_TEMPLATE} characters")
    return list(_parts(text))


def variables(text: str) -> list[str]:
    """Return the names that a template uses; raises BadTemplate."""
    found = [part.name for part in parse(text) if isinstance(part, Variable)]
    return list(dict.fromkeys(found))


def render(
    text: str, values: Mapping[str, Value], *, html: bool = False, line: bool = False
) -> str:
    """Return the text with its values; raises MissingVariable, BadTemplate.

    As `html` the values are escaped; as a `line` it has no line breaks.
    """
    parts = parse(text)
    missing = [
        part.name
        for part in parts
        if isinstance(part, Variable)
        and part.default is None
        and is_empty(values.get(part.name))
    ]
    if missing:
        raise MissingVariable(list(dict.fromkeys(missing)))
    said = "".join(
        part if isinstance(part, str) else _value(part, values, html=html)
        for part in parts
    )
    said = " ".join(said.split()) if line else said
    return safe(CONTROL.sub("", said))


def safe(text: str) -> str:
    """Return the text without anything that a provider would take for a template."""
    return BRACE.sub(lambda found: f"{found[0]}{APART}", text)


def is_empty(value: Value) -> bool:
    """Tell whether there is nothing to say; words for nothing are nothing, too."""
    if value is None:
        return True
    text = str(value).strip().lower()
    return text in {"", "none", "null", "undefined", "nan"}


def _parts(text: str) -> Iterator[Part]:
    end = 0
    for match in PART.finditer(text):
        yield text[end : match.start()]
        end = match.end()
        if match[0] == "\\{{":
            yield "{{"
        elif match[1] is None:
            raise BadTemplate(f"{match[0]} without its other half")
        else:
            yield _variable(match[1])
    yield text[end:]


def _variable(tag: str) -> Variable:
    found = TAG.fullmatch(tag)
    if found is None or "__" in found[1]:
        raise BadTemplate(f"{{{{{tag.strip()[:50]}}}}} is no variable")
    filters = tuple(
        (name, argument.strip('"')) for name, argument in re.findall(FILTER, found[2])
    )
    for name, argument in filters:
        _check(name, argument)
    return Variable(found[1], filters)


def _check(name: str, argument: str) -> None:
    if name not in FILTERS and name != "padrao":
        raise BadTemplate(f"unknown filter: {name}")
    if name == "trunca" and not argument.isdigit():
        raise BadTemplate("trunca needs a number")


def _value(part: Variable, values: Mapping[str, Value], *, html: bool) -> str:
    value = values.get(part.name)
    if is_empty(value):
        said = part.default or ""
    else:
        for name, argument in part.filters:
            if name != "padrao":
                value = FILTERS[name](value, argument)
        said = _plain(value)
    return escape(said) if html else said


def _plain(value: Value) -> str:
    if isinstance(value, datetime):
        return value.strftime("%d/%m/%Y %H:%M")
    return value.strftime("%d/%m/%Y") if isinstance(value, date) else str(value)


DATE_WORDS = {"dd": "%d", "mm": "%m", "aaaa": "%Y", "aa": "%y"}
WEEKDAYS = ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira",
            "sexta-feira", "sábado", "domingo")  # fmt: skip
MORNING, AFTERNOON, EVENING = 5, 12, 18


def greeting(moment: datetime) -> str:
    """Return the greeting of a local time."""
    if MORNING <= moment.hour < AFTERNOON:
        return "Bom dia"
    return "Boa tarde" if AFTERNOON <= moment.hour < EVENING else "Boa noite"


def _date(value: Value, pattern: str) -> str:
    if not isinstance(value, date):
        return _plain(value)
    words = re.split(r"(dd|mm|aaaa|aa)", pattern or "dd/mm/aaaa")
    return "".join(value.strftime(DATE_WORDS.get(word, word)) for word in words if word)


def _number(value: Value, _: str) -> str:
    try:
        amount = Decimal(str(value))
    except ArithmeticError:
        return _plain(value)
    places = 0 if amount == amount.to_integral_value() else 2
    return _swapped(f"{amount:,.{places}f}")


def _money(value: Value, _: str) -> str:
    try:
        return f"R$ {_swapped(f'{Decimal(str(value)):,.2f}')}"
    except ArithmeticError:
        return _plain(value)


def _swapped(text: str) -> str:
    return text.translate(str.maketrans(",.", ".,"))


def _time(value: Value, _: str) -> str:
    return value.strftime("%H:%M") if isinstance(value, datetime) else _plain(value)


def _weekday(value: Value, _: str) -> str:
    return WEEKDAYS[value.weekday()] if isinstance(value, date) else _plain(value)


def _cut(value: Value, most: str) -> str:
    text = _plain(value)
    return text if len(text) <= int(most) else f"{text[: max(int(most) - 1, 0)]}…"


def _first(value: Value, _: str) -> str:
    return next(iter(_plain(value).split()), "")


FILTERS: dict[str, Callable[[Value, str], str]] = {
    "maiusculas": lambda value, _: _plain(value).upper(),
    "minusculas": lambda value, _: _plain(value).lower(),
    "titulo": lambda value, _: _plain(value).title(),
    "primeiro_nome": _first,
    "data": _date,
    "hora": _time,
    "moeda": _money,
    "numero": _number,
    "trunca": _cut,
    "dia_semana": _weekday,
}
