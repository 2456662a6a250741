"""The fields of a job type's payload, read from the JSON schema of its model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from queues.admin.show import pretty
from queues.handlers import Handler
from queues.masks import is_secret

Schema = Mapping[str, Any]

FORMATS = {"date": "date", "date-time": "datetime", "time": "time"}
SCALARS = {"string": "text", "integer": "integer", "number": "number"}
INPUTS = {
    "text": "text", "secret": "password", "integer": "number", "number": "number",
    "date": "date", "datetime": "datetime-local", "time": "time",
}  # fmt: skip
CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_-]+")
LONG = 2500
"""A text that may be longer than this is given lines."""


@dataclass(frozen=True, slots=True)
class PayloadField:
    """One property of the payload: how to ask for it, and what it may hold."""

    name: str
    kind: str
    label: str
    help: str = ""
    required: bool = False
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    items: str = ""
    minimum: Any = None
    maximum: Any = None

    @property
    def input(self) -> str:
        """Return the type of its input element; empty for the kinds with another."""
        return INPUTS.get(self.kind, "")

    @property
    def step(self) -> str:
        """Return what an input may go up and down by."""
        return {"integer": "1", "number": "any", "datetime": "1"}.get(self.kind, "")


def payload_fields(handler: Handler) -> list[PayloadField]:
    """Return a field for each property that the type's model names."""
    if handler.model is None:
        return []
    schema = handler.model.model_json_schema(by_alias=True)
    known, needed = schema.get("$defs", {}), set(schema.get("required", ()))
    properties: dict[str, Schema] = schema.get("properties", {})
    return [
        _field(name, _plain(each, known), known, required=name in needed)
        for name, each in properties.items()
    ]


def _field(name: str, schema: Schema, known: Schema, *, required: bool) -> PayloadField:
    kind, choices, items = _kind(name, schema, known)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    return PayloadField(
        name=name,
        kind=kind,
        label=CAPITALS.sub(" ", name).strip().capitalize(),
        help=str(schema.get("description", "")),
        required=required,
        default="" if required else _shown(schema.get("default")),
        choices=choices,
        items=items,
        minimum=low,
        maximum=high,
    )


def _plain(schema: Schema, known: Schema) -> Schema:
    """Return a schema without references, and of "this or nothing" the this."""
    if "$ref" in schema:
        found = known.get(str(schema["$ref"]).rpartition("/")[2], {})
        return _plain({**found, **{k: v for k, v in schema.items() if k != "$ref"}}, {})
    options = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(options) == 1:
        beside = {k: v for k, v in schema.items() if k != "anyOf"}
        return _plain({**options[0], **beside}, known)
    return schema


def _kind(
    name: str, schema: Schema, known: Schema
) -> tuple[str, tuple[tuple[str, str], ...], str]:
    """Return how to ask, among what, and of a list what its items are."""
    if choices := _choices(schema):
        return "choice", choices, ""
    match schema.get("type"):
        case "boolean":
            return "choice", (("true", _("yes")), ("false", _("no"))), ""
        case "array" if isinstance(schema.get("items"), Mapping):
            return _list(_plain(schema["items"], known))
        case _:
            return _scalar(name, schema) or "json", (), ""


def _list(items: Schema) -> tuple[str, tuple[tuple[str, str], ...], str]:
    if choices := _choices(items):
        return "several", choices, ""
    scalar = _scalar("", items)
    return ("list", (), scalar) if scalar else ("json", (), "")


def _scalar(name: str, schema: Schema) -> str:
    found = SCALARS.get(str(schema.get("type")), "")
    if found != "text":
        return found
    if is_secret(name):
        return "secret"
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    short = "pattern" in schema or schema.get("maxLength", LONG) <= LONG
    return "text" if short or schema.get("format") else "lines"


def _choices(schema: Schema) -> tuple[tuple[str, str], ...]:
    """Return the values of an enumeration as JSON with their words."""
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return tuple((pretty(each), str(each)) for each in values)


def _shown(default: object) -> str:
    if default is None or default in ({}, []):
        return ""
    if isinstance(default, bool):
        return _("yes") if default else _("no")
    return default if isinstance(default, str) else pretty(default)
