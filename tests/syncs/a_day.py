"""Call providers as fast as their budgets allow, from eight processes.

`python -m tests.syncs.a_day SCALE SECONDS CONNECTION…`: a second of the provider is
1/SCALE of ours, and so are the windows of the budgets.
"""

import os
import sys
import time
from dataclasses import replace
from typing import Any
from unittest import mock

WORKERS = 8


def main(scale: float, seconds: float, keys: list[str]) -> int:
    """Fork the workers, wait for them, and return 1 if one failed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    children = [pid for _ in range(WORKERS) if (pid := _forked(scale, seconds, keys))]
    return int(any(os.waitpid(pid, 0)[1] for pid in children))


def _forked(scale: float, seconds: float, keys: list[str]) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        _hasten(scale)
        _work(time.monotonic() + seconds, keys)
        code = 0
    finally:
        os._exit(code)


def _hasten(scale: float) -> None:
    """Let a day of the budgets pass as fast as the providers'."""
    from syncs.budgets import Bucket
    from syncs.klaviyo import client
    from syncs.shopify.client import Cost

    told = Cost.of

    def hastened(answer: Any) -> Cost:
        cost = told(answer)
        said = cost.bucket
        faster = said and Bucket(said.capacity, said.restore * scale)
        return replace(cost, bucket=faster)

    mock.patch.object(Cost, "of", hastened).start()
    for endpoint, windows in list(client.TIERS.items()):
        client.TIERS[endpoint] = tuple(
            replace(each, seconds=each.seconds / scale) for each in windows
        )
    # It tells whole seconds of its own: at this speed they say nothing.
    client._believe = lambda *_: None


def _work(until: float, keys: list[str]) -> None:
    from syncs.errors import Wait
    from syncs.models import Connection
    from syncs.ports import provider
    from tests.syncs.shops import NOVEMBER

    links = list(Connection.objects.filter(pk__in=keys).select_related("store"))
    while time.monotonic() < until:
        for link in links:
            adapter = provider(link.provider)
            for stream in adapter.streams:
                try:
                    adapter.fetch(link, stream, NOVEMBER, None)
                except Wait as wait:
                    if wait.scope == "points":
                        time.sleep(0.2)
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
