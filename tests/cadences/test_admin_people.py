"""Leads, their addresses, and the addresses nobody may write to, in the console."""

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from cadences.admin.find import BY_WORDS
from cadences.models import Contact, Lead, Run, Suppression
from cadences.suppress import hashed, suppress
from queues.batches import Batch
from queues.models import AuditEntry, Job
from queues.work import run_due
from tests.cadences.people import cadence, company, contact, enrolled, lead
from tests.queues.desk import act, last, page, staff

pytestmark = pytest.mark.django_db

LEADS = "/admin/cadences/lead/"
CONTACTS = "/admin/cadences/contact/"
STOPPED = "/admin/cadences/suppression/"
PHONE = "11 98123-4567"


@pytest.fixture
def ana() -> Lead:
    return lead(name="Ana Maria Souza", whatsapp=PHONE)


def one(row: Lead, word: str = "change") -> str:
    return f"{LEADS}{row.pk}/{word}/"


def test_a_lead_is_added_and_edited_and_the_audit_tells_no_name(
    admin_client: Client, db: None
):
    form = {"company": company().pk, "name": "Rui Barros", "first_name": "Rui"}
    admin_client.post(f"{LEADS}add/", form)
    rui = Lead.objects.get()
    form |= {"name": "Rui Barbosa", "external_id": "crm-7", "stage": "warm"}
    admin_client.post(one(rui), form)

    rui.refresh_from_db()
    assert (rui.name, rui.external_id, rui.stage) == ("Rui Barbosa", "crm-7", "warm")
    told = " ".join(
        str([each.label, each.before, each.after]) for each in AuditEntry.objects.all()
    )
    assert "Rui B." in told
    assert "Barros" not in told
    assert "Barbosa" not in told
    assert not LogEntry.objects.filter(object_repr__contains="Rui").exists()


def test_the_facts_of_a_person_are_edited_by_those_who_see_them(ana: Lead):
    clerk = staff("clerk", "view_lead", "change_lead")

    assert "Edit the facts" not in page(clerk, one(ana))
    assert clerk.post(one(ana), {"name": "X"}).status_code == 403


@pytest.mark.parametrize("text", ["11 9999", "ana@", "11 99999-9999"])
def test_what_is_no_address_is_told_at_its_field(
    admin_client: Client, ana: Lead, text: str
):
    medium = "email" if "@" in text else "whatsapp"

    answer = admin_client.post(one(ana, "contact"), {"medium": medium, "text": text})

    assert "is no address that can be written to" in answer.content.decode()
    assert ana.contacts.count() == 1


def test_an_address_is_kept_in_its_normal_form(admin_client: Client, ana: Lead):
    form = {"medium": "whatsapp", "text": "(21) 8765-4321", "preferred": "on"}

    admin_client.post(one(ana, "contact"), form)

    added = ana.contacts.get(is_preferred=True)
    assert added.address == "+5521987654321"
    assert last("lead.add_contact").after["address"] == "+55 21 9****-4321"
    again = admin_client.post(one(ana, "contact"), form, follow=True)
    assert "The lead has this address already" in again.content.decode()


def test_a_made_up_mailbox_is_doubted(admin_client: Client, ana: Lead):
    form = {"medium": "email", "text": "sememail@example.com"}

    admin_client.post(one(ana, "contact"), form)

    assert ana.contacts.get(medium="email").standing == "placeholder"
    assert "Placeholder e-mail" in page(admin_client, one(ana))


def test_an_address_is_changed_preferred_and_removed(admin_client: Client, ana: Lead):
    first = ana.contacts.get()
    second = contact(ana, "whatsapp", "11 97777-1234", standing="invalid")
    address = f"{CONTACTS}{second.pk}/"

    changed = admin_client.post(f"{address}edit/", {"text": "11 97777-4321"})
    admin_client.post(f"{address}prefer/")
    second.refresh_from_db()
    wrong = admin_client.post(f"{address}edit/", {"text": "nonsense"}, follow=True)
    twice = admin_client.post(f"{address}edit/", {"text": PHONE}, follow=True)
    admin_client.post(f"{CONTACTS}{first.pk}/remove/", {"reason": "not theirs"})

    assert changed["Location"] == one(ana)
    assert (second.address, second.standing) == ("+5511977774321", "unknown")
    assert second.is_preferred
    assert "“nonsense” is no address" in wrong.content.decode()
    assert "has this address already" in twice.content.decode()
    assert list(ana.contacts.all()) == [second]
    assert last("lead.remove_contact").before["address"] == "+55 11 9****-4567"


