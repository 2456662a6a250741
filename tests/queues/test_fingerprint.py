"""Deaths of one fault share a fingerprint, whatever differs between them."""

import pytest

from queues.enqueue import enqueue
from queues.models import DeadLetter, Job
from queues.outcomes import Bury
from queues.settle import settle
from queues.work import run_due

pytestmark = pytest.mark.django_db

SAME = [
    ("no order 17", "no order 90210"),
    ("took 1.5 s", "took 12,345.75 s"),
    ("user 'ana' is gone", "user 'bia lima' is gone"),
    ('user "ana" is gone', 'user "bia" is gone'),
    ("can't reach ana@example.com", "can't reach x.y+z@mail.example.org"),
    ("no answer from 10.0.0.7:5432", "no answer from 192.168.1.20:6432"),
    ("no route to fe80::1:2:3", "no route to 2001:db8::7:8"),
    (
        "lead 6f1c2d3e-0000-4000-8000-001122334455 is gone",
        "lead 00000000-0000-4000-8000-0011223344ff is gone",
    ),
    ("<Order object at 0x7f10aa>", "<Order object at 0x55ee>"),
    ("customer cus_9s6XKzkNRiz8i3XX", "customer cus_1AAbbCCddEEff22"),
    ("commit deadbeef01", "commit 00c0ffee"),
    (
        "GET https://api.example.com/orders/7?x=1 failed",
        "GET https://api.example.com/leads/9#a failed",
    ),
    ("at 2026-11-22T10:30:00Z", "at 2025-01-02T03:04:05Z"),
    ("ids [1, 2, 3] are missing", "ids [7, 8] are missing"),
    ("It waited: #12 died, #13 died", "It waited: #7 died, #8 died, #9 died"),
    ("a\n   b 1", "a b 2"),
]
DIFFERENT = [
    ("KeyError: 'a'", "ValueError: 'a'"),
    ("GET https://one.example.com/x failed", "GET https://two.example.com/x failed"),
    ("std::vector", "std::string"),
    ("no order", "no lead"),
]


def pattern(sql, reason: str) -> str:
    ((found,),) = sql("SELECT ritmo_pattern(%s)", reason)
    return str(found)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_differs_by_chance_is_left_out(sql, one, other):
    assert pattern(sql, one) == pattern(sql, other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_differs_by_nature_stays(sql, one, other):
    assert pattern(sql, one) != pattern(sql, other)


def test_the_place_in_the_code_counts_and_its_line_does_not(sql):
    frame = 'Traceback:\n  File "/srv/{}", line {}, in {}\n    raise ValueError'
    places = [
        ("app/orders.py", 7, "send"),
        ("other/orders.py", 99, "send"),
        ("app/orders.py", 7, "fetch"),
        ("app/leads.py", 7, "send"),
    ]
    prints = [
        sql("SELECT ritmo_fingerprint('ValueError', %s)", frame.format(*place))[0][0]
        for place in places
    ]

    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_every_way_to_die_leaves_a_fingerprint(claimed, sql):
    settle([(claimed(), Bury("no order 7"))])
    enqueue("fail", {"message": "no order 8"}, max_attempts=1)
    run_due(limit=1, seconds=10)
    first = enqueue("noop")
    enqueue("noop", after=[first])
    Job.objects.filter(pk=first.pk).delete()
    sql("INSERT INTO jobs (type, status, completed_at) VALUES ('x', 'failed', now())")
    sql(
        "INSERT INTO dead_letters (job_id, type, reason)"
        " SELECT max(id), 'x', 'no order 9' FROM jobs"
    )

    letters = DeadLetter.objects.all()

    assert letters.count() == 4
    assert not letters.filter(fingerprint=None).exists()
    by_reason = {each.reason: each.fingerprint for each in letters}
    assert by_reason["no order 7"] == by_reason["no order 9"]


def test_letters_of_an_older_version_are_filled_in_pages(sql, monkeypatch):
    from importlib import import_module

    from django.db import connection

    backfill = import_module("queues.migrations.0010_letters_backfill")
    monkeypatch.setattr(backfill, "PAGE", 2)
    for number in range(5):
        enqueue("fail", {"message": f"no order {number}"}, max_attempts=1)
    run_due(limit=5, seconds=20)
    before = set(DeadLetter.objects.values_list("fingerprint", flat=True))
    DeadLetter.objects.update(fingerprint=None)

    class Editor:
        pass

    editor = Editor()
    editor.connection = connection  # type: ignore[attr-defined]
    backfill.fill(None, editor)

    assert set(DeadLetter.objects.values_list("fingerprint", flat=True)) == before
    assert len(before) == 1
