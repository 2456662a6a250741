"""Tables that are saved, not shown."""

from collections.abc import Iterable

from django.http import StreamingHttpResponse
from django.utils import timezone


def download(name: str, lines: Iterable[str]) -> StreamingHttpResponse:
    """Answer with a table that is saved, not shown."""
    file = f"{name}-{timezone.localtime():%Y%m%d-%H%M%S}.csv"
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{file}"',
            "Cache-Control": "no-store",
        },
    )
