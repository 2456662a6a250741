"""What time it is, by the database alone, and which day in a zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from queues.ask import database_now


def now() -> datetime:
    """Return the moment by the clock of the database."""
    return database_now()


def day(moment: datetime, zone: str) -> date:
    """Return the day that it is in a zone; of an unknown zone, in UTC."""
    return moment.astimezone(zone_of(zone)).date()


def zone_of(name: str) -> ZoneInfo:
    """Return the zone of that name, or UTC."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")
