"""The HTTP API of cadences: who may, what it answers, what it leaves behind."""

import json
from datetime import timedelta
from typing import Any

import pytest

from cadences.models import Cadence, Control, Event, Execution, Lead, Run, RunnerLog
from cadences.outcomes import Unknown
from cadences.pause import pause
from cadences.publish import draft
from cadences.runner import run_here
from cadences.states import Trigger
from queues.models import AuditEntry, Job
from queues.testing import inline
from tests.cadences.people import cadence, enrolled, fresh, lead, many, template
from tests.queues.callers import CRON, SERVICE, WORKER, get, person, post

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "phones")]

RUNS = "/api/cadences/runs"
STATUS = "/api/cadences/runner/status"


def ask(path, body=None, *, secret=SERVICE, **more):
    return post(path, body, secret=secret, **more)


def see(path, *, secret=SERVICE):
    return get(path, secret=secret)


@pytest.fixture
def run():
    (one,) = enrolled(cadence({}, {"delay": 1, "unit": "days"}))
    return one


@pytest.fixture
def staff():
    return person("ana", "operate_run", "view_run", staff=True)[1]


@pytest.mark.parametrize("secret", [None, "", CRON, WORKER, "anon"])
def test_a3_only_the_service_key_and_people_open_these_doors(secret, run):
    paths = [("GET", RUNS), ("GET", STATUS), ("POST", f"{RUNS}/{run.pk}/pause")]
    for method, path in paths:
        answer = (get if method == "GET" else post)(path, secret=secret)
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert fresh(run).status == "ATIVA"


def test_a_lead_is_enrolled_by_id_or_by_what_is_known():
    which, known = cadence(), lead()

    one = ask(RUNS, {"cadence": "welcome", "lead": str(known.pk), "context": {"x": 1}})
    two = ask(RUNS, {
        "cadence": str(which.pk), "company": "acme",
        "leadData": {"externalId": 7, "name": "Bia", "phone": "(11) 98888-7777",
                     "data": {"cidade": "Recife"}},
    })  # fmt: skip

    assert (one.status_code, two.status_code) == (201, 201)
    body = two.json()
    assert (body["status"], body["nextStep"], body["cadence"]) == (
        "ATIVA",
        1,
        "welcome",
    )
    bia = Lead.objects.get(pk=body["leadId"])
    assert (bia.external_id, bia.contacts.get().address) == ("7", "+5511988887777")
    assert Run.objects.get(lead=known).context == {"x": 1}
    entry = AuditEntry.objects.filter(action="run.enroll").latest("pk")
    assert (entry.actor, entry.target_id) == ("service secret", body["id"])


def test_h2_the_same_key_is_the_same_run(run):
    known = {"cadence": "welcome", "leadData": {"phone": "11 98888-7777"}}
    key = {"Idempotency-Key": "k1"}

    first = ask(RUNS, known, headers=key)
    again = ask(RUNS, known, headers=key)
    other = ask(RUNS, {**known, "firstStep": 2}, headers=key)

    assert first.json() == again.json()
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotency-Replayed"] == "true"
    assert other.status_code == 409
    assert Run.objects.count() == 2


def test_why_a_lead_is_not_enrolled_is_a_word(run):
    again = ask(RUNS, {"cadence": "welcome", "lead": str(run.lead_id)})
    nowhere = lead(whatsapp=False)
    mute = ask(RUNS, {"cadence": "welcome", "lead": str(nowhere.pk)})
    Cadence.objects.update(state="closed")
    closed = ask(RUNS, {"cadence": "welcome", "lead": str(nowhere.pk)})

    told = [(each.status_code, each.json()["motive"]) for each in (again, mute, closed)]
    assert told == [(409, "JA_ATIVA"), (409, "SEM_CONTATO"), (409, "CADENCIA_INATIVA")]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 400, "cadence"),
        ({"cadence": "welcome"}, 400, "lead"),
        ({"cadence": "nope", "lead": "7"}, 400, "lead"),
        ({"cadence": "nope", "leadData": {"phone": "1"}}, 404, "nope"),
        ({"cadence": "welcome", "leadData": {"phone": "1"}}, 400, "phone"),
        ({"cadence": "welcome", "leadData": {}}, 400, "needed"),
        ({"cadence": "welcome", "leadData": {"phone": "1"}, "startAt": "x"}, 400, "start"),
        ("{", 400, "JSON"),
    ],
)  # fmt: skip
def test_a_bad_enrolment_says_what_is_wrong(body, status, said):
    cadence()
    if isinstance(body, str):
        answer = post(RUNS, secret=SERVICE, data=b"{", content_type="application/json")
    else:
        answer = ask(RUNS, body)

    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert not Run.objects.exists()


