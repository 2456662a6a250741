"""The chaos run: `python -m tests.chaos [--brief | --long] [--seed N]`."""

import argparse
import json
import random
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tests import report
from tests.stage import Stage, stage

if TYPE_CHECKING:
    from tests.chaos.scenarios import Chaos, Scenario

LONG = 60.0
STALL = 45.0
"""Seconds without the end of any job after which what is left counts as stuck."""


def main() -> int:
    """Do harm, count, and return 1 if a promise was broken."""
    asked = arguments()
    print(*(f"# {line}" for line in report.machine()), f"# seed {asked.seed}", sep="\n")
    with stage("tests.shop", "tests.chaos", fast=asked.brief) as built:
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
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--brief", action="store_true", help="a minute, as in the suite")
    form.add_argument("--minutes", type=float, help="so long, at random")
    form.add_argument(
        "--long", action="store_const", const=LONG, dest="minutes", help="an hour"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--logs", type=Path, help="copy the logs to this new directory")
    return parser.parse_args()


def play(built: Stage, asked: argparse.Namespace) -> tuple["Chaos", bool]:
    """Run every scenario under load; return what was done, and whether all came to rest."""
    from django.db import connection

    from tests.chaos import firings
    from tests.chaos.caller import Caller
    from tests.chaos.crew import Crew
    from tests.chaos.scenarios import Chaos
    from tests.chaos.writer import Writer

    firings.start()
    with Crew() as crew:
        writer, caller = Writer(asked.seed), Caller(crew.port)
        chaos = Chaos(built, crew, writer, caller, random.Random(asked.seed))
        writer.start()
        caller.start()
        time.sleep(3)
        for scenario, peace in plan(chaos, asked):
            print((scenario.__doc__ or "").strip(), file=sys.stderr, flush=True)
            connection.close()
            scenario(chaos)
            time.sleep(peace)
            crew.revive()
        writer.stop()
        caller.stop()
        connection.close()
        firings.stop()
        drained = rest()
        chaos.broken += [f"a worker is not whole: {said}" for said in crew.weak()]
        return chaos, drained


def plan(
    chaos: "Chaos", asked: argparse.Namespace
) -> Iterable[tuple["Scenario", float]]:
    """Return the form that was asked for."""
    from tests.chaos import plans

    if asked.minutes:
        return plans.random(chaos, minutes=asked.minutes)
    return plans.BRIEF if asked.brief else plans.SHORT


def rest() -> bool:
    """Wait until no job is left to run; tell whether that came true."""
    from tests.chaos.verdict import left

    least, since = left(), time.monotonic()
    while least and time.monotonic() - since < STALL:
        time.sleep(0.5)
        if (now := left()) < least:
            least, since = now, time.monotonic()
    return not least


def _all_but_logs(directory: str, names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if not name.endswith(".log") or (Path(directory) / name).is_dir()
    ]


if __name__ == "__main__":
    sys.exit(main())
