"""Write runs and suppressions out as CSV, page by page, whatever their number."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from cadences import masks
from cadences.models import Lead, Run, Suppression
from cadences.selection import Runs
from queues.export_letters import line

PAGE = 500
RUNS = (
    "run", "lead", "name", "address", "company", "cadence", "version", "round",
    "status", "reason", "last_step", "next_step", "next_at", "started_at", "errors",
    "owner",
)  # fmt: skip
SUPPRESSIONS = (
    "address_hash", "company", "medium", "reason", "source", "created_at", "expires_at"
)  # fmt: skip


def runs_as_csv(selection: Runs, *, reveals: bool) -> Iterator[str]:
    """Yield a table of runs, the newest first; people are masked unless revealed."""
    yield line(RUNS)
    for run in _runs(selection):
        yield line(_told(run, reveals=reveals))


def suppressions_as_csv() -> Iterator[str]:
    """Yield a table of all suppressions; of the addresses the keyed hashes alone."""
    yield line(SUPPRESSIONS)
    rows, after = Suppression.objects.order_by("pk"), 0
    while page := list(rows.filter(pk__gt=after)[:PAGE]):
        for each in page:
            yield line((
                each.address_hash, each.company_id or "", each.medium or "",
                each.reason, each.source, each.created_at.isoformat(),
                _moment(each.expires_at),
            ))  # fmt: skip
        after = page[-1].pk


def _runs(selection: Runs) -> Iterator[Run]:
    """Go by the key: no cursor is held open, and no page costs more than the first."""
    rows = selection.rows().order_by("-created_at", "-pk")
    rows = rows.select_related("lead__owner", "cadence", "version")
    rows = rows.prefetch_related("lead__contacts").defer("context", "sticky")
    page = list(rows[:PAGE])
    while page:
        yield from page
        last = page[-1]
        beyond = Q(created_at__lt=last.created_at) | Q(pk__lt=last.pk)
        page = list(rows.filter(beyond, created_at__lte=last.created_at)[:PAGE])


def _told(run: Run, *, reveals: bool) -> tuple[Any, ...]:
    lead = run.lead
    name, address = lead.name, _address(lead)
    if not reveals:
        name, address = masks.name(name), masks.address(address)
    return (
        run.pk, lead.pk, name, address, run.company_id, run.cadence.code,
        run.version.number, run.round, run.status,
        run.pause_reason or run.exit_reason or "", run.last_step, run.next_step or "",
        _moment(run.planned_run_at or run.next_run_at), _moment(run.started_at),
        run.errors_in_a_row, lead.owner or "",
    )  # fmt: skip


def _address(lead: Lead) -> str:
    known = sorted(lead.contacts.all(), key=lambda one: (not one.is_preferred, one.pk))
    return known[0].address if known else ""


def _moment(value: Any) -> str:
    return value.isoformat() if value else ""
