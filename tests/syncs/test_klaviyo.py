"""Klaviyo: grouped reports within their quota, lists to their end, one metric that counts."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from django.utils.http import http_date

from syncs.errors import (
    AccessRefused,
    ContractBroken,
    CursorInvalid,
    Misconfigured,
    PaginationLoop,
    QuotaSpent,
    RateLimited,
    Transient,
    Wait,
)
from syncs.models import Budget, Piece, ReportState, Result
from syncs.ports import Period, provider
from tests.simulators.klaviyo_account import campaign, fill, metric
from tests.syncs.provider_fixtures import *  # noqa: F403
from tests.syncs.shops import NOON, NOVEMBER, entry, klaviyo_of, pull

pytestmark = pytest.mark.django_db
STREAMS = ("campaigns", "flows", "campaign_values", "flow_values", "revenue")


def pull_all(connection, period=NOVEMBER):
    for stream in STREAMS:
        pull(connection, period, stream=stream)


def test_a_period_becomes_campaigns_flows_and_analytics(mail):
    account = mail.accounts["AbC123"]
    connection = klaviyo_of()

    pull_all(connection)

    campaigns = entry(connection, "campaigns").data
    flows = entry(connection, "flows").data
    analytics = entry(connection, "analytics").data
    sent = account.sent(
        NOON.replace(day=1, hour=0, tzinfo=None), NOON.replace(tzinfo=None, hour=23)
    )
    assert len(campaigns["campaigns"]) == len(sent) > 3
    assert {each["name"] for each in campaigns["campaigns"]} <= {
        each["attributes"]["name"] for each in account.campaigns
    }
    assert flows["flow_perf"]["total_flows"] == 6
    assert analytics["campaigns_count"] == len(sent)
    assert analytics["orders_attributed"] == sum(
        each["conversions"] for each in campaigns["campaigns"] + flows["flows"]
    )
    assert Piece.objects.filter(kind="campaign", is_archived=True).exists()
    assert mail.ledger.count("campaign-values-reports") == 1
    assert mail.ledger.throttled() == []


def test_lists_are_read_to_their_end(mail):
    fill(mail.accounts["AbC123"], campaigns=130, flows=70, days=15)
    mail.page_size = {"campaigns": 30, "flows": 20}
    connection = klaviyo_of()

    pull(connection, stream="campaigns")
    pull(connection, stream="flows")

    assert Piece.objects.filter(kind="campaign").count() == 130
    assert Piece.objects.filter(kind="flow").count() == 70


def test_a_report_that_no_longer_holds_a_message_forgets_it(mail):
    account = mail.accounts["AbC123"]
    connection = klaviyo_of()
    pull(connection, stream="campaign_values")
    before = Result.objects.count()
    account.campaigns = account.campaigns[:2]
    account.seen.clear()

    pull(connection, stream="campaign_values")

    assert before > Result.objects.count() == 2


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), ("+90", 90), ("-5", 30), ("abc", 30), ("", 30), ("999999", 36 * 3600)],
)
def test_S15_retry_after_in_every_shape(mail, said, seconds, caplog):
    if said == "+90":  # a date, by a clock that is ten minutes ahead
        said = http_date(mail.clock.seconds() + 690)
        mail.faults.add("clock_skew", "flows", value=600)
    mail.faults.add("retry_after", "flows", value=said)

    with pytest.raises(Wait) as caught:
        pull(klaviyo_of(), stream="flows")

    wait = (caught.value.until - timezone.now()).total_seconds()
    assert seconds - 5 <= wait <= seconds + 1
    assert ("absurd wait" in caplog.text) == (said == "999999")
    asked = Budget.objects.get(group="flows").asked_seconds
    assert (asked > 86_400) == (said == "999999")  # which is told


def test_S16_a_spent_day_stops_every_store_of_the_account_and_nothing_else(mail):
    mail.faults.add("retry_after", "campaign-values-reports", value=73473)
    one, two = klaviyo_of(), klaviyo_of()
    with pytest.raises(QuotaSpent) as caught:
        pull(one, stream="campaign_values")

    with pytest.raises(QuotaSpent):
        pull(two, stream="campaign_values")
    pull(one, stream="flows")
    pull(one, stream="flow_values")

    assert mail.ledger.count("campaign-values-reports") == 1
    wait = (caught.value.until - timezone.now()).total_seconds()
    assert 73400 < wait <= 73473
    assert caught.value.scope == "campaign-values-reports"


def test_S18_two_connections_of_one_account_share_two_reports_a_minute(mail):
    one, two = klaviyo_of(), klaviyo_of()
    pull(one, stream="campaign_values")
    pull(two, stream="campaign_values")

    with pytest.raises(RateLimited) as caught:
        pull(one, stream="campaign_values")

    assert 40 < (caught.value.until - timezone.now()).total_seconds() <= 60
    assert mail.ledger.throttled() == []
    assert mail.ledger.busiest("campaign-values-reports", 60) == 2


def test_S19_a_revoked_key_is_refused_and_says_so(mail):
    mail.faults.add("auth_revoked", "flows")

    with pytest.raises(AccessRefused):
        pull(klaviyo_of(), stream="flows")


def test_S21_an_expired_cursor_is_named(mail):
    fill(mail.accounts["AbC123"], flows=60)
    mail.faults.add("cursor_expired", "flows", after=1)

    with pytest.raises(CursorInvalid):
        pull(klaviyo_of(), stream="flows")


def test_S22_pages_in_a_circle_are_named(mail):
    mail.faults.add("same_cursor", "flows", times=9)

    with pytest.raises(PaginationLoop):
        pull(klaviyo_of(), stream="flows")

    assert mail.ledger.count("flows") <= 3


def test_S27_bodies_that_are_no_answer_write_nothing(mail):
    connection = klaviyo_of()
    for kind in ("html_200", "empty_200", "malformed_json", "bad_utf8", "truncate"):
        mail.faults.add(kind, "flows")
        with pytest.raises(Transient):
            pull(connection, stream="flows")
    mail.faults.add("missing_field", "flows")
    (page,) = pull(connection, stream="flows")

    assert len(page.refused) == 6
    assert Piece.objects.count() == 0


def test_S43_days_are_those_of_the_account_and_both_zones_are_told(mail):
    account = mail.accounts["AbC123"]
    # 23:30 on the 20th in New York is the 21st in São Paulo.
    account.campaigns = [campaign(1, NOON.replace(day=21, hour=4, minute=30))]
    connection = klaviyo_of()

    pull_all(connection)

    data = entry(connection, "campaigns").data
    assert len(data["campaigns"]) == 1
    assert (data["timezone"], data["store_timezone"]) == (
        "US/Eastern",
        "America/Sao_Paulo",
    )
    assert data["day_borders_differ"] is True


def test_S43_a_modern_zone_is_asked_for_by_its_former_name(mail):
    connection = klaviyo_of(zone="Europe/Kyiv")

    pull(connection, stream="revenue")

    assert "Europe/Kiev" in mail.ledger.of("metric-aggregates")[0].detail


def test_S44_sales_in_two_currencies_have_no_total(mail):
    mail.accounts["AbC123"].currencies = ("EUR", "USD")
    connection = klaviyo_of()

    pull_all(connection)

    data = entry(connection, "analytics").data
    assert data["currencies"] == ["EUR", "USD"]
    assert data["revenue_total"] is None


def test_S46_the_metric_of_the_platform_counts(mail):
    pull(klaviyo_of(), stream="campaign_values")

    assert ReportState.objects.get().metric == "RshopA"


def test_S46_of_two_metrics_a_person_chooses_and_the_old_reports_are_void(mail):
    account = mail.accounts["AbC123"]
    connection = klaviyo_of()
    pull_all(connection)
    account.metrics.append(metric("RshopZ"))

    with pytest.raises(Misconfigured, match=r"RshopA.*RshopZ"):
        pull(klaviyo_of("Other1", settings={}), stream="revenue")
    connection.settings = {"conversion_metric_id": "RshopZ"}

    assert list(provider("klaviyo").entries(connection, NOVEMBER, ["campaigns"])) == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [("forbidden", AccessRefused), ("retired", Misconfigured), ("status", Transient)],
)
def test_S59_refusals_have_their_class(mail, fault, error):
    mail.faults.add(fault, "flows")

    with pytest.raises(error):
        pull(klaviyo_of(), stream="flows")


def test_S57_the_next_page_is_asked_of_the_same_host_whatever_the_link_says(mail):
    fill(mail.accounts["AbC123"], flows=60)
    mail.faults.add("foreign_next_link", "flows", value="http://127.0.0.1:1")

    pull(klaviyo_of(), stream="flows")

    assert mail.ledger.count("flows") == 2


def test_a_report_of_more_than_a_year_is_refused_before_the_call(mail):
    with pytest.raises(Misconfigured):
        pull(
            klaviyo_of(),
            Period(date(2025, 1, 1), date(2025, 1, 1) + timedelta(days=400)),
            stream="flow_values",
        )

    assert mail.ledger.count("flow-values-reports") == 0


def test_the_account_says_its_zone_and_money(mail):
    found = provider("klaviyo").check(klaviyo_of())

    assert (found.external_id, found.timezone, found.currency) == (
        "AbC123",
        "US/Eastern",
        "USD",
    )


def test_a_list_in_another_shape_is_a_broken_contract(mail):
    mail.faults.add("wrong_shape", "flows")

    with pytest.raises(ContractBroken):
        pull(klaviyo_of(), stream="flows")
