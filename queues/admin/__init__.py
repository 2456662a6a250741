"""The admin: windows on the rows, with buttons that call the verbs."""

from queues.admin import firings, jobs, letters, limits, schedules, tokens, workers

__all__ = ["firings", "jobs", "letters", "limits", "schedules", "tokens", "workers"]
