"""The web's connections, whose callers cannot wait for a server that froze."""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

CHECK_SECONDS = 2.0
"""For the pool's question whether the connection lives, asked before each use."""

T = TypeVar("T")


class Impatient(psycopg.Connection[Any]):
    """A connection that is closed with an error if an answer takes too long.

    `statement_timeout` is kept by the server, and the kernel answers the keepalives
    of one that was frozen: only the client can give up. It does so a while after the
    server would have.
    """

    patience: float = 12.0
    """Seconds for the answer of one statement."""

    def wait(
        self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None
    ) -> T:
        """Wait for the server, but not for ever."""
        try:
            return super().wait(gen, interval, timeout or self.patience)
        except psycopg.Error:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()
            raise

    def execute(self, *args: Any, **options: Any) -> psycopg.Cursor[Any]:
        """Answer the pool, which asks in this way; statements go through cursors."""
        usual, self.patience = self.patience, CHECK_SECONDS
        try:
            return super().execute(*args, **options)
        finally:
            self.patience = usual


# One connection a thread of gunicorn and some to spare. A try to connect is given
# up soon, for the pauses between its attempts grow until it is.
POOL = {
    "min_size": 1,
    "max_size": 12,
    "timeout": 3,
    "reconnect_timeout": 4,
    "connection_class": Impatient,
}
