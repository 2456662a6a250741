"""Run the demo's SprintHub, and a Slack that prints, as a process beside the others."""

import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from config.demo.lists import INSTANCE, TOKEN
from config.env import Environment
from config.places import remembered_port
from config.supervise import Child

OURS = ("SPRINTHUB_BASE_URL", "SPRINTHUB_API_TOKEN", "SPRINTHUB_INSTANCE")
SLACK = "SLACK_WEBHOOK_URL"
MODULE = "tests.simulators.hub"
CALLS = "600"
"""A minute: ten times what a real account bears, so that a newcomer need not wait."""


def places(environment: Environment, directory: Path, *, demo: bool) -> dict[str, str]:
    """Return where the simulator is to be; nothing where a real account was named."""
    if not demo or any(environment.text(name) for name in OURS):
        return {}
    port = remembered_port(directory, "sprinthub")
    here = f"http://127.0.0.1:{port}"
    values = {
        "SPRINTHUB_BASE_URL": here, "SPRINTHUB_API_TOKEN": TOKEN,
        "SPRINTHUB_INSTANCE": INSTANCE, "SPRINTHUB_CALLS_A_MINUTE": CALLS,
    }  # fmt: skip
    if not environment.text(SLACK):
        values[SLACK] = f"{here}/slack"
    return values


def children(values: Mapping[str, str]) -> list[Child]:
    """Return the process of the simulator, if it has a place."""
    if values.get("SPRINTHUB_API_TOKEN") != TOKEN:
        return []
    port = str(urlsplit(values["SPRINTHUB_BASE_URL"]).port)
    command = [sys.executable, "-m", MODULE, port]
    return [Child("sprinthub", command, {"RITMO_PROCESS": "sprinthub"})]
