"""A provider that takes its time and brings one order a store: for syncs of thousands."""

import os
import time
from collections.abc import Collection, Iterable

from syncs.models import Connection, Run
from syncs.ports import Account, Applied, Entry, Page, Period, Stream, register

NAME = "shelf"
SECONDS = "RITMO_SHELF_SECONDS"
"""How long a sync takes, for the processes that run it."""


class Shelf:
    """One stream of one page; nothing is stored but the numbers."""

    name = NAME
    source = "shopify"
    definition = 1
    streams = {"orders": Stream("orders", frozenset({"orders"}))}

    def check(self, connection: Connection) -> Account:
        """Say who it is."""
        return Account(connection.external_account)

    def fetch(
        self,
        connection: Connection,
        stream: str,
        period: Period | None,
        cursor: str | None,
    ) -> Page:
        """Take its time."""
        time.sleep(float(os.environ.get(SECONDS, "0")))
        return Page([{}], None, total=1)

    def apply(
        self, connection: Connection, stream: str, period: Period | None, page: Page,
        *, run: Run,
    ) -> Applied:  # fmt: skip
        """Store nothing."""
        return Applied(inserted=1)

    def entries(
        self, connection: Connection, period: Period, types: Collection[str]
    ) -> Iterable[Entry]:
        """Tell one order."""
        for each in types:
            yield Entry(each, self.source, {"total_orders": 1}, record_count=1)


register(Shelf())
