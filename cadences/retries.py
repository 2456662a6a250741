"""When to try again: the seed's table, and what it did not cover."""

from datetime import timedelta

NO_CONTACT = timedelta(minutes=30)
NO_TEMPLATE = timedelta(minutes=30)
MISSING_VARIABLE = timedelta(minutes=30)
NOT_SENT = timedelta(minutes=15)
EXCEPTION = timedelta(minutes=15)
CONTENT = timedelta(minutes=30)
BUSY = timedelta(seconds=60)
SENDER = timedelta(minutes=5)
SWITCHED_OFF = timedelta(minutes=5)

MAX_ERRORS = 3
"""Errors in a row after which a run pauses for a person."""
LEASE = timedelta(minutes=10)
"""How long a claim lasts: the seed's lock, far longer than a call may take."""
GIVEN_UP = timedelta(seconds=90)
"""A call that has not come back after this is an unknown outcome."""
LOOKUPS = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=60),
)
"""When an unknown outcome is looked for, after the message was intended."""
SETTLED = timedelta(minutes=61)
"""When its step's policy decides, after the message was intended."""
BREAKER_AFTER = 3
"""Refusals of an account in a row after which it rests."""
REST = timedelta(minutes=5)
