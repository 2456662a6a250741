"""Compile every catalogue of locale/, or check that the compiled ones are up to date.

`python -m tests.translations [--check]`; no gettext programs are needed.
"""

import io
import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent.parent / "locale"


def compiled(source: Path) -> bytes:
    """Return what the compiled catalogue should hold."""
    catalogue = read_po(io.BytesIO(source.read_bytes()))
    target = io.BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()


def stale() -> list[Path]:
    """Return the sources whose compiled catalogue is missing or old."""
    return [
        source
        for source in sorted(LOCALE.rglob("*.po"))
        if not (target := source.with_suffix(".mo")).exists()
        or target.read_bytes() != compiled(source)
    ]


def main(arguments: list[str]) -> int:
    """Compile what is stale, or with --check only name it and fail."""
    found = stale()
    for source in found:
        print(f"{source.relative_to(LOCALE.parent)} is not compiled")
        if "--check" not in arguments:
            source.with_suffix(".mo").write_bytes(compiled(source))
    return 1 if found and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
