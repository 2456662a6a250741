"""The console of rules, as staff with and without permissions open and press it."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cadences.errors import IllegalMove
from cadences.fill import fill, proposed
from cadences.models import (
    Account,
    Cadence,
    Calendar,
    Company,
    Holiday,
    Message,
    Quota,
    Run,
    Slot,
    Step,
    Template,
    Version,
)
from cadences.publish import draft
from cadences.rest_account import rest, wake
from cadences.runner import run_here
from cadences.states import Trigger
from queues.models import AuditEntry, Job
from queues.work import run_due
from tests.cadences.people import (
    business_hours,
    cadence,
    company,
    enrolled,
    fresh,
    lead,
    template,
)
from tests.queues.desk import page, staff

pytestmark = pytest.mark.django_db
HOME = "/admin/cadences"
VIEWS = ("view_cadence", "view_template", "view_calendar", "view_account")


def at(which: Cadence, name: str, **query: object) -> str:
    asked = "&".join(f"{key}={value}" for key, value in query.items())
    return f"{HOME}/cadence/{which.pk}/{name}/?{asked}"


def step_form(**facts: object) -> dict[str, object]:
    empty = {
        f"{prefix}-{word}": number
        for prefix in ("conditions", "variants")
        for word, number in (("TOTAL_FORMS", 2), ("INITIAL_FORMS", 0))
    }
    begin = {
        "kind": "message", "medium": "whatsapp", "template_code": "hello", "delay": 1,
        "unit": "days", "base": "previous", "gap_minutes": 60, "stop_on_reply": "on",
        "on_unknown": "assume",
    }  # fmt: skip
    return {**empty, **begin, **facts}


@pytest.fixture
def clerk() -> Client:
    """Return somebody who may look, and see nobody's address."""
    return staff("clerk", *VIEWS)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_a_cadence_is_made_edited_and_published(admin_client: Client):
    company()
    template("hello")
    made = admin_client.post(
        f"{HOME}/cadence/add/",
        {
            "company": "acme", "code": "new", "name": "New", "is_exclusive": "on",
            "reentry": "after_end", "reentry_days": 0, "on_reply": "finish",
            "late_hours": 72, "on_late": "pause",
        },
    )  # fmt: skip
    which = Cadence.objects.get()
    assert made["Location"] == f"{HOME}/cadence/{which.pk}/steps/"
    admin_client.post(at(which, "step"), step_form(delay=0))
    facts = {
        "delay": 2, "local_time": "09:00", "conditions-0-field": "stage",
        "conditions-0-compared": "one_of", "conditions-0-value": "new, hot",
        "variants-0-code": "a", "variants-0-template_code": "hello",
    }  # fmt: skip
    admin_client.post(at(which, "step"), step_form(**facts))

    shown = page(admin_client, at(which, "steps"))
    assert "2 days after the step before, at 09:00" in shown
    assert "stage is one of new, hot" in shown
    asked = page(admin_client, at(which, "publish"))
    assert "Publish version 1" in asked
    admin_client.post(at(which, "publish"), {"reason": "spring"})

    which.refresh_from_db()
    assert which.state == Cadence.State.ACTIVE
    one, two = which.published.steps.order_by("position")
    assert (one.delay, two.delay, two.local_time) == (0, 2, time(9))
    assert two.conditions == [
        {"field": "stage", "is": "one_of", "value": ["new", "hot"]}
    ]
    assert two.variants.get().weight == 1
    assert actions() == [
        "template.revise", "cadence.add", "version.draft", "step.add", "step.add",
        "version.publish",
    ]  # fmt: skip
    assert AuditEntry.objects.latest("pk").reason == "spring"


def test_nothing_is_lost_when_a_step_has_faults(admin_client: Client):
    which = cadence()
    wrong = step_form(
        kind="task", title="", delay=7,
        **{"conditions-0-value": "hot", "variants-1-code": "b"},
    )  # fmt: skip

    shown = admin_client.post(at(which, "step"), wrong).content.decode()

    for words in (
        "Say what has to be done.", "Which field?",
        "A variant needs a name and a template.", 'value="hot"', 'value="7"', 'value="b"',
    ):  # fmt: skip
        assert words in shown
    assert Step.objects.count() == 1


