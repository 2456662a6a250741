"""The benchmark runs; what it measures is never judged here."""

import json
import os
import subprocess
import sys

from config.env import BASE_DIR


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    servers = ("DATABASE_URL", "REDIS_URL", "TMPDIR")
    surroundings = {
        name: each for name, each in os.environ.items() if name not in servers
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *arguments, "--quick"],
        capture_output=True, text=True, check=False, cwd=BASE_DIR, env=surroundings,
        timeout=110,
    )  # fmt: skip


def test_the_console_is_opened_page_by_page():
    done = bench("console")

    assert done.returncode == 0, done.stderr
    pages = [json.loads(line) for line in done.stdout.splitlines() if line[0:1] == "{"]
    names = {page["figure"] for page in pages}
    assert {"console: jobs", "console: overview", "console: search: id"} <= names
    assert all(page["queries"] <= 15 for page in pages), pages


def test_the_benchmark_prints_a_json_line_a_figure_and_then_a_table():
    done = bench("single", "statements")

    assert done.returncode == 0, done.stderr
    header, *_ = done.stdout.splitlines()
    assert header.startswith("# machine: ")
    figures = [
        json.loads(line) for line in done.stdout.splitlines() if line[0:1] == "{"
    ]
    assert [each["figure"] for each in figures] == [
        "single enqueue", "claims, statements", "settles, statements", "all statements",
    ]  # fmt: skip
    expected = {"figure", "ours", "naive", "ratio", "unit", "runs"}
    assert all(expected <= each.keys() for each in figures)
    table = done.stdout.split("\n\n")[-1]
    assert all(each["figure"] in table for each in figures)