def test_the_addresses_have_no_list_of_their_own(admin_client: Client, ana: Lead):
    assert admin_client.get(CONTACTS)["Location"] == LEADS
    gone = Contact.objects.get().pk + 1
    assert admin_client.get(f"{CONTACTS}{gone}/change/").status_code == 302


def test_a_lead_is_enrolled_or_told_why_not(admin_client: Client, ana: Lead):
    which = cadence()
    form = {"cadence": str(which.pk), "reason": "asked for it"}

    admin_client.post(one(ana, "enroll"), form)
    again = admin_client.post(one(ana, "enroll"), form, follow=True)

    run = Run.objects.get(lead=ana)
    assert (run.enrolled_by, run.source) == ("admin", "console")
    assert (
        "Not enrolled: this lead is in the cadence already." in again.content.decode()
    )
    assert last("lead.enroll").after["cadence"] == "welcome"


def test_several_leads_are_enrolled_at_once(admin_client: Client, ana: Lead):
    which, other = cadence(), lead(whatsapp=False)

    answer = act(
        admin_client, "enroll", [ana, other], LEADS, confirmed="yes",
        cadence=str(which.pk),
    ).content.decode()  # fmt: skip

    assert "Enrolled: 1 row." in answer
    assert "this lead has no address that a step could use" in answer


def test_a_person_takes_over_and_hands_back(admin_client: Client):
    (run,) = enrolled(cadence())

    admin_client.post(one(run.lead, "manual"))
    run.refresh_from_db()
    assert (run.status, run.pause_reason) == ("PAUSADA", "taken_over")
    admin_client.post(one(run.lead, "auto"))

    run.lead.refresh_from_db()
    assert run.lead.mode == "auto"
    assert last("lead.mode").after == {"mode": "auto"}


def test_an_opt_out_ends_everything_for_good(admin_client: Client):
    (run,) = enrolled(cadence())

    silent = admin_client.post(one(run.lead, "optout"), {"medium": "whatsapp"})
    admin_client.post(
        one(run.lead, "optout"), {"medium": "whatsapp", "reason": "said so by phone"}
    )

    run.refresh_from_db()
    assert "This field is required." in silent.content.decode()
    assert run.exit_reason == "opt_out"
    shown = page(admin_client, one(run.lead))
    assert "suppressed" in shown
    assert "revoked" in shown


def test_an_erased_person_leaves_no_name_behind(admin_client: Client, ana: Lead):
    admin_client.post(one(ana, "contact"), {"medium": "email", "text": "a@b.com.br"})
    assert "This cannot be undone." in page(admin_client, one(ana, "erase"))

    admin_client.post(one(ana, "erase"), {"reason": "asked by letter"})

    shown = page(admin_client, one(ana))
    assert "Souza" not in shown
    assert "Edit the facts" not in shown
    assert last("lead.erase").reason == "asked by letter"
    assert "erased" in page(admin_client, f"{LEADS}?standing=erased")
    answer = admin_client.post(
        one(ana, "contact"), {"medium": "email", "text": "b@c.com.br"}, follow=True
    )
    assert "This lead was erased" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("standing=live", 1),
        ("standing=manual", 0),
        ("standing=issues", 0),
        ("standing=never", 0),
        ("replied=today", 0),
        ("replied=ever", 0),
        ("company=acme", 2),
        ("q=crm-nobody", 0),
    ],
)
def test_leads_are_filtered(admin_client: Client, ana: Lead, query: str, count: int):
    enrolled(cadence())

    shown = page(admin_client, f"{LEADS}?{query}")

    assert shown.count('class="field-who') == count


# suppressions


def test_an_address_is_suppressed_found_and_allowed_again(
    admin_client: Client, db: None
):
    form = {
        "medium": "whatsapp", "text": PHONE, "everywhere": "on", "why": "manual",
        "reason": "asked by phone",
    }  # fmt: skip
    admin_client.post(f"{STOPPED}suppress/", form)
    row = Suppression.objects.get()

    assert row.address_hash == hashed("whatsapp", "+5511981234567")
    assert (row.medium, row.source) == (None, "admin")
    assert last("suppression.add").reason == "asked by phone"
    assert row.address_hash[:12] in page(admin_client, f"{STOPPED}?q=(11)+98123-4567")
    assert "Nothing here" in page(admin_client, f"{STOPPED}?q=11+98123-0000")
    address = f"{STOPPED}{row.pk}/"
    assert row.address_hash in page(admin_client, f"{address}change/")
    silent = admin_client.post(f"{address}lift/", {"reason": ""})
    assert silent.status_code == 200
    admin_client.post(f"{address}lift/", {"reason": "new consent"})
    assert not Suppression.objects.exists()
    assert last("suppression.remove").reason == "new consent"


