"""An alarm that rings inside the running handler: soft timeouts and budgets."""

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from queues.errors import Interrupted, QueueError, SoftTimeout


def shortest(timeout: float | None, budget: float | None) -> float | None:
    """Return the seconds until the first of the two ends; None if neither does."""
    known = [limit for limit in (timeout, budget) if limit is not None]
    return max(min(known), 0.001) if known else None


def error_of(timeout: float | None, budget: float | None) -> type[QueueError]:
    """Return what the alarm raises: whichever limit is reached first names it."""
    if budget is not None and (timeout is None or budget < timeout):
        return Interrupted
    return SoftTimeout


@contextmanager
def alarm(timeout: float | None, budget: float | None = None) -> Iterator[None]:
    """Raise SoftTimeout or Interrupted in the body once its seconds are over.

    By a signal in the main thread, which ends a blocking call too; elsewhere by
    an asynchronous exception, which waits for the next line of Python.
    """
    limit = shortest(timeout, budget)
    if limit is None:
        yield
        return
    error = error_of(timeout, budget)
    main = threading.current_thread() is threading.main_thread()
    with _by_signal(limit, error) if main else _by_thread(limit, error):
        yield


@contextmanager
def _by_signal(limit: float, error: type[QueueError]) -> Iterator[None]:
    def ring(signum: int, frame: FrameType | None) -> None:
        raise error(f"longer than {limit:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _by_thread(limit: float, error: type[QueueError]) -> Iterator[None]:
    target, lock = threading.get_ident(), threading.Lock()
    state = {"over": False, "rung": False}

    def ring() -> None:
        with lock:
            if not state["over"]:
                state["rung"] = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(target), ctypes.py_object(error)
                )

    timer = threading.Timer(limit, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            state["over"] = True
