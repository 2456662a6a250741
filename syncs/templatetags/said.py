"""What went wrong, on a page: in the reader's language, and as it was noted."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from syncs.reasons import detail, reason

register = template.Library()


@register.simple_tag
def said(code: str | None, text: str | None) -> str:
    """Show what went wrong."""
    return reason(code or "", text)


@register.simple_tag
def noted(code: str | None, text: str | None) -> SafeString:
    """Show what went wrong, and what was noted of it, for those who look after it."""
    told, more = reason(code or "", text), detail(code or "", text)
    if not more:
        return format_html("{}", told)
    return format_html('{} <span class="quiet" lang="en">{}</span>', told, more)