def test_faults_keep_a_version_from_being_published(admin_client: Client):
    which = cadence()
    version = draft(which)
    Step.objects.create(version=version, position=2, template_code="none")

    asked = page(admin_client, at(which, "publish"))
    sent = admin_client.post(at(which, "publish"), follow=True).content.decode()

    assert "Step 2: no template none for WhatsApp" in asked
    assert "Step 2: no template none for WhatsApp" in sent
    assert Version.objects.get(pk=version.pk).state == Version.State.DRAFT


def test_steps_are_arranged_by_buttons(admin_client: Client):
    which = cadence({}, {"template_code": "again"})
    admin_client.post(at(which, "draft"))
    version = which.versions.get(state="draft")
    first = version.steps.get(position=1)

    for verb in ("down", "copy"):
        admin_client.post(at(which, "arrange"), {"id": first.pk, "verb": verb})
    codes = list(
        version.steps.order_by("position").values_list("template_code", flat=True)
    )
    assert codes == ["again", "hello", "hello"]
    admin_client.post(at(which, "arrange"), {"id": first.pk, "verb": "delete"})
    assert version.steps.count() == 2
    assert admin_client.get(at(which, "arrange")).status_code == 302
    gone = admin_client.post(at(which, "arrange"), {"id": first.pk, "verb": "up"})
    assert gone.status_code == 404
    frozen = which.published.steps.get(position=1)
    refused = admin_client.post(
        at(which, "arrange"), {"id": frozen.pk, "verb": "delete"}, follow=True
    )
    assert "Only a draft can be changed" in refused.content.decode()
    admin_client.post(at(which, "discard"))
    assert not which.versions.filter(state="draft").exists()


def test_versions_are_compared(admin_client: Client):
    which = cadence({}, {"delay": 1})
    version = draft(which)
    version.steps.filter(position=1).update(delay=5)
    version.steps.filter(position=2).delete()

    shown = page(admin_client, at(which, "diff"))

    assert "v1 → v2" in shown
    assert "<del>0</del> → <ins>5</ins>" in " ".join(shown.split())
    assert "taken away" in shown
    assert "as before" in page(admin_client, at(which, "diff", **{"from": 1, "to": 1}))


@pytest.mark.django_db(transaction=True)
@pytest.mark.raw_rows
def test_runs_are_moved_by_a_job(admin_client: Client, phones: Any):
    which = cadence({}, {"delay": 60}, {"delay": 60})
    runs = enrolled(which, 3)
    Run.objects.update(next_run_at=timezone.now(), is_forced=True)
    run_here(Trigger.MANUAL)
    version = draft(which)
    version.steps.get(position=2).delete()
    page(admin_client, at(which, "publish"))
    admin_client.post(at(which, "publish"))

    told = page(admin_client, at(which, "migrate"))
    assert "its step is gone: goes on with the next one" in told
    assert "Move them (3)" in " ".join(told.split())
    admin_client.post(at(which, "migrate"), {"vanished": "next"})
    assert Job.objects.get(type="cadence-migrate").payload["vanished"] == "next"
    run_due(limit=5, seconds=20)

    assert {fresh(run).version_id for run in runs} == {version.pk}
    assert {fresh(run).next_step for run in runs} == {3}
    assert AuditEntry.objects.filter(action="version.migrate").get().count == 3
    assert "Nobody is on another version." in page(admin_client, at(which, "migrate"))


def test_a_lead_s_future_is_shown(admin_client: Client, clerk: Client, clock: Any):
    template("hello", "Olá {{ nome }}")
    which = cadence({}, {"delay": 1, "unit": "days", "template_code": "hello"})
    somebody = lead(name="Ana Maria Souza", email="ana@example.com")

    shown = page(admin_client, at(which, "trial", q="ana maria"))
    assert "Wed 2 Sep 2026 10:00" in shown
    assert "Thu 3 Sep 2026 10:00" in shown
    assert "Olá Ana Maria Souza" in shown
    for asked in (str(somebody.pk), "ana@example.com"):
        assert "Ana Maria Souza" in page(admin_client, at(which, "trial", q=asked))
    assert "Nobody was found." in page(admin_client, at(which, "trial", q="xyz"))
    lead(name="Bia Lima")  # the newest: whom nobody found, a list would offer
    assert "Nobody was found." in page(clerk, at(which, "trial", q="souza"))
    masked = page(clerk, at(which, "trial", lead=somebody.pk))
    assert "Ana M. S." in masked
    assert "Souza" not in masked


