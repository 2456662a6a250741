"""One event loop a thread, kept between jobs, for `async def` handlers."""

import asyncio
import threading
from collections.abc import Coroutine

from queues.errors import QueueError

_local = threading.local()


def run_async(
    work: Coroutine[object, object, object],
    *,
    limit: float | None,
    error: type[QueueError],
) -> object:
    """Run a coroutine to its end in this thread's loop; raise `error` after `limit`."""
    runner: asyncio.Runner | None = getattr(_local, "runner", None)
    if runner is None:
        runner = _local.runner = asyncio.Runner()
    return runner.run(_limited(work, limit, error))


async def _limited(
    work: Coroutine[object, object, object],
    limit: float | None,
    error: type[QueueError],
) -> object:
    clock = asyncio.timeout(limit)
    try:
        async with clock:
            return await work
    except TimeoutError:
        if clock.expired():
            raise error(f"longer than {limit:g} s") from None
        raise
