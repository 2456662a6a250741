"""The doors of the runner: the seed's path and the command. Scenarios A3 to A5, A8."""

import itertools
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cadences.models import Run, RunnerLog
from cadences.pause import pause
from queues.enqueue import enqueue
from queues.models import Job
from queues.testing import inline
from tests.cadences.people import cadence, enrolled

pytestmark = pytest.mark.django_db

PATH = "/functions/v1/cadence-runner"
SERVICE, CRON = "service-test-key", "cron-test-secret"


def post(body: object = None, *, token: str | None = SERVICE, **headers: str) -> Any:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    content = (
        "" if body is None else body if isinstance(body, str) else json.dumps(body)
    )
    return Client().post(
        PATH, content, content_type="application/json", headers=headers
    )


@pytest.mark.parametrize("body", [None, {"source": "pg_cron"}, {"trigger": "CRON"}])
@pytest.mark.parametrize("token", [None, "anon-key", "", "None", "worker-test-secret"])
def test_a3_who_has_no_secret_claims_nothing_and_leaves_no_log(token, body, clock):
    (one,) = enrolled(cadence())

    answer = post(body, token=token)

    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert not RunnerLog.objects.exists()
    assert Run.objects.get().next_run_at == one.next_run_at


@pytest.mark.usefixtures("clock", "phones")
@pytest.mark.parametrize("token", [SERVICE, "service-rotated", CRON])
def test_a3_both_secrets_open_the_door(token):
    assert post({"trigger": "CRON"}, token=token).status_code == 200


@pytest.mark.parametrize("token", ["", "None", SERVICE])
def test_a4_an_unset_secret_never_matches(token, settings):
    settings.SERVICE_ROLE_KEYS = settings.CRON_SECRETS = ("",)

    assert post(token=token).status_code == 401


@pytest.mark.usefixtures("clock", "phones")
def test_a5_methods_and_bodies():
    answer = Client().get(PATH, headers={"Authorization": f"Bearer {SERVICE}"})
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    deep = '{"a":' * 20_000 + "1" + "}" * 20_000
    for bad in ({"trigger": "X"}, "{", "[1]", {"limit": 0}, {"limit": True}, deep):
        assert post(bad).status_code == 400
    assert post(" " * 1_048_577).status_code == 413
    assert (
        post({"trigger": "TEST"}, **{"Transfer-Encoding": "chunked"}).status_code == 411
    )
    assert not RunnerLog.objects.exists()

    assert post().json()["summary"]["trigger_source"] == "CRON"


@pytest.mark.usefixtures("clock")
def test_a2_the_answer_is_the_seeds(phones):
    (one,) = enrolled(cadence())

    told = post({"trigger": "MANUAL"}).json()

    assert told["success"] is True
    assert list(told["summary"])[:6] == [
        "total", "success", "errors", "skipped", "duration_ms", "trigger_source",
    ]  # fmt: skip
    (line,) = told["results"]
    assert line == {
        "runId": str(one.pk), "leadId": str(one.lead_id), "stepOrdem": 1,
        "templateCodigo": "hello", "status": "DISPARADO", "runStatus": "CONCLUIDA",
    }  # fmt: skip
    assert len(phones.ledger) == 1


@pytest.mark.usefixtures("clock", "phones")
def test_a12_a_dry_run_may_be_asked_for():
    enrolled(cadence())

    assert post({"dry_run": True}).json()["summary"]["dry_run"] is True


def test_a8_a_failure_is_500_with_the_seeds_words_and_a_log(clock, monkeypatch):
    enrolled(cadence())

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("cadences.runner.claim", fail)
    answer = post({"trigger": "MANUAL"})

    assert answer.status_code == 500
    assert answer.json() == {"success": False, "error": "Erro interno do servidor"}
    log = RunnerLog.objects.get()
    assert (log.status, log.errors) == ("error", 1)


@pytest.mark.usefixtures("clock")
def test_the_command_makes_a_pass_and_prints_it(phones, capsys):
    enrolled(cadence(), 2)

    call_command("cadence_runner", "--limit", "1")

    assert json.loads(capsys.readouterr().out)["summary"]["success"] == 1
    call_command("cadence_runner", "--trigger", "TEST")
    assert json.loads(capsys.readouterr().out)["summary"]["dry_run"] is True
    assert len(phones.ledger) == 1
    with pytest.raises(CommandError, match="--limit"):
        call_command("cadence_runner", "--limit", "0")


