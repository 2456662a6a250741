"""What a name says of its value: some must not be shown."""

import re

SECRET = re.compile(
    r"passw|secret|token|authorization|cookie|signature|api[-_]?key|credential",
    re.IGNORECASE,
)
MASK = "•••"


def is_secret(name: str) -> bool:
    """Tell whether a field or header of that name holds a secret."""
    return bool(SECRET.search(name))
