"""What may stand in a payload: one JSON object that PostgreSQL can hold."""

import json
import math
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from pydantic import BaseModel, ValidationError

from queues.errors import InvalidJobData, PayloadTooLarge
from queues.handlers import Handler
from queues.limits import key_of

MAX_DEPTH = 50
DIGEST = 32


def encode(handler: Handler, data: object) -> str:
    """Return the data as JSON text that the handler will accept.

    Raises InvalidJobData with the model's field errors, or PayloadTooLarge.
    """
    if isinstance(data, BaseModel):
        data = data.model_dump(mode="json")
    if not isinstance(data, Mapping):
        raise InvalidJobData("expected an object")
    text = dump(data)
    parse(handler, data)
    return text


def dump(data: object) -> str:
    """Return JSON text, or raise what `encode` raises for any handler."""
    _check(data, depth=1)
    try:
        text = json.dumps(
            data, allow_nan=False, separators=(",", ":"), ensure_ascii=False
        )
        size = len(text.encode())
    except (TypeError, ValueError) as error:
        raise InvalidJobData(str(error)) from None
    if size > settings.MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(
            f"Payload too large: {size} bytes, the limit is {settings.MAX_PAYLOAD_BYTES}"
        )
    return text


def check_result(result: object) -> None:
    """Refuse a result that is not JSON, with InvalidJobData or PayloadTooLarge."""
    try:
        plain = json.loads(json.dumps(result, cls=DjangoJSONEncoder, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidJobData(str(error)) from None
    dump(plain)


def parse(handler: Handler, data: Any) -> Any:
    """Return what the handler is called with: its own model, or the dict."""
    if handler.model is None:
        return data
    try:
        return handler.model.model_validate(data)
    except ValidationError as error:
        fields: list[dict[str, object]] = [
            {
                "loc": ".".join(map(str, each["loc"])),
                "msg": each["msg"],
                "type": each["type"],
            }
            for each in error.errors(include_url=False, include_input=False)
        ]
        detail = "; ".join(f"{each['loc']}: {each['msg']}" for each in fields)
        raise InvalidJobData(detail, fields) from None


def limit_key(handler: Handler, data: Any) -> str | None:
    """Return the key of a job under its type's limit; None for a type without one."""
    if handler.limit is None:
        return None
    return key_of(handler.key, None if handler.key is None else parse(handler, data))


def _check(value: object, *, depth: int) -> None:
    """Refuse what JSON or PostgreSQL cannot hold, before anything recurses."""
    if depth > MAX_DEPTH:
        raise InvalidJobData(f"nested deeper than {MAX_DEPTH} levels")
    match value:
        case str() if "\x00" in value:
            raise InvalidJobData("contains a NUL character")
        case float() if not math.isfinite(value):
            raise InvalidJobData("contains NaN or Infinity")
        case Mapping() if not all(isinstance(key, str) for key in value):
            raise InvalidJobData("keys must be strings")
        case Mapping():
            _check([*value.keys(), *value.values()], depth=depth)
        case list() | tuple():
            for each in value:
                _check(each, depth=depth + 1)
        case _:
            pass


def printable(text: str) -> str:
    """Return the text as PostgreSQL can hold it: no NUL, no lone surrogate."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


def fitted(text: str, most: int) -> str:
    """Return the text, or its beginning and a digest of it all if it is too long.

    So different texts stay different where a column holds `most` characters.
    """
    if len(text) <= most:
        return text
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGEST]
    return f"{text[: most - DIGEST - 1]}~{digest}"
