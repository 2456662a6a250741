"""Rules and channels that ship: written once, staff's from then on."""

from dataclasses import dataclass
from typing import TypedDict, Unpack

from django.db import transaction

from queues.models import AlertChannel, AlertRule

DEFAULT_CHANNELS = (
    (10, "slack", AlertChannel.Kind.SLACK),
    (20, "email", AlertChannel.Kind.EMAIL),
)


class Terms(TypedDict, total=False):
    """What a shipped rule may say; see AlertRule."""

    side: str
    critical_threshold: float
    level: str
    window_seconds: int
    min_sample: int
    cooldown_seconds: int
    note: str


@dataclass(frozen=True, slots=True)
class Starter:
    """One shipped rule."""

    code: str
    measure: str
    threshold: float
    terms: Terms


_starters: dict[str, Starter] = {}


def starter_rule(
    code: str, *, measure: str, threshold: float, **terms: Unpack[Terms]
) -> None:
    """Declare a rule for `install_rules` to write; an edit of it is never undone."""
    _starters[code] = Starter(code, measure, threshold, terms)


@transaction.atomic
def install_rules() -> list[str]:
    """Write the shipped rules that are not there, and the two channels; return names."""
    if not AlertChannel.objects.exists():
        AlertChannel.objects.bulk_create(
            AlertChannel(position=position, name=name, kind=kind)
            for position, name, kind in DEFAULT_CHANNELS
        )
    known = set(AlertRule.objects.values_list("code", flat=True))
    missing = [each for code, each in _starters.items() if code not in known]
    AlertRule.objects.bulk_create(
        (
            AlertRule(
                code=each.code,
                measure=each.measure,
                threshold=each.threshold,
                is_starter=True,
                **each.terms,
            )
            for each in missing
        ),
        ignore_conflicts=True,
    )
    return [each.code for each in missing]
