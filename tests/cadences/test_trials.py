"""Cadences tried out, and their figures, over HTTP: nothing is written, nobody is told more."""

from datetime import timedelta

import pytest

from cadences.models import Event, Execution, Run, Variant
from cadences.publish import draft, publish
from cadences.runner import run_here
from cadences.states import Trigger
from tests.cadences.people import T, cadence, company, enrolled, lead, template
from tests.queues.callers import SERVICE, get, person, post

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "phones")]

METRICS = "/api/cadences/metrics"
PREVIEW = "/api/cadences/templates/preview"


def ask(path, body=None, *, secret=SERVICE):
    return post(path, body, secret=secret)


@pytest.fixture
def which():
    return cadence({}, {"delay": 2, "unit": "days"})


def test_h9_a_lead_s_future_is_told_with_why_it_waits(which):
    ana = lead(name="Ana Souza")
    start = T + timedelta(days=1)

    told = ask(
        f"/api/cadences/{which.pk}/simulate",
        {"lead": str(ana.pk), "startAt": start.isoformat()},
    ).json()

    one, two = told["moments"]
    assert (told["version"], told["timeZone"]) == (1, "America/Sao_Paulo")
    assert (one["at"], one["body"]) == ("2026-09-03T13:00:00.000Z", "Olá Ana Souza")
    assert two["dueAt"] == "2026-09-05T13:00:00.000Z"
    assert two["localAt"] == "2026-09-08T08:00:00-03:00"
    assert [each["reason"] for each in two["waits"]] == ["closed"]
    assert told["endsBecause"] is None
    assert not Run.objects.exists()
    assert not Execution.objects.exists()


def test_a_draft_is_tried_before_it_is_published(which):
    version = draft(which)
    version.steps.filter(position=2).delete()
    ana = lead()
    path = f"/api/cadences/{which.pk}/simulate"

    assert len(ask(path, {"lead": str(ana.pk)}).json()["moments"]) == 1
    old = ask(path, {"lead": str(ana.pk), "version": 1}).json()
    assert (old["version"], len(old["moments"])) == (1, 2)
    assert ask(path, {"lead": str(ana.pk), "version": 9}).status_code == 404


def test_what_stops_a_step_is_told(which):
    silent = lead(whatsapp=False)

    told = ask(f"/api/cadences/{which.pk}/simulate", {"lead": str(silent.pk)}).json()

    (one,) = told["moments"]
    assert (told["endsBecause"], one["stop"]["gate"]) == ("address", "address")
    assert one["stop"]["becomes"] in {"fail", "exit"}
    company("other")
    stranger = lead(at="other")
    refused = ask(f"/api/cadences/{which.pk}/simulate", {"lead": str(stranger.pk)})
    assert (refused.status_code, refused.json()["faults"]) == (
        400, ["The lead is of another company"],
    )  # fmt: skip


def test_h11_only_who_may_read_people_tries_texts_on_them(which):
    ana = lead()
    _, viewer = person("bia", "view_cadence", "view_lead", staff=True)
    _, reader = person("eva", "view_cadence", "reveal_lead", staff=True)
    path, body = f"/api/cadences/{which.pk}/simulate", {"lead": str(ana.pk)}

    assert ask(path, body, secret=viewer).status_code == 403
    assert ask(path, body, secret=reader).status_code == 200
    text = {**body, "body": "Oi {{ nome }}"}
    assert ask(PREVIEW, text, secret=viewer).status_code == 403
    assert ask(PREVIEW, text, secret=reader).json()["body"] == f"Oi {ana.name}"
    assert ask(PREVIEW, {"body": "Oi"}).status_code == 400


def test_a_funnel_counts_each_variant(which):
    template("b", "Oi {{ nome }}")
    version = draft(which)
    step = version.steps.get(position=1)
    Variant.objects.create(step=step, code="a", template_code="hello", weight=1)
    Variant.objects.create(step=step, code="b", template_code="b", weight=1)
    publish(version)
    which.refresh_from_db()
    enrolled(which, 12)
    run_here(Trigger.MANUAL)

    told = get(f"/api/cadences/{which.pk}/funnel", secret=SERVICE).json()

    (first,) = told["steps"]
    assert (told["runs"], first["sent"]) == (12, 12)
    assert sum(each["sent"] for each in first["variants"].values()) == 12
    assert set(first["variants"]) <= {"a", "b"}
    by_code = {
        code: Execution.objects.filter(variant=code).count()
        for code in first["variants"]
    }
    assert {k: v["sent"] for k, v in first["variants"].items()} == by_code


def test_the_figures_are_told_as_json_and_to_prometheus(which):
    enrolled(which, 2)
    run_here(Trigger.MANUAL, limit=1)

    told = get(METRICS, secret=SERVICE).json()
    text = get(f"{METRICS}?format=prometheus", secret=SERVICE).content.decode()

    assert (told["due"], told["sendsLastHour"]["accepted"]) == (1, 1)
    assert told["cadences"][0]["runs"] == {"ATIVA": 2}
    assert {each["account"] for each in told["accounts"]} == {"whatsapp-1", "email-1"}
    assert "ritmo_cadence_due_runs 1.0" in text
    assert "ritmo_jobs" not in text
    assert get(METRICS, secret=None).status_code == 401
    assert get(METRICS, secret=person("ana", staff=True)[1]).status_code == 403
    assert get(f"{METRICS}?format=xml", secret=SERVICE).status_code in {400, 422}
    assert Event.objects.filter(type="DISPARADO").count() == 1


@pytest.mark.parametrize(
    "start", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2046-01-01T00:00:00Z"]
)
def test_a_start_that_no_calendar_reaches_is_refused(which, start, admin_client):
    ana = lead()
    path = f"/api/cadences/{which.pk}/simulate"

    told = ask(path, {"lead": str(ana.pk), "startAt": start})

    assert told.status_code == 400
    assert "not within ten years" in told.json()["error"]
    page = admin_client.get(
        f"/admin/cadences/cadence/{which.pk}/trial/",
        {"lead": str(ana.pk), "start": start.replace("Z", "")},
    )
    assert page.status_code == 200
    assert "That is more than ten years away." in page.content.decode()
