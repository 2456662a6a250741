"""Rules fire once, recover once, stay silent below their sample; messages arrive."""

import json
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from werkzeug import Response

from queues.alerts import watch as watching
from queues.alerts.deliver import deliver
from queues.alerts.measures import Reading, _measures, measure
from queues.alerts.rules import install_rules
from queues.alerts.watch import watch
from queues.enqueue import enqueue
from queues.errors import DeliveryDelayed
from queues.models import (
    AlertChannel,
    AlertDelivery,
    AlertMessage,
    AlertRule,
    AlertState,
    Job,
)
from queues.prune import prune
from queues.work import run_due

pytestmark = pytest.mark.django_db

FIRED, RECOVERED = AlertMessage.Kind.FIRED, AlertMessage.Kind.RECOVERED


@pytest.fixture
def gauge():
    """Return a dict that the measure `test` reads: subjects and their readings."""
    values: dict[str, Reading] = {}
    measure("test", "test", unit="%")(lambda now, window: list(values.values()))
    yield values
    _measures.pop("test")


@pytest.fixture
def rule(gauge):
    return AlertRule.objects.create(code="hot", measure="test", threshold=10)


@pytest.fixture
def email():
    return AlertChannel.objects.create(
        name="email", kind="email", position=20, target="ops@example.com"
    )


def put(gauge, subject, value, **more):
    gauge[subject] = Reading(value, subject, **more)


def told():
    return list(AlertMessage.objects.order_by("id").values_list("kind", flat=True))


def later(**span):
    """Let time pass: everything that was noted happened so much earlier."""
    AlertState.objects.update(
        since=Now() - timedelta(**span), told_at=Now() - timedelta(**span)
    )


def test_a_rule_fires_once_and_recovers_once(gauge, rule, email):
    for value in (10, 11, 12, 12, 10, 3):
        put(gauge, "a", value)
        watch()

    assert told() == [FIRED, RECOVERED]
    fired = AlertMessage.objects.first()
    assert fired.title == "Warning: hot: a"
    assert "11 %" in fired.body
    assert fired.subjects == ["a"]


def test_a_mute_that_comes_while_its_rule_is_measured_stands(gauge, rule, monkeypatch):
    put(gauge, "a", 11)
    watch()
    level, until = watching._level, timezone.now() + timedelta(hours=1)

    def muted_meanwhile(*args):
        AlertState.objects.update(muted_until=until)
        return level(*args)

    monkeypatch.setattr(watching, "_level", muted_meanwhile)
    watch()

    assert AlertState.objects.get().muted_until == until


def test_S47_it_stays_silent_below_its_minimum_sample(gauge, rule):
    AlertRule.objects.update(side="below", threshold=95, min_sample=20)

    put(gauge, "few", 0, sample=1)
    put(gauge, "just", 95.0, sample=20)
    put(gauge, "many", 94.9, sample=20)
    watch()

    assert [each.subjects for each in AlertMessage.objects.all()] == [["many"]]


def test_a_subject_that_is_gone_has_recovered(gauge, rule):
    put(gauge, "a", 11)
    watch()
    gauge.clear()
    watch()

    assert told() == [FIRED, RECOVERED]


def test_worse_is_told_at_once_and_better_is_not(gauge, rule):
    AlertRule.objects.update(critical_threshold=50)
    for value in (11, 51, 20, 11):
        put(gauge, "a", value)
        watch()

    levels = list(AlertMessage.objects.order_by("id").values_list("level", flat=True))
    assert levels == ["warning", "critical"]


def test_what_comes_and_goes_is_told_again_after_the_cooldown_only(gauge, rule):
    for value in (11, 1, 11, 11):
        put(gauge, "a", value)
        watch()
    assert told() == [FIRED, RECOVERED]

    later(hours=1, seconds=1)
    watch()

    assert told() == [FIRED, RECOVERED, FIRED]


def test_a_recovery_that_nobody_heard_the_fire_of_is_not_told(gauge, rule):
    for value in (11, 1, 11, 1):
        put(gauge, "a", value)
        watch()

    assert told() == [FIRED, RECOVERED]


def test_a_mute_ends_by_itself(gauge, rule):
    AlertRule.objects.update(muted_until=Now() + timedelta(hours=1))
    put(gauge, "a", 11)
    watch()
    assert (told(), AlertState.objects.get().is_firing) == ([], True)

    AlertRule.objects.update(muted_until=Now() - timedelta(seconds=1))
    watch()

    assert told() == [FIRED]


