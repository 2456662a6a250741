"""The chaos run in brief: a minute of faults, judged as the long ones are."""

import json
import os
import subprocess
import sys

import pytest

from config.env import BASE_DIR
from tests.chaos.facts import LAST_WORDS, Fact, Harm


def test_a_killed_process_may_have_the_last_word():
    """Its statement was on the way when it was killed: the ledger is younger."""
    fact = Fact("worker killed", Harm.KILL, 100.0, 100.1, frozenset({7}))

    assert fact.hit(7, 99.0)
    assert fact.hit(7, 100.1 + LAST_WORDS)
    assert not fact.hit(7, 100.2 + LAST_WORDS)
    assert not fact.hit(8, 99.0)


@pytest.mark.timeout(420)
def test_a_minute_of_chaos_breaks_no_promise():
    servers = ("DATABASE_URL", "REDIS_URL", "TMPDIR")
    surroundings = {
        name: each for name, each in os.environ.items() if name not in servers
    }

    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--brief", "--seed", "3"],
        capture_output=True, text=True, check=False, cwd=BASE_DIR, env=surroundings,
        timeout=400,
    )  # fmt: skip

    lines = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]
    assert lines, done.stderr
    result = lines[-1]
    assert (result["violations"], done.returncode) == ([], 0), done.stdout
    total = result["total"]
    assert total["enqueued"] >= 5000
    assert total["processes killed"] >= 10
    assert (total["lost"], total["of these unexplained"]) == (0, 0)
