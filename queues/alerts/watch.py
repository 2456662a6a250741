"""Measure every rule, change how its subjects stand, and write what people are told.

A change and its message are one transaction, and the jobs that deliver the message
are part of it: nobody is told of a change that was rolled back, and none is lost.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from django.db import transaction

from queues.alerts.measures import Reading, measures
from queues.alerts.tell import tell
from queues.ask import database_now
from queues.models import AlertMessage, AlertRule, AlertState
from queues.models.alert import MAX_SUBJECT_LENGTH, Level

logger = structlog.get_logger(__name__)

GROUP = 5
"""So many subjects of a group that fire within TOGETHER are one incident."""
TOGETHER = timedelta(minutes=10)
MEASURED = (
    "is_firing", "since", "is_told", "told_at", "level", "value", "label", "group",
    "path",
)  # fmt: skip
"""What a look says of a subject; a mute meanwhile is somebody else's word."""
Kind = AlertMessage.Kind


@dataclass(frozen=True, slots=True)
class Watched:
    """What one look at all rules brought."""

    rules: int
    firing: int
    messages: int
    failed: tuple[str, ...]


def watch() -> Watched:
    """Look at every enabled rule once; rules that another process looks at are left.

    A rule whose measure fails says so on its page and keeps its states.
    """
    messages, failed, codes = 0, [], _codes()
    for code in codes:
        try:
            with transaction.atomic():
                messages += _look(code)
        except Exception as error:
            logger.exception("a rule could not be measured", rule=code)
            failed.append(code)
            AlertRule.objects.filter(code=code).update(
                failed_at=database_now(), error=f"{type(error).__name__}: {error}"[:500]
            )
    firing = AlertState.objects.filter(is_firing=True, is_incident=False).count()
    return Watched(len(codes), firing, messages, tuple(failed))


def _codes() -> list[str]:
    rules = AlertRule.objects.filter(enabled=True).order_by("id")
    return list(rules.values_list("code", flat=True))


def _look(code: str) -> int:
    """Bring the states of one rule up to date; return how many messages were written."""
    rule = (
        AlertRule.objects.select_for_update(skip_locked=True).filter(code=code).first()
    )
    if rule is None:
        return 0
    now, window = database_now(), timedelta(seconds=rule.window_seconds)
    readings = {
        each.subject[:MAX_SUBJECT_LENGTH]: each
        for each in measures()[rule.measure].read(now, window)
        if rule.subject in ("", each.subject)
    }
    states = {each.subject: each for each in rule.states.filter(is_incident=False)}
    for subject in readings.keys() | states.keys():
        _stand(rule, subject, readings.get(subject), states, now)
    if rule.failed_at is not None:
        AlertRule.objects.filter(pk=rule.pk).update(failed_at=None, error="")
    messages: list[AlertMessage] = []
    if rule.muted_until is None or rule.muted_until <= now:
        messages += _tell_of_fires(rule, _untold(rule, states.values(), now), now)
    messages += _tell_of_ends(rule, now)
    return len(messages)


def _stand(
    rule: AlertRule,
    subject: str,
    reading: Reading | None,
    states: dict[str, AlertState],
    now: datetime,
) -> None:
    """Let one subject fire, go on, or be well again."""
    state, level = states.get(subject), None
    if reading is None or (level := _level(rule, reading)) is None:
        if state is not None and state.is_firing:
            state.is_firing, state.since = False, now
            state.value = reading.value if reading else state.value
            state.save(update_fields=["is_firing", "since", "value"])
        return
    is_new = state is None
    if state is None:
        state = AlertState(rule=rule, subject=subject, is_firing=False, is_told=False)
        states[subject] = state
    if not state.is_firing:
        state.is_firing, state.since = True, now
    elif state.level != Level.CRITICAL and level == Level.CRITICAL:
        state.is_told, state.told_at = False, None  # worse is a change, told at once
    state.level, state.value = level, reading.value
    state.label = (reading.label or subject)[:MAX_SUBJECT_LENGTH]
    state.group, state.path = reading.group[:MAX_SUBJECT_LENGTH], reading.path[:300]
    state.save(update_fields=None if is_new else MEASURED)


