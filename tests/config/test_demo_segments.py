"""The demo's segments: simulated on this machine, one fails, and people are told."""

import json
import sys
import urllib.request
from pathlib import Path

import pytest

from cadences.models import Company, Run
from config.demo import hub
from config.demo.lists import COMING, INSTANCE, SEGMENTS, TOKEN
from config.demo.segments import MAILBOX, NOTE, close_segments, open_segments
from config.demo.sequences import COMPANY, seed
from config.env import Environment
from queues.alerts.watch import watch
from queues.models import AlertChannel, AlertMessage
from syncs.models import SegmentControl, SegmentLog
from tests.processes import running, until
from tests.simulators.hub import Desk, arrive, furnish
from tests.simulators.serve import served
from tests.simulators.sprinthub import SprintHub
from tests.syncs.segments import run_jobs, sync

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def simulated(settings):
    """Serve the demo's SprintHub, and let the settings name it."""
    simulator = SprintHub(token=TOKEN, instance=INSTANCE)
    furnish(simulator)
    with served(type("Handler", (Desk,), {"simulator": simulator})) as port:
        settings.SPRINTHUB_BASE_URL = f"http://127.0.0.1:{port}"
        settings.SPRINTHUB_API_TOKEN, settings.SPRINTHUB_INSTANCE = TOKEN, INSTANCE
        settings.SPRINTHUB_CALLS_A_MINUTE = 6000
        yield simulator


@pytest.fixture
def company():
    seed()
    return Company.objects.get(code=COMPANY)


def test_two_segments_sync_one_fails_and_who_joins_is_welcomed(simulated, company):
    assert open_segments(company) == open_segments(company) == len(SEGMENTS) == 3
    for _ in range(4):
        run_jobs()

    ends = dict(SegmentLog.objects.values_list("segment_id", "status"))
    assert ends == {101: "success", 102: "success", 103: "error"}
    first = SegmentControl.objects.get(segment_id=101)
    assert first.members == len(SEGMENTS[0].leads)
    before = Run.objects.count()
    arrive(simulated, 0)
    sync(first)
    assert Run.objects.count() == before + 1
    watch()
    told = AlertMessage.objects.filter(rule__code="segment-cron-failure")
    assert [each.subjects for each in told] == [["Demo: fair of spring (103)"]]
    assert set(told[0].rule.channels.values_list("kind", flat=True)) == {
        "slack", "email",
    }  # fmt: skip


def test_what_staff_chose_stays(simulated, company):
    open_segments(company)
    AlertChannel.objects.filter(kind="email").update(target="us@example.com")
    SegmentControl.objects.filter(segment_id=102).update(status="paused", note="ours")

    assert close_segments() == 2
    assert close_segments() == 0
    open_segments(company)

    stands = dict(SegmentControl.objects.values_list("segment_id", "status"))
    assert stands == {101: "active", 102: "paused", 103: "active"}
    assert AlertChannel.objects.get(kind="email").target == "us@example.com" != MAILBOX


def test_where_a_real_account_is_named_no_segment_is_opened(settings, company):
    settings.SPRINTHUB_BASE_URL = "https://sprinthub.example"
    SegmentControl.objects.create(segment_id=101, name=SEGMENTS[0].title)

    assert open_segments(company) == 0

    control = SegmentControl.objects.get()
    assert (control.status, control.note) == ("paused", NOTE)


def test_people_come_and_go_within_the_guard():
    simulator = SprintHub(token=TOKEN, instance=INSTANCE)
    furnish(simulator)
    before = len(simulator.segments[101])

    for place in range(3 * len(COMING)):
        arrive(simulator, place)

    members = simulator.segments[101]
    assert len(members) == len(set(members))
    assert before < len(members) <= before * 1.1


def test_the_process_answers_and_prints_what_slack_is_told(tmp_path: Path):
    values = hub.places(Environment({}), tmp_path, demo=True)
    (child,) = hub.children(values)

    def answers() -> bool:
        try:
            with urllib.request.urlopen(values["SPRINTHUB_BASE_URL"] + "/leads/900001?i=aurora-demo&apitoken=" + TOKEN, timeout=5) as answer:  # noqa: S310  # fmt: skip
                return b"Ana900001" in answer.read()
        except OSError:
            return False

    with running([sys.executable, *child.command[1:]]) as process:
        until(answers, 60)
        said = json.dumps({"text": "*Warning: x*\nbecause"}).encode()
        at = values["SLACK_WEBHOOK_URL"]
        urllib.request.urlopen(at, said, timeout=5).close()  # noqa: S310
        process.wait_for("Slack: *Warning: x* | because")


def test_a_real_account_and_a_real_slack_are_left_alone(tmp_path: Path):
    own = Environment({"SPRINTHUB_INSTANCE": "acme"})
    assert hub.places(own, tmp_path, demo=True) == {}
    assert hub.places(Environment({}), tmp_path, demo=False) == {}
    assert hub.children({}) == []
    slack = Environment({"SLACK_WEBHOOK_URL": "https://hooks.slack.example/x"})
    assert "SLACK_WEBHOOK_URL" not in hub.places(slack, tmp_path, demo=True)