def test_many_leads_are_checked_at_once_and_enrolled_by_a_job():
    cadence()
    rows = [{"phone": f"11 9{81000000 + n}", "name": f"Ana {n}"} for n in range(6)]
    more: list[dict[str, Any]] = [*rows, rows[0], {"phone": "12"}]
    more += [{"email": "x@acme.com.br"}, {"phone": "11 981000099", "context": [1]}]

    with inline():
        answer = ask(f"{RUNS}/batch", {"cadence": "welcome", "rows": more})
    assert answer.status_code == 202
    body = answer.json()
    path = f"/api/cadences/batches/{body['id']}"

    assert see(path).json()["results"] == {
        "enrolled": 6, "duplicate": 1, "invalid": 2, "refused": 1,
    }  # fmt: skip
    bad = see(f"{path}/rows?result=invalid").json()["rows"]
    assert bad[0]["line"] == 8
    assert "phone" in bad[0]["detail"]
    page = see(f"{path}/rows?limit=4").json()
    assert [row["line"] for row in page["rows"]] == [1, 2, 3, 4]
    after = see(f"{path}/rows?limit=4&after={page['nextCursor']}").json()
    assert after["rows"][0]["line"] == 5
    assert see(f"{path}/rows?result=no").status_code == 400
    assert Job.objects.get(pk=body["jobId"]).status == "completed"


def test_a_dry_run_of_many_changes_nothing():
    cadence()
    rows = [{"phone": "11 981000000"}]

    with inline():
        answer = ask(
            f"{RUNS}/batch", {"cadence": "welcome", "rows": rows, "dryRun": True}
        )

    path = f"/api/cadences/batches/{answer.json()['id']}"
    assert see(path).json()["results"] == {"enrolled": 1}
    assert not Run.objects.exists()


def test_a_run_is_shown_with_its_story_and_why_it_waits(run):
    run_here(Trigger.MANUAL)

    answer = see(f"{RUNS}/{run.pk}")
    events = see(f"{RUNS}/{run.pk}/events").json()["events"]
    said = see(f"{RUNS}/{run.pk}/explain").json()

    assert answer["ETag"] == f'"{answer.json()["rowVersion"]}"'
    assert answer.json()["lastStep"] == 1
    assert [each["type"] for each in events] == ["INSCRITO", "DISPARADO", "AGENDADO"]
    assert said["answer"].startswith("It is due")
    assert {gate["name"] for gate in said["gates"]} >= {"window", "reply", "sender"}
    assert said["preview"].startswith("Olá Ana")
    assert see(f"{RUNS}/{run.lead_id}").status_code == 404


def test_runs_are_listed_in_pages():
    many(cadence(), 5)

    first = see(f"{RUNS}?limit=3").json()
    rest = see(f"{RUNS}?limit=3&cursor={first['nextCursor']}").json()

    ids = [each["id"] for page in (first, rest) for each in page["runs"]]
    assert len(set(ids)) == 5
    assert rest["nextCursor"] is None
    assert see(f"{RUNS}?status=PAUSADA").json()["runs"] == []
    assert len(see(f"{RUNS}?cadence=welcome").json()["runs"]) == 5
    for bad in ("status=x", "cursor=x", "limit=0", "cursor=2026-01-01_x"):
        assert see(f"{RUNS}?{bad}").status_code == 400


