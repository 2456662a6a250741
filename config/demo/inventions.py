"""An invented shop and its weeks of jobs, as lines for COPY; pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate

from queues.states import End, State

QUEUE = "invented"
"""Where what waits is put: a queue that no worker takes, so none of it ever runs."""
NULL = r"\N"
RUNNING = 20
MOST_WAITING = 40_000
"""Waiting jobs; a backlog does not grow with the history."""
MAX_ATTEMPTS = 3
KEYED = DISMISSED = RETRYING = 0.1
FUTURE = 0.6
HICCUPS = 0.03
FIRED = 0.01
OWNED = 0.02
"""Shares of the jobs that carry a key, wait for a day to come, fail once, and so on."""
STRETCH, BATCH = 50_000, 500
"""Of so many jobs the first so many are a batch."""
DAY = 86400.0

JOB_COLUMNS = (
    "id", "type", "queue", "payload", "status", "priority", "run_at", "unique_key",
    "max_attempts", "failures", "user_id", "source", "result", "error", "created_at",
    "started_at", "completed_at", "batch_id",
)  # fmt: skip
ATTEMPT_COLUMNS = (
    "job_id", "worker_id", "number", "claimed_at", "started_at", "finished_at",
    "outcome", "error", "traceback",
)  # fmt: skip
LETTER_COLUMNS = ("job_id", "type", "reason", "traceback", "created_at", "dismissed_at")
FIRING_COLUMNS = (
    "job_name", "job_type", "status", "details", "created_at", "due_at", "job_id",
    "finished_at",
)  # fmt: skip

# Name, queue, share of all jobs, usual seconds of a run, how its payload looks.
KINDS = (
    ("shop.send-receipt", "default", 300, 0.08, '{{"order_id":{n},"email":"{who}"}}'),
    ("shop.index-product", "default", 240, 0.02, '{{"sku":"SKU-{n}","shop":{m}}}'),
    ("shop.sync-stock", "sync", 160, 1.2, '{{"shop":{m},"page":{p}}}'),
    ("crm.push-contact", "sync", 120, 0.4, '{{"contact":{n},"email":"{who}"}}'),
    ("mail.newsletter", "mail", 90, 0.3, '{{"issue":{p},"to":"{who}"}}'),
    ("mail.reminder", "mail", 50, 0.2, '{{"cart":"C-{n}","to":"{who}"}}'),
    ("report.daily", "reports", 20, 14.0, '{{"shop":{m},"pages":{p}}}'),
    ("invoice.render", "reports", 12, 2.5, '{{"invoice":"R-{n}","lines":{p}}}'),
    ("media.resize", "default", 6, 0.9, '{{"file":"photo-{n}.jpg","width":{p}}}'),
    ("tax.export", "reports", 1, 30.0, '{{"quarter":{p},"shop":{m}}}'),
)
NAMES = ("ana", "bruno", "carla", "diego", "elisa", "fabio", "gilda", "hugo", "iris")
SURNAMES = ("alves", "braga", "costa", "dias", "farias", "gomes", "lima", "melo")
FAULTS = (
    "TimeoutError: the shop {m} did not answer within 30 s",
    "ConnectionError: mail.example.com refused the connection",
    "ValueError: the address of contact {n} is not valid",
    "KeyError: 'lines' of invoice R-{n}",
    "HTTPError: 503 from https://crm.example.com/contacts/{n}",
    "HTTPError: 429 from https://shop-{m}.example.com/stock",
    "PermissionError: the token of shop {m} has expired",
    "OSError: no space left for photo-{n}.jpg",
    "ZeroDivisionError: division by zero",
    "DataError: value too long for type character varying(40)",
)
TRACEBACK = (
    r"Traceback (most recent call last):\n"
    r'  File "shop/jobs.py", line 48, in run\n    return send(data, job)\n'
    r'  File "shop/send.py", line {p}, in send\n    answer = client.post(data)\n'
)


@dataclass(slots=True)
class Lines:
    """What some jobs left, table by table."""

    jobs: list[str] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    firings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Shop:
    """Jobs numbered from `first`, spread over the days before `now`, oldest first."""

    first: int
    jobs: int
    letters: int
    now: float
    days: float
    owners: list[int]
    workers: list[int]
    batches: list[int]
    seed: int = 7
    _dice: random.Random = field(init=False)
    _weights: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Throw the same dice for the same seed."""
        self._dice = random.Random(self.seed)  # noqa: S311 - no secret
        self._weights = list(accumulate(kind[2] for kind in KINDS))

    def chunks(self, size: int) -> Iterator[Lines]:
        """Yield the lines of so many jobs at a time."""
        for start in range(0, self.jobs, size):
            lines = Lines()
            for place in range(start, min(start + size, self.jobs)):
                self._job(place, lines)
            yield lines

    def _job(self, place: int, lines: Lines) -> None:
        dice = self._dice.random
        name, queue, _, usual, payload = self._dice.choices(
            KINDS, cum_weights=self._weights
        )[0]
        words = self._words()
        status = self._status(place)
        created = self.now - self.days * DAY * (1 - place / self.jobs)
        job = _Job(self.first + place, name, queue, status, created)
        job.seconds = usual * (0.5 + dice() ** 4 * 6)
        if status == State.PENDING:
            self._wait(job, dice(), lines)
        else:
            self._run(job, words, lines)
        batch = self._batch(place)
        lines.jobs.append(
            job.line(
                payload=payload.format(**words),
                priority=1 + int(dice() * dice() * 9),
                owner=_or_null(self.owners, dice(), OWNED),
                key=f"order:{words['n']}" if dice() < KEYED else NULL,
                batch=batch,
            )
        )

    def _words(self) -> dict[str, object]:
        dice = self._dice.random
        name = NAMES[int(dice() * len(NAMES))]
        surname = SURNAMES[int(dice() * len(SURNAMES))]
        return {
            "n": int(dice() * 9_000_000) + 1_000_000,
            "m": int(dice() * 400) + 1,
            "p": int(dice() * 90) + 10,
            "who": f"{name}.{surname}{int(dice() * 1000)}@example.com",
        }

    def _status(self, place: int) -> State:
        """Spread exactly `letters` dead jobs evenly over those that ended."""
        waiting = min(MOST_WAITING, self.jobs // 50)
        left = self.jobs - place
        if left <= waiting:
            return State.PENDING
        if left <= waiting + RUNNING:
            return State.PROCESSING
        ended = max(self.jobs - waiting - RUNNING, 1)
        if (place + 1) * self.letters // ended > place * self.letters // ended:
            return State.FAILED
        return State.CANCELLED if place % 200 == 0 else State.COMPLETED

    def _batch(self, place: int) -> str:
        stretch, inside = divmod(place, STRETCH)
        if inside >= BATCH or stretch >= len(self.batches):
            return NULL
        return str(self.batches[stretch])

    def _wait(self, job: "_Job", chance: float, lines: Lines) -> None:
        """Let it be due in some days, come again after a failure, or be due."""
        job.queue = QUEUE
        job.run_at = job.created
        if chance < RETRYING:
            job.claimed, job.failures = job.created, 1
            ended = job.attempt(1, self.workers[0], End.FAILED, FAULTS[1], "")
            lines.attempts.append(ended)
            job.ended = 0.0
        if chance < FUTURE:
            job.run_at = self.now + chance * 20 * DAY

    def _run(self, job: "_Job", words: dict[str, object], lines: Lines) -> None:
        dice = self._dice.random
        job.claimed = job.run_at = job.created + dice() ** 6 * 30
        worker = self.workers[int(dice() * len(self.workers))]
        fault = FAULTS[int(dice() ** 2 * len(FAULTS))].format(**words)
        trace = TRACEBACK.format(**words)
        if job.status == State.PROCESSING:
            lines.attempts.append(job.open(worker))
            return
        if job.status not in {State.FAILED, State.COMPLETED}:
            job.claimed, job.ended = 0.0, job.claimed
            return
        for number, end in enumerate(self._ends(job.status), 1):
            failed = end == End.FAILED
            job.failures += failed
            lines.attempts.append(
                job.attempt(number, worker, end, fault if failed else NULL, trace)
            )
        if job.status == State.FAILED:
            lines.letters.append(job.letter(fault, trace, dismissed=dice() < DISMISSED))
        elif dice() < FIRED:
            job.source = "schedule"
            lines.firings.append(job.firing())

    def _ends(self, status: str) -> list[End]:
        """Return how the tries of a job that ended so ended."""
        if status == State.FAILED:
            return [End.FAILED] * MAX_ATTEMPTS
        hiccup = self._dice.random() < HICCUPS
        return [End.FAILED, End.COMPLETED] if hiccup else [End.COMPLETED]


@dataclass(slots=True)
class _Job:
    """One job while its lines are written; moments are seconds."""

    id: int
    type: str
    queue: str
    status: State
    created: float
    run_at: float = 0.0
    claimed: float = 0.0
    ended: float = 0.0
    seconds: float = 0.0
    failures: int = 0
    error: str = NULL
    source: str = "code"

    def line(
        self, *, payload: str, priority: int, owner: str, key: str, batch: str
    ) -> str:
        """Return the row of the job."""
        done = self.status == State.COMPLETED
        is_live = self.status in {State.PENDING, State.PROCESSING}
        return "\t".join((
            str(self.id), self.type, self.queue, payload, self.status.value,
            str(priority), moment(self.run_at),
            f"{key}:{self.id}" if is_live and key != NULL else key,
            str(MAX_ATTEMPTS), str(self.failures), owner, self.source,
            '{"ok":true}' if done else NULL, NULL if done else self.error,
            moment(self.created), moment(self.claimed) if self.claimed else NULL,
            moment(self.ended) if self.ended else NULL, batch,
        ))  # fmt: skip

    def open(self, worker: int) -> str:
        """Return the attempt that runs now."""
        claimed = moment(self.claimed)
        return "\t".join(
            (str(self.id), str(worker), "1", claimed, claimed, NULL, NULL, NULL, NULL)
        )

    def attempt(
        self, number: int, worker: int, end: End, fault: str, trace: str
    ) -> str:
        """Return an ended attempt; the next one starts a few seconds later."""
        if number > 1:
            self.claimed = self.run_at = self.ended + 2.0**number
        self.ended = self.claimed + self.seconds
        if fault != NULL:
            self.error = fault
        return "\t".join((
            str(self.id), str(worker), str(number), moment(self.claimed),
            moment(self.claimed), moment(self.ended), end.value, fault,
            f"{trace}{fault}" if fault != NULL else NULL,
        ))  # fmt: skip

    def letter(self, fault: str, trace: str, *, dismissed: bool) -> str:
        """Return the letter of a dead job."""
        died = moment(self.ended)
        return "\t".join((
            str(self.id), self.type, fault, f"{trace}{fault}", died,
            moment(self.ended + 3600) if dismissed else NULL,
        ))  # fmt: skip

    def firing(self) -> str:
        """Return the firing that started the job and closed with it."""
        return "\t".join((
            f"{self.type} now and then", self.type, "success", "{}",
            moment(self.created), moment(self.created), str(self.id),
            moment(self.ended),
        ))  # fmt: skip


def moment(seconds: float) -> str:
    """Return a moment as PostgreSQL reads it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(" ")


def _or_null(choices: list[int], chance: float, share: float) -> str:
    if chance >= share or not choices:
        return NULL
    return str(choices[int(chance / share * len(choices))])
