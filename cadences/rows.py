"""Read rows by statements of our own: composing them anew for each step costs more than
the database does."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


class Shape(Generic[Row]):
    """The columns of a model in a statement, and the way back to a row of it."""

    def __init__(self, model: type[Row], alias: str) -> None:
        fields = model._meta.concrete_fields  # noqa: SLF001 - Django's own name for it
        self.model = model
        self.names = [field.attname for field in fields]
        self.columns = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self.converters = [
            (place, converter)
            for place, field in enumerate(fields)
            for converter in field.get_db_converters(connection)
        ]

    def __len__(self) -> int:
        """Return how many columns there are."""
        return len(self.names)

    def build(self, values: Sequence[Any]) -> Row:
        """Return the row that those values are."""
        found = list(values)
        for place, convert in self.converters:
            found[place] = convert(found[place], None, connection)
        return self.model.from_db(connection.alias, self.names, found)

    def build_or_none(self, values: Sequence[Any]) -> Row | None:
        """Return the row that an outer join found, if it found one."""
        return None if values[0] is None else self.build(values)


def split(values: Sequence[Any], shapes: Sequence[Shape[Any]]) -> list[Sequence[Any]]:
    """Return the values of each shape of one line, and last what comes after them."""
    parts, start = [], 0
    for shape in shapes:
        parts.append(values[start : start + len(shape)])
        start += len(shape)
    return [*parts, values[start:]]


def one(statement: str, values: Any) -> Any:
    """Return the first line of a query; None if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def execute(statement: str, values: Any) -> None:
    """Run a statement that returns nothing."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
