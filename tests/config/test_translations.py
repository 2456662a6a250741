"""Every text that people read exists in Brazilian Portuguese."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from config.env import BASE_DIR
from tests.translations import stale

APPS = ("config", "queues", "cadences", "syncs")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
TAG = re.compile(r"""{%\s*translate\s+(["'])(.+?)\1""")
CONSTANT = re.compile(r"""\b_\((["'])(.+?)\1\)""")
"""A text among the words of another tag."""


@pytest.fixture(scope="module")
def portuguese() -> Catalog:
    (path,) = BASE_DIR.glob("locale/pt_BR/*/django.po")
    return read_po(io.BytesIO(path.read_bytes()), locale="pt_BR")


def texts_of(path: Path) -> Iterator[str]:
    """Yield what a file marks for translation."""
    if path.suffix == ".html":
        for form in (TAG, CONSTANT):
            yield from (text for _, text in form.findall(path.read_text()))
        return
    with path.open("rb") as source:
        for _, found, _, _ in extract("python", source, keywords=KEYWORDS):
            yield found[0] if isinstance(found, tuple) else found


def sources() -> Iterator[Path]:
    for app in APPS:
        yield from (BASE_DIR / app).rglob("*.py")
        yield from (BASE_DIR / app).rglob("*.html")
    yield from (BASE_DIR / "templates").rglob("*.html")


def test_every_text_is_in_the_catalogue(portuguese: Catalog):
    known = {
        each.id[0] if isinstance(each.id, tuple) else each.id for each in portuguese
    }

    missing = {text for path in sources() for text in texts_of(path)} - known

    assert not missing


def test_every_entry_is_translated(portuguese: Catalog):
    for entry in portuguese:
        if entry.id:
            forms = entry.string if isinstance(entry.string, tuple) else (entry.string,)
            assert all(forms), entry.id
            assert not entry.fuzzy, entry.id
            assert not list(entry.check(portuguese)), entry.id
    assert not portuguese.obsolete


def test_the_compiled_catalogues_are_up_to_date():
    assert stale() == []
