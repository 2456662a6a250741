"""Put a job that came without it under the limit of its type, instead of running it."""

from collections.abc import Sequence
from contextlib import suppress

from django.db import transaction

from queues import payload
from queues.claims import Claim
from queues.errors import ClaimLost, InvalidJobData
from queues.handlers import registry
from queues.models import Job
from queues.outcomes import Bury, Release
from queues.settle import settle
from queues.states import State


def bind(claims: Sequence[Claim]) -> list[Claim]:
    """Give back the claims that evade their type's limit; return the others.

    A row that SQL wrote, or that waited while a deploy brought the limit, has no
    limit or another one. It goes back as if never claimed, with the right columns; if
    its data does not tell the key, it dies.
    """
    if not registry.limits:
        return list(claims)
    return [each for each in claims if not (_is_stray(each) and _bound(each))]


def _is_stray(claim: Claim) -> bool:
    limit = registry.limits.get(claim.type)
    return limit is not None and limit.name != claim.limit_name


def _bound(claim: Claim) -> bool:
    handler = registry.get(claim.type)
    try:
        key = payload.limit_key(handler, claim.payload)
    except InvalidJobData as error:
        with suppress(ClaimLost):
            settle([(claim, Bury(str(error)))])
        return True
    # Should the attempt be closed, whoever did that decided what becomes of the job.
    with suppress(ClaimLost), transaction.atomic():
        settle([(claim, Release("it waits for its limit"))])
        Job.objects.filter(pk=claim.job_id, status=State.PENDING).update(
            limit_name=registry.limits[claim.type].name, limit_key=key
        )
    return True
