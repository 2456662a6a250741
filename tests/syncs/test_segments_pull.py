"""A whole segment, once, whatever the pages do: S24, S27, S32, S33, S63, B1 to B5."""

import pytest

from cadences.models import ContactIssue, Lead
from syncs.models import SegmentControl, SegmentLog, SegmentRefusal
from tests.syncs.segments import (
    addresses,
    company,
    events,
    go_on,
    lead,
    members,
    segment,
    sync,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_pages(small_pages):
    """Let a page hold ten rows."""


def never(**facts):
    """Return facts of a segment whose details are not read."""
    return {"enrich": SegmentControl.Enrich.NEVER, **facts}


def test_b1_every_page_is_read(hub):
    hub.fill(101, range(1, 25))
    control = segment(**never())

    log = sync(control)

    assert log.status == SegmentLog.Status.SUCCESS, log.message
    assert members(control) == {str(n) for n in range(1, 25)}
    assert [each.page for each in hub.calls("rows")] == [0, 1, 2]
    assert (log.stats["inserted"], log.stats["total"], log.success_rate) == (
        24,
        24,
        100,
    )


def test_b1_pages_that_begin_at_one_are_read_once_each(hub):
    hub.page_base = 1
    hub.fill(101, range(1, 25))
    control = segment(**never())

    first, again = sync(control), sync(control)

    assert first.status == again.status == SegmentLog.Status.SUCCESS
    assert members(control) == {str(n) for n in range(1, 25)}
    control.refresh_from_db()
    assert control.page_base == 1


@pytest.mark.parametrize(
    "body",
    [
        {"data": None}, {"data": {"total": 5}}, {"data": {"total": None, "leads": []}},
        {"data": {"total": 24, "leads": []}}, {"data": []}, {},
    ],
)  # fmt: skip
def test_b2_an_answer_without_leads_is_no_empty_segment(hub, body):
    hub.fill(101, range(1, 25))
    control = segment(**never())
    sync(control)
    SegmentControl.objects.update(last_full=None)
    hub.fail("body", "rows", value=body, pages=(1,), times=99)

    for _ in range(4):
        log = sync(control) or go_on(control)

    assert log.status == SegmentLog.Status.ERROR
    assert log.fault == "contract"
    assert len(members(control)) == 24


@pytest.mark.parametrize("kind", ["html", "truncate", "hang_up"])
def test_s27_a_garbled_page_is_asked_for_again(hub, kind):
    hub.fill(101, range(1, 25))
    hub.fail(kind, "rows", pages=(2,))
    control = segment(**never())

    waits = sync(control)
    log = go_on(control)

    assert waits is None
    assert log.status == SegmentLog.Status.SUCCESS
    assert [each.page for each in hub.calls("rows")] == [0, 1, 2, 2]


def test_s24_a_page_served_twice_loses_nobody(hub):
    hub.fill(101, range(1, 45))
    hub.fail("repeat_page", "rows", pages=(3,))
    control = segment(**never())

    log = sync(control)

    assert log.status == SegmentLog.Status.SUCCESS
    assert members(control) == {str(n) for n in range(1, 45)}
    assert log.stats["sweeps"] == 2


def test_s24_a_second_page_that_is_the_first_is_seen_through(hub):
    hub.fill(101, range(1, 45))
    hub.fail("repeat_page", "rows", pages=(1,))
    control = segment(**never())

    log = sync(control)

    assert log.status == SegmentLog.Status.SUCCESS
    assert members(control) == {str(n) for n in range(1, 45)}


def test_s32_leads_of_two_segments_are_in_both_and_leave_one(hub):
    hub.fill(101, range(1, 25))
    hub.segments[102] = list(range(21, 25))
    a, b = segment(101, **never()), segment(102, **never())
    sync(a)
    sync(b)
    both = members(a) & members(b)

    hub.segments[101] = list(range(1, 22))
    sync(a)

    assert len(both) == 4
    assert (len(members(a)), len(members(b))) == (21, 4)
    assert len(events("left", control=a)) == 3
    assert Lead.objects.count() == 24


def test_s32_who_comes_back_joins_again(hub):
    hub.fill(101, range(1, 11))
    control = segment(**never())
    sync(control)
    hub.segments[101].remove(5)
    sync(control)

    hub.segments[101].append(5)
    sync(control)

    mine = [each.kind for each in events("joined", lead=lead(5))]
    assert len(mine) == 2
    assert len(events("left", lead=lead(5))) == 1


def test_s33_the_guard_holds_a_removal_until_a_person_accepts_it(hub):
    hub.fill(101, range(1, 25))
    control = segment(**never())
    sync(control)
    hub.segments[101] = list(range(1, 10))

    held = sync(control)

    assert held.status == SegmentLog.Status.PARTIAL
    assert "15 of 24" in held.message
    control.refresh_from_db()
    assert (len(members(control)), control.held_removals) == (24, 15)

    SegmentControl.objects.update(accept_removals=True)
    log = sync(control)

    control.refresh_from_db()
    assert log.status == SegmentLog.Status.SUCCESS
    assert (len(members(control)), control.accept_removals) == (9, False)


def test_s33_the_next_whole_reading_removes_the_few_that_really_left(hub):
    hub.fill(101, range(1, 25))
    control = segment(**never())
    sync(control)
    whole = hub.segments[101]
    hub.segments[101] = whole[:9]
    sync(control)

    hub.segments[101] = whole[:21]
    log = sync(control)

    assert log.status == SegmentLog.Status.SUCCESS
    assert len(members(control)) == 21


def test_b3_an_archived_lead_leaves(hub):
    hub.fill(101, range(1, 31))
    control = segment(**never())
    sync(control)

    hub.leads[7]["archived"] = True
    log = sync(control)

    assert log.status == SegmentLog.Status.SUCCESS
    assert members(control) == {str(n) for n in range(1, 31) if n != 7}


def test_b4_null_and_absent_keep_what_is_known(hub):
    hub.add(1, 101, stage="novo", company="Padaria")
    control = segment(**never())
    sync(control)

    hub.change(1, firstname=None, fullname=None, email=None, city=None, company=None)
    del hub.leads[1]["whatsapp"]
    sync(control)

    found = lead(1)
    assert (found.name, found.first_name) == ("Ana1 Exemplo", "Ana1")
    assert found.data == {"city": "São Paulo", "state": "SP"}
    assert addresses(1) == {
        ("whatsapp", "+5511910000001"), ("email", "ana1@mail.example"),
    }  # fmt: skip


def test_b4_a_row_of_nulls_changes_nobody(hub):
    hub.fill(101, range(1, 11))
    control = segment(**never())
    sync(control)
    before = {each.pk: each.name for each in Lead.objects.all()}

    for number in range(1, 11):
        hub.change(number, **dict.fromkeys(
            ("firstname", "lastname", "fullname", "email", "whatsapp", "city"))
        )  # fmt: skip
    sync(control)

    assert {each.pk: each.name for each in Lead.objects.all()} == before
    assert events("changed") == []


def test_b5_details_are_read_of_new_and_changed_leads_alone(hub):
    hub.fill(101, range(1, 31))
    control = segment()
    sync(control)
    first = len(hub.calls("lead"))
    sync(control)
    nothing_new = len(hub.calls("lead")) - first

    hub.change(3, city="Santos")
    hub.change(9, city="Bauru")
    sync(control)

    assert (first, nothing_new) == (30, 0)
    assert sorted(each.lead for each in hub.calls("lead")[30:]) == ["3", "9"]
    assert hub.most_at_once <= 4
    assert lead(3).data["city"] == "Santos"
    assert {each.lead_id for each in events("changed")} == {lead(3).pk, lead(9).pk}


def test_details_beyond_the_most_of_a_sync_wait_for_the_next(hub):
    hub.fill(101, range(1, 31))
    control = segment(enrich_most=18)

    first, second = sync(control), sync(control)

    assert (first.stats["enriched"], first.stats["waiting"]) == (18, 12)
    assert (second.stats["enriched"], second.stats["waiting"]) == (12, 0)


def test_s31_hollow_details_empty_nobody(hub):
    hub.fill(101, range(1, 31))
    hub.fail("null_fields", "lead", times=999)
    control = segment()

    log = sync(control)

    assert log.status == SegmentLog.Status.PARTIAL
    assert "not believed" in log.message
    assert len(hub.calls("lead")) < 12
    assert Lead.objects.exclude(name="").count() == 30


def test_s63_a_quick_sync_reads_ids_and_the_rows_that_changed(hub, sql):
    hub.fill(101, range(1, 236))
    control = segment(**never())
    sync(control)
    sql(
        "UPDATE synced_leads SET enriched_for = provider_updated_at,"
        " enriched_at = now() - interval '1 day'"
    )
    SegmentControl.objects.update(enrich="changed")
    written = dict(sql("SELECT external_id, xmin::text FROM leads"))
    asked = len(hub.asked)

    for number in range(1, 9):
        hub.change(number, city="Santos")
    for number in range(236, 241):
        hub.add(number, 101)
    log = sync(control)

    new = hub.asked[asked:]
    assert log.stats["mode"] == "quick"
    assert len([each for each in new if each.where == "ids"]) == 3
    assert len([each for each in new if each.where == "rows"]) <= 3
    assert len({each.lead for each in new if each.where == "lead"}) == 13
    assert len([each for each in new if each.where == "lead"]) == 13
    now = dict(sql("SELECT external_id, xmin::text FROM leads"))
    assert sum(now[key] != written[key] for key in written) == 8
    assert len(members(control)) == 240


def test_s63_an_instance_that_ignores_the_order_gets_the_whole_reading(hub):
    hub.keeps_order = False
    hub.fill(101, range(1, 25))
    control = segment(**never())
    sync(control)
    hub.change(5, city="Santos")

    log = sync(control)

    control.refresh_from_db()
    assert log.status == SegmentLog.Status.SUCCESS
    assert lead(5).data["city"] == "Santos"
    assert control.order_is_kept is False
    assert len(members(control)) == 24


def test_rows_that_cannot_be_read_are_kept_aside_by_their_form(hub):
    hub.fill(101, range(1, 51))
    hub.leads[3]["email"] = {"deep": "secret@mail.example"}
    control = segment(**never())

    log = sync(control)

    assert log.status == SegmentLog.Status.SUCCESS
    kept = SegmentRefusal.objects.get()
    assert (kept.external_id, kept.reason) == ("3", "email is no text")
    assert kept.sample["email"] == "dict"
    assert "secret" not in str(kept.sample)
    assert log.success_rate == 98

    hub.leads[3]["email"] = "ana3@mail.example"
    sync(control)

    kept.refresh_from_db()
    assert kept.resolved_at is not None
    assert "3" in members(control)


def test_too_many_unreadable_rows_remove_nobody(hub):
    hub.fill(101, range(1, 51))
    control = segment(**never())
    sync(control)
    for number in range(1, 11):
        hub.leads[number]["whatsapp"] = ["a", "list"]
    del hub.segments[101][49]
    SegmentControl.objects.update(last_full=None)

    log = sync(control)

    assert log.status == SegmentLog.Status.PARTIAL
    assert "could not be read" in log.message
    assert len(members(control)) == 50


def test_addresses_that_are_none_become_issues_once(hub):
    hub.add(1, 101, whatsapp="11 1111-1111", email="sem-email@mail.example, nope")
    control = segment(**never())

    sync(control)
    hub.change(1, city="Santos")
    sync(control)

    kinds = sorted(ContactIssue.objects.values_list("kind", flat=True))
    assert kinds == ["EMAIL_INVALIDO", "EMAIL_PLACEHOLDER", "TELEFONE_LIXO"]


def test_whoever_was_erased_is_not_admitted_again(hub):
    from cadences.erase import erase

    hub.fill(101, range(1, 11))
    control = segment(**never())
    sync(control)
    erase(lead(4).pk, actor="ana")

    hub.change(4, city="Santos")
    log = sync(control)

    assert log.status == SegmentLog.Status.SUCCESS
    assert Lead.objects.filter(external_id="sprinthub:4").count() == 0
    assert Lead.objects.count() == 10


def test_the_leads_go_to_the_company_that_the_segment_names(hub):
    hub.fill(101, range(1, 4))
    company("other")
    unnamed = segment(**never())
    named = segment(102, company=company("other"), **never())
    hub.segments[102] = [1]

    log, _ = sync(unnamed), sync(named)

    assert (log.status, log.fault) == (SegmentLog.Status.ERROR, "config")
    assert "several companies" in log.message
    assert lead(1).company_id == "other"