def test_pages_cost_few_statements(
    admin_client: Client, clock: Any, phones: Any, django_assert_max_num_queries: Any
):
    which = cadence(*({"delay": 1, "unit": "days"} for _ in range(10)))
    enrolled(which, 4)
    draft(which)
    hello = Template.objects.get()
    places = [
        f"{HOME}/cadence/", f"{HOME}/cadence/{which.pk}/change/",
        *(at(which, name) for name in ("steps", "step", "diff", "trial", "publish")),
        at(which, "migrate"), f"{HOME}/template/", f"{HOME}/template/{hello.pk}/change/",
        f"{HOME}/calendar/", f"{HOME}/calendar/{Calendar.objects.get().pk}/change/",
        f"{HOME}/account/", f"{HOME}/account/{Account.objects.first().pk}/change/",
    ]  # fmt: skip
    for place in places:
        with django_assert_max_num_queries(15, info=place):
            page(admin_client, place)


def test_who_may_only_look_changes_nothing(clerk: Client):
    which = cadence()
    draft(which)
    shown = page(clerk, at(which, "steps"))
    page(clerk, f"{HOME}/cadence/{which.pk}/change/")

    assert "Add a step" not in shown
    for name in ("step", "publish", "migrate"):
        assert clerk.get(at(which, name)).status_code == 403
    for name in ("draft", "discard", "arrange", "pause", "archive"):
        assert clerk.post(at(which, name)).status_code == 403
    hello = Template.objects.get()
    assert clerk.post(f"{HOME}/template/live/", {}).status_code == 403
    shown = page(clerk, f"{HOME}/template/{hello.pk}/change/")
    assert "Olá {{ nome }}" in shown
    assert "<textarea" not in shown
    one = Account.objects.get(name="email-1")
    shown = page(clerk, f"{HOME}/account/{one.pk}/change/")
    assert "secrets" not in shown
    assert clerk.post(f"{HOME}/account/{one.pk}/rest/").status_code == 403
    row = Calendar.objects.get()
    page(clerk, f"{HOME}/calendar/{row.pk}/change/")
    assert clerk.get(f"{HOME}/calendar/{row.pk}/fill/").status_code == 403


def test_a_cadence_is_steered_by_its_buttons(admin_client: Client):
    which = cadence()
    asked = page(admin_client, at(which, "pause"))
    assert "goes on with the wait that was left" in " ".join(asked.split())

    admin_client.post(at(which, "pause"), {"reason": "holidays"})

    which.refresh_from_db()
    assert which.state == Cadence.State.PAUSED
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.reason) == ("cadence.paused", "holidays")
    refused = admin_client.post(at(which, "pause"), {}, follow=True).content.decode()
    assert "The cadence is paused" in refused


def test_a_new_wording_is_a_new_revision(admin_client: Client):
    company()
    add = f"{HOME}/template/add/"
    words = {"company": "acme", "medium": "email", "code": "hi", "body": "{{ senha }}"}
    refused = admin_client.post(add, words).content.decode()
    assert "unknown variable senha" in refused
    assert "an e-mail needs a subject" in refused
    assert "{{ senha }}" in refused
    assert not Template.objects.exists()

    admin_client.post(add, {**words, "body": "Olá {{ nome }}\r\n", "subject": "Oi"})
    one = Template.objects.get()
    assert (one.revision.number, one.revision.body) == (1, "Olá {{ nome }}")
    change = f"{HOME}/template/{one.pk}/change/"
    held = {"subject": "Oi", "body": "Olá {{ nome }}", "language": "pt_BR", "approval": "local"}  # fmt: skip
    admin_client.post(change, {**held, "name": "Hi", "is_active": "on"})
    one.refresh_from_db()
    assert (one.name, one.revision.number) == ("Hi", 1), "the same words are no news"
    admin_client.post(change, {**held, "body": "Oi {{ nome }}!", "is_active": "on"})
    one.refresh_from_db()
    assert (one.revision.number, one.revision.created_by) == (2, "admin")
    assert [r.body for r in one.revisions.order_by("number")] == ["Olá {{ nome }}", "Oi {{ nome }}!"]  # fmt: skip
    assert actions().count("template.revise") == 2


