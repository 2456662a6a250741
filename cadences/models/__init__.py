"""Every row of this app."""

from cadences.models.accounts import Account, Quota, Receipt
from cadences.models.calendars import Calendar, Holiday, Slot
from cadences.models.definitions import Cadence, Step, Variant, Version
from cadences.models.executions import Attempt, Execution, Task
from cadences.models.logs import Control, RunnerLog
from cadences.models.messages import Conversation, Message
from cadences.models.people import (
    Company,
    Consent,
    Contact,
    ContactIssue,
    Lead,
    Pepper,
    Suppression,
)
from cadences.models.runs import Event, Run
from cadences.models.texts import Revision, Template

__all__ = [
    "Account",
    "Attempt",
    "Cadence",
    "Calendar",
    "Company",
    "Consent",
    "Contact",
    "ContactIssue",
    "Control",
    "Conversation",
    "Event",
    "Execution",
    "Holiday",
    "Lead",
    "Message",
    "Pepper",
    "Quota",
    "Receipt",
    "Revision",
    "Run",
    "RunnerLog",
    "Slot",
    "Step",
    "Suppression",
    "Task",
    "Template",
    "Variant",
    "Version",
]
