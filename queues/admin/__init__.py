"""The admin: windows on the rows, with buttons that call the verbs."""

from queues.admin import firings, jobs, letters, schedules, tokens, workers

__all__ = ["firings", "jobs", "letters", "schedules", "tokens", "workers"]
