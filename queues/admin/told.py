"""How an audit entry is shown, wherever it is shown."""

from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import ngettext

from queues.access import may_everywhere
from queues.admin import show
from queues.admin.changes import differences
from queues.models import AuditEntry
from queues.models.audit import Door

SHOWN = 50
"""Entries on the page of one row's history."""


def history(request: HttpRequest, row: Model, most: int = SHOWN) -> dict[str, Any]:
    """Return the newest entries of a row, and where to find all of them."""
    kind = row._meta.label_lower  # noqa: SLF001 - Django's own name for it
    entries = AuditEntry.objects.filter(target_id=str(row.pk), target_kind=kind)
    newest = list(entries.order_by("-at", "-id")[: most + 1])
    address = ""
    if may_everywhere(request.user, "queues.view_auditentry"):
        page = reverse("admin:queues_auditentry_changelist")
        address = f"{page}?{urlencode({'q': row.pk, 'kind': kind})}"
    return {
        "entries": [told(each) for each in newest[:most]],
        "has_more": len(newest) > most,
        "all_url": address,
    }


def told(entry: AuditEntry) -> dict[str, Any]:
    """Return what a page shows of an entry."""
    return {
        "entry": entry,
        "door": Door(entry.door).label,
        "target": target(entry),
        "kind": kind_word(entry.target_kind),
        "differences": differences(entry.before, entry.after),
    }


def target(entry: AuditEntry) -> str:
    """Return the row that was changed, as a link where it has a page."""
    name = entry.label or entry.target_id or kind_word(entry.target_kind)
    if entry.count > 1:
        rows = ngettext("%(n)d row", "%(n)d rows", entry.count) % {"n": entry.count}
        name = f"{name} · {rows}" if name else rows
    if not (address := _address(entry)):
        return name or show.NOTHING
    return format_html('<a href="{}">{}</a>', address, name)


def kind_word(kind: str) -> str:
    """Return the name of a kind of row in the language of the reader."""
    try:
        return str(apps.get_model(kind)._meta.verbose_name)  # noqa: SLF001 - its own name
    except (LookupError, ValueError):
        return kind


def _address(entry: AuditEntry) -> str:
    if not entry.target_id:
        return ""
    name = entry.target_kind.replace(".", "_")
    try:
        return reverse(f"admin:{name}_change", args=[quote(entry.target_id)])
    except NoReverseMatch:
        return ""