def test_a_muted_subject_is_silent_and_the_others_are_not(gauge, rule):
    AlertState.objects.create(
        rule=rule, subject="a", value=0, level="warning",
        muted_until=Now() + timedelta(hours=1),
    )  # fmt: skip
    put(gauge, "a", 11)
    put(gauge, "b", 11)
    watch()

    assert [each.subjects for each in AlertMessage.objects.all()] == [["b"]]


def test_S47_twelve_connections_of_one_provider_are_one_incident(gauge, rule):
    for number in range(12):
        put(gauge, f"shop-{number:02}", 11, group="Shopify")
    watch()
    (message,) = AlertMessage.objects.all()
    assert message.title == "Warning: hot: Shopify (12 subjects)"
    assert len(message.subjects) == 12

    put(gauge, "shop-12", 11, group="Shopify")  # joins it silently
    watch()
    for number in range(12):
        put(gauge, f"shop-{number:02}", 1, group="Shopify")
    watch()
    assert told() == [FIRED]

    put(gauge, "shop-12", 1, group="Shopify")
    watch()
    watch()

    assert told() == [FIRED, RECOVERED]


def test_a_few_of_a_group_are_told_one_by_one(gauge, rule):
    for number in range(watching.GROUP - 1):
        put(gauge, f"shop-{number}", 11, group="Shopify")
    watch()

    assert told() == [FIRED] * (watching.GROUP - 1)
    put(gauge, "shop-9", 11, group="Shopify")
    watch()
    last = AlertMessage.objects.order_by("id").last()
    assert len(last.subjects) == watching.GROUP

    for name in list(gauge):
        put(gauge, name, 1, group="Shopify")
    watch()

    assert told().count(RECOVERED) == 1


def test_a_rule_may_watch_one_subject_alone(gauge, rule):
    AlertRule.objects.update(subject="a")
    put(gauge, "a", 11)
    put(gauge, "b", 11)
    watch()

    assert AlertMessage.objects.get().subjects == ["a"]


def test_a_measure_that_fails_says_so_and_spoils_no_other_rule(gauge, rule):
    @measure("broken", "broken")
    def broken(now, window):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    AlertRule.objects.create(code="broken", measure="broken", threshold=1)
    AlertRule.objects.create(code="unknown", measure="never-heard-of", threshold=1)
    put(gauge, "a", 11)

    assert watch().failed == ("broken", "unknown")

    assert told() == [FIRED]
    assert "division by zero" in AlertRule.objects.get(code="broken").error
    _measures.pop("broken")


def test_a_rule_that_can_be_read_again_forgets_its_error(gauge, rule):
    AlertRule.objects.update(failed_at=Now(), error="x")
    watch()

    rule.refresh_from_db()
    assert (rule.failed_at, rule.error) == (None, "")


def test_disabled_rules_are_not_looked_at(gauge, rule):
    AlertRule.objects.update(enabled=False)
    put(gauge, "a", 11)
    watch()

    assert told() == []


def test_the_message_arrives_by_e_mail_through_a_job(gauge, rule, email):
    put(gauge, "a", 11)
    watch()
    run_due(limit=5, seconds=10)

    (letter,) = mail.outbox
    assert (letter.subject, letter.to) == (
        "[Ritmo] Warning: hot: a",
        ["ops@example.com"],
    )
    assert AlertDelivery.objects.get().status == "sent"


def test_mail_goes_to_superusers_unless_somebody_is_named(
    gauge, rule, email, django_user_model
):
    django_user_model.objects.create_superuser("root", "root@example.com", "x")
    django_user_model.objects.create_superuser("gone", "", "x")
    AlertChannel.objects.update(target="")
    put(gauge, "a", 11)
    watch()
    run_due(limit=5, seconds=10)

    assert mail.outbox[0].to == ["root@example.com"]


def test_with_no_channel_the_message_is_kept(gauge, rule):
    put(gauge, "a", 11)
    watch()

    assert told() == [FIRED]
    assert not AlertDelivery.objects.exists()
    assert not Job.objects.exists()


def test_a_rolled_back_change_tells_nobody(gauge, rule, email):
    put(gauge, "a", 11)
    with transaction.atomic():
        watch()
        transaction.set_rollback(True)

    assert not Job.objects.exists()
    watch()
    assert told() == [FIRED]


@pytest.fixture
def slack(settings, httpserver):
    settings.SLACK_WEBHOOK_URL = httpserver.url_for("/hook")
    return AlertChannel.objects.create(name="slack", kind="slack", position=10)


