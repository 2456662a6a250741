"""Steps, conditions and states as people say them."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cadences.models import Cadence, Step, Version
from cadences.states import Medium
from queues.admin import show

TONES = {
    Cadence.State.DRAFT: "wait",
    Cadence.State.ACTIVE: "good",
    Cadence.State.CLOSED: "busy",
    Cadence.State.PAUSED: "warn",
    Cadence.State.ARCHIVED: "mute",
}
OF_VERSION = {
    Version.State.DRAFT: "wait",
    Version.State.PUBLISHED: "good",
    Version.State.RETIRED: "mute",
}
COMPARED = {
    "equal": gettext_lazy("is"),
    "not_equal": gettext_lazy("is not"),
    "one_of": gettext_lazy("is one of"),
    "known": gettext_lazy("is known"),
}
FACTS = {
    "kind": gettext_lazy("kind"),
    "medium": gettext_lazy("channel"),
    "fallbacks": gettext_lazy("other channels"),
    "template_code": gettext_lazy("template"),
    "title": gettext_lazy("title"),
    "is_blocking": gettext_lazy("the run waits for it"),
    "delay": gettext_lazy("delay"),
    "unit": gettext_lazy("unit"),
    "base": gettext_lazy("counted"),
    "local_time": gettext_lazy("at local time"),
    "calendar_id": gettext_lazy("calendar"),
    "conditions": gettext_lazy("conditions"),
    "stop_on_reply": gettext_lazy("a reply ends the run"),
    "on_unknown": gettext_lazy("if nobody knows"),
    "gap_minutes": gettext_lazy("minutes since the last message"),
    "variants": gettext_lazy("variants"),
}
"""What a step says, as a difference between versions names it."""


def state_of(cadence: Cadence) -> SafeString:
    """Show the state of a cadence."""
    state = Cadence.State(cadence.state)
    return show.badge(str(state.label), TONES[state])


def state_of_version(version: Version) -> SafeString:
    """Show the state of a version."""
    state = Version.State(version.state)
    return show.badge(str(state.label), OF_VERSION[state])


def title(step: Step) -> str:
    """Return what a step is: its template, its variants, or its task."""
    if step.kind == Step.Kind.TASK:
        return step.title or _("a task without a title")
    variants = [each.template_code for each in step.variants.all()]
    return " / ".join(variants) or step.template_code or _("no template yet")


def ways(step: Step) -> str:
    """Return over which channels a step goes, in their order."""
    if step.kind == Step.Kind.TASK:
        return _("for a person")
    media = [str(step.medium), *map(str, step.fallbacks)]
    return " → ".join(str(medium(each)) for each in media)


def medium(word: str) -> str:
    """Return the name of a channel."""
    return str(Medium(word).label) if word in Medium else word


def when(step: Step) -> str:
    """Return when a step is due: "2 days after the step before, at 09:00"."""
    text = _from(step) if step.delay else _at_once(step)
    if step.local_time is None:
        return text
    return _("%(when)s, at %(time)s") % {"when": text, "time": f"{step.local_time:%H:%M}"}  # fmt: skip


def _at_once(step: Step) -> str:
    if step.position == 1 or step.base == Step.Base.START:
        return _("at the start")
    return _("right after the step before")


def _from(step: Step) -> str:
    span = _span(step)
    if step.position == 1 or step.base == Step.Base.START:
        return _("%(span)s after the start") % {"span": span}
    return _("%(span)s after the step before") % {"span": span}


def _span(step: Step) -> str:
    count = step.delay
    match step.unit:
        case Step.Unit.MINUTES:
            text = ngettext("%(n)d minute", "%(n)d minutes", count)
        case Step.Unit.HOURS:
            text = ngettext("%(n)d hour", "%(n)d hours", count)
        case Step.Unit.DAYS:
            text = ngettext("%(n)d day", "%(n)d days", count)
        case _:
            text = ngettext("%(n)d business day", "%(n)d business days", count)
    return text % {"n": count}


def condition(said: Any) -> str:
    """Return one condition of a step: "stage is one of new, hot"."""
    if not isinstance(said, dict):
        return str(said)
    value = said.get("value")
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    word = COMPARED.get(str(said.get("is", "equal")), str(said.get("is")))
    return f"{said.get('field', '')} {word} {'' if shown is None else shown}".rstrip()


def fact(name: str, value: Any, calendars: Mapping[int, str]) -> str:
    """Return what a step says of one fact, for a list of differences."""
    if name == "calendar_id":
        return calendars.get(value, "–") if value else _("as the cadence says")
    if name in CHOICES:
        return str(CHOICES[name](value).label)
    if name in LISTS:
        return LISTS[name](value) or "–"
    return _plain(value)


CHOICES: dict[str, Any] = {
    "kind": Step.Kind,
    "medium": Medium,
    "unit": Step.Unit,
    "base": Step.Base,
    "on_unknown": Step.OnUnknown,
}
LISTS: dict[str, Callable[[Any], str]] = {
    "fallbacks": lambda held: ", ".join(medium(str(each)) for each in held),
    "conditions": lambda held: "; ".join(condition(each) for each in held),
    "variants": lambda held: ", ".join(f"{c}: {t} × {w}" for c, t, w in held),
}


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "–" if value in {None, ""} else str(value)
