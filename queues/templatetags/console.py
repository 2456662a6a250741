"""What the pages of the admin ask for: moments, spans, icons and the first page."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from queues.admin import overview, show

register = template.Library()

ICONS = "queues/vendor/icons-1.62.0.svg"
SPRITE = Path(__file__).resolve().parent.parent / "static" / ICONS
DRAWN = frozenset(re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text()))
"""What the sprite holds; pages and models are drawn by their own names."""
ALIKE = {
    "letterbulk": "play",
    "auditentry": "audit",
    "accessscope": "rule",
    "alertstate": "warn",
    "alertmessage": "note",
    "alertrule": "rule",
    "alertchannel": "info",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon beside words; it says nothing by itself."""
    word = ALIKE.get(name.lower(), name.lower())
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static(ICONS),
        word if word in DRAWN else "other",
    )


@register.simple_block_tag
def table(content: str, *heads: str, kind: str = "plain-table") -> SafeString:
    """Show rows under a line of heads, in a frame that scrolls where it is narrow."""
    line = format_html_join("", '<th scope="col">{}</th>', ((head,) for head in heads))
    return format_html(
        '<div class="scrolls"><table class="{}"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>",
        kind,
        line,
        content,
    )


@register.filter
def moment(value: datetime | None) -> SafeString:
    """Show a moment, relative and on the clock."""
    return show.moment(value)


@register.filter
def clock(value: datetime | None) -> str:
    """Show a moment on the clock."""
    return show.clock(value) if value else show.NOTHING


@register.simple_tag
def between(start: datetime | None, end: datetime | None) -> str:
    """Show the time from one moment to another."""
    return show.span(end - start) if start and end else show.NOTHING


@register.filter
def ago(value: datetime | None) -> SafeString:
    """Show how far off a moment is; the first page counts on from it."""
    if value is None:
        return show.NOTHING
    return format_html(
        '<time datetime="{}" title="{}"><span data-at="{}">{}</span></time>',
        value.isoformat(),
        show.full(value),
        value.isoformat(),
        show.relative(value),
    )


@register.simple_tag(takes_context=True)
def engine_overview(context: template.Context) -> dict[str, Any]:
    """Return what the first page shows to this person."""
    return overview.parts(context["request"])