def test_a_run_is_steered_and_the_audit_says_by_whom(run, staff):
    path = f"{RUNS}/{run.pk}"

    paused = ask(f"{path}/pause", {"reason": "holiday"}, secret=staff)
    resumed = ask(f"{path}/resume", {"atOnce": True}, secret=staff)
    hurried = ask(f"{path}/run-now", secret=staff)
    moved = ask(f"{path}/reschedule", {"at": "2026-09-03T12:00:00Z"}, secret=staff)
    skipped = ask(f"{path}/skip", secret=staff)
    ended = ask(f"{path}/cancel", secret=staff)

    answers = (paused, resumed, hurried, moved, skipped, ended)
    assert [each.status_code for each in answers] == [200] * 6
    assert moved.json()["nextRunAt"] == "2026-09-03T12:00:00.000Z"
    assert ended.json()["status"] == "CANCELADA"
    told = AuditEntry.objects.filter(action__startswith="run.").order_by("pk")
    assert [each.action for each in told] == [
        "run.pause", "run.resume", "run.hurry", "run.reschedule", "run.skip",
        "run.cancel",
    ]  # fmt: skip
    assert (told[0].actor, told[0].reason) == ("ana", "holiday")
    assert told[0].before["status"] == "ATIVA"
    assert Event.objects.filter(run=run, type="PAUSADA").get().actor == "ana"
    assert ask(f"{path}/pause", secret=staff).status_code == 409


def test_c14_the_second_who_skips_the_same_state_is_refused(run):
    tag = see(f"{RUNS}/{run.pk}")["ETag"]

    first = ask(f"{RUNS}/{run.pk}/skip", headers={"If-Match": tag})
    second = ask(f"{RUNS}/{run.pk}/skip", headers={"If-Match": tag})
    bad = ask(f"{RUNS}/{run.pk}/skip", headers={"If-Match": "x"})

    assert [each.status_code for each in (first, second, bad)] == [200, 409, 400]
    assert Event.objects.filter(run=run, type="PASSO_PULADO").count() == 1


def test_h4_a_restart_ends_the_run_and_begins_a_new_round(run, phones):
    run_here(Trigger.MANUAL)

    answer = ask(f"{RUNS}/{run.pk}/restart")

    body = answer.json()
    assert (answer.status_code, body["round"], body["nextStep"]) == (200, 2, 1)
    assert (fresh(run).status, fresh(run).exit_reason) == ("CANCELADA", "replaced")
    assert Event.objects.filter(run=body["id"], type="REINICIADA").exists()
    assert Execution.objects.filter(run=run).count() == 1


def test_h4_the_same_key_starts_anew_once(run):
    key = {"Idempotency-Key": "anew"}

    first, again = (ask(f"{RUNS}/{run.pk}/restart", headers=key) for _ in range(2))
    other = ask(f"{RUNS}/{run.pk}/restart", {"reason": "x"}, headers=key)

    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 409)
    assert first.json() == again.json()
    assert Run.objects.count() == 2


HALF = json.loads('"\\ud83d"')


@pytest.mark.parametrize("text", ["a\x00b", HALF, f"a{HALF}"])
def test_what_no_database_holds_is_refused_in_the_envelope(run, text):
    which = {"cadence": "welcome"}
    known = {"externalId": "9", "phone": "11988887777", "name": "Bia"}
    asked = [
        (RUNS, {**which, "lead": str(run.lead_id), "context": {"a": [text]}}),
        (RUNS, {**which, "leadData": {**known, "data": {text: 1}}}),
        (RUNS, {**which, "leadData": {**known, "name": text}}),
        (RUNS, {"cadence": text, "lead": str(run.lead_id)}),
        (f"{RUNS}/batch", {**which, "rows": [{**known, "name": text}]}),
        (f"{RUNS}/{run.pk}/pause", {"reason": text}),
    ]

    for path, body in asked:
        answer = ask(path, body)
        assert answer.status_code == 400, path
        assert set(answer.json()) == {"error"}
    assert see(f"{RUNS}?cadence=a%00b").status_code == 400
    assert Run.objects.count() == 1
    assert fresh(run).status == "ATIVA"


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00+14:00", "2000-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"],
)
def test_a_moment_that_nobody_means_is_refused(run, moment):
    due = run.next_run_at

    moved = ask(f"{RUNS}/{run.pk}/reschedule", {"at": moment})
    paused = ask(f"{RUNS}/{run.pk}/pause", {"until": moment})

    assert (moved.status_code, paused.status_code) == (400, 400)
    assert moved.json()["error"].startswith("at: ")
    assert fresh(run).next_run_at == due


def test_a_run_in_doubt_is_not_started_anew(run, phones):
    phones.script = [Unknown("timeout")]
    run_here(Trigger.MANUAL)

    answer = ask(f"{RUNS}/{run.pk}/restart")

    assert answer.status_code == 409
    assert fresh(run).status == "ATIVA"