def test_a_wording_is_read_aloud(admin_client: Client):
    which = cadence()
    somebody = lead(name="Ana Souza")
    hello = Template.objects.get()
    live = f"{HOME}/template/live/"
    asked = {"template": hello.pk, "lead": somebody.pk, "body": "Oi {{ nome }}"}

    assert "Oi Ana Souza" in admin_client.post(live, asked).json()["html"]
    asked["body"] = "{{ dados.plano }}"
    said = admin_client.post(live, asked).json()["html"]
    assert "No value for: dados.plano" in said
    assert "has no default" in said
    new = {"company": "acme", "medium": "email", "body": "{{ nome"}
    assert "without its other half" in admin_client.post(live, new).json()["html"]
    masked = staff("author", "add_template").post(
        live, asked | {"body": "Oi {{ nome }}"}
    )
    assert "Souza" not in masked.json()["html"]
    shown = page(admin_client, f"{HOME}/template/{hello.pk}/change/")
    assert str(which.published) in shown


def test_holidays_are_filled_in_once_and_edits_stay(admin_client: Client):
    calendar = business_hours()
    calendar.region = "SP"
    calendar.save()
    Holiday.objects.filter(date=date(2026, 9, 7)).update(name="Our own name")
    address = f"{HOME}/calendar/{calendar.pk}/fill/?first=2026&last=2026"

    shown = page(admin_client, address)
    assert "Sexta-feira Santa" in shown or "Good Friday" in shown
    chosen = {"first": 2026, "last": 2026, "day": ["2026-07-09", "2026-09-07", "2026-12-25"]}  # fmt: skip
    for _ in range(2):
        admin_client.post(address, chosen)

    days = dict(calendar.holidays.values_list("date", "name"))
    assert set(days) == {date(2026, 7, 9), date(2026, 9, 7), date(2026, 12, 25)}
    assert days[date(2026, 9, 7)] == "Our own name"
    assert actions().count("calendar.fill") == 1


def test_holidays_of_other_places():
    lisbon = Calendar.objects.create(name="Lisbon", country="PT")
    carnival = Calendar.objects.create(name="Rio", country="BR", region="RJ", with_optional=True)  # fmt: skip

    assert date(2026, 4, 25) in proposed(lisbon, [2026])
    assert date(2026, 2, 17) in proposed(carnival, [2026])
    assert fill(lisbon, {}) == 0


def test_a_calendar_is_made_and_told(admin_client: Client, clock: Any):
    add = f"{HOME}/calendar/add/"
    facts = {"name": "Office", "country": "BR", "region": "XX"}
    assert (
        "It knows these states: AC, AL"
        in admin_client.post(add, facts).content.decode()
    )

    admin_client.post(add, {**facts, "region": "sp", "office": "on"})

    calendar = Calendar.objects.get()
    assert (calendar.region, calendar.slots.count()) == ("SP", 5)
    shown = page(admin_client, f"{HOME}/calendar/{calendar.pk}/change/")
    assert "open now" in shown
    assert '<rect x="480" y="0" width="600" height="10">' in shown
    Slot.objects.all().update(opens=time(22), closes=time(6))
    shown = page(admin_client, f"{HOME}/calendar/{calendar.pk}/change/")
    assert "opens Wed 2 Sep 2026 22:00" in shown
    assert '<rect x="0" y="0" width="360" height="10">' in shown
    Slot.objects.all().delete()
    assert "never within 60 days" in page(admin_client, f"{HOME}/calendar/")
    assert "calendar.hours" in actions()


@pytest.mark.usefixtures("phones")
def test_credentials_go_in_and_never_come_out(admin_client: Client):
    company()
    add = f"{HOME}/account/add/"
    facts = {
        "company": "acme", "medium": "whatsapp", "adapter": "recorder", "name": "main",
        "config": "{}", "secrets": "token: s3cr3t-1\nserver: x", "gap_seconds": 0,
        "ramp_start": 10, "ramp_step": 5,
    }  # fmt: skip
    bad = admin_client.post(add, {**facts, "secrets": "s3cr3t-1"}).content.decode()
    assert "Line 1 is not" in bad
    assert "s3cr3t" not in bad

    admin_client.post(add, facts)
    account = Account.objects.get(name="main")
    assert account.credentials.reveal() == {"token": "s3cr3t-1", "server": "x"}
    change = f"{HOME}/account/{account.pk}/change/"
    shown = page(admin_client, change)
    assert "Held now: server, token." in shown
    assert "s3cr3t" not in shown
    admin_client.post(change, {**facts, "secrets": "", "per_day": 50})
    account.refresh_from_db()
    assert account.per_day == 50
    assert account.credentials.reveal()["token"] == "s3cr3t-1"


