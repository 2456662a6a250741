"""Phone numbers: the ninth digit, area codes and their zones. Scenarios G5, E6."""

import pytest

from cadences.errors import BadAddress
from cadences.numbers import AREAS, is_placeholder, normal, number
from cadences.states import Medium


@pytest.mark.parametrize("text", [
    "(11) 98765-4321", "11 8765-4321", "551187654321@s.whatsapp.net",
    "+55 11 98765-4321", "5511987654321", "011 98765-4321",
])  # fmt: skip
def test_g5_all_spellings_of_a_number_are_one(text):
    found = number(text)

    assert found.e164 == "+5511987654321"
    assert found.identity == "551187654321m"
    assert found.area == "11"


def test_g5_a_landline_is_not_the_mobile_of_the_same_digits():
    assert number("(11) 4765-4321").identity != number("(11) 94765-4321").identity


@pytest.mark.parametrize("text", [
    "", "123", "11 11111-1111", "(10) 98765-4321", "(11) 1765-4321", "abc",
    "+1 555", "99999999999999999", "(11) 88765-4321",
])  # fmt: skip
def test_what_is_no_number_is_refused(text):
    with pytest.raises(BadAddress):
        number(text)


def test_a_number_of_another_country_is_kept_as_it_is():
    assert number("+1 212 555 0123").e164 == "+12125550123"
    assert number("+351 912 345 678").area == ""


def test_e6_every_area_code_has_a_zone():
    assert len(AREAS) == 67
    assert AREAS["68"] == "America/Rio_Branco"
    assert AREAS["92"] == "America/Manaus"
    assert AREAS["11"] == "America/Sao_Paulo"


def test_an_email_address_is_lowercase_and_whole():
    found = normal(Medium.EMAIL, "  Ana@Example.COM ")
    assert found == ("ana@example.com", "ana@example.com")
    with pytest.raises(BadAddress):
        normal(Medium.EMAIL, "ana@")


@pytest.mark.parametrize(("address", "answer"), [
    ("sememail@x.com.br", True), ("nao-tem@x.com.br", True), ("ana@teste.com", True),
    ("ana@acme.com.br", False), ("testemunha@acme.com.br", False),
])  # fmt: skip
def test_an_address_made_up_to_fill_a_form_is_seen(address, answer):
    assert is_placeholder(address) is answer
