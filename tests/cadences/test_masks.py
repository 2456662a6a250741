"""What those see who may not see whom they write to."""

import pytest

from cadences.masks import address, name, words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+5511987651234", "+55 11 9****-1234"),
        ("+551147651234", "+55 11 4****-1234"),
        ("+12125551234", "+12 ****-1234"),
        ("1234", "****"),
        ("ana@example.com.br", "a***@e***.br"),
        ("ana@localhost", "a***@l***"),
        ("", ""),
    ],
)
def test_an_address_keeps_what_tells_it_from_another(text: str, shown: str):
    assert address(text) == shown


def test_of_a_name_the_first_part_stays_and_of_words_nothing():
    assert name("Ana Maria Souza") == "Ana M. S."
    assert name("") == ""
    assert words("call me") == "•••"
    assert words("") == ""
