"""Many leads at once: what a line needs, and that none of them is lost. Scenario H3."""

import json

import pytest
from django.core.management import CommandError, call_command

from cadences.enroll import enroll
from cadences.errors import BadSheet, InvalidLead, NotEnrolled
from cadences.load import _line, accept, load, load_later, results
from cadences.meet import meet, read
from cadences.models import (
    Account,
    Cadence,
    Contact,
    ContactIssue,
    EnrollmentBatch,
    Event,
    Lead,
    Run,
)
from cadences.runner import run_here
from cadences.sheet import rows
from cadences.states import Trigger
from cadences.suppress import suppress
from queues.models import AuditEntry, Job
from queues.testing import inline
from tests.cadences.people import cadence, company, lead

pytestmark = pytest.mark.django_db
HEAD = "nome;telefone;e-mail;codigo;dados.cidade"


def sheet(*lines: str, head: str = HEAD) -> bytes:
    return "\n".join((head, *lines)).encode()


def loaded(which, content, **options):
    batch = accept(which, rows(content), **options)
    return batch, dict(load(batch.pk))


def told(batch):
    return {row.line: (row.result, row.detail) for row in batch.rows.all()}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_sheet_is_read_as_any_program_writes_it(separator, encoding):
    text = "Nome|Celular|Dados.Cidade\r\nJosé|(11) 98765-4321|São Paulo\r\n\r\n|||\r\n"
    found = list(rows(text.replace("|", separator).encode(encoding)))

    assert found == [
        (2, {"name": "José", "phone": "(11) 98765-4321", "data": {"cidade": "São Paulo"}})
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"nome,idade\nAna,30", "idade"),
        (b"nome\nAna", "phone, email or external_id"),
        (b"phone,telefone\n1,2", "twice"),
        (b'phone\n"11 9', "line"),
        (b"", "phone, email"),
        (b"phone\n\x81\x8d", "UTF-8"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_refused_as_a_whole(content, said):
    with pytest.raises(BadSheet, match=said):
        accept(cadence(), rows(content))

    assert not EnrollmentBatch.objects.exists()


def test_everything_that_is_wrong_with_a_lead_is_said_at_once():
    with pytest.raises(InvalidLead) as caught:
        read({"phone": "12", "email": "no", "time_zone": "Mars", "name": "x" * 201})

    text = str(caught.value)
    assert [word in text for word in ("phone", "email", "Mars", "name")] == [True] * 4
    for bad in ({}, {"phone": True}, {"phone": "11 987654321", "data": [1]}):
        with pytest.raises(InvalidLead):
            read(bad)


def test_a_lead_is_met_again_by_id_or_by_the_one_who_has_the_address():
    home = company()
    first = meet(home, read({"phone": "11 98765-4321", "name": "Ana"}))

    again = meet(
        home, read({"phone": "1187654321", "external_id": "7", "stage": "hot"})
    )
    other = meet(home, read({"phone": "11 98765-4321", "external_id": "8"}))

    assert (again.pk, again.name, again.stage) == (first.pk, "Ana", "hot")
    assert other.pk != first.pk
    with pytest.raises(InvalidLead, match="several"):
        meet(home, read({"phone": "11 98765-4321"}))
    assert (
        meet(home, read({"external_id": "8", "email": "a@acme.com.br"})).pk == other.pk
    )
    assert Contact.objects.filter(lead=first).count() == 1


def test_a_made_up_mailbox_is_kept_and_marked():
    one = meet(company(), read({"email": "sememail@sememail.com"}))

    assert one.contacts.get().standing == Contact.Standing.PLACEHOLDER
    assert ContactIssue.objects.get().kind == "EMAIL_PLACEHOLDER"


@pytest.mark.usefixtures("clock")
def test_h3_a_preview_and_the_load_agree_and_a_second_load_enrols_nobody():
    which = cadence()
    lines = [f"Ana {n};11 9{80000000 + n};;c{n};Recife" for n in range(40)]
    lines += lines[:5]  # twice
    lines += [f"Bad {n};123;;b{n};" for n in range(3)]
    lines += ["Sup;11 955554444;;s1;"]
    suppress("whatsapp", "+5511955554444", reason="manual", company=which.company_id)
    content = sheet(*lines)

    dry, before = loaded(which, content, is_dry=True)
    assert not Run.objects.exists()
    assert not Lead.objects.exists()
    real, after = loaded(which, content)

    assert before == after == {
        "enrolled": 40, "duplicate": 5, "invalid": 3, "refused": 1,
    }  # fmt: skip
    assert told(dry) == told(real)
    assert told(real)[42] == ("duplicate", "as line 2")
    assert told(real)[50] == ("refused", "SUPRIMIDO")
    assert Run.objects.count() == 40
    assert Lead.objects.filter(data={"cidade": "Recife"}).count() == 40
    assert loaded(which, content)[1] == {
        "refused": 41, "duplicate": 5, "invalid": 3,
    }  # fmt: skip
    assert AuditEntry.objects.filter(action="batch.accept").count() == 3


def test_h3_what_was_loaded_at_once_leaves_by_the_quota(clock, phones):
    which = cadence()
    Account.objects.filter(medium="whatsapp").update(per_day=4)
    _, told_ = loaded(which, sheet(*[f"A;11 9{70000000 + n};;;" for n in range(10)]))
    assert told_ == {"enrolled": 10}

    reached = []
    for _ in range(3):
        run_here(Trigger.CRON)
        reached.append(len(phones.ledger))
        clock.pass_(days=1)

    assert reached == [4, 8, 10]
    assert set(phones.counts().values()) == {1}
    assert not Event.objects.filter(type="ERRO").exists()


def test_a_batch_goes_on_where_it_was_stopped_and_no_line_comes_twice():
    which = cadence()
    batch = accept(which, rows(sheet(*[f"A;11 9{70000000 + n};;;" for n in range(4)])))
    keys = list(batch.rows.values_list("pk", flat=True))
    _line(batch, keys[0])
    _line(batch, keys[0])

    assert results(batch) == {"enrolled": 1, "pending": 3}
    with inline():
        load_later(batch)

    assert results(batch) == {"enrolled": 4}
    batch.refresh_from_db()
    assert batch.finished_at is not None
    job = Job.objects.get(type="cadence-load")
    assert job.result == {"batch": str(batch.pk), "results": {"enrolled": 4}}


def test_one_line_that_breaks_us_does_not_stop_the_others(monkeypatch):
    def broken(lead, *rest, **more):
        if lead.name == "Poison":
            raise RuntimeError("broken")
        return enroll(lead, *rest, **more)

    monkeypatch.setattr("cadences.load.enroll", broken)
    batch, counts = loaded(
        cadence(), sheet("Poison;11 977770001;;;", "Ana;11 977770002;;;")
    )

    assert counts == {"error": 1, "enrolled": 1}
    assert told(batch)[2] == ("error", "RuntimeError")
    assert Lead.objects.count() == 1


def test_a_cadence_that_takes_nobody_is_told_at_once():
    which = cadence()
    Cadence.objects.update(state="closed")
    which.refresh_from_db()

    with pytest.raises(NotEnrolled, match="CADENCIA_INATIVA"):
        accept(which, rows(sheet("Ana;11 977770002;;;")))


def test_the_command_tells_what_became_of_each_line(tmp_path, capsys):
    cadence()
    file = tmp_path / "leads.csv"
    file.write_bytes(
        sheet("Ana;11 977770002;;;", "Bob;12;;;", "Cid;;cid@acme.com.br;;")
    )

    call_command("enroll_leads", str(file), "--cadence", "welcome", "--dry-run")
    said = capsys.readouterr().out
    assert "Line 3: invalid: phone" in said
    assert "Line 4: refused: SEM_CONTATO" in said
    assert "enrolled: 1" in said
    assert not Run.objects.exists()

    call_command("enroll_leads", str(file), "--cadence", "welcome", "--background")
    assert Job.objects.get().type == "cadence-load"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nowhere.csv", "--cadence", "welcome", "--company", "acme"], "nowhere.csv"),
        (["{file}", "--cadence", "unknown"], "no cadence unknown"),
        (["{file}", "--cadence", "welcome"], "several companies"),
        (["{file}", "--cadence", "welcome", "--company", "acme"], "phone, email"),
    ],
)
def test_the_command_refuses_in_one_line(options, said, tmp_path):
    cadence()
    cadence(at="other")
    file = tmp_path / "leads.csv"
    file.write_text("nome\nAna")

    with pytest.raises(CommandError, match=said) as caught:
        call_command("enroll_leads", *[each.format(file=file) for each in options])

    assert caught.value.returncode == 2


def test_context_columns_reach_the_run_and_numbers_are_texts():
    batch, _ = loaded(
        cadence(), sheet("11 977770002;42;7", head="phone,contexto.pedido,id".replace(",", ";"))
    )  # fmt: skip

    run = Run.objects.get()
    assert (run.context, run.lead.external_id) == ({"pedido": "42"}, "7")
    assert json.dumps(batch.rows.get().data)


def test_a_lead_keeps_what_was_not_told():
    one = lead(name="Ana", stage="hot", whatsapp="11 977770009")

    meet(company(), read({"phone": "11 977770009", "name": ""}))

    one.refresh_from_db()
    assert (one.name, one.stage) == ("Ana", "hot")
