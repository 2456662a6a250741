"""How long to wait after a failure; pure."""

import random

BASE = 2.0
CAP = 3600.0


def exponential(failures: int) -> float:
    """Return seconds: 2, 4, 8 … at most an hour, a quarter of jitter either way."""
    delay = min(CAP, BASE * 2.0 ** min(failures - 1, 12))
    return delay * random.uniform(0.75, 1.25)  # noqa: S311 - jitter is no secret
