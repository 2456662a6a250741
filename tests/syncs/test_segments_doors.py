"""The doors of segments: the seed's call, the webhook, and the commands."""

import hmac
import json
from hashlib import sha256
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from cadences.models import Run
from queues.models import AuditEntry, Job
from syncs.models import LeadEvent, LeadHint, SegmentControl, SegmentLog
from syncs.segments.errors import Ghost
from syncs.segments.fence import holding, take_up
from syncs.segments.start import start, take_over
from tests.syncs.segments import company, lead, members, run_jobs, segment, sync
from tests.syncs.stores import make_store
from tests.syncs.test_segments_enrol import rule

pytestmark = pytest.mark.django_db
DOOR = "/functions/v1/sync-segment-leads"
HOOK = "/webhooks/sprinthub/leads"
SECRET = "hooks-only"


@pytest.fixture
def call(client, settings):
    """Return a function that knocks at the seed's door with its key."""
    settings.CRON_SECRETS = ["cron-only"]

    def knock(body=None, secret=None, **headers):
        return client.post(
            DOOR, data=json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret or 'cron-only'}", **headers},
        )  # fmt: skip

    return knock


@pytest.fixture
def tell(client, settings):
    """Return a function that tells of a lead as an automation does."""
    settings.SPRINTHUB_WEBHOOK_SECRETS = ["old-one", SECRET]

    def send(body, **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        if not headers:
            made = hmac.new(SECRET.encode(), raw, sha256).hexdigest()
            headers = {"X-Ritmo-Signature": f"sha256={made}"}
        return client.post(
            HOOK, data=raw, content_type="application/json", headers=headers
        )

    return send


def due(number):
    control = segment(number)
    SegmentControl.objects.filter(pk=control.pk).update(
        next_execution="2026-01-01T06:00Z"
    )


def test_the_door_writes_a_job_for_each_due_segment(call):
    due(1)
    due(2)
    segment(3)

    answer = call()

    assert answer.status_code == 202
    assert answer.json()["count"] == 2
    jobs = {str(job.pk): job.payload["segment_id"] for job in Job.objects.all()}
    assert {each["jobId"]: each["segmentId"] for each in answer.json()["jobs"]} == jobs


@pytest.mark.parametrize("body", [{"segment_id": 7}, {"segmentId": "7"}])
def test_the_door_starts_the_named_segment_once(call, body):
    segment(7)

    first, again = call(body), call(body)

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["jobs"] == again.json()["jobs"]
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"segment_id": 9}, 404, "Unknown segment: 9"),
        ({"segment_id": "x"}, 400, "Invalid segment_id"),
        ({"segment_id": True}, 400, "Invalid segment_id"),
        ({"segment_id": "7" * 30}, 400, "Invalid segment_id"),
        ({"segment_id": "0" * 18 + "77"}, 400, "Invalid segment_id"),
        ([], 400, "Expected an object"),
    ],
)
def test_the_door_refuses_in_words(call, body, status, error):
    segment(7)

    answer = call(body)

    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_the_door_is_closed_to_strangers(call, client):
    assert call({}, secret="nothing").status_code == 401
    assert client.get(DOOR).status_code == 405


def test_a_key_of_the_caller_answers_the_same(call):
    segment(7)
    key = {"Idempotency-Key": "once"}

    first, again = call({"segment_id": 7}, **key), call({"segment_id": 7}, **key)

    assert first.json() == again.json()
    assert call({"segment_id": 8}, **key).status_code == 409


def test_s52_a_signed_hint_is_kept_and_the_truth_is_fetched(hub, tell):
    hub.fill(101, [1])
    control = segment(enrich="never")
    rule(control)
    sync(control)
    hub.add(2, 101)

    answer = tell({"lead_id": 2, "segment_id": 101, "name": "a lie"})
    again = tell({"lead_id": 2, "segment_id": 101, "name": "a lie"})
    run_jobs()

    assert (answer.status_code, answer.json()) == (
        200, {"success": True, "duplicate": False},
    )  # fmt: skip
    assert again.json()["duplicate"] is True
    assert lead(2).name == "Ana2 Exemplo"
    assert members(control) == {"1", "2"}
    assert [run.lead for run in Run.objects.all()] == [lead(2)]

    sync(control)
    run_jobs()
    assert Run.objects.count() == 1


def test_s52_one_changed_byte_is_refused(tell):
    raw = b'{"lead_id": 2}'
    made = hmac.new(SECRET.encode(), raw, sha256).hexdigest()

    answer = tell(b'{"lead_id": 3}', **{"X-Ritmo-Signature": made})

    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert not LeadHint.objects.exists()


@pytest.mark.parametrize("secret", ["old-one", SECRET])
def test_s52_while_a_secret_is_replaced_both_open(tell, secret):
    assert tell({"lead_id": 1}, **{"X-Ritmo-Secret": secret}).status_code == 200


def test_without_a_secret_in_the_settings_nothing_is_accepted(tell, settings):
    settings.SPRINTHUB_WEBHOOK_SECRETS = ()

    for secret in ("", "anything"):
        assert tell({"lead_id": 1}, **{"X-Ritmo-Secret": secret}).status_code == 401


@pytest.mark.parametrize(
    "body",
    [b"nope", b"[]", b"{}", b'{"lead_id": "x"}', b'{"lead_id": 1, "event": "a b"}'],
)
def test_a_hint_that_says_nothing_is_refused(tell, body):
    assert tell(body).status_code == 400