def test_owners_see_and_steer_the_runs_of_their_leads_alone(run):
    owner, token = person("bob")
    Lead.objects.filter(pk=run.lead_id).update(owner=owner)
    (other,) = enrolled(cadence(code="second"))

    assert ask(f"{RUNS}/{run.pk}/pause", secret=token).status_code == 200
    shown = see(RUNS, secret=token).json()["runs"]
    assert [each["id"] for each in shown] == [str(run.pk)]
    for path in (f"{RUNS}/{other.pk}", STATUS):
        answer = see(path, secret=token)
        assert (answer.status_code, answer.json()) == (403, {"error": "Forbidden"})
    assert ask(f"{RUNS}/{other.pk}/pause", secret=token).status_code == 403
    assert ask(RUNS, {"cadence": "welcome", "leadData": {"phone": "11 98888-7777"}},
               secret=token).status_code == 403  # fmt: skip


def test_h11_who_may_not_read_people_sees_no_words_of_theirs(run, staff):
    pause(run.pk, actor="ana")
    Event.objects.create(run=run, type="RECONCILIADO", details={"evidence": "said so"})
    reader = person("eva", "view_run", "reveal_lead", staff=True)[1]

    def texts(token):
        path = f"{RUNS}/{run.pk}"
        events = see(f"{path}/events", secret=token).json()["events"]
        return "said so" in str(events)

    assert (texts(staff), texts(reader)) == (False, True)
    ask(f"{RUNS}/{run.pk}/resume", secret=staff)
    path = f"{RUNS}/{run.pk}/explain"
    assert see(path, secret=staff).json()["preview"] is None
    assert "Olá" in see(path, secret=reader).json()["preview"]


@pytest.mark.parametrize(
    ("word", "body", "status"),
    [
        ("opt-out", {"source": "phone call"}, "CANCELADA"),
        ("reply", {"text": "Tenho interesse"}, "CONCLUIDA"),
        ("reply", {"text": "SAIR"}, "CANCELADA"),
        ("meeting", {}, "CANCELADA"),
        ("stage", {"stage": "lost", "ends": True}, "CANCELADA"),
        ("stage", {"stage": "hot"}, "ATIVA"),
        ("mode", {"mode": "manual"}, "PAUSADA"),
    ],
)
def test_what_a_lead_does_is_told_by_other_systems(run, word, body, status):
    answer = ask(f"/api/cadences/leads/{run.lead_id}/{word}", body)

    assert answer.status_code == 200
    assert fresh(run).status == status
    action = f"lead.{word.replace('-', '_')}"
    entry = AuditEntry.objects.get(action=action)
    assert "Tenho" not in str(entry.after)


@pytest.mark.parametrize("body", [{}, {"mode": "x"}])
def test_what_is_told_of_a_lead_is_checked(run, body):
    answer = ask(f"/api/cadences/leads/{run.lead_id}/mode", body)

    assert (answer.status_code, "mode" in answer.json()["error"]) == (400, True)
    assert ask(f"/api/cadences/leads/{run.pk}/meeting").status_code == 404


def test_h6_the_switch_stops_everything_and_is_audited(run, phones):
    token = person("eva", "switch_runner", "view_runnerlog", staff=True)[1]

    off = ask("/api/cadences/runner/pause", {"reason": "fire"}, secret=token)
    done = ask("/functions/v1/cadence-runner").json()
    on = ask("/api/cadences/runner/resume", secret=token)

    assert (off.json()["sends"], on.json()["sends"]) == (False, True)
    assert (done["summary"]["total"], done["summary"]["paused"]) == (0, True)
    assert phones.ledger == []
    told = AuditEntry.objects.filter(action="runner.switch").order_by("pk")
    assert [(each.reason, each.after["is_on"]) for each in told] == [
        ("fire", False), ("", True),
    ]  # fmt: skip
    refused = ask("/api/cadences/runner/pause", secret=person("bob", staff=True)[1])
    assert refused.status_code == 403
    assert Control.objects.get().is_on


