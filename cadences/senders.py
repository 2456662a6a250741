"""Which account sends, and what it may still send: quotas, ramps, gaps, rests."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F

from cadences import retries
from cadences.facts import Facts, hash_of
from cadences.gates import Defer, Skip
from cadences.hours import at
from cadences.models import Account, Quota
from cadences.ports import names
from cadences.window import is_open

TAKE = """
INSERT INTO quota_buckets AS bucket (account_id, kind, starts_at, used, allowed)
SELECT %(account)s, %(kind)s, %(starts_at)s, 1, %(allowed)s WHERE %(allowed)s > 0
ON CONFLICT (account_id, kind, starts_at) DO UPDATE
    SET used = bucket.used + 1, allowed = greatest(%(allowed)s, bucket.used + 1)
    WHERE bucket.used < %(allowed)s
"""


@dataclass(frozen=True, slots=True)
class Period:
    """A span in which an account may send so many."""

    kind: str
    starts_at: datetime
    ends_at: datetime
    allowed: int


def choose(facts: Facts) -> Account | Defer:
    """Return the account that sends to this lead, or why none can now.

    A lead hears from one number: the account that wrote first, while it is there.
    """
    usable = [each for each in facts.accounts if each.adapter in names()]
    if not usable:
        return Defer(facts.now + retries.SENDER, "no_account")
    bound = facts.run.sticky.get(str(facts.reach.medium)) if facts.reach else None
    kept = [each for each in usable if str(each.pk) == bound]
    ready = [each for each in kept or usable if _rests(each, facts.now) is None]
    if ready:
        return ready[hash_of(str(facts.run.lead_id)) % len(ready)]
    until = min(_rests(each, facts.now) or facts.now for each in kept or usable)
    return Defer(until, "sender", ", ".join(each.name for each in kept or usable))


def _rests(account: Account, now: datetime) -> datetime | None:
    """Return until when an account does not send; None if it does."""
    if account.state != Account.State.ACTIVE:
        return now + retries.SENDER
    if account.broken_until is not None and account.broken_until > now:
        return account.broken_until
    return None


def unwelcome(account: Account, facts: Facts) -> Skip | None:
    """Return why an account may not send the text of a step now; None if it may.

    The provider would refuse it, and think the worse of us.
    """
    wording = facts.template.revision if facts.template else None
    if wording is None or wording.provider_name:
        return None
    if is_open(account, facts.run.lead, now=facts.now):
        return None
    return Skip("window_closed", account.name)


def is_limited(account: Account) -> bool:
    """Tell whether anything limits what an account sends."""
    limits = (account.per_day, account.per_hour, account.new_per_day, account.ramp_from)
    return bool(account.gap_seconds) or any(each is not None for each in limits)


def reserve(account: Account, facts: Facts, *, is_new: bool) -> Defer | None:
    """Take one message of an account's quota, whose row the caller has locked.

    Returns None, or when there will be room again; then nothing was taken.
    """
    zone = ZoneInfo(facts.run.company.time_zone)
    periods = periods_of(account, facts.now, zone, is_new=is_new)
    for period in periods:
        if _left(account, period) <= 0:
            return Defer(period.ends_at, f"quota_{period.kind}", account.name)
    if wait := _gap(account, facts):
        return wait
    with connection.cursor() as cursor:
        for period in periods:
            cursor.execute(TAKE, {
                "account": account.pk, "kind": period.kind,
                "starts_at": period.starts_at, "allowed": period.allowed,
            })  # fmt: skip
    Account.objects.filter(pk=account.pk).update(last_intended_at=facts.now)
    return None


def release(account: Account, intended_at: datetime, *, is_new: bool) -> None:
    """Give one message back: it was certainly not sent."""
    zone = ZoneInfo(account.company.time_zone)
    for period in periods_of(account, intended_at, zone, is_new=is_new):
        Quota.objects.filter(
            account=account, kind=period.kind, starts_at=period.starts_at, used__gt=0
        ).update(used=F("used") - 1)


def periods_of(
    account: Account, moment: datetime, zone: ZoneInfo, *, is_new: bool
) -> list[Period]:
    """Return the spans that a message of this moment counts in."""
    day = moment.astimezone(zone).date()
    start, end = (at(each, time(), zone) for each in (day, day + timedelta(days=1)))
    found = []
    if (most := day_limit(account, day)) is not None:
        found.append(Period(Quota.Kind.DAY, start, end, most))
    if account.per_hour is not None:
        hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        until = hour + timedelta(hours=1)
        found.append(Period(Quota.Kind.HOUR, hour, until, account.per_hour))
    if is_new and account.new_per_day is not None:
        found.append(Period(Quota.Kind.NEW, start, end, account.new_per_day))
    return found


def day_limit(account: Account, day: date) -> int | None:
    """Return how many messages an account may send on a day, its ramp included."""
    if account.ramp_from is None or day < account.ramp_from:
        return account.per_day
    climbed = (day - account.ramp_from).days * account.ramp_step + account.ramp_start
    return climbed if account.per_day is None else min(account.per_day, climbed)


def used_today(account: Account, now: datetime) -> int:
    """Return how many messages of an account count on this day."""
    rows = Quota.objects.filter(
        account=account, kind=Quota.Kind.DAY, starts_at__lte=now
    )
    newest = rows.order_by("-starts_at").first()
    fresh = newest is not None and now - newest.starts_at < timedelta(days=1)
    return newest.used if newest is not None and fresh else 0


def stumble(account: Account, *, now: datetime) -> datetime:
    """Count a refusal of the account itself; return when to come back."""
    # Read under its lock: what we hold is from before the call.
    held = Account.objects.select_for_update(of=("self",)).get(pk=account.pk)
    failures = held.failures + 1
    until = now + retries.REST
    opens = failures >= retries.BREAKER_AFTER
    Account.objects.filter(pk=account.pk).update(
        failures=failures, broken_until=until if opens else held.broken_until
    )
    return until if opens else now + retries.BUSY


def recover(account: Account) -> None:
    """Forget the refusals of an account that sends again."""
    if account.failures or account.broken_until:
        Account.objects.filter(pk=account.pk).update(failures=0, broken_until=None)


def _left(account: Account, period: Period) -> int:
    rows = Quota.objects.filter(
        account=account, kind=period.kind, starts_at=period.starts_at
    )
    return period.allowed - sum(rows.values_list("used", flat=True))


def _gap(account: Account, facts: Facts) -> Defer | None:
    """Let messages of an account stand apart; give each that waits a place of its own."""
    gap = timedelta(seconds=account.gap_seconds)
    if not gap or account.last_intended_at is None:
        return None
    if account.last_intended_at + gap <= facts.now:
        return None
    slot = max(account.next_slot_at or facts.now, account.last_intended_at + gap)
    Account.objects.filter(pk=account.pk).update(next_slot_at=slot + gap)
    return Defer(slot, "gap_of_sender", account.name)
