"""The chaos run: `python -m tests.chaos [--long] [--seed N] [--markdown FILE]`."""

import argparse
import itertools
import json
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests import report
from tests.stage import Stage, stage

if TYPE_CHECKING:
    from tests.chaos.scenarios import Chaos, Scenario

LONG = 3600.0
DRAIN = 90.0
"""Seconds that everything may take to come to rest at the end."""


def main() -> int:
    """Do harm, count, and return 1 if a promise was broken."""
    asked = arguments()
    print(*(f"# {line}" for line in report.machine()), f"# seed {asked.seed}", sep="\n")
    with stage("tests.shop", "tests.chaos") as built:
        from tests.chaos.results import Results

        began = time.monotonic()
        chaos, drained = play(built, asked)
        results = Results.of(chaos, drained=drained, seconds=time.monotonic() - began)
        for line in results.lines():
            print(json.dumps(line), flush=True)
        print(f"\n{results.text()}")
        if asked.logs:
            shutil.copytree(built.home, asked.logs, ignore=_all_but_logs)
        if asked.markdown:
            results.write(asked.markdown)
    return 1 if results.violations else 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--long", action="store_true", help="an hour at random")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--logs", type=Path, help="copy the logs to this new directory")
    return parser.parse_args()


def play(built: Stage, asked: argparse.Namespace) -> tuple["Chaos", bool]:
    """Run every scenario under load; return what was done, and whether all came to rest."""
    from django.db import connection

    from tests.chaos import firings
    from tests.chaos.crew import Crew
    from tests.chaos.scenarios import Chaos
    from tests.chaos.writer import Writer

    firings.start()
    with Crew() as crew:
        chaos = Chaos(built, crew, Writer(asked.seed), random.Random(asked.seed))
        chaos.writer.start()
        time.sleep(3)
        for scenario, peace in plan(chaos, long=asked.long):
            print((scenario.__doc__ or "").strip(), file=sys.stderr, flush=True)
            connection.close()
            scenario(chaos)
            time.sleep(peace)
            crew.revive()
        chaos.writer.stop()
        connection.close()
        firings.stop()
        return chaos, rest()


def plan(chaos: "Chaos", *, long: bool) -> Iterator[tuple["Scenario", float]]:
    """Yield the short form in order, or an hour of everything at random."""
    from tests.chaos.scenarios import EVERY, SHORT

    if not long:
        yield from SHORT
        return
    until = time.monotonic() + LONG
    yield from itertools.takewhile(
        lambda _: time.monotonic() < until,
        (chaos.random.choice(EVERY) for _ in itertools.count()),
    )


def rest() -> bool:
    """Wait until no job is left to run; tell whether that came true."""
    from tests.chaos.verdict import is_drained

    until = time.monotonic() + DRAIN
    while not is_drained():
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
    return True


def _all_but_logs(directory: str, names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if not name.endswith(".log") or (Path(directory) / name).is_dir()
    ]


if __name__ == "__main__":
    sys.exit(main())
