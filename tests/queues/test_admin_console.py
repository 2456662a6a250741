"""The frame of the admin: overview, tokens, languages, and nothing inline."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from queues.admin import phrase, show
from queues.enqueue import check_run_at, enqueue
from queues.errors import IllegalTransition, InvalidRunAt, InvalidToken
from queues.models import ApiToken, Worker
from queues.states import State
from queues.tokens import user_of_token
from queues.work import run_due
from tests.queues.schedules import cron, make_schedule

TOKENS = "/admin/queues/apitoken/"
PAGES = [
    "/admin/",
    "/admin/queues/job/",
    "/admin/queues/job/?q=noop&status=failed",
    "/admin/queues/deadletter/",
    "/admin/queues/cronlog/",
    "/admin/queues/worker/",
    TOKENS,
    f"{TOKENS}add/",
    "/admin/django_celery_beat/periodictask/",
    "/admin/django_celery_beat/periodictask/add/",
    "/admin/auth/user/",
    "/admin/password_change/",
]


@pytest.mark.django_db(transaction=True)
def test_the_overview_tells_how_things_stand(admin_client: Client):
    enqueue("fail", max_attempts=1)
    run_due(limit=1, seconds=10)
    enqueue("noop")
    make_schedule("soon", **cron("* * * * *"))
    Worker.objects.create(kind="beat", name="beat", machine="m", pid=1, born="1")

    with CaptureQueriesContext(connection) as queries:
        shown = admin_client.get("/admin/").content.decode()

    own = [
        query for query in queries if "django_" not in query["sql"].split("WHERE")[0]
    ]
    assert len(own) <= 10
    for words in (
        "Due now",
        "the oldest became due",
        "wait for a person",
        "no job will run",
        "soon",
    ):
        assert words in shown
    assert "schedules fire" in shown


@pytest.mark.django_db
def test_the_overview_of_an_empty_house_is_calm(admin_client: Client):
    shown = admin_client.get("/admin/").content.decode()

    assert "nothing to repair" in shown
    assert "none is enabled" in shown
    assert "no schedule will fire" in shown


@pytest.mark.django_db
def test_staff_without_permissions_see_no_tile():
    client = Client()
    client.force_login(User.objects.create_user("new", is_staff=True))

    shown = client.get("/admin/").content.decode()

    assert 'class="tile' not in shown
    assert "permission" in shown


@pytest.mark.django_db
@pytest.mark.parametrize("address", PAGES)
def test_no_page_needs_anything_inline_or_foreign(admin_client: Client, address: str):
    answer = admin_client.get(address)

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert not re.findall(r"<style|\sstyle=|\son\w+=", shown)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", shown))
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', shown)
    assert "unsafe" not in answer["Content-Security-Policy"]


@pytest.mark.django_db
def test_a_token_is_shown_once_and_opens_the_door(
    admin_client: Client, admin_user: User
):
    form = {"user": str(admin_user.pk), "name": "billing"}

    answer = admin_client.post(f"{TOKENS}add/", form)

    (text,) = re.findall(r'value="(ritmo_[^"]+)"', answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert user_of_token(text) == admin_user
    row = ApiToken.objects.get()
    shown = [admin_client.get(TOKENS), admin_client.get(f"{TOKENS}{row.pk}/change/")]
    assert not any(text in each.content.decode() for each in shown)
    assert row.prefix in shown[0].content.decode()


@pytest.mark.django_db
def test_a_token_is_revoked_after_a_question(admin_client: Client, admin_user: User):
    admin_client.post(f"{TOKENS}add/", {"user": str(admin_user.pk), "name": "billing"})
    row = ApiToken.objects.get()

    asked = admin_client.get(f"{TOKENS}{row.pk}/revoke/").content.decode()
    admin_client.post(f"{TOKENS}{row.pk}/revoke/")

    assert "This cannot be undone." in asked
    assert ApiToken.objects.get().revoked_at is not None
    assert "revoked" in admin_client.get(TOKENS).content.decode()
    with pytest.raises(InvalidToken):
        user_of_token("ritmo_nothing")


@pytest.mark.django_db
def test_a_token_that_is_dead_on_arrival_is_refused(
    admin_client: Client, admin_user: User
):
    form = {"user": str(admin_user.pk), "name": "old", "expires_at": "2020-01-01T00:00"}

    answer = admin_client.post(f"{TOKENS}add/", form)

    assert "This moment is in the past." in answer.content.decode()
    assert not ApiToken.objects.exists()


@pytest.mark.django_db
def test_an_expired_token_says_so(admin_client: Client, admin_user: User):
    ApiToken.objects.create(
        user=admin_user, name="old", prefix="ritmo_abc", digest="d",
        expires_at=timezone.now() - timedelta(days=1),
    )  # fmt: skip

    assert 'class="badge mute">expired' in admin_client.get(TOKENS).content.decode()


@pytest.mark.django_db
def test_a_viewer_can_neither_issue_nor_revoke(admin_user: User):
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_apitoken"))
    client = Client()
    client.force_login(viewer)
    row = ApiToken.objects.create(user=admin_user, name="n", prefix="p", digest="d")

    answers = [
        client.post(f"{TOKENS}add/", {"user": str(viewer.pk), "name": "mine"}),
        client.post(f"{TOKENS}{row.pk}/revoke/"),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert ApiToken.objects.get().revoked_at is None


@pytest.mark.django_db
def test_the_browser_chooses_the_language_and_the_switch_overrules_it(
    admin_client: Client,
):
    portuguese = {"headers": {"accept-language": "pt-BR"}}

    chosen = admin_client.get("/admin/queues/job/", **portuguese).content.decode()
    admin_client.post(reverse("set_language"), {"language": "en", "next": "/admin/"})
    switched = admin_client.get("/admin/queues/job/", **portuguese).content.decode()

    assert "<h1>Tarefas</h1>" in " ".join(chosen.split()).replace("> ", ">")
    for words in ("Agendamentos", "Falhas definitivas", "prioridade", "Filtro"):
        assert words in chosen
    assert "Schedules" in switched


@pytest.mark.parametrize(
    ("line", "english", "portuguese"),
    [
        ("* * * * *", "Every minute", "A cada minuto"),
        ("*/5 * * * *", "Every 5 minutes", "A cada 5 minutos"),
        (
            "15,45 * * * *",
            "Every hour at minute 15, 45",
            "A cada hora no minuto 15, 45",
        ),
        ("0 */2 * * *", "Every 2 hours at minute 0", "A cada 2 horas no minuto 0"),
        ("0 3 * * *", "Every day at 03:00", "Todo dia às 03:00"),
        ("30 18,6 * * *", "Every day at 06:30, 18:30", "Todo dia às 06:30, 18:30"),
        (
            "*/10 8-18 * * MON-FRI",
            "Every 10 minutes from 08:00 to 18:59, Monday to Friday",
            "A cada 10 minutos das 08:00 às 18:59, de segunda-feira a sexta-feira",
        ),
        ("0 0 * * 0,7", "Sunday, Sunday at 00:00", "Domingo, domingo às 00:00"),
        ("0 4 1 * *", "On day 1 of the month at 04:00", "No dia 1 do mês às 04:00"),
        (
            "0 4 1 jan,7 *",
            "On day 1 of the month in January, July at 04:00",
            "No dia 1 do mês em janeiro, julho às 04:00",
        ),
        (
            "0 4 1 * 1",
            "On day 1 of the month if that is Monday at 04:00",
            "No dia 1 do mês se for segunda-feira às 04:00",
        ),
        (
            "0 4 1-7 * *",
            "On day 1–7 of the month at 04:00",
            "No dia 1–7 do mês às 04:00",
        ),
        (
            "1-9 4 * * *",
            "At minute 1–9 of hour 4",
            "No minuto 1–9 da hora 4",
        ),
        (
            "1-9 * * * *",
            "Every hour at minute 1–9",
            "A cada hora no minuto 1–9",
        ),
        (
            "15 9-17 * * *",
            "Every hour from 09:15 to 17:15",
            "A cada hora das 09:15 às 17:15",
        ),
        (
            "*/7 */5 */10 * *",
            (
                "At minute 0, 7, 14, …, 56 of hour 0, 5, 10, 15, 20, "
                "on day 1, 11, 21, 31 of the month"
            ),
            (
                "No minuto 0, 7, 14, …, 56 da hora 0, 5, 10, 15, 20, "
                "no dia 1, 11, 21, 31 do mês"
            ),
        ),
        (
            "0,9 0,1,2,3 * * 1-3,5",
            "At minute 0, 9 of hour 0, 1, 2, 3, Monday to Wednesday, Friday",
            (
                "No minuto 0, 9 da hora 0, 1, 2, 3, de segunda-feira a quarta-feira, "
                "sexta-feira"
            ),
        ),
        ("0 4 * * 1-x", "0 4 * * 1-x", "0 4 * * 1-x"),
        ("0 4 * 13 *", "0 4 * 13 *", "0 4 * 13 *"),
        ("0 4 *", "0 4 *", "0 4 *"),
    ],
)
def test_a_cron_line_in_words(line: str, english: str, portuguese: str):
    with translation.override("en"):
        assert phrase.cron(line) == english
    with translation.override("pt-br"):
        assert phrase.cron(line) == portuguese


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.004, "4 ms"), (1, "1 s"), (12.34, "12.3 s"), (250, "4 min 10 s"),
        (7500, "2 h 5 min"), (4 * 86400 + 3600, "4 d 1 h"), (-5, "0 ms"),
    ],
)  # fmt: skip
def test_a_span_in_its_two_largest_units(seconds: float, words: str):
    assert show.span(timedelta(seconds=seconds)) == words


def test_every_refusal_can_be_translated():
    running = {"processing", "completed", "failed", "cancelled"}
    verbs = {
        "cancel": {"completed", "failed", "cancelled"},
        "retry": {*set(State.values) - {State.FAILED}, "superseded"},
        "hurry": {*running - {"failed"}, "due", "held"},
        "reprioritise": running,
        "snooze": running,
    }
    said = {
        str(IllegalTransition(verb, word)) for verb in verbs for word in verbs[verb]
    }
    for away in (-timedelta(days=1), timedelta(days=9999)):
        with pytest.raises(InvalidRunAt) as refused:
            check_run_at(timezone.now() + away)
        said.add(str(refused.value))

    assert said == set(show.REFUSALS)
