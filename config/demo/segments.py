"""Sync the demo's segments from a SprintHub that is simulated on this machine."""

from urllib.parse import urlsplit

from django.conf import settings

from cadences.models import Cadence, Company
from config.demo.lists import PREFIX, SEGMENTS, TOKEN, DemoSegment
from queues.alerts.rules import install_rules
from queues.models import AlertChannel, AlertRule
from syncs.clock import now
from syncs.models import EnrolmentRule, SegmentControl
from syncs.segments.fire import fire
from syncs.segments.steer import reactivate

LOOPBACK = "127.0.0.1"
NOTE = "The demo is off"
WELCOME = "demo-welcome"
MAILBOX = "ops@demo.example"
"""Where alerts go by e-mail: with no EMAIL_URL, that is the log."""
BOTH = ("segment-cron-failure", "segment-consecutive-errors")
"""Rules whose messages go to Slack and by e-mail."""
FEW_DETAILS = 40


def is_simulated() -> bool:
    """Tell whether the account is on this machine: the demo calls no other."""
    host = urlsplit(settings.SPRINTHUB_BASE_URL).hostname
    return host == LOOPBACK and settings.SPRINTHUB_API_TOKEN == TOKEN


def open_segments(company: Company) -> int:
    """Write the demo's segments unless they are there, and start them; return how many."""
    if not is_simulated():
        close_segments()
        return 0
    for each in SEGMENTS:
        _open(each, company)
    _welcome(company)
    _tell_both_ways()
    fire()
    return len(SEGMENTS)


def close_segments() -> int:
    """Pause the demo's segments: a real account has others under their numbers."""
    ours = SegmentControl.objects.filter(name__startswith=PREFIX, connection=None)
    active = ours.exclude(status=SegmentControl.Status.PAUSED)
    return active.update(status=SegmentControl.Status.PAUSED, note=NOTE)


def _open(segment: DemoSegment, company: Company) -> None:
    control, is_new = SegmentControl.objects.get_or_create(
        segment_id=segment.number, connection=None,
        defaults={
            "name": segment.title, "company": company, "cron": segment.cron,
            "time_zone": "America/Sao_Paulo", "enrich_most": FEW_DETAILS,
            "next_execution": now(),
        },
    )  # fmt: skip
    if not is_new and control.note == NOTE:
        reactivate(control.pk)


def _welcome(company: Company) -> None:
    """Let who joins the first segment be welcomed by WhatsApp."""
    cadence = Cadence.objects.filter(company=company, code=WELCOME).first()
    control = SegmentControl.objects.filter(
        segment_id=SEGMENTS[0].number, connection=None
    ).first()
    if cadence is None or control is None:
        return
    EnrolmentRule.objects.get_or_create(
        name=f"{PREFIX}welcome new customers",
        defaults={"on": "joined", "control": control, "cadence": cadence},
    )


def _tell_both_ways() -> None:
    """Let alerts of segments arrive in the log as well; nothing that staff chose changes."""
    install_rules()
    mail = AlertChannel.objects.filter(kind=AlertChannel.Kind.EMAIL).first()
    if mail is None or mail.target:
        return
    AlertChannel.objects.filter(pk=mail.pk).update(target=MAILBOX)
    slack = AlertChannel.objects.filter(kind=AlertChannel.Kind.SLACK).first()
    for rule in AlertRule.objects.filter(code__in=BOTH, channels=None):
        rule.channels.add(*filter(None, (slack, mail)))