@pytest.mark.usefixtures("phones")
def test_credentials_are_replaced_by_name_and_taken_away(admin_client: Client):
    company()
    account = Account.objects.get(name="email-1")
    account.credentials = {"token": "s3cr3t-1", "server": "x"}
    account.save()
    change = f"{HOME}/account/{account.pk}/change/"
    facts = {
        "adapter": "recorder", "name": "email-1", "config": "{}", "gap_seconds": 0,
        "ramp_start": 10, "ramp_step": 5,
    }  # fmt: skip

    admin_client.post(change, {**facts, "secrets": "token: s3cr3t-2"})
    account.refresh_from_db()
    assert account.credentials.reveal() == {"token": "s3cr3t-2", "server": "x"}
    admin_client.post(change, {**facts, "secrets": "", "forget": "on"})
    account.refresh_from_db()
    assert account.credentials is None
    told = str(list(AuditEntry.objects.values_list("before", "after")))
    assert "s3cr3t" not in told
    assert actions().count("account.credentials") == 2


def test_what_an_account_has_used_is_drawn(admin_client: Client, clock: Any):
    company()
    Account.objects.filter(name="email-1").update(per_day=10, broken_until=clock.moment)
    account = Account.objects.get(name="email-1")
    midnight = clock.moment.replace(hour=0)
    Quota.objects.create(
        account=account, kind="day", starts_at=midnight, used=9, allowed=10
    )
    old = midnight - timedelta(days=1)
    Quota.objects.create(account=account, kind="day", starts_at=old, used=3, allowed=10)

    listed = page(admin_client, f"{HOME}/account/")

    assert "9/10" in listed
    assert 'class="warn" max="10" value="9"' in listed
    assert "failing, tries again" in listed


def test_an_account_rests_and_wakes(admin_client: Client):
    company()
    account = Account.objects.get(name="email-1")
    Account.objects.update(failures=3)
    address = f"{HOME}/account/{account.pk}"

    admin_client.post(f"{address}/rest/", {"reason": "provider is down"})
    account.refresh_from_db()
    assert account.state == Account.State.PAUSED
    assert AuditEntry.objects.latest("pk").reason == "provider is down"
    with pytest.raises(IllegalMove):
        rest(account)
    admin_client.post(f"{address}/wake/")
    account.refresh_from_db()
    assert (account.state, account.failures) == (Account.State.ACTIVE, 0)
    with pytest.raises(IllegalMove):
        wake(account)


def test_an_account_tells_where_its_provider_knocks(admin_client: Client):
    account = company().accounts.get(medium="whatsapp")
    address = f"/admin/cadences/account/{account.pk}/change/"
    assert "/webhooks/" not in page(admin_client, address)

    Account.objects.filter(pk=account.pk).update(adapter="uazapi")
    Message.objects.create(account=account, channel="webhook", body="{}")
    shown = page(admin_client, address)

    assert f"/webhooks/uazapi/{account.pk}" in shown
    assert "Last heard of" in shown or "last heard of" in shown


def test_an_account_is_tested(admin_client: Client, phones: Any):
    company()
    account = Account.objects.get(name="email-1")
    address = f"{HOME}/account/{account.pk}/check/"

    works = admin_client.post(address, follow=True).content.decode()
    Account.objects.update(adapter="gone")
    fails = admin_client.post(address, follow=True).content.decode()

    assert "It works." in works
    assert "It does not work. Unknown adapter: gone" in fails
    assert actions() == ["account.check", "account.check"]
    assert admin_client.get(address).status_code == 302
    clerk = staff("looker", *VIEWS)
    assert clerk.post(address).status_code == 403


def test_a_company_is_made(admin_client: Client):
    facts = {"code": "beta", "name": "Beta", "time_zone": "America/Manaus"}

    admin_client.post(f"{HOME}/company/add/", facts)

    assert Company.objects.get().time_zone == "America/Manaus"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after["name"]) == ("company.add", "Beta")
