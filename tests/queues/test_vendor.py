"""What others made is what they published: byte for byte, with its licence beside it."""

import hashlib
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

VENDOR = Path(__file__).parents[2] / "queues" / "static" / "queues" / "vendor"
SUMS = {
    "icons-1.62.0.svg": "9ff54efbcf9067a18eb6c03a1a38fee90c0397d8125fb200a64d8d949d1c0c21",
    "inter-5.3.0.woff2": "3100e775e8616cd2611beecfa23a4263d7037586789b43f035236a2e6fbd4c62",
    "uplot-1.6.32.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uplot-1.6.32.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
}


@pytest.mark.parametrize("name", SUMS)
def test_a_file_is_as_it_was_published(name: str):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == SUMS[name]


def test_every_file_is_known_or_a_licence():
    found = {each.name for each in VENDOR.iterdir()}
    licences = {each for each in found if each.endswith("LICENSE.txt")}

    assert found - licences == set(SUMS)
    assert licences == {f"{each}-LICENSE.txt" for each in ("inter", "lucide", "uplot")}


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_an_error_page_needs_nothing(name: str, language: str):
    from django.template.loader import render_to_string
    from django.utils import translation

    with translation.override(language):
        page = render_to_string(f"{name}.html")

    assert f'<html lang="{language}">' in page
    assert 'href="/admin/"' in page
    assert "style=" not in page
    assert finders.find("queues/problem.css")


@pytest.mark.django_db
def test_what_is_not_there_is_told_in_our_words():
    answer = Client().get("/nowhere/")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
