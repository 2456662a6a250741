"""What staff type into a search box: a job's number, or words of its type."""

from queues.handlers import registry

LARGEST_ID = 2**63 - 1


def number_in(term: str) -> int | None:
    """Return the job's number, with or without its #; None if it is none."""
    number = term.removeprefix("#")
    if number.isascii() and number.isdigit():
        return min(int(number), LARGEST_ID)
    return None


def types_like(term: str) -> list[str]:
    """Return the term itself and every registered type that contains it."""
    found = [each.name for each in registry if term.lower() in each.name.lower()]
    return [term, *found]
