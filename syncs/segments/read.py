"""Read one row of SprintHub: tolerant of what differs, strict about who it is; pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from cadences.admit import Stranger
from cadences.states import Medium

KEY = re.compile(r"\d{1,18}")
LOCAL_TIME = re.compile(r"(\d{2})/(\d{2})/(\d{4})(?: (\d{2}):(\d{2}))?")
TEXTS = (
    "city", "state", "country", "zipcode", "address", "company", "stage",
    "preferred_locale",
)  # fmt: skip
"""Facts that are taken over; those of their own making are not: some are national ids."""
CLEARABLE = frozenset({"zipcode", "address", "company"})
"""Facts that an explicit null clears; any other null leaves what is known."""
PHONES = ("whatsapp", "mobile", "phone")
WATCHED = ("firstname", "lastname", "fullname", "email", *PHONES)
MAX_TEXT = 500


class Unreadable(ValueError):
    """A row that cannot be read; `key` is its id if that much can be."""

    def __init__(self, reason: str, key: str = "") -> None:
        super().__init__(reason)
        self.key = key


@dataclass(frozen=True, slots=True)
class Reading:
    """What a row says."""

    key: str
    stranger: Stranger
    updated_at: datetime | None
    is_archived: bool
    digest: str
    is_blank: bool
    """Nothing that tells who it is: no name, no address."""


def key_of(row: object) -> str:
    """Return the id of a row as text, or raise Unreadable."""
    match row:
        case {"id": int() as number} if not isinstance(number, bool) and number > 0:
            return str(number)
        case {"id": str() as text} if KEY.fullmatch(text.strip()):
            return str(int(text))
        case _:
            raise Unreadable("It has no id")


def read(row: object, *, zone: str) -> Reading:
    """Return what a row says, or raise Unreadable."""
    key = key_of(row)
    assert isinstance(row, Mapping)  # noqa: S101 - else it had no id
    for name in (*WATCHED, *TEXTS):
        if isinstance(row.get(name), dict | list | bool):
            raise Unreadable(f"{name} is no text", key)
    updated_at = _moment(row.get("updatedDate"), zone, key)
    return Reading(
        key,
        _stranger(key, row),
        updated_at,
        row.get("archived") in (True, 1, "true", "1"),
        sha256(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest(),
        not any(_text(row.get(name)) for name in WATCHED),
    )


def form_of(row: object) -> dict[str, str]:
    """Return the form of a row without its values: names and kinds."""
    if not isinstance(row, Mapping):
        return {"": type(row).__name__}
    return {str(name)[:50]: type(row[name]).__name__ for name in list(row)[:50]}


def _stranger(key: str, row: Mapping[str, Any]) -> Stranger:
    first = _text(row.get("firstname"))
    last = _text(row.get("lastname"))
    name = _text(row.get("fullname")) or (f"{first} {last}" if first and last else "")
    data = {
        each: said
        for each in TEXTS
        if each != "stage" and (said := _text(row.get(each)))
    }
    return Stranger(
        external_id=f"sprinthub:{key}",
        name=name,
        first_name=first or name.partition(" ")[0],
        time_zone=_zone(row.get("timezone")),
        stage=_text(row.get("stage")),
        data=data,
        clear=frozenset(
            each for each in CLEARABLE if each in row and row[each] is None
        ),
        addresses=tuple(_addresses(row)),
    )


def _addresses(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield channel and address; a number is tried by WhatsApp, that of it first."""
    for name in PHONES:
        if text := _text(row.get(name)):
            yield Medium.WHATSAPP, text
    if text := _text(row.get("mobile")):
        yield Medium.SMS, text
    for text in re.split(r"[,;\s]+", _text(row.get("email"))):
        if text:
            yield Medium.EMAIL, text


def _text(value: object) -> str:
    """Return a text without blanks around; nothing for null and for words of absence."""
    if value is None or isinstance(value, dict | list | bool):
        return ""
    text = str(value).replace("\x00", "").strip()[:MAX_TEXT]
    return "" if text.lower() in {"null", "undefined", "none"} else text


def _zone(value: object) -> str:
    name = _text(value)
    try:
        return ZoneInfo(name).key if name else ""
    except (KeyError, OSError, ValueError):
        return ""


def _moment(value: object, zone: str, key: str) -> datetime | None:
    """Return a moment; one without a zone, day first, is of the account's zone."""
    text = _text(value)
    if not text:
        return None
    try:
        if found := LOCAL_TIME.match(text):
            day, month, year, hour, minute = (int(n or 0) for n in found.groups())
            moment = datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable("updatedDate is no moment", key) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)
