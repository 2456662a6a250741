"""What went wrong is stored in English with a code, and read in the reader's language."""

import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import translation

from config.env import BASE_DIR
from syncs import progress
from syncs.gates import warning
from syncs.models import Connection, StoreMember, StreamRun
from syncs.periods import of_word
from syncs.reasons import REASONS, code_of, detail, reason
from syncs.request import cancel
from syncs.states import ErrorKind
from tests.syncs.stores import ask, entry, rerun, sync

CODE = re.compile(r'\bcode ?= ?"(\w+)"')
OURS = (*Path(BASE_DIR, "syncs").glob("*.py"), *Path(BASE_DIR, "syncs/shopify").glob("*.py"),
        *Path(BASE_DIR, "syncs/klaviyo").glob("*.py"))  # fmt: skip


def in_portuguese(code, text):
    with translation.override("pt-br"):
        return reason(code, text)


def test_every_code_that_a_sync_may_store_has_words():
    codes = {code for path in OURS for code in CODE.findall(path.read_text())}

    assert len(codes) > 20
    assert codes <= set(REASONS)
    assert set(ErrorKind.values) - {"cancelled"} <= set(REASONS)


def test_a_reader_of_portuguese_reads_it():
    assert in_portuguese("cancelled", "Cancelled").startswith("Cancelad")
    assert in_portuguese("", "Cancelled").startswith("Cancelad")


def test_what_was_noted_beyond_the_reason_is_told_once():
    assert detail("deadline", "it was not done within a day") == ""
    assert detail("unreachable", "orders: no answer") == "orders: no answer"
    assert detail("", "A person's own words") == ""
    assert reason("", "A person's own words") == "A person's own words"
    assert reason("", None) == ""


def test_a_warning_keeps_its_numbers():
    before = SimpleNamespace(total=Decimal("1000.00"))
    told = warning(SimpleNamespace(total=Decimal("12.5")), before)

    assert told == "The total fell from 1000 to 12.5"
    assert reason("", told) == told
    assert "1000" in in_portuguese("", told)


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ("zero_drop: nothing, where there usually are 20", "zero_drop"),
        ("currency: USD, where the store sells in BRL", "currency"),
        ("null_rate: customer is empty in 60%, it was 2%", "null_rate"),
        ("orders: 3 of 5 rows could not be used", "refused_rows"),
    ],
)
def test_numbers_that_are_held_back_have_a_code(held, code):
    assert code_of(held) == code


@pytest.mark.django_db
class TestRuns:
    def test_a_refused_token_has_its_code_everywhere(self, shop, stand):
        stand.script = lambda call, times: (401, {})
        store = shop()

        run = sync(store)

        assert (run.error_kind, run.error_code) == ("auth", "auth")
        assert StreamRun.objects.get().error_code == "auth"
        assert store.connections.get().status_code == "auth"
        assert progress.represent(run)["error_code"] == "auth"
        assert progress.streams(run)[0]["error_code"] == "auth"

    def test_who_reads_portuguese_reads_no_english(self, shop, stand, client):
        stand.script = lambda call, times: (404, {"why": "gone for good"})
        store = shop()
        run = sync(store, of_word(store, "30d"))
        member = User.objects.create_user("bia")
        StoreMember.objects.create(store=store, user=member)
        client.force_login(member)
        path = reverse("syncs:store", args=[store.pk])

        page = client.get(f"{path}?period=30d", headers={"Accept-Language": "pt-br"})

        shown = page.content.decode()
        assert in_portuguese("config", run.error_message) in shown
        assert run.error_message not in shown

    def test_staff_read_what_was_noted_as_well(self, shop, stand, admin_client):
        stand.script = lambda call, times: (404, {})
        run = sync(shop())

        path = reverse("admin:syncs_run_change", args=[run.pk])
        shown = admin_client.get(path).content.decode()

        assert "Something about the connection must be set right" in shown
        assert f'<span class="quiet" lang="en">{run.error_message}</span>' in shown

    def test_different_faults_are_several(self, shop, stand):
        store = shop(providers=("market", "stalls"))
        stand.script = lambda call, times: (
            (401, {}) if "market" in call.account else (404, {})
        )

        run = sync(store)

        assert run.error_code == "several"
        codes = StreamRun.objects.values_list("error_code", flat=True)
        assert set(codes) == {"auth", "config"}

    def test_what_failed_is_noted_at_the_numbers_until_it_works(self, shop, stand):
        store = shop()
        sync(store)
        stand.script = lambda call, times: (404, {})

        sync(store, forced=True)

        assert entry(store).error_code == "config"
        stand.script = None
        Connection.objects.update(status="active", breaker_until=None)
        sync(store, forced=True)
        assert entry(store).error_code == ""

    def test_ends_have_codes(self, shop):
        store = shop()
        first = cancel(ask(store).run)
        second = cancel(ask(store).run, reason="A mistake of mine")
        third = ask(store).run
        store.connections.update(status="paused")
        rerun(third)
        third.refresh_from_db()

        codes = [each.error_code for each in (first, second, third)]
        assert codes == ["cancelled", "", "nothing_to_call"]
        assert reason("", second.error_message) == "A mistake of mine"
