"""The benchmark: `python -m tests.bench [figure …] [--quick] [--runs N]`."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests import report
from tests.stage import Stage, stage

if TYPE_CHECKING:
    from tests.bench.figures import Figure

CONSOLE = "console"
"""Figures of another kind, in a table of their own: only where they are asked for."""
PAGES = ("page", "median ms", "p95 ms", "of it computed", "queries", "kept")
NAMES = (
    "single", "bulk", "drain", "pickup", "steady", "history", "hot", "statements",
    "schedules", "letters",
)  # fmt: skip
BY_NAME = ("endurance", "cadences", "stores")
"""Figures that take so long that they are measured only if they are named."""
HEAD = ("figure", "unit", "ours", "beside", "ratio", "compared with", "runs")
SETTINGS = (
    "server_version", "fsync", "synchronous_commit", "full_page_writes",
    "shared_buffers", "max_wal_size",
)  # fmt: skip


def main() -> None:
    """Measure, print a JSON line a figure, then the table."""
    asked = arguments()
    if asked.figures == [CONSOLE]:
        open_console(asked)
        return
    with stage("tests.bench", "tests.bench.naive") as built:
        from tests.bench.figures import FIGURES, Size

        head = [*report.machine(), settings(built)]
        print(*(f"# {line}" for line in head), sep="\n", flush=True)
        size = Size(runs=1 if asked.quick else asked.runs, quick=asked.quick)
        rows = []
        for name in asked.figures or NAMES:
            say(f"measuring {name}")
            for figure in FIGURES[name](size):
                print(json.dumps(figure.as_json()), flush=True)
                rows.append(row(figure))
    print(f"\n{report.table(HEAD, rows)}")
    if asked.markdown:
        lines = "\n".join(f"* {line}" for line in head)
        report.write(
            asked.markdown, "figures", f"{lines}\n\n{report.markdown(HEAD, rows)}"
        )


def open_console(asked: argparse.Namespace) -> None:
    """Fill the tables, open every page, print a JSON line a page, then the table."""
    with stage("tests.bench") as built:
        from tests.bench import console

        head = [*report.machine(), settings(built)]
        jobs, letters = (5000, 200) if asked.quick else (5_000_000, 200_000)
        minutes = console.fill(jobs=jobs, letters=letters)
        head.append(f"{jobs:,} jobs, {letters:,} letters, filled in {minutes:.1f} min")
        print(*(f"# {line}" for line in head), sep="\n", flush=True)
        rows = []
        for each in console.open_all(2 if asked.quick else asked.runs * 3):
            print(json.dumps(each.as_json()), flush=True)
            rows.append(console.row(each))
    print(f"\n{report.table(PAGES, rows)}")
    if asked.markdown:
        lines = "\n".join(f"* {line}" for line in head)
        table = report.markdown(PAGES, rows)
        report.write(asked.markdown, CONSOLE, f"{lines}\n\n{table}")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "figures",
        nargs="*",
        metavar="figure",
        help=f"{', '.join(NAMES + BY_NAME)}, or {CONSOLE} alone",
    )
    parser.add_argument("--quick", action="store_true", help="one small run of each")
    parser.add_argument("--runs", type=int, default=5, help="medians of so many runs")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    asked = parser.parse_args()
    if asked.figures == [CONSOLE]:
        return asked
    if unknown := set(asked.figures) - {*NAMES, *BY_NAME}:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    if asked.runs < 1:
        parser.error("--runs is at least 1")
    return asked


def settings(built: Stage) -> str:
    """Describe the servers and what makes them durable."""
    import redis
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting, unit FROM pg_settings WHERE name = ANY(%s)",
            [list(SETTINGS)],
        )
        shown = {name: f"{value}{_of(unit)}" for name, value, unit in cursor.fetchall()}
    with redis.Redis.from_url(built.valkey.url) as client:
        info = client.info("server")
    valkey = info.get("valkey_version", info["redis_version"])
    facts = ", ".join(f"{name} {shown[name]}" for name in SETTINGS[1:])
    return f"servers: PostgreSQL {shown['server_version']} ({facts}), Valkey {valkey}"


def _of(unit: str | None) -> str:
    return f" × {unit}" if unit else ""


def row(figure: "Figure") -> list[str]:
    """Return the figure as a line of the table."""
    shown = figure.as_json()
    ratio, beside = "", ""
    if shown["ratio"] is not None:
        ratio, beside = f"{shown['ratio']:.2f}×", number(shown["naive"])
    return [
        figure.figure, figure.unit, number(shown["ours"]), beside, ratio,
        figure.beside, str(shown["runs"]),
    ]  # fmt: skip


def number(value: object) -> str:
    """Return three digits that matter."""
    amount = float(str(value))
    if amount >= 100:
        return f"{amount:,.0f}"
    return f"{amount:.3g}"


def say(what: str) -> None:
    """Tell what goes on, beside the figures."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
