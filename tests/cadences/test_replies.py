"""What an incoming text is: scenarios C3, C11, C12, C13 on the pure function."""

from datetime import date, timedelta

import pytest

from cadences.replies import Kind, read

TODAY = date(2026, 9, 2)


def kind(text: str, **known: object) -> Kind:
    return read(text, today=TODAY, **known).kind


@pytest.mark.parametrize("text", [
    "SAIR", "Parar.", "pare!", "Não quero mais", "stop", " me tira da lista ", "Descadastrar",
])  # fmt: skip
def test_c3_a_word_alone_is_an_opt_out(text):
    assert kind(text) == Kind.OPT_OUT


@pytest.mark.parametrize("text", [
    "não quero mais falar disso agora, me liga amanhã",
    "por favor me tira da lista de vocês, obrigado",
    "gente, para de me mandar mensagem",
])  # fmt: skip
def test_c11_a_sentence_that_may_be_an_opt_out_is_for_a_person(text):
    assert kind(text) == Kind.MAYBE_OPT_OUT


@pytest.mark.parametrize("text", [
    "quero cancelar a reunião", "Oi, tenho interesse", "pode parar de chover?", "ok", "",
])  # fmt: skip
def test_c11_an_ordinary_reply_is_one(text):
    assert kind(text) == Kind.HUMAN


@pytest.mark.parametrize(("text", "until"), [
    ("Estou de férias, de volta em 14/09/2026", date(2026, 9, 14)),
    ("Fora do escritório. Retorno em 14/09.", date(2026, 9, 14)),
    ("Estou em licença. Volto dia 05/01", date(2027, 1, 5)),
    ("Out of office, back on 14/09/26", date(2026, 9, 14)),
    ("Estou ausente", None),
    ("Estou de férias, de volta em 31/02/2026", None),
    ("Estou de férias, de volta em 01/08/2026", None),
])  # fmt: skip
def test_c12_an_absence_may_tell_when_it_ends(text, until):
    found = read(text, today=TODAY)

    assert (found.kind, found.until) == (Kind.ABSENCE, until)


@pytest.mark.parametrize("known", [
    {"subject": "Resposta automática: proposta"},
    {"headers": {"Auto-Submitted": "auto-replied"}},
    {"headers": {"Precedence": "auto_reply"}},
    {"headers": {"X-Autoreply": "yes"}},
])  # fmt: skip
def test_c12_headers_and_subjects_tell_an_absence(known):
    assert kind("Obrigado pela mensagem", **known) == Kind.ABSENCE
    assert kind("Oi", headers={"Auto-Submitted": "no"}) == Kind.HUMAN


def test_c13_a_greeting_within_seconds_is_a_machine_and_later_a_person():
    text = "Olá! Agradecemos seu contato. Digite 1 para vendas"
    quick, slow = timedelta(seconds=3), timedelta(minutes=2)

    assert kind(text, after=quick) == Kind.PROBABLY_MACHINE
    assert kind(text, after=slow) == Kind.HUMAN
    assert kind(text, after=quick, is_first=False) == Kind.HUMAN
    assert kind("Oi, pode falar", after=quick) == Kind.HUMAN
