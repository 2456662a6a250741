"""The verbs of runs, as buttons and as actions of the list."""

from typing import Any

from django.utils.translation import gettext_lazy, pgettext_lazy

from cadences.admin.deeds import on_run
from cadences.admin.desk import reason_form
from cadences.admin.run_forms import (
    MigrateForm,
    PauseForm,
    ReasonForm,
    RescheduleForm,
    RestartForm,
    ResumeForm,
    SaidForm,
)
from cadences.migrate import move
from cadences.models import Version
from cadences.pause import cancel, pause, reschedule, resume_run, run_now, skip_step
from cadences.restart import restart
from cadences.states import LIVE, RunStatus
from queues.admin.verbs import Verb

OPERATE = "cadences.operate_run"


def _is_active(run: Any) -> bool:
    return bool(run.status == RunStatus.ACTIVE)


def _verb(name: str, label: Any, act: Any, logged: Any, **facts: Any) -> Verb:
    options = {"offered": _is_active, "form": ReasonForm, **facts}
    return Verb(
        name=name, label=label, act=on_run(f"run.{name}", act), permission=OPERATE,
        logged=logged, **options,
    )  # fmt: skip


PAUSE = _verb(
    "pause", gettext_lazy("Pause"), pause, gettext_lazy("Paused"), form=PauseForm
)
RESUME = _verb(
    "resume", gettext_lazy("Resume"), resume_run, gettext_lazy("Resumed"),
    form=ResumeForm, offered=lambda run: run.status == RunStatus.PAUSED,
)  # fmt: skip
HURRY = _verb(
    "hurry",
    gettext_lazy("Send now"),
    run_now,
    gettext_lazy("Due now"),
    form=reason_form(
        gettext_lazy(
            "The next step goes with the next pass, also outside the open hours. "
            "Replies, opt-outs and quotas still count."
        )
    ),
)
RESCHEDULE = _verb(
    "reschedule", gettext_lazy("Move to another time"), reschedule,
    gettext_lazy("Moved"), form=RescheduleForm,
)  # fmt: skip
SKIP = _verb(
    "skip",
    gettext_lazy("Skip the step"),
    skip_step,
    gettext_lazy("Step skipped"),
    form=reason_form(
        gettext_lazy(
            "The next step is passed over for good; the one after it counts from now."
        )
    ),
)
MIGRATE = _verb(
    "migrate",
    gettext_lazy("Move to the published version"),
    move,
    gettext_lazy("Moved to the published version"),
    form=MigrateForm,
    offered=lambda run: (
        run.status in LIVE and run.version.state == Version.State.RETIRED
    ),
)
CANCEL = _verb(
    "cancel",
    pgettext_lazy("verb", "Cancel"),
    cancel,
    gettext_lazy("Cancelled"),
    form=SaidForm,
    offered=lambda run: run.status in LIVE,
    question=gettext_lazy(
        "No further message goes out in this run; one on the wire is still recorded. "
        "This cannot be undone."
    ),
)
RESTART = _verb(
    "restart",
    gettext_lazy("Start anew"),
    restart,
    gettext_lazy("Started anew"),
    form=RestartForm,
    offered=lambda run: run.lead.erased_at is None,
    question=gettext_lazy(
        "A live run ends, and the lead enters the cadence again: a new run in a new "
        "round, on the version that is published now. Steps that the lead has heard "
        "are sent again."
    ),
)
VERBS = (PAUSE, RESUME, HURRY, RESCHEDULE, SKIP, MIGRATE, RESTART, CANCEL)
AT_HAND = (PAUSE, SKIP, HURRY)
"""Those that stand beside each of the next actions."""
ORDERED = {verb.name: verb for verb in (PAUSE, RESUME, HURRY, SKIP, MIGRATE, CANCEL)}
"""Those that can be ordered over all runs of a list."""
