"""The chaos run in brief: a minute of faults, judged as the long ones are."""

import json
import os
import subprocess
import sys

import pytest

from config.env import BASE_DIR

ASKED = "RITMO_CHAOS"
"""Set it to run this: one run in three found a start that the judge cannot explain."""


@pytest.mark.skipif(ASKED not in os.environ, reason=f"by hand, with {ASKED}=1")
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
