"""Run the demo's shops and accounts as a process of their own, beside the others."""

import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from config.env import Environment
from config.places import remembered_port
from config.supervise import Child

OURS = ("SHOPIFY_BASE_URL", "KLAVIYO_BASE_URL", "SHOPIFY_FILE_HOSTS")
MODULE = "tests.simulators.stand"


def places(environment: Environment, directory: Path, *, demo: bool) -> dict[str, str]:
    """Return where the simulators are to be; nothing where real providers were named."""
    if not demo or any(environment.text(name) for name in OURS):
        return {}
    shopify, klaviyo = (
        remembered_port(directory, name) for name in ("shopify", "klaviyo")
    )
    return {
        "SHOPIFY_BASE_URL": f"http://127.0.0.1:{shopify}/{{shop}}",
        "SHOPIFY_FILE_HOSTS": f"127.0.0.1:{shopify}",
        "KLAVIYO_BASE_URL": f"http://127.0.0.1:{klaviyo}",
    }


def children(values: Mapping[str, str]) -> list[Child]:
    """Return the process of the simulators, if they have a place."""
    if "KLAVIYO_BASE_URL" not in values:
        return []
    ports = [
        str(urlsplit(values[name].replace("{shop}", "")).port)
        for name in ("SHOPIFY_BASE_URL", "KLAVIYO_BASE_URL")
    ]
    return [
        Child(
            "shops", [sys.executable, "-m", MODULE, *ports], {"RITMO_PROCESS": "shops"}
        )
    ]
