"""What a template may say: values of an app stand beside ours, a lead's words stay plain."""

import pytest

from cadences import values
from cadences.grammar import render
from cadences.values import is_known, provide, values_of
from tests.cadences.people import T, cadence, enrolled

pytestmark = pytest.mark.django_db


def test_an_app_adds_values_of_its_own(clock, monkeypatch):
    monkeypatch.setattr(values, "_providers", [])
    (run,) = enrolled(cadence({}), context={"offer": "Prata"})

    @provide
    def offer(run, now):
        return {"oferta_nome": run.context["offer"], "oferta_hora": f"{now:%H}"}

    said = values_of(run, now=T)

    assert is_known("oferta_nome")
    assert render("{{ oferta_nome }} às {{ oferta_hora }}", said) == f"Prata às {T:%H}"


def test_facts_of_a_lead_are_names_of_their_own_and_only_plain_ones(clock):
    (run,) = enrolled(cadence({}), context={"Plano": "Ouro", "deep": {"x": 1}})

    said = values_of(run, now=T)

    assert said["contexto.plano"] == "Ouro"
    assert not [name for name in said if "deep" in name]
    assert not is_known("plano")
