"""A line to the broker, straight to Redis: Kombu's pools cost as much as a row."""

from collections.abc import Mapping
from typing import Any

from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError
from redis.retry import Retry

BROKER_ERRORS = (RedisError, OSError)


class Line:
    """One connection, opened when it is needed; one thread at a time may use it."""

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        known = {each: options[each] for each in options if each.startswith("socket_")}
        pool = ConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0), **known)
        self._connection: Any = pool.make_connection()
        self._is_owed = False

    def say(self, *command: str | int | float) -> None:
        """Send a command without waiting: its answer is read before the next one.

        Raises one of BROKER_ERRORS, also for what the broker answered last time.
        """
        self._settle()
        self._connection.send_packed_command(
            self._connection.pack_command(*command), check_health=False
        )
        self._is_owed = True

    def ask(self, *command: str | int | float) -> Any:
        """Send a command and return the broker's answer, or raise BROKER_ERRORS."""
        self.say(*command)
        self._is_owed = False
        return self._connection.read_response()

    def close(self) -> None:
        """Hang up; the next command opens the line again."""
        self._is_owed = False
        self._connection.disconnect()

    def _settle(self) -> None:
        """Read what is owed; open the line again if it idled through a restart."""
        try:
            if self._is_owed:
                self._is_owed = False
                self._connection.read_response()
            if self._connection.is_connected and self._connection.can_read():
                self.close()
        except ConnectionLost:
            self.close()
