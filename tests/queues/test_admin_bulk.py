"""The pages on which staff repair dead letters in bulk."""

import csv
import io
import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from queues.models import AuditEntry, DeadLetter, Job, LetterBulk
from queues.states import State
from queues.work import run_due
from tests.queues.desk import LETTERS, OPERATOR, act, page, staff
from tests.queues.graves import bury, done, still_open

pytestmark = pytest.mark.django_db(transaction=True)

FAULTS, REPLAY, DISCARD = (
    f"{LETTERS}{name}/" for name in ("faults", "bulk/replay", "bulk/discard")
)
BULKS = "/admin/queues/letterbulk/"
ALL = (*OPERATOR, "export_letter", "cancel_job")


@pytest.fixture
def operator() -> Client:
    return staff("operator", *ALL)


@pytest.fixture
def viewer() -> Client:
    return staff("viewer", "view_deadletter", "view_job", "view_letterbulk")


def send(client: Client, address: str, **fields: object):
    form = {"token": str(uuid4()), "per": "second", **fields}
    return client.post(address, form)


def test_faults_are_listed_with_counts_types_and_trend(operator):
    bury(5)
    bury(2, type_="fail")
    bury(3, reason="KeyError: 'email' of")

    shown = page(operator, FAULTS)

    assert "2 faults" in shown
    assert "RuntimeError: no order &lt;n&gt;" in shown
    assert re.search(r"noop\s*<b>5</b>", shown)
    assert re.search(r"fail\s*<b>2</b>", shown)
    assert "7 in the last hour, 7 in 24 hours" in shown


def test_faults_are_narrowed_as_letters_are(operator):
    bury(1)
    bury(1, reason="KeyError:", type_="fail")

    assert "KeyError" not in page(operator, f"{FAULTS}?q=no+order")
    assert "KeyError" in page(operator, f"{FAULTS}?type=fail&when=today&span=days")
    assert "Nothing here." in page(operator, f"{FAULTS}?when=yesterday")
    assert "Nothing here." in page(operator, f"{FAULTS}?state=replayed&sort=last")
    assert "Not a date and time: x" in page(operator, f"{FAULTS}?since=x&p=0")


def test_a_page_of_faults_asks_few_questions(operator, django_assert_max_num_queries):
    for number in range(30):
        bury(1, reason=f"Fault{chr(65 + number % 26)}{'x' * (number // 26)}:")

    with django_assert_max_num_queries(15):
        shown = page(operator, FAULTS)
    with django_assert_max_num_queries(15):
        page(operator, LETTERS)

    assert shown.count("fault-row") == 25
    assert 'rel="next"' in shown
    assert page(operator, f"{FAULTS}?p=2").count("fault-row") == 5


def test_all_that_match_are_replayed_with_a_change(operator):
    bury(3, type_="send-receipt", payload={"order_id": "x"})
    bury(2)
    where = f"{REPLAY}?type=send-receipt"
    asked = page(operator, where)
    assert "3 letters match" in asked
    assert "Replay 3 letters" in asked

    seen = send(operator, where, edit='{"order_id": 7}', preview="yes")
    assert "&quot;order_id&quot;: 7" in seen.content.decode()
    assert still_open() == 5

    answer = send(operator, where, edit='{"order_id": 7}', reason="typo", rate="500")
    bulk = LetterBulk.objects.get()
    assert answer.headers["Location"] == f"{BULKS}{bulk.pk}/change/"
    assert (bulk.total, bulk.per_minute, bulk.reason) == (3, 30_000, "typo")
    run_due(limit=1, seconds=20)

    assert Job.objects.filter(type="send-receipt", status=State.PENDING).count() == 3
    assert still_open() == 2
    entry = AuditEntry.objects.get(action="letter.replay")
    assert (entry.actor, entry.door, entry.count) == ("operator", "admin", 3)


def test_what_dies_after_the_page_was_shown_is_not_meant(operator):
    bury(2)
    upto = DeadLetter.objects.order_by("pk").last().pk
    bury(3)

    send(operator, DISCARD, upto=str(upto))

    assert LetterBulk.objects.get().total == 2


def test_a_change_that_is_no_json_object_is_explained(operator):
    bury(1)

    for edit, said in (("{", "This is not JSON"), ("[1]", "Write a JSON object")):
        shown = send(operator, REPLAY, edit=edit).content.decode()
        assert said in shown
    shown = send(operator, REPLAY, edit='{"a": "\\u0000"}').content.decode()
    assert "NUL" in shown
    assert not LetterBulk.objects.exists()


def test_a_refusal_is_shown_with_its_reason(operator):
    bury(2, type_="send-receipt", payload={"order_id": 1})
    bulk = done(edit={"order_id": "x"})

    shown = page(operator, f"{BULKS}{bulk.pk}/change/")

    assert "Invalid job data: order_id" in shown
    assert "0 of 2, 2 refused" in page(operator, BULKS)


def test_a_discard_is_undone_on_its_page(operator):
    bury(4)
    send(operator, DISCARD, reason="noise")
    run_due(limit=1, seconds=20)
    assert still_open() == 0
    bulk = LetterBulk.objects.get()
    assert "Undo this discard" in page(operator, f"{BULKS}{bulk.pk}/change/")

    operator.post(f"{BULKS}{bulk.pk}/undo/")
    run_due(limit=1, seconds=20)

    assert still_open() == 4
    assert "This was taken back." in page(operator, f"{BULKS}{bulk.pk}/change/")
    assert "Undo this discard" not in page(operator, f"{BULKS}{bulk.pk}/change/")


