"""What a name says of its value: some must not be shown."""

import re
from collections.abc import Mapping
from typing import Any

SECRET = re.compile(
    r"passw|secret|token|authorization|cookie|signature|api[-_]?key|credential",
    re.IGNORECASE,
)
MASK = "•••"


def is_secret(name: str) -> bool:
    """Tell whether a field or header of that name holds a secret."""
    return bool(SECRET.search(name))


def masked(value: Any) -> Any:
    """Return the value, a document however deep, with every secret in it masked."""
    match value:
        case Mapping():
            return {
                name: MASK if is_secret(str(name)) and held else masked(held)
                for name, held in value.items()
            }
        case list() | tuple():
            return [masked(each) for each in value]
        case _:
            return value