@pytest.mark.raw_rows
def test_the_seeds_statements_run_as_printed(sql):
    sql("INSERT INTO cadence_runner_logs (steps_executed, errors, runs_touched)"
        " VALUES (12, 1, 7)")  # fmt: skip
    rows = sql("""
        SELECT
          executed_at,
          steps_executed,
          errors,
          runs_touched,
          duration_ms,
          trigger_source
        FROM cadence_runner_logs
        ORDER BY executed_at DESC
        LIMIT 10;
    """)
    assert rows[0][1:] == (12, 1, 7, None, "CRON")
    assert len(sql("""
        SELECT *
        FROM cadence_runner_logs
        WHERE errors > 0
        AND executed_at > now() - interval '24 hours'
        ORDER BY executed_at DESC;
    """)) == 1  # fmt: skip
    assert sql("SELECT id, status, next_run_at FROM lead_cadence_runs") == []
    assert sql("SELECT * FROM lead_cadence_events") == []


@pytest.mark.raw_rows
def test_seed_sql_the_optimistic_lock_is_won_once(sql, clock):
    enrolled(cadence())
    ((key, moment),) = sql(
        "SELECT id, next_run_at FROM lead_cadence_runs"
        " WHERE status = 'ATIVA' AND next_run_at <= %s", clock(),
    )  # fmt: skip
    lock = (
        "UPDATE lead_cadence_runs SET next_run_at = %s"
        " WHERE id = %s AND next_run_at = %s RETURNING id"
    )
    later = clock.pass_(minutes=10)

    assert sql(lock, later, key, moment) == [(key,)]
    assert sql(lock, later, key, moment) == []


@pytest.mark.raw_rows
def test_seed_sql_a_log_of_the_seeds_columns_is_a_whole_one(sql):
    sql("INSERT INTO cadence_runner_logs DEFAULT VALUES")
    sql(
        "INSERT INTO public.cadence_runner_logs (executed_at, steps_executed, errors,"
        " runs_touched, duration_ms, details, trigger_source) VALUES (now(), 12, 1, 7,"
        """ 2340, '{"results": []}', 'MANUAL')"""
    )

    rows = sql("SELECT trigger_source, errors FROM cadence_runner_logs ORDER BY errors")
    assert rows == [("CRON", 0), ("MANUAL", 1)]


@pytest.mark.usefixtures("clock")
def test_the_scheduled_pass_is_the_same_code_and_closes_its_log(phones):
    enrolled(cadence(), 3)

    with inline():
        enqueue("cadence-runner")

    log = RunnerLog.objects.get()
    assert (log.trigger_source, log.steps_executed, log.status) == ("CRON", 3, "ok")
    assert set(log.details) == {"results", "started_at", "finished_at"}
    assert len(phones.ledger) == 3


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "GET"])
def test_a5_other_methods_are_refused_in_the_envelope(method):
    answer = Client().generic(method, PATH, headers={"Authorization": f"Bearer {CRON}"})

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert answer.json() == {"error": "Method not allowed"}


@pytest.mark.usefixtures("clock")
def test_a_pass_takes_none_but_the_runs_that_are_named(phones):
    one, two, three = enrolled(cadence(), 3)
    pause(three.pk, actor="ana")
    named = [str(two.pk), str(three.pk)]

    plan = post({"run_ids": named, "dry_run": True}).json()
    told = post({"run_ids": named, "trigger": "MANUAL"}).json()

    assert [each["runId"] for each in plan["results"]] == [str(two.pk)]
    assert [each["runId"] for each in told["results"]] == [str(two.pk)]
    assert told["summary"]["remaining_due"] == 1
    assert len(phones.ledger) == 1
    assert Run.objects.get(pk=one.pk).claim_token is None
    assert post({"run_ids": []}).json()["summary"]["total"] == 0
    assert not Job.objects.filter(type="cadence-runner").exists()


@pytest.mark.usefixtures("clock", "phones")
def test_a_pass_ends_within_its_time(monkeypatch):
    enrolled(cadence(), 3)
    turns = itertools.count()
    monkeypatch.setattr("cadences.runner.time.monotonic", lambda: float(next(turns)))

    told = post({"time_budget_s": 0.5}).json()

    assert told["summary"]["total"] == 0
    assert told["summary"]["remaining_due"] == 3
    assert Job.objects.filter(type="cadence-runner").count() == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"run_ids": ["x"]},
        {"run_ids": "all"},
        {"time_budget_s": 0},
        {"time_budget_s": 51},
        {"time_budget_s": "5"},
        {"dry_run": "yes"},
        {"trigger": []},
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_happens(bad, db):
    assert post(bad).status_code == 400
    assert not RunnerLog.objects.exists()


@pytest.mark.usefixtures("clock", "phones")
def test_a3_the_runner_has_a_second_path_with_the_same_lock():
    path = "/api/cadences/runner/run"
    keyed = {"Authorization": f"Bearer {CRON}"}

    assert Client().post(path).status_code == 401
    assert Client().get(path, headers=keyed).status_code == 405
    answer = Client().post(path, content_type="application/json", headers=keyed)
    assert answer.json()["success"] is True