def test_a_running_bulk_is_stopped_after_a_question(operator):
    bury(4)
    bulk = LetterBulk.objects.get(pk=_ordered(operator, per="minute", rate="1"))

    asked = page(operator, f"{BULKS}{bulk.pk}/stop/")
    operator.post(f"{BULKS}{bulk.pk}/stop/")

    assert "What it has done stays done" in asked
    assert Job.objects.get(type="bulk-replay").status == State.CANCELLED
    assert "stopped" in page(operator, f"{BULKS}{bulk.pk}/change/")


def _ordered(client: Client, **fields: object) -> int:
    answer = send(client, REPLAY, **fields)
    return int(answer.headers["Location"].split("/")[-3])


def test_chosen_letters_are_taken_to_the_page_of_orders(operator):
    bury(3)
    letters = list(DeadLetter.objects.order_by("pk")[:2])

    answer = act(operator, "replay_with_changes", letters, at=LETTERS)

    assert "2 letters match" in answer.content.decode()


def test_one_discarded_letter_is_opened_again(operator):
    bury(1)
    letter = DeadLetter.objects.get()
    operator.post(f"{LETTERS}{letter.pk}/dismiss/")
    shown = page(operator, f"{LETTERS}{letter.pk}/change/")
    operator.post(f"{LETTERS}{letter.pk}/restore/")

    assert "Take the discard back" in shown
    assert still_open() == 1


def test_letters_are_found_by_fault_time_bulk_and_words(operator):
    bury(2)
    bury(1, reason="KeyError:")
    bulk = done("discard", selection=_search("KeyError"))
    fault = DeadLetter.objects.filter(bulk=None).first().fingerprint

    def rows(query: str) -> int:
        return page(operator, f"{LETTERS}?{query}").count('class="field-why')

    assert rows(f"fingerprint={fault}") == 2
    assert rows(f"bulk={bulk.pk}") == 1
    assert rows("when=today&since=2020-01-01&until=2099-01-01") == 3
    assert rows("when=yesterday") == 0
    assert rows("fingerprint=nonsense") == 0
    assert rows("q=KeyError") == 1


def _search(words: str):
    from queues.letters import Selection

    return Selection(search=words)


def exported(client: Client, kind: str, query: str = "") -> str:
    answer: Any = client.post(f"{LETTERS}export/{kind}/{query}")
    assert answer.status_code == 200
    assert answer.streaming
    return b"".join(answer.streaming_content).decode()


def test_letters_are_exported_with_secrets_masked_and_no_formula(operator):
    bury(2, reason="=HYPERLINK(1)", payload={"api_key": "s3cret", "order": 7})
    bury(1, reason="KeyError")

    rows = list(csv.DictReader(io.StringIO(exported(operator, "csv", "?q=HYPER"))))
    letters = json.loads(exported(operator, "json"))

    assert len(rows) == 2
    assert all(row["reason"].startswith("'=") for row in rows)
    assert json.loads(rows[0]["payload"]) == {"api_key": "•••", "order": 7}
    assert len(letters) == 3
    assert "s3cret" not in json.dumps(letters)
    assert json.loads(exported(operator, "json", "?q=nothing")) == []
    told = AuditEntry.objects.filter(action="letter.export").values_list(
        "count", flat=True
    )
    assert sorted(told) == [0, 2, 3]


def test_an_export_goes_by_pages(operator, monkeypatch):
    from queues import export_letters

    monkeypatch.setattr(export_letters, "PAGE", 2)
    bury(5)

    found = [letter["id"] for letter in json.loads(exported(operator, "json"))]

    assert found == sorted(found, reverse=True)
    assert len(found) == 5


def test_a_viewer_sees_no_button_and_a_forged_post_is_refused(viewer):
    bury(2)
    bulk = done("discard")
    bury(1)

    for address in (FAULTS, LETTERS, f"{BULKS}{bulk.pk}/change/"):
        shown = page(viewer, address)
        assert "Replay" not in shown.partition("</nav>")[2].replace("replayed", "")
        assert "Export" not in shown
    for address in (
        REPLAY, DISCARD, f"{LETTERS}export/csv/", f"{BULKS}{bulk.pk}/undo/",
    ):  # fmt: skip
        assert send(viewer, address).status_code == 403, address
        assert viewer.get(address).status_code in {403, 405}, address
    assert LetterBulk.objects.count() == 1
    assert still_open() == 1


def test_a_scope_narrows_the_page_the_bulk_and_the_export():
    from django.contrib.auth.models import Group, Permission, User

    from queues.models import AccessScope

    group = Group.objects.create(name="receipts")
    group.permissions.set(Permission.objects.filter(codename__in=ALL))
    AccessScope.objects.create(group=group, type="send-*")
    user = User.objects.create_user("narrow", is_staff=True)
    user.groups.add(group)
    client = Client()
    client.force_login(user)
    bury(2, type_="send-receipt", payload={"order_id": 1})
    bury(3)

    assert "noop" not in page(client, FAULTS).partition('class="faults"')[2]
    send(client, REPLAY)
    run_due(limit=1, seconds=20)

    assert LetterBulk.objects.get().total == 2
    assert still_open() == 3
    assert len(json.loads(exported(client, "json"))) == 2


def test_words_that_mean_nothing_lead_back(operator):
    bury(1)

    assert operator.get(f"{REPLAY}?ids=x").headers["Location"] == FAULTS
    assert operator.post(f"{LETTERS}export/csv/?bulk=x").headers["Location"] == FAULTS
    assert operator.get(f"{LETTERS}bulk/burn/").status_code == 404
    assert operator.post(f"{LETTERS}export/pdf/").status_code == 404
    assert "There is nothing to do." in page(operator, f"{REPLAY}?q=nowhere")
