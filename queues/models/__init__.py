"""The rows of the engine."""

from queues.models.access import ApiToken, IdempotencyKey
from queues.models.job import Attempt, DeadLetter, Job, JobTotal
from queues.models.process import JobType, Pulse, Worker
from queues.models.rollup import JobMinute, RollUp
from queues.models.schedule import CronLog, ScheduleState, StarterSchedule

__all__ = [
    "ApiToken",
    "Attempt",
    "CronLog",
    "DeadLetter",
    "IdempotencyKey",
    "Job",
    "JobMinute",
    "JobTotal",
    "JobType",
    "Pulse",
    "RollUp",
    "ScheduleState",
    "StarterSchedule",
    "Worker",
]