def _level(rule: AlertRule, reading: Reading) -> Level | None:
    """Return how bad the value is; None is well, or rests on too little."""
    if reading.sample < rule.min_sample or not _beyond(
        rule, reading.value, rule.threshold
    ):
        return None
    critical = rule.critical_threshold
    if critical is not None and _beyond(rule, reading.value, critical):
        return Level.CRITICAL
    return Level(rule.level)


def _beyond(rule: AlertRule, value: float, threshold: float) -> bool:
    if rule.side == AlertRule.Side.BELOW:
        return value < threshold
    return value > threshold


def _untold(
    rule: AlertRule, states: Iterable[AlertState], now: datetime
) -> list[AlertState]:
    """Return what fires and may be told: not muted, not told again within the cooldown."""
    quiet_until = now - timedelta(seconds=rule.cooldown_seconds)
    return [
        each
        for each in states
        if each.is_firing
        and not each.is_told
        and (each.muted_until is None or each.muted_until <= now)
        and (each.told_at is None or each.told_at <= quiet_until)
    ]


def _tell_of_fires(
    rule: AlertRule, untold: list[AlertState], now: datetime
) -> Iterator[AlertMessage]:
    """Write a message a subject, or one for those that an incident has in common."""
    for group, members in groupby(sorted(untold, key=_by_group), key=lambda s: s.group):
        some = list(members)
        incident, is_new = _incident(rule, group, some, now) if group else (None, False)
        if incident is not None:
            AlertState.objects.filter(pk__in=[each.pk for each in some]).update(
                incident=incident, is_told=True, told_at=now
            )
            if is_new:
                everyone = list(incident.members.order_by("subject"))
                yield tell(rule, Kind.FIRED, [incident], everyone)
            continue
        for each in some:
            each.is_told, each.told_at = True, now
            each.save(update_fields=["is_told", "told_at"])
            yield tell(rule, Kind.FIRED, [each])


def _incident(
    rule: AlertRule, group: str, fresh: Sequence[AlertState], now: datetime
) -> tuple[AlertState | None, bool]:
    """Return the incident of a group, and whether it begins now; None: too few fire."""
    open_ = rule.states.filter(is_incident=True, subject=group).first()
    if open_ is not None and open_.is_firing:
        return open_, False
    together = rule.states.filter(
        is_incident=False, is_firing=True, group=group, since__gte=now - TOGETHER
    )
    if together.count() < GROUP:
        return None, False
    level = max((each.level for each in fresh), key=lambda each: each == Level.CRITICAL)
    incident, _ = AlertState.objects.update_or_create(
        rule=rule,
        subject=group,
        is_incident=True,
        defaults={
            "is_firing": True, "is_told": True, "told_at": now, "since": now,
            "level": level, "value": together.count(), "label": group,
            "group": group, "path": fresh[0].path,
        },
    )  # fmt: skip
    together.update(incident=incident)
    return incident, True


def _tell_of_ends(rule: AlertRule, now: datetime) -> Iterator[AlertMessage]:
    """Write that told subjects are well again; an incident ends with its last member."""
    for each in rule.states.filter(
        is_incident=False, is_firing=False, is_told=True
    ).order_by("subject"):
        each.is_told = False
        each.save(update_fields=["is_told"])
        if each.incident_id is None:
            yield tell(rule, Kind.RECOVERED, [each])
    for incident in rule.states.filter(is_incident=True, is_firing=True):
        if not incident.members.filter(is_firing=True).exists():
            members = list(incident.members.order_by("subject"))
            AlertState.objects.filter(pk=incident.pk).update(
                is_firing=False, is_told=False, since=now
            )
            yield tell(rule, Kind.RECOVERED, [incident], members)
            incident.members.update(incident=None)


def _by_group(state: AlertState) -> tuple[str, str]:
    return state.group, state.subject
