"""What a template may say of a lead: a flat mapping of plain values."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal

from cadences.grammar import Value, greeting
from cadences.links import way_out
from cadences.models import Lead, Run
from cadences.states import Medium
from cadences.steps import zone_of

Provider = Callable[[Run, datetime], Mapping[str, Value]]

BUILT_IN = (
    "nome", "primeiro_nome", "lead_nome", "email", "telefone", "empresa", "estagio",
    "vendedor_nome", "saudacao", "hoje", "agora",
    "link_descadastro",
)  # fmt: skip
ALWAYS_SAID = ("empresa", "saudacao", "hoje", "agora", "link_descadastro")
"""Names that never lack a value, in the channel that needs it."""
OPEN = ("dados", "contexto", "oferta_")
"""Beginnings of names whose values come with the lead, the run or a provider."""

_providers: list[Provider] = []


def provide(provider: Provider) -> Provider:
    """Add values of an app's own: `{"oferta_nome": …}`. It must not wait for anybody."""
    _providers.append(provider)
    return provider


def is_known(name: str) -> bool:
    """Tell whether a template may use a name; its value may still be missing."""
    return name in BUILT_IN or name.startswith(OPEN)


def values_of(run: Run, *, now: datetime) -> dict[str, Value]:
    """Return what can be said to the lead of this run at this moment."""
    lead, local = run.lead, now.astimezone(zone_of(run).info)
    said: dict[str, Value] = {
        "nome": lead.name,
        "lead_nome": lead.name,
        "primeiro_nome": lead.first_name or next(iter(lead.name.split()), ""),
        "email": _address(lead, Medium.EMAIL),
        "telefone": _address(lead, Medium.WHATSAPP),
        "empresa": run.company.name or run.company.code,
        "estagio": lead.stage,
        "vendedor_nome": _owner(lead),
        "saudacao": greeting(local),
        "hoje": local.date(),
        "agora": local,
        "link_descadastro": way_out(run.lead_id),
    }
    said |= _flat("dados", lead.data) | _flat("contexto", run.context)
    for provider in _providers:
        said |= provider(run, now)
    return said


def _flat(prefix: str, data: object) -> dict[str, Value]:
    if not isinstance(data, dict):
        return {}
    return {
        f"{prefix}.{name}".lower(): value
        for name, value in data.items()
        if isinstance(value, str | int | float | Decimal | date)
    }


def _address(lead: Lead, medium: str) -> str:
    contacts = [each for each in lead.contacts.all() if each.medium == medium]
    contacts.sort(key=lambda each: (not each.is_preferred, each.pk))
    return contacts[0].address if contacts else ""


def _owner(lead: Lead) -> str:
    return lead.owner.get_full_name() or lead.owner.get_username() if lead.owner else ""
