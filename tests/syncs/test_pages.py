"""The page of a store: numbers at once, progress as it goes, and what to do."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from syncs.models import Run, StoreMember
from syncs.periods import of_word
from tests.syncs.stores import ask, rerun, sync

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana", password="a-long-password")


@pytest.fixture
def store(shop, ana):
    store = shop()
    StoreMember.objects.create(store=store, user=ana)
    return store


@pytest.fixture
def client(ana) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def page(store, name="store", period="30d"):
    return reverse(f"syncs:{name}", args=[store.pk]) + f"?period={period}"


def numbers(store):
    return sync(store, of_word(store, "30d"))


def test_a_stranger_is_asked_to_sign_in(store):
    answer = Client().get(page(store))

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("syncs:sign_in"))


def test_a_member_without_the_console_signs_in_on_a_page_of_their_own(store):
    client = Client()

    answer = client.post(
        reverse("syncs:sign_in"), {"username": "ana", "password": "a-long-password"}
    )

    assert answer["Location"] == reverse("syncs:stores")
    assert client.get(answer["Location"])["Location"] == reverse(
        "syncs:store", args=[store.pk]
    )


def test_S65_the_store_of_others_is_not_there(store, client, shop):
    other = shop("Outra")

    answers = [
        client.get(page(other)), client.get(page(other, "panel")),
        client.post(page(other, "sync")),
    ]  # fmt: skip

    assert {each.status_code for each in answers} == {404}


def test_a_store_without_numbers_says_so_and_is_on_its_way(store, client):
    text = client.get(page(store)).content.decode()

    assert "No numbers yet." in text
    assert "In the queue" in text
    assert 'data-poll="2000"' in text
    assert Run.objects.get().priority == 1


def test_the_numbers_are_shown_with_their_age(store, client):
    numbers(store)

    text = client.get(page(store)).content.decode()

    assert "Orders" in text
    assert "up to date" in text
    assert "<time datetime=" in text
    assert not Run.objects.filter(status="queued").exists()


def test_S40_the_panel_answers_286_once_nothing_will_change(store, client):
    open_ = client.get(page(store, "panel"))
    rerun(Run.objects.get())
    over = client.get(page(store, "panel"))
    same = client.get(page(store, "panel"), headers={"If-None-Match": over["ETag"]})

    assert open_.status_code == 200
    assert over.status_code == 286
    assert b"data-poll" not in over.content
    assert same.status_code == 304


def test_pressing_sync_shows_the_run_and_pressing_again_joins_it(store, client, ana):
    numbers(store)
    headers = {"HX-Request": "true"}

    first = client.post(page(store, "sync"), {"period": "30d"}, headers=headers)
    client.post(page(store, "sync"), {"period": "30d"}, headers=headers)

    assert b"In the queue" in first.content
    run = Run.objects.get(status="queued")
    assert (run.user, run.is_forced) == (ana, True)


def test_without_scripts_the_button_leads_back_to_the_page(store, client):
    answer = client.post(page(store, "sync"), {"period": "7d"})

    assert answer["Location"].endswith("?period=7d")


def test_a_wait_tells_why_and_until_when(store, client, stand):
    stand.script = lambda call, times: (429, {"headers": {"Retry-After": "600"}})
    numbers(store)

    text = client.get(page(store)).content.decode()

    assert "Waiting for a limit" in text
    assert "until " in text


def test_a_revoked_token_tells_what_to_do(store, client, stand):
    stand.script = lambda call, times: (401, {})
    numbers(store)

    text = client.get(page(store)).content.decode()

    assert "Went wrong" in text
    assert "new token" in text


def test_a_store_that_is_paused_says_so_when_asked_to_sync(store, client):
    store.connections.update(status="paused")

    answer = client.post(page(store, "sync"), headers={"HX-Request": "true"})

    assert b"is paused" in answer.content


def test_older_days_stand_in_with_a_notice(store, client):
    from datetime import timedelta

    from syncs.ports import Period

    month = of_word(store, "30d")
    day = timedelta(days=1)
    sync(store, Period(month.start - day, month.end - day))

    text = client.get(page(store)).content.decode()

    assert "older snapshot" in text


def test_the_page_needs_no_inline_script_or_style(store, client):
    numbers(store)

    text = client.get(page(store)).content.decode()

    assert "style=" not in text
    assert "<style" not in text
    assert "onclick" not in text
    assert "https://" not in text


def test_the_list_names_every_store_of_a_person(store, client, ana, shop):
    second = shop("Livraria Lua")
    StoreMember.objects.create(store=second, user=ana)
    ask(second)

    text = client.get(reverse("syncs:stores")).content.decode()

    assert "Papelaria Sol" in text
    assert "Livraria Lua" in text


def test_the_page_reads_current_numbers_at_once(
    store, client, django_assert_num_queries
):
    numbers(store)
    client.get(page(store))

    # Who asks (two), whose store, the time, what it is connected to; then the numbers.
    with django_assert_num_queries(6) as asked:
        client.get(page(store))

    numbers_read = [each["sql"] for each in asked if "store_sync_cache" in each["sql"]]
    assert len(numbers_read) == 1


def test_what_is_not_current_takes_few_statements(
    store, client, django_assert_max_num_queries
):
    client.get(page(store))

    with django_assert_max_num_queries(9):
        client.get(page(store))


def test_the_button_may_be_pressed_until_somebody_did(store, client):
    opened = client.get(page(store)).content.decode()
    client.post(page(store, "sync"), {"period": "30d"})
    pressed = client.get(page(store)).content.decode()

    assert "disabled>" not in opened
    assert "disabled>" in pressed
    assert Run.objects.get().is_forced


def test_streams_are_named_in_words(shop, ana, client, stand):
    from syncs.models import StreamRun

    store = shop("Lua", providers=("stalls",))
    StoreMember.objects.create(store=store, user=ana)
    run = ask(store, of_word(store, "30d")).run
    link = store.connections.get()
    StreamRun.objects.create(run=run, connection=link, stream="campaign_values")
    StreamRun.objects.create(run=run, connection=link, stream="unheard_of")

    text = client.get(page(store)).content.decode()

    assert "results of campaigns" in text
    assert "unheard_of" in text
