"""Every page of what happens: it opens, for few statements, and tells nobody's data."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cadences.happenings import PHONE, Desk, furnish_desk
from tests.queues.desk import staff

pytestmark = [pytest.mark.django_db, pytest.mark.raw_rows]
MOST = 15
"""Statements that a page may ask."""
AT = "/admin/cadences/"
VIEWS = (
    "view_run", "view_execution", "view_task", "view_lead", "view_message",
    "view_suppression", "view_runnerlog",
)  # fmt: skip
ORDERS = ("order", "start", "found")  # who searches knows the number
SECRETS = (
    "981234567", "98123-4567", "ana.souza@", "Souza", "tudo bem?", "amanhã",
    "Quem fala?", "955550101", "Paz",
)  # fmt: skip
FORGED = (
    "run/{desk.sent.pk}/pause/",
    "run/order/pause/",
    "execution/{desk.unknown.pk}/sent/",
    "task/{desk.task.pk}/done/",
    "lead/{desk.person.pk}/erase/",
    "lead/{desk.person.pk}/enroll/",
    "message/{desk.message.pk}/dismiss/",
    "suppression/suppress/",
    "suppression/import/",
    "runnerlog/start/",
    "control/switch/",
)


@pytest.fixture
def desk() -> Desk:
    return furnish_desk()


def pages(desk: Desk) -> dict[str, str]:
    contact = desk.person.contacts.order_by("pk")[0]
    log = "runnerlog/start/"
    return {
        "panel": "control/panel/",
        "runs": "run/",
        "next": "run/?next=week",
        "found": f"run/?q={PHONE}",
        "sent": f"run/{desk.sent.pk}/change/",
        "failed": f"run/{desk.failed.pk}/change/",
        "paused": f"run/{desk.paused.pk}/change/",
        "replied": f"run/{desk.replied.pk}/change/",
        "order": "run/order/pause/?status=ATIVA",
        "doubts": "execution/",
        "doubt": f"execution/{desk.unknown.pk}/change/",
        "tasks": "task/",
        "task": f"task/{desk.task.pk}/change/",
        "leads": "lead/",
        "lead": f"lead/{desk.person.pk}/change/",
        "contact": f"contact/{contact.pk}/change/",
        "inbox": "message/",
        "message": f"message/{desk.message.pk}/change/",
        "suppressions": "suppression/",
        "logs": "runnerlog/",
        "start": log,
    }


def opened(client: Client, address: str) -> tuple[str, int]:
    client.get(AT + address)  # what is read once a process is read
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = client.get(AT + address)
    assert answer.status_code == 200, (address, answer)
    return answer.content.decode(), len(asked)


def test_every_page_opens_for_few_statements(admin_client: Client, desk: Desk):
    costs = {
        name: opened(admin_client, address)[1] for name, address in pages(desk).items()
    }

    assert {name: cost for name, cost in costs.items() if cost > MOST} == {}


def test_who_may_not_see_people_sees_no_address_no_text_and_no_surname(desk: Desk):
    viewer = staff("viewer", *VIEWS)

    shown = {
        name: opened(viewer, at)[0]
        for name, at in pages(desk).items()
        if name not in ORDERS
    }

    for name, page in shown.items():
        for secret in SECRETS:
            assert secret not in page, (name, secret)
    assert "Ana M. S." in shown["lead"]
    assert "+55 11 9****-4567" in shown["lead"]


def test_who_may_see_people_sees_them(admin_client: Client, desk: Desk):
    lead = opened(admin_client, pages(desk)["lead"])[0]
    message = opened(admin_client, pages(desk)["message"])[0]

    assert "+5511981234567" in lead
    assert "Ana Maria Souza" in lead
    assert "tudo bem?" in lead
    assert "Quem fala?" in message


def test_a_name_is_only_looked_for_by_those_who_may_see_it(
    admin_client: Client, desk: Desk
):
    viewer = staff("viewer", *VIEWS)

    for words in ("ana+mar", "souza", "SOU+ana", "s%C3%B3uza"):
        assert "Ana Maria" in opened(admin_client, f"lead/?q={words}")[0], words
    assert "Nothing here" in opened(admin_client, "lead/?q=ouza")[0]
    assert "Nothing here" in opened(viewer, "lead/?q=ana+mar")[0]
    assert "Ana M. S." in opened(viewer, f"lead/?q={PHONE}")[0]
    assert "Ana M. S." in opened(viewer, "lead/?q=ana.souza@example.com")[0]


def test_who_may_look_presses_nothing(desk: Desk):
    viewer = staff("viewer", *VIEWS)

    for address in FORGED:
        answer = viewer.post(AT + address.format(desk=desk), {"reason": "because"})
        assert answer.status_code == 403, address
