"""A part of all jobs: those of a type, of a queue, or both."""

from dataclasses import dataclass

from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Scope:
    """A job type or its beginning and a *, and a queue; empty is any."""

    type: str
    queue: str

    def covers(self, type_: str | None, queue: str | None) -> bool:
        """Tell whether all of that place lies within the scope."""
        return _within(type_, self.type) and (not self.queue or queue == self.queue)

    def narrow(self, type_column: str, queue_column: str) -> Q:
        """Return the condition on rows that say their place in those columns."""
        found = Q()
        if self.type and not type_column:
            return Q(pk__in=[])
        if self.type.endswith("*"):
            found &= Q(**{f"{type_column}__startswith": self.type[:-1]})
        elif self.type:
            found &= Q(**{type_column: self.type})
        if self.queue:
            found &= Q(**{queue_column: self.queue})
        return found


def _within(type_: str | None, pattern: str) -> bool:
    if not pattern:
        return True
    if type_ is None:
        return False
    if pattern.endswith("*"):
        return type_.startswith(pattern[:-1])
    return type_ == pattern