def test_to_suppress_and_to_allow_are_two_permissions(db: None):
    clerk = staff("clerk", "view_suppression", "add_suppression")
    form = {"medium": "email", "text": "a@b.com.br", "why": "manual", "reason": "x"}
    assert clerk.post(f"{STOPPED}suppress/", form).status_code == 302

    row = Suppression.objects.get()

    assert row.medium == "email"
    assert clerk.post(f"{STOPPED}{row.pk}/lift/", {"reason": "x"}).status_code == 403


def test_a_list_is_read_line_by_line_and_written_by_jobs(
    admin_client: Client, monkeypatch
):
    monkeypatch.setattr("cadences.bar.CHUNK", 2)
    file = "\ufeffnome;telefone\na@b.com.br;Ana\n(11) 98123-4567;Bia\n"
    form = {
        "text": "11981234567\n\nnonsense\nC@D.com.br", "why": "opt_out",
        "reason": "from the old system",
        "file": SimpleUploadedFile("list.csv", file.encode()),
    }  # fmt: skip

    answer = admin_client.post(f"{STOPPED}import/", form, follow=True).content.decode()
    run_due(limit=10, seconds=20)

    assert "3 addresses are ordered" in answer
    assert "were left out: 3, 5" in answer
    assert {each.address_hash for each in Suppression.objects.all()} == {
        hashed("email", "a@b.com.br"),
        hashed("email", "c@d.com.br"),
        hashed("whatsapp", "+5511981234567"),
    }
    batch = Job.objects.filter(type="cadence-suppress").values("batch_id").first()
    assert Batch.get(batch["batch_id"]).progress()["completed"] == 2
    entry = last("suppression.import")
    assert (entry.count, entry.reason) == (3, "from the old system")
    assert "b.com" not in str(Job.objects.values_list("payload", flat=True))


def test_a_list_twice_is_a_list_once(admin_client: Client, db: None):
    form = {"text": "a@b.com.br", "why": "manual", "reason": "x"}

    for _ in range(2):
        admin_client.post(f"{STOPPED}import/", form)
        run_due(limit=10, seconds=20)

    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("text", ["", "nonsense\nmore of it"])
def test_a_list_without_an_address_is_refused(
    admin_client: Client, db: None, text: str
):
    form = {"text": text, "why": "manual", "reason": "x"}

    answer = admin_client.post(f"{STOPPED}import/", form)

    assert "There is no address in it." in answer.content.decode()


def test_a_list_that_is_too_long_is_refused(admin_client: Client, monkeypatch):
    monkeypatch.setattr("cadences.admin.suppression_forms.MOST", 1)
    monkeypatch.setattr("cadences.admin.suppression_forms.LARGEST", 3)
    form = {"text": "a@b.com.br\nb@b.com.br", "why": "manual", "reason": "x"}

    long = admin_client.post(f"{STOPPED}import/", form)
    file = SimpleUploadedFile("list.csv", b"a@b.com.br")
    large = admin_client.post(f"{STOPPED}import/", {**form, "file": file})

    assert "At most 1 lines at once." in long.content.decode()
    assert "larger than 5 MB" in large.content.decode()


def test_a_suppression_is_downloaded_as_a_hash(admin_client: Client, ana: Lead):
    address = ana.contacts.get().address
    suppress("whatsapp", address, reason="manual", source="ana", everywhere=True)
    path = "/admin/cadences/suppression/export/"

    answer = admin_client.post(path)
    text = answer.getvalue().decode()

    assert text.splitlines()[1].startswith(hashed("whatsapp", address))
    assert address.lstrip("+") not in text
    assert AuditEntry.objects.filter(action="suppression.export").exists()
    assert staff("nobody").post(path).status_code == 403
    assert admin_client.get(path).status_code == 405


def test_a_search_by_name_and_the_filters_have_their_indexes(db: None):
    Lead.objects.bulk_create(
        Lead(company=company(), name=f"Ana {n}", mode="auto") for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads")

    by_name = Lead.objects.extra(where=[BY_WORDS], params=["souz:*"]).explain()  # noqa: S610
    in_person = Lead.objects.filter(mode="manual").order_by("-created_at", "-pk")
    erased = Lead.objects.filter(erased_at__isnull=False).order_by("-created_at", "-pk")

    assert "lead_by_words" in by_name
    assert "lead_in_person" in in_person[:50].explain()
    assert "lead_erased" in erased[:50].explain()