def test_slack_gets_title_and_text(gauge, rule, slack, httpserver):
    httpserver.expect_oneshot_request("/hook", method="POST").respond_with_data("ok")
    put(gauge, "a", 11)
    watch()
    run_due(limit=5, seconds=10)

    ((request, _answer),) = httpserver.log
    assert request.json["text"].startswith("*Warning: hot: a*\n")
    assert AlertDelivery.objects.get().status == "sent"


def test_S47_slack_down_means_e_mail_after_the_third_try(
    gauge, rule, slack, email, httpserver
):
    httpserver.expect_request("/hook").respond_with_data("oops", status=503)
    put(gauge, "a", 11)
    watch()
    for _ in range(4):
        Job.objects.filter(status="pending").update(run_at=Now())
        run_due(limit=5, seconds=10)

    assert len(httpserver.log) == 3
    assert len(mail.outbox) == 1
    by_channel = dict(AlertDelivery.objects.values_list("channel__name", "status"))
    assert by_channel == {"slack": "failed", "email": "sent"}


def test_the_three_tries_and_their_waits_take_less_than_a_minute(db):
    from queues.alerts.deliver import SECONDS
    from queues.handlers import registry

    handler = registry.get("deliver-alert")
    waits = [handler.retry.backoff(failure) for failure in (1, 2)]
    assert sum(waits) + 3 * SECONDS <= 60


def test_a_refusal_for_good_falls_back_at_once(gauge, rule, slack, email, httpserver):
    httpserver.expect_request("/hook").respond_with_data("no_service", status=404)
    put(gauge, "a", 11)
    watch()
    run_due(limit=5, seconds=10)

    assert (len(httpserver.log), len(mail.outbox)) == (1, 1)


def test_a_webhook_is_signed(gauge, rule, httpserver):
    import base64
    import hashlib
    import hmac

    AlertChannel.objects.create(
        name="pager", kind="webhook", target=httpserver.url_for("/in"), secret="s3cret"
    )
    httpserver.expect_oneshot_request("/in").respond_with_response(Response(status=204))
    put(gauge, "a", 11)
    watch()
    run_due(limit=5, seconds=10)

    ((request, _answer),) = httpserver.log
    named = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    signed = f"{named[0]}.{named[1]}.".encode() + request.data
    wanted = base64.b64encode(hmac.new(b"s3cret", signed, hashlib.sha256).digest())
    assert request.headers["webhook-signature"] == f"v1,{wanted.decode()}"
    assert json.loads(request.data)["rule"] == "hot"


def test_a_delivery_that_arrived_is_not_made_again(gauge, rule, email):
    put(gauge, "a", 11)
    watch()
    delivery = AlertDelivery.objects.get()

    assert deliver(delivery.pk, is_last=False)
    assert not deliver(delivery.pk, is_last=False)
    assert len(mail.outbox) == 1


def test_a_try_that_failed_is_noted(gauge, rule, slack, httpserver):
    httpserver.expect_request("/hook").respond_with_data("", status=500)
    put(gauge, "a", 11)
    watch()
    delivery = AlertDelivery.objects.get()

    with pytest.raises(DeliveryDelayed):
        deliver(delivery.pk, is_last=False)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries) == ("pending", 1)
    assert "500" in delivery.error


def test_shipped_rules_are_installed_once_and_edits_stay(db):
    names = install_rules()
    AlertRule.objects.filter(code="success-rate").update(threshold=50)

    assert {"success-rate", "beat-gone", "cron-failure"} <= set(names)
    assert install_rules() == []
    assert AlertRule.objects.get(code="success-rate").threshold == 50
    kinds = AlertChannel.objects.order_by("position").values_list("kind", flat=True)
    assert list(kinds) == ["slack", "email"]


def test_every_shipped_rule_can_be_measured(db):
    install_rules()
    enqueue("noop")

    assert watch().failed == ()

    said = set(AlertState.objects.filter(is_firing=True).values_list("rule__code"))
    assert said == {("beat-gone",), ("worker-gone",)}


def test_old_messages_are_pruned_with_their_deliveries(gauge, rule, email, settings):
    put(gauge, "a", 11)
    watch()
    AlertMessage.objects.update(
        created_at=Now() - timedelta(days=settings.RETENTION_DAYS_FAILED + 1)
    )
    prune()

    assert not AlertDelivery.objects.exists()
    assert not AlertMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_that_watch_at_once_tell_once(gauge, rule, email):
    put(gauge, "a", 11)
    threads = [threading.Thread(target=_watch_alone) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert told() == [FIRED]
    assert Job.objects.filter(type="deliver-alert").count() == 1


def _watch_alone():
    try:
        watch()
    finally:
        connection.close()
