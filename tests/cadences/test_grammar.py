"""Templates: variables and filters, nothing to escape into. Scenarios G1 to G4, E15."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadences.errors import BadTemplate, MissingVariable
from cadences.grammar import greeting, is_empty, render, variables

VALUES = {
    "nome": "Ana Lúcia", "valor": "1234.5", "dia": date(2026, 9, 2), "vazio": " ",
    "agora": datetime(2026, 9, 2, 18, 5, tzinfo=UTC), "nada": None, "conta": 1234,
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), [
    ("Olá {{ nome }}", "Olá Ana Lúcia"),
    ("Olá {{nome|primeiro_nome|maiusculas}}!", "Olá ANA!"),
    ('Olá {{ vazio|padrao:"você" }}', "Olá você"),
    ('{{ nada|padrao:"" }}.', "."),
    ("{{ valor|moeda }}", "R$ 1.234,50"),
    ("{{ conta|numero }}", "1.234"),
    ("{{ dia }} {{ dia|dia_semana }}", "02/09/2026 quarta-feira"),
    ('{{ dia|data:"dd/mm/aa" }}', "02/09/26"),
    ("{{ agora|hora }}", "18:05"),
    ("{{ nome|trunca:5 }}", "Ana …"),
    ("{{ nome|titulo|minusculas }}", "ana lúcia"),
])  # fmt: skip
def test_a_text_says_what_its_values_are(text, said):
    assert render(text, VALUES) == said


def test_g1_a_missing_value_is_refused_before_anything_is_sent():
    with pytest.raises(MissingVariable) as refusal:
        render("{{ vazio }} {{ nada }} {{ fehlt }} {{ vazio }}", VALUES)

    assert refusal.value.names == ["vazio", "nada", "fehlt"]


@pytest.mark.parametrize("word", ["None", "null", "undefined", "NaN", "", "  "])
def test_g1_words_for_nothing_are_nothing(word):
    assert is_empty(word)
    with pytest.raises(MissingVariable):
        render("{{ nome }}", {"nome": word})


@pytest.mark.parametrize("name", ["{{company}}", "{%x%}", "{{{name}}}", "}}", "{{"])
def test_g2_no_placeholder_of_a_value_leaves_the_house(name):
    said = render("Olá {{ nome }}", {"nome": name})

    assert not any(each in said for each in ("{{", "}}", "{%", "%}"))


def test_g2_an_escaped_brace_is_said_and_harmless():
    assert "{{" not in render(r"use \{{ nome", VALUES)


def test_g3_markup_is_escaped_and_a_subject_is_one_line():
    nasty = {"nome": "<script>\r\nBcc: x@y.z\x00"}

    assert render("{{ nome }}", nasty, html=True).startswith("&lt;script&gt;")
    assert render("Oi {{ nome }}", nasty, line=True) == "Oi <script> Bcc: x@y.z"


@pytest.mark.parametrize("text", [
    "{{ lead.__class__ }}", "{{ x() }}", "{% for x in y %}", "{{ nome", "nome }}",
    "{{ }}", "{{ nome|evil }}", "{{ nome|trunca:x }}", "{{ 1+1 }}", "{{ a.b.__c }}",
    "{{ nome }} " * 3000, "{{ nome|padrao:você }}", "{{ Nome }}", "{{ nome.0[1] }}",
])  # fmt: skip
def test_g4_whatever_is_no_variable_is_a_fault(text):
    with pytest.raises(BadTemplate):
        variables(text)


@given(st.text(max_size=200))
def test_g4_no_text_does_anything_but_render_or_be_refused(text):
    try:
        said = render(text, VALUES)
    except (BadTemplate, MissingVariable):
        return
    assert "{{" not in said
    assert "}}" not in said


@given(st.text(max_size=80))
def test_g2_no_value_ever_makes_a_placeholder(value):
    said = render('a{{ x|padrao:"-" }}b', {"x": value})

    assert not any(each in said for each in ("{{", "}}", "{%", "%}"))


@pytest.mark.parametrize(("hour", "said"), [
    (5, "Bom dia"), (11, "Bom dia"), (12, "Boa tarde"), (17, "Boa tarde"),
    (18, "Boa noite"), (2, "Boa noite"),
])  # fmt: skip
def test_e15_a_greeting_is_of_its_hour(hour, said):
    assert greeting(datetime(2026, 9, 2, hour, tzinfo=UTC)) == said
