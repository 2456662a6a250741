"""Pull a segment over, page by page, until it is through or must wait; then judge it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from syncs.clock import now
from syncs.models import SegmentControl, SegmentLog, SegmentPass, Trigger
from syncs.segments import enrich, sweep
from syncs.segments.account import access_of, company_of
from syncs.segments.conclude import End, conclude
from syncs.segments.fence import Hold, holding, take_up
from syncs.segments.finish import finish
from syncs.segments.sprinthub import AT_ONCE, SprintHub

SLICE = 120.0
"""Seconds after which another segment may have the turn."""
Status = SegmentLog.Status


class Watch(Protocol):
    """Who looks on: may stop it, and is told how far it is."""

    def cancelled(self) -> bool:
        """Tell whether to stop."""

    def save_checkpoint(self, value: object) -> None:
        """Be told of each page that is written."""

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Be told how far it is."""


@dataclass(slots=True)
class Turn:
    """One process pulling one segment for a while."""

    hold: Hold
    hub: SprintHub
    segment: int
    zone: str
    watch: Watch
    until: float
    began: float = field(default_factory=time.monotonic)
    wrote: bool = False
    """Something was written in this turn, so the next try starts further on."""


class Stopped(Exception):
    """The sync is to end here: cancelled, or its segment paused."""


class Later(Exception):
    """The turn is over, the sync is not."""


def begin(sync: SegmentPass, watch: Watch, *, seconds: float = SLICE) -> Turn:
    """Take a sync up; raises Misconfigured where it says not enough to be run."""
    hold = take_up(sync)
    with holding(hold) as held:
        if "mode" not in held.stats:
            held.mode = sweep.choose_mode(held, now=now())
            held.page_base = held.control.page_base
            held.stats["mode"] = held.mode
            held.save(update_fields=["mode", "page_base", "stats"])
        control = held.control
    access = access_of(control.connection)
    company_of(control)
    hub = SprintHub(access)
    until = time.monotonic() + seconds
    return Turn(hold, hub, control.segment_id, access.zone, watch, until)


def pull(turn: Turn) -> SegmentLog | None:
    """Go on until the end; return its log row, or None if only the turn is over.

    Raises what a call raises, or Ghost.
    """
    try:
        with _counted(turn):
            _pages(turn)
            note = _details(turn)
        return finish(turn.hold, note=note)
    except Later:
        return None
    except Stopped as stop:
        return give_up(turn.hold, End(Status.CANCELLED, str(stop), "cancelled"))


def give_up(hold: Hold, end: End) -> SegmentLog:
    """End a sync that cannot go on; what was written stays. Raises Ghost."""
    with holding(hold) as sync:
        return conclude(sync, end)


def _pages(turn: Turn) -> None:
    """Read and write pages, a second time if they shifted under us."""
    while True:
        while (step := _next(turn)) is not None:
            page = sweep.fetch(turn.hub, turn.segment, step)
            sweep.write(turn.hold, step, page, zone=turn.zone)
            _wrote(turn, f"page {step.number}", page.total)
        if not sweep.again(turn.hold):
            return


def _next(turn: Turn) -> sweep.Step | None:
    with _glance(turn) as sync:
        return sweep.next_step(sync)


def _details(turn: Turn) -> str:
    """Read the pages of leads; return what is to be said of them."""
    with holding(turn.hold) as sync:
        is_quick = sync.mode == SegmentPass.Mode.QUICK
        many = len(enrich.missing(sync, enrich.MOST_MISSING + 1))
    if is_quick and many > enrich.MOST_MISSING:
        sweep.read_all(turn.hold)  # one page of rows tells of a hundred of them
        _pages(turn)
    while True:
        with _glance(turn) as sync:
            if enrich.is_hollow(sync):
                return enrich.BLANK
            asked = enrich.due(sync, AT_ONCE)
            if not asked:
                sync.stats["waiting"] = enrich.left_over(sync)
                sync.save(update_fields=["stats"])
                return ""
        details = turn.hub.details(asked)
        enrich.apply_details(turn.hold, details, zone=turn.zone)
        if details.found:
            _wrote(turn, "details", None)
        if details.error is not None:
            raise details.error


@contextmanager
def _glance(turn: Turn) -> Iterator[SegmentPass]:
    """Hold the sync for a moment, unless it is to stop or its turn is over."""
    if turn.watch.cancelled():
        raise Stopped("cancelled")
    if time.monotonic() > turn.until:
        raise Later
    with holding(turn.hold) as sync:
        is_paused = sync.control.status == SegmentControl.Status.PAUSED
        if is_paused and sync.trigger in (Trigger.CRON, Trigger.SQL):
            raise Stopped("The segment was paused")
        yield sync


def _wrote(turn: Turn, what: str, total: int | None) -> None:
    turn.wrote = True
    turn.watch.save_checkpoint({"sync": turn.hold.sync_id, "after": what})
    with holding(turn.hold) as sync:
        done = sum(
            each.get("rows", 0) for each in sync.pages.values_list("counts", flat=True)
        )
        enriched = sync.stats.get("enriched", 0)
    turn.watch.progress(done or enriched, total, what)


@contextmanager
def _counted(turn: Turn) -> Iterator[None]:
    """Count the calls and the seconds of this turn, however it ends."""
    try:
        yield
    finally:
        spent = time.monotonic() - turn.began
        with holding(turn.hold) as sync:
            stats = sync.stats
            stats["calls"] = stats.get("calls", 0) + turn.hub.calls
            stats["active"] = round(stats.get("active", 0.0) + spent, 3)
            sync.save(update_fields=["stats"])
