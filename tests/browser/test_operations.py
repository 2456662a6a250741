"""A viewer who tries, an operator who pauses, an administrator who drains a worker."""

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect

from queues.enqueue import enqueue
from queues.models import AuditEntry, Job, Queue, Worker
from queues.work import run_due
from tests.browser.desk import has_no_overflow
from tests.processes import until, worker

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "a-long-secret"
VERBS = re.compile("^(Cancel|Replay|Dismiss|Pause|Resume|Drain|Stop|Save|Add)( |…|$)")

FORGE = """
async (addresses) => {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const answers = {};
  for (const address of addresses) {
    const answer = await fetch(address, {
      method: "POST",
      headers: {"X-CSRFToken": token},
      body: new URLSearchParams({note: "forged", confirmed: "yes", payload: "{}"}),
    });
    answers[address] = answer.status;
  }
  return answers;
}
"""


def member(role: str) -> User:
    user = User.objects.create_user(role.lower(), password=SECRET, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def enter(page: Page, live_server: Any, user: User) -> Page:
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(SECRET)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page


def visit(page: Page, live_server: Any, place: str) -> None:
    page.goto(f"{live_server.url}/admin/queues/{place}/")


def test_a_viewer_looks_and_changes_nothing_even_with_forged_requests(
    page: Page, live_server: Any
):
    waiting, dead = enqueue("noop"), enqueue("fail", max_attempts=1, priority=1)
    run_due(limit=1, seconds=10)
    node = Worker.objects.create(
        kind="node", name="host:1", machine="m", pid=1, born="1", queues="default"
    )
    desk = enter(page, live_server, member("Viewer"))

    for place in ("job", "deadletter", "queue", "worker", "limitrow", "auditentry"):
        visit(desk, live_server, place)
        content = desk.locator("#content")
        expect(content.get_by_role("heading", level=1)).to_be_visible()
        assert content.get_by_role("button", name=VERBS).count() == 0
        assert content.get_by_role("link", name=VERBS).count() == 0
    visit(desk, live_server, f"job/{waiting.pk}/change")
    addresses = [
        *(f"/admin/queues/job/{waiting.pk}/{verb}/" for verb in ("cancel", "delete")),
        f"/admin/queues/job/{dead.pk}/replay/",
        f"/admin/queues/deadletter/{dead.letters.get().pk}/dismiss/",
        "/admin/queues/queue/default/pause/",
        *(f"/admin/queues/worker/{node.pk}/{verb}/" for verb in ("drain", "stop")),
        "/admin/queues/apitoken/add/",
        "/admin/auth/user/add/",
        f"/api/jobs/{waiting.pk}/cancel",
    ]
    answers = desk.evaluate(FORGE, addresses)

    assert answers == dict.fromkeys(addresses, 403)
    waiting.refresh_from_db()
    dead.refresh_from_db()
    assert (waiting.status, dead.status) == ("pending", "failed")
    assert not Queue.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.usefixtures("complaints")
def test_an_operator_pauses_a_queue_with_a_note_and_lets_it_go_on(
    page: Page, live_server: Any
):
    desk = enter(page, live_server, member("Operator"))
    with worker("-c", "1"):
        enqueue("noop")
        until(lambda: set(_statuses()) == {"completed"})
        visit(desk, live_server, "queue")
        default = desk.get_by_role("listitem").filter(
            has=desk.get_by_role("link", name="default", exact=True)
        )
        default.get_by_role("link", name="Pause").click()
        desk.get_by_label("Why is it paused?").fill("The bank is down")
        desk.get_by_role("button", name="Pause").click()

        expect(desk.get_by_text("default is paused.")).to_be_visible()
        expect(desk.get_by_text("The bank is down").first).to_be_visible()
        time.sleep(1.2)  # from here on every worker has noticed
        enqueue("noop")
        time.sleep(1.5)
        assert _statuses().count("pending") == 1

        desk.set_viewport_size({"width": 400, "height": 800})
        assert has_no_overflow(desk)
        began = time.monotonic()
        desk.get_by_role("button", name="Resume").click()
        until(lambda: set(_statuses()) == {"completed"}, 10)
        assert time.monotonic() - began < 5
        expect(desk.get_by_text("default goes on.")).to_be_visible()

    actions = AuditEntry.objects.order_by("id").values_list("action", "actor", "reason")
    assert list(actions) == [
        ("queue.pause", "operator", "The bank is down"),
        ("queue.resume", "operator", ""),
    ]


@pytest.mark.usefixtures("complaints")
def test_an_administrator_drains_a_worker_and_reads_it_in_the_audit(
    page: Page, live_server: Any
):
    desk = enter(page, live_server, member("Administrator"))
    with worker("-c", "1") as process:
        until(Worker.objects.filter(kind="node").exists)
        node = Worker.objects.get(kind="node")
        visit(desk, live_server, "worker")
        desk.get_by_role("link", name=node.name).first.click()
        desk.get_by_role("button", name="Drain").click()

        expect(desk.get_by_text("draining")).to_be_visible()
        process.wait_for("drain")
        enqueue("noop")
        time.sleep(1.5)
        assert _statuses() == ["pending"]

        desk.get_by_role("button", name="Take jobs again").click()
        until(lambda: _statuses() == ["completed"], 15)

        desk.get_by_role("link", name=re.compile("^Stop")).click()
        desk.get_by_role("button", name="Stop").click()
        expect(desk.get_by_text("stopping").first).to_be_visible()
        assert process.wait(30) == 0

    visit(desk, live_server, "auditentry")
    for action in ("worker.drain", "worker.undrain", "worker.stop"):
        expect(desk.locator("#result_list").get_by_text(action)).to_be_visible()
    desk.get_by_role("link", name="worker.stop").first.click()
    assert desk.locator("#result_list tbody tr").count() == 1
    desk.locator("#result_list tbody th a").click()
    expect(desk.get_by_role("heading", name="What changed")).to_be_visible()


@pytest.mark.usefixtures("complaints")
def test_an_administrator_limits_a_role_to_a_queue(page: Page, live_server: Any):
    desk = enter(page, live_server, member("Administrator"))
    viewer = member("Viewer")
    enqueue("noop")
    enqueue("reports-queue")
    group = Group.objects.get(name="Viewer")
    desk.goto(f"{live_server.url}/admin/auth/group/{group.pk}/change/")
    desk.locator("#id_access_scopes-0-queue").select_option("reports")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_text("was changed successfully")).to_be_visible()
    desk.context.clear_cookies()

    desk = enter(page, live_server, viewer)
    visit(desk, live_server, "job")

    expect(desk.get_by_text("reports-queue").first).to_be_visible()
    assert desk.locator("#result_list tbody tr").count() == 1
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor) == ("group.change", "administrator")


def _statuses() -> list[str]:
    return list(Job.objects.order_by("id").values_list("status", flat=True))
