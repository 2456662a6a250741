"""The rows of the engine."""

from queues.models.access import AccessScope, ApiToken, IdempotencyKey, RoleGrant
from queues.models.alert import (
    AlertChannel,
    AlertDelivery,
    AlertMessage,
    AlertRule,
    AlertState,
)
from queues.models.audit import AuditEntry
from queues.models.chain import JobBatch, JobNeed, UniqueWindow
from queues.models.job import Attempt, Job, JobTotal
from queues.models.letter import DeadLetter, LetterBulk, LetterRefusal
from queues.models.limit import LimitKey, LimitRow, LimitUse
from queues.models.process import JobType, Pulse, Worker
from queues.models.queue import Queue
from queues.models.rollup import JobMinute, RollUp
from queues.models.schedule import CronLog, ScheduleState, StarterSchedule

__all__ = [
    "AccessScope",
    "AlertChannel",
    "AlertDelivery",
    "AlertMessage",
    "AlertRule",
    "AlertState",
    "ApiToken",
    "Attempt",
    "AuditEntry",
    "CronLog",
    "DeadLetter",
    "IdempotencyKey",
    "Job",
    "JobBatch",
    "JobMinute",
    "JobNeed",
    "JobTotal",
    "JobType",
    "LetterBulk",
    "LetterRefusal",
    "LimitKey",
    "LimitRow",
    "LimitUse",
    "Pulse",
    "Queue",
    "RoleGrant",
    "RollUp",
    "ScheduleState",
    "StarterSchedule",
    "UniqueWindow",
    "Worker",
]