def test_an_event_of_a_webhook_starts_the_rule_that_names_it(hub, tell):
    hub.add(5)
    segment(enrich="never")
    rule(on="event", event="form-sent")
    rule(on="event", event="other")

    tell({"lead_id": "5", "event": "form-sent"})
    run_jobs()

    assert Run.objects.get().lead == lead(5)
    assert LeadEvent.objects.get(kind="event").details == {"event": "form-sent"}


def test_a_hint_of_a_lead_that_is_gone_ends_quietly(hub, tell):
    segment()

    tell({"lead_id": 77})
    run_jobs()

    assert LeadHint.objects.get().result == "gone"


def command(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_s53_the_command_runs_a_paused_segment_once(hub):
    hub.fill(101, range(1, 6))
    control = segment(enrich="never", status="paused")

    said = command("sync_segment", "101", "--here")

    control.refresh_from_db()
    log = SegmentLog.objects.get()
    assert (control.status, log.status, log.trigger) == ("paused", "success", "command")
    assert log.actor
    assert "found=5" in said
    assert AuditEntry.objects.filter(action="segment.run").exists()


def test_s53_an_unknown_segment_is_misuse():
    with pytest.raises(CommandError, match="Unknown segment: 9") as refused:
        command("sync_segment", "9")

    assert refused.value.returncode == 2


def test_segments_of_a_connection_are_carried_too(tmp_path, stand):
    link = make_store(stand, providers=("sprinthub",)).connections.get()
    segment(101, connection=link, company=company("other"))
    segment(101)
    file = tmp_path / "segments.json"
    command("export_segments", str(file))
    rows = json.loads(file.read_text())["segments"]
    SegmentControl.objects.all().delete()

    assert command("import_segments", str(file)) == "created 2, changed 0, same 0\n"
    assert command("import_segments", str(file)) == "created 0, changed 0, same 2\n"

    assert [each["connection"] for each in rows] == [str(link.pk), None]
    found = SegmentControl.objects.get(connection=link)
    assert (found.company_id, found.cron) == ("other", "0 6 * * *")


def test_segments_are_carried_by_a_file(tmp_path):
    segment(101, name="New", cron="0 8 * * 1-5", guard_percent=30)
    file = tmp_path / "segments.json"
    command("export_segments", str(file))
    SegmentControl.objects.update(cron="0 6 * * *", name="Old")

    dry = command("import_segments", str(file), "--dry-run")
    before = SegmentControl.objects.get().name
    wet, again = (command("import_segments", str(file)) for _ in range(2))

    assert dry == wet == "created 0, changed 1, same 0\n"
    assert again == "created 0, changed 0, same 1\n"
    control = SegmentControl.objects.get()
    assert (before, control.name, control.cron) == ("Old", "New", "0 8 * * 1-5")


@pytest.mark.parametrize(
    "text",
    [
        "nope", "{}", '{"segments": [{"segment_id": 1, "cron": "x", "time_zone": "UTC"}]}',
        '{"segments": [{"segment_id": -1}]}',
        '{"segments": [{"segment_id": 1, "company": "nobody"}]}',
        '{"segments": [{"segment_id": 1, "connection": "nobody"}]}',
        '{"segments": [{"segment_id": 1, "guard_percent": 0}]}',
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_changes_nothing(tmp_path, text):
    file = tmp_path / "segments.json"
    file.write_text(text)

    with pytest.raises(CommandError):
        command("import_segments", str(file))

    assert not SegmentControl.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_s53_the_exit_code_says_how_it_ended(hub):
    hub.fill(101, range(1, 6))
    segment(enrich="never")
    hub.leads[3]["id"] = "?"

    with pytest.raises(CommandError) as partial:
        command("sync_segment", "101", "--here")
    hub.fail("revoked")
    with pytest.raises(CommandError) as failed:
        command("sync_segment", "101", "--here")
    with pytest.raises(CommandError, match="goes on without") as waits:
        command("sync_segment", "101", "--wait", "0")

    codes = [each.value.returncode for each in (partial, failed, waits)]
    assert codes == [2, 1, 3]
    log = SegmentLog.objects.earliest("pk")
    assert (log.status, log.trigger) == ("partial", "command")


def test_s53_whoever_comes_second_attaches_and_a_takeover_gives_it_another_job(hub):
    hub.fill(101, range(1, 251))
    control = segment(enrich="never")
    first = start(control, trigger="cron").sync
    ghost = take_up(first)

    joined = start(control, trigger="command", actor="ana")
    taken = take_over(control, trigger="command", actor="ana")

    assert (joined.is_new, joined.sync.pk) == (False, first.pk)
    assert (taken.is_new, taken.sync.pk) == (True, first.pk)
    assert taken.sync.job_id != first.job_id
    with pytest.raises(Ghost), holding(ghost):
        pass
    assert Job.objects.get(pk=first.job_id).status == "cancelled"
    entry = AuditEntry.objects.get(action="segment.take_over")
    assert entry.before == {"job": first.job_id}
    run_jobs()
    log = SegmentLog.objects.get()
    assert (log.status, log.job_id, log.actor) == ("success", taken.sync.job_id, "ana")


def test_s53_with_nothing_to_take_over_a_sync_is_started():
    assert take_over(segment(), trigger="command").is_new
