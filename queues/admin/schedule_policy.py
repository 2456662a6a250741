"""What a schedule does when something gets in its way, as fields of its form."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from queues.models import ScheduleState
from queues.schedule_facts import Options
from queues.schedule_terms import DEFAULT_CAP, MOST_CAP, MOST_TRIES
from queues.schedule_terms import LONGEST_JITTER as JITTER

LONGEST_JITTER = int(JITTER.total_seconds())
LONGEST_GRACE = 30 * 86400

TERMS = (
    "misfire", "misfire_cap", "grace_seconds", "overlap", "jitter_seconds",
    "max_attempts",
)  # fmt: skip


class PolicyFields(forms.Form):
    """Missed runs, runs that would overlap, spread and tries."""

    misfire = forms.ChoiceField(
        label=_("If runs were missed"),
        choices=ScheduleState.Misfire.choices,
        initial=ScheduleState.Misfire.ONCE,
        required=False,
        help_text=_("After an outage, for instance, in which no scheduler ran."),
    )
    misfire_cap = forms.IntegerField(
        label=_("Most missed runs"),
        min_value=1,
        max_value=MOST_CAP,
        initial=DEFAULT_CAP,
        required=False,
        help_text=_("Of many missed runs, the newest so many are made up for."),
    )
    grace_seconds = forms.IntegerField(
        label=_("Too late after"),
        min_value=1,
        max_value=LONGEST_GRACE,
        required=False,
        help_text=_("Seconds; a run that is later is skipped. Empty: never too late."),
    )
    overlap = forms.ChoiceField(
        label=_("If the run before is not done"),
        choices=ScheduleState.Overlap.choices,
        initial=ScheduleState.Overlap.ALLOW,
        required=False,
    )
    jitter_seconds = forms.IntegerField(
        label=_("Spread over"),
        min_value=0,
        max_value=LONGEST_JITTER,
        initial=0,
        required=False,
        help_text=_("Seconds; each job starts up to so much later than it is due."),
    )
    max_attempts = forms.IntegerField(
        label=_("Tries"),
        min_value=1,
        max_value=MOST_TRIES,
        required=False,
        help_text=_("Empty: as the job type says."),
    )
    one_off = forms.BooleanField(label=_("End after the first run"), required=False)


def terms_of(task: Any) -> dict[str, Any]:
    """Return what the form shows of the policies of a schedule."""
    state = getattr(task, "state", None)
    return {} if state is None else {name: getattr(state, name) for name in TERMS}


def term_options(data: dict[str, Any]) -> Options:
    """Return the cleaned policies as the arguments that code would give."""
    grace, jitter = data.get("grace_seconds"), data.get("jitter_seconds")
    return {
        "misfire": data.get("misfire") or ScheduleState.Misfire.ONCE,
        "misfire_cap": data.get("misfire_cap") or DEFAULT_CAP,
        "grace": None if grace is None else timedelta(seconds=grace),
        "overlap": data.get("overlap") or ScheduleState.Overlap.ALLOW,
        "jitter": timedelta(seconds=jitter or 0),
        "max_attempts": data.get("max_attempts"),
        "one_off": bool(data.get("one_off")),
    }
