"""Show figures as a table: on a terminal, and between two marks of a document."""

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("Django", "celery", "django-celery-beat", "psycopg", "redis")

Rows = Sequence[Sequence[str]]


def table(head: Sequence[str], rows: Rows) -> str:
    """Return rows under a head, columns in line."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def markdown(head: Sequence[str], rows: Rows) -> str:
    """Return the same as a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(path: Path, name: str, text: str) -> None:
    """Put the text between the marks of that name; append them if there are none."""
    opening, closing = f"<!-- {name} -->", f"<!-- end of {name} -->"
    block = f"{opening}\n{text}\n{closing}"
    document = path.read_text() if path.exists() else ""
    pattern = re.compile(f"{re.escape(opening)}.*?{re.escape(closing)}", re.DOTALL)
    if pattern.search(document):
        path.write_text(pattern.sub(lambda _: block, document))
    else:
        path.write_text(f"{document}\n{block}\n".lstrip())


def machine() -> list[str]:
    """Describe the machine and the versions, a line each."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return [
        (
            f"machine: {os.cpu_count()} cores ({_processor()}), {_memory():.0f} GB,"
            f" {platform.system()} {platform.release()}; load before the run {load}"
        ),
        f"versions: Python {platform.python_version()}, {packages}",
    ]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    found = (
        re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    )
    return found.group(1) if found else platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
