"""Before and after, side by side: what differs, and nothing else."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join

MOST_BRIEF = 2
LONGEST_BRIEF = 40
MISSING = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact as it was and as it became; None where it was not told."""

    name: str
    before: str | None
    after: str | None


def differences(before: Any, after: Any) -> list[Difference]:
    """Return the facts that differ, however deep they lie, by their dotted names."""
    old, new = dict(_flat(before)), dict(_flat(after))
    names = [*old, *(name for name in new if name not in old)]
    return [
        Difference(name, _text(old.get(name, MISSING)), _text(new.get(name, MISSING)))
        for name in names
        if old.get(name, MISSING) != new.get(name, MISSING)
    ]


def brief(before: Any, after: Any) -> str:
    """Return the first differences in a line, and that there are more."""
    found = differences(before, after)
    line = format_html_join(
        ", ", "{} {}", ((each.name, _arrow(each)) for each in found[:MOST_BRIEF])
    )
    return format_html("{}…", line) if len(found) > MOST_BRIEF else line


def _arrow(each: Difference) -> str:
    if not each.before:
        return format_html("<ins>{}</ins>", _short(each.after))
    if not each.after:
        return format_html("<del>{}</del>", _short(each.before))
    return format_html(
        "<del>{}</del> → <ins>{}</ins>", _short(each.before), _short(each.after)
    )


def _short(text: str | None) -> str:
    text = text or ""
    return text if len(text) <= LONGEST_BRIEF else f"{text[: LONGEST_BRIEF - 1]}…"


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and (value or not name):
        for each, held in value.items():
            yield from _flat(held, f"{name}.{each}" if name else str(each))
    elif name:
        yield name, value


def _text(value: Any) -> str | None:
    if value is MISSING:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
