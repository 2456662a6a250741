"""From a lead to its first message, with real processes: once, in its window, or never."""

import hmac
import json
import urllib.request
from datetime import time, timedelta
from hashlib import sha256

import pytest

from cadences import clock
from cadences.models import Calendar, Execution, Run, Slot, Suppression
from cadences.suppress import suppress
from queues.models import Job
from syncs.models import Enrolment, EnrolmentRule, LeadEvent, SegmentControl, SegmentLog
from tests.cadences.people import cadence, company
from tests.cadences.providers import through_uazapi
from tests.processes import free_port, until, web, worker
from tests.queues.runners import race
from tests.simulators.sprinthub import INSTANCE, TOKEN
from tests.simulators.uazapi import uazapi
from tests.syncs.segments import lead, segment, sync

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

SECRET, CRON, SERVICE = "hooks-only", "cron-only", "service-only"
PATIENCE = 120.0
SEERS = 9
NEW, SUPPRESSED = 6, 7


def open_on(name: str, *, days: int) -> Calendar:
    """Return a calendar that is open one day in some days, or, with 0, always."""
    made = Calendar.objects.create(name=name)
    today = clock.now().weekday()
    Slot.objects.bulk_create(
        Slot(calendar=made, weekday=day, opens=time(0), closes=time(23, 59))
        for day in ([(today + days) % 7] if days else range(7))
    )
    return made


@pytest.fixture
def provider():
    """Serve the phones."""
    with uazapi() as simulator:
        yield simulator


def knock(port: int, path: str, body: object, **headers: str) -> int:
    """Post JSON to the web process; return the status."""
    raw = json.dumps(body).encode()
    if "signed" in headers:
        made = hmac.new(headers.pop("signed").encode(), raw, sha256).hexdigest()
        headers["X-Ritmo-Signature"] = f"sha256={made}"
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", raw,
        {"Content-Type": "application/json", **headers},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return int(answer.status)


def furnish(hub, provider, *, days: int = 0) -> tuple[SegmentControl, EnrolmentRule]:
    """Write a segment that was synced, and a rule whose hours come in some days."""
    company(calendar=None)
    through_uazapi(provider)
    hub.fill(101, range(1, NEW))
    control = segment(enrich="never")
    welcome = cadence(calendar=open_on("hours", days=days))
    rule = EnrolmentRule.objects.create(
        name="Welcome", on="joined", control=control, cadence=welcome
    )
    sync(control)
    assert not Enrolment.objects.exists()
    return control, rule


def test_acceptance_5_a_lead_that_three_see_at_once_is_enrolled_once(  # noqa: PLR0915 - one story
    hub, provider
):
    control, rule = furnish(hub, provider)
    hub.add(NEW, 101)
    hub.add(SUPPRESSED, 101, email=None)
    suppress(
        "whatsapp", f"+551191000{SUPPRESSED:04d}", company="acme", everywhere=True,
        reason=Suppression.Reason.OPT_OUT,
    )  # fmt: skip
    SegmentControl.objects.update(next_execution=clock.now() - timedelta(minutes=1))
    at = {
        "SPRINTHUB_BASE_URL": hub.url, "SPRINTHUB_API_TOKEN": TOKEN,
        "SPRINTHUB_INSTANCE": INSTANCE, "SPRINTHUB_CALLS_A_MINUTE": "6000",
        "SPRINTHUB_WEBHOOK_SECRET": SECRET, "CRON_SECRET": CRON,
        "SERVICE_ROLE_KEY": SERVICE,
    }  # fmt: skip
    port = free_port()

    def see(number: int) -> int:
        """Be the webhook, the daily sync, or a sync by hand."""
        who = NEW + number // 3 % 2
        hint = {"lead_id": who, "segment_id": 101, "seen": number}
        match number % 3:
            case 0:
                return knock(port, "/webhooks/sprinthub/leads", hint, signed=SECRET)
            case 1:
                key = {"Authorization": f"Bearer {CRON}"}
                return knock(port, "/functions/v1/sync-segment-leads", {}, **key)
            case _:
                key = {"Authorization": f"Bearer {SERVICE}"}
                place = f"/api/syncs/segments/{control.pk}/run"
                return knock(port, place, {}, **key)

    with web(port, **at), worker("-c", "2", **at):
        answers = race(SEERS, see)
        until(lambda: Enrolment.objects.count() == 2, PATIENCE)
        until(lambda: provider.ledger, PATIENCE)
        until(lambda: SegmentLog.objects.count() >= 2, PATIENCE)
        until(lambda: not quiet(), PATIENCE)
        until(lambda: Execution.objects.filter(state="sent").exists(), PATIENCE)

    assert set(answers) <= {200, 202}
    joined = LeadEvent.objects.filter(kind="joined", is_baseline=False)
    assert {each.lead for each in joined} == {lead(NEW), lead(SUPPRESSED)}
    assert joined.count() == 2
    run = Run.objects.get()
    assert (run.lead, run.cadence) == (lead(NEW), rule.cadence)
    assert Enrolment.objects.get(lead=lead(SUPPRESSED)).motive == "SUPRIMIDO"
    # The first message has left, once: the hours are open.
    assert list(provider.counts().values()) == [1]
    assert Execution.objects.get().state == "sent"


def quiet() -> bool:
    """Tell whether a job that could still enrol or send somebody is at work."""
    types = ("apply-lead-hint", "enroll-leads", "sync-segment-leads")
    return Job.objects.filter(
        type__in=types, status__in=("pending", "processing")
    ).exists()


def test_acceptance_5_outside_of_its_hours_the_first_message_waits(hub, provider):
    control, rule = furnish(hub, provider, days=3)
    hub.add(NEW, 101)
    for _ in range(3):
        assert sync(control).status == "success"

    run = Run.objects.get(cadence=rule.cadence)
    waits = run.next_run_at - clock.now()
    assert timedelta(days=1) < waits < timedelta(days=4)
    assert not provider.ledger
