"""Random keys that the database itself makes, for rows written in SQL."""

from django.db.models import Func, UUIDField


class RandomUUID(Func):
    """`gen_random_uuid()`, which PostgreSQL has without an extension."""

    template = "gen_random_uuid()"
    output_field = UUIDField()
    allowed_default = True
    arity = 0
