"""For tests: a channel that remembers what reached whom, and a clock that stands still."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cadences import clock
from cadences.outcomes import Accepted, CannotTell, Outcome, Trace
from cadences.ports import Letter, Sender, Traits, using

Script = Callable[[Letter], Outcome]


@dataclass
class Recorder:
    """A provider in this process: the ledger says what reached the phones.

    `script` holds what the next calls do, in order; a script that calls `reach`
    has delivered, whatever it answers. After it, everything is accepted.
    """

    traits: Traits = field(default_factory=Traits)
    ledger: list[Letter] = field(default_factory=list)
    calls: list[Letter] = field(default_factory=list)
    script: list[Script | Outcome] = field(default_factory=list)
    trace: Trace | Callable[[str], Trace] = field(default_factory=CannotTell)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, letter: Letter) -> Outcome:
        """Do what the script says, else accept."""
        with self._lock:
            self.calls.append(letter)
            step = self.script.pop(0) if self.script else None
        if step is None:
            return self.reach(letter)
        return step(letter) if callable(step) else step

    def reach(self, letter: Letter) -> Accepted:
        """Let the message arrive."""
        with self._lock:
            self.ledger.append(letter)
        return Accepted(f"id-{letter.correlation}")

    def lookup(self, sender: Sender, correlation: str) -> Trace:
        """Answer what the test says of this correlation."""
        return self.trace(correlation) if callable(self.trace) else self.trace

    def counts(self) -> Counter[str]:
        """Count what arrived by execution."""
        return Counter(letter.correlation.partition(".")[0] for letter in self.ledger)


@contextmanager
def recording(name: str = "recorder") -> Iterator[Recorder]:
    """Register a recorder as the adapter of that name."""
    recorder = Recorder()
    with using(name, recorder):
        yield recorder


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.moment

    def pass_(self, **span: float) -> datetime:
        """Let time pass."""
        self.moment += timedelta(**span)
        return self.moment

    def go_to(self, moment: datetime) -> None:
        """Go to a moment."""
        self.moment = moment


@contextmanager
def at(moment: datetime) -> Iterator[Clock]:
    """Let every decision of cadences take this for now."""
    standing = Clock(moment)
    with clock.told(standing):
        yield standing