def test_the_runner_tells_how_it_stands(run):
    before = see(STATUS).json()
    run_here(Trigger.MANUAL)
    run_here(Trigger.TEST)

    after = see(STATUS).json()
    logs = see("/api/cadences/runner/logs?limit=1").json()
    rest = see(f"/api/cadences/runner/logs?cursor={logs['nextCursor']}").json()

    assert (before["due"], before["lastPassAt"]) == (1, None)
    assert (after["due"], after["sendsLastHour"]["accepted"]) == (0, 1)
    assert after["lastPassSeconds"] == 0
    assert len(logs["logs"]) == 1
    assert RunnerLog.objects.count() == 2
    assert rest["nextCursor"] is None
    assert see(f"/api/cadences/runner/logs?cursor={run.pk}").status_code == 400


def test_a_draft_is_published_or_says_what_is_wrong(run):
    which = run.cadence
    path = f"/api/cadences/{which.pk}"
    assert ask(f"{path}/publish").status_code == 409
    version = draft(which)
    version.steps.filter(position=1).update(template_code="gone")

    refused = ask(f"{path}/publish")
    faults = see(f"{path}/lint").json()["faults"]
    template("gone")
    done = ask(f"{path}/publish")

    assert (refused.status_code, refused.json()["faults"]) == (422, faults)
    assert "gone" in faults[0]
    assert done.json() == {"cadence": "welcome", "version": 2, "state": "published"}
    assert AuditEntry.objects.filter(action="cadence.publish").count() == 1
    told = ask(f"{path}/migrate-runs").json()
    assert (told["counts"], told["dryRun"]) == ({"same": 1}, True)
    assert fresh(run).version_id != version.pk
    moved = ask(f"{path}/migrate-runs", {"dryRun": False}).json()
    assert moved == {"dryRun": False, "counts": {"same": 1}}
    assert fresh(run).version_id == version.pk


def test_a_text_is_tried_on_a_lead(run):
    path = "/api/cadences/templates/preview"

    told = ask(path, {"run": str(run.pk), "body": "Oi {{ nome }}"}).json()
    missing = ask(path, {"run": str(run.pk), "body": "{{ dados.x }}"}).json()
    bad = ask(path, {"run": str(run.pk), "body": "{{ nome"})

    assert told["body"] == f"Oi {run.lead.name}"
    assert missing["missing"] == ["dados.x"]
    assert bad.status_code == 422


def test_an_unknown_send_is_resolved_by_who_may(run, phones, clock, staff):
    phones.script = [Unknown("timeout")]
    run_here(Trigger.MANUAL)
    found = Execution.objects.get()
    path = f"/api/cadences/executions/{found.pk}/resolve"

    assert ask(path, {"verdict": "sent"}, secret=staff).status_code == 403
    assert ask(path, {"verdict": "not_sent", "evidence": "x"}).status_code == 409
    clock.pass_(minutes=3)
    assert ask(path, {"verdict": "not_sent"}).status_code == 409
    done = ask(path, {"verdict": "not_sent", "evidence": "looked at the phone"})

    assert (done.status_code, done.json()["state"]) == (200, "refused")
    entry = AuditEntry.objects.get(action="execution.resolve")
    assert entry.reason == "looked at the phone"
    clock.pass_(minutes=1)
    run_here(Trigger.MANUAL)
    assert len(phones.ledger) == 1
    assert ask(path, {"verdict": "sent"}).status_code == 409
    assert ask(path.replace(str(found.pk), str(run.pk)), {"verdict": "sent"}).status_code == 404  # fmt: skip


def test_a_session_needs_its_csrf_token(client, run):
    user, _ = person("ana", "operate_run", staff=True)
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)

    assert browser.post(f"{RUNS}/{run.pk}/pause").status_code == 403
    assert fresh(run).status == "ATIVA"


def test_the_documents_and_the_figures_know_cadences(run):
    paths = get("/api/openapi.json", secret=None).json()["paths"]
    assert "/api/cadences/runs/{run_id}/explain" in paths
    assert "/functions/v1/cadence-runner" in paths

    run_here(Trigger.MANUAL)
    text = get("/metrics", secret=SERVICE).content.decode()
    assert "ritmo_cadence_sends_last_hour" in text
    for name in (
        "due_runs",
        "oldest_due_seconds",
        "uncertain_sends",
        "paused_by_errors",
    ):
        assert f"ritmo_cadence_{name} 0.0" in text


def test_a_wait_in_the_future_is_no_backlog(run, clock):
    Run.objects.update(next_run_at=clock() + timedelta(hours=1))

    assert see(STATUS).json()["due"] == 0
