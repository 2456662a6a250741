"""Show life on an empty system: messages to process, jobs that run, wait and fail."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from cadences.models import Company, Conversation, Message
from config.demo.accounts import reconnect
from config.demo.segments import open_segments
from config.demo.sequences import COMPANY, seed
from config.demo.stores import open_stores
from config.demo.sweep import resume
from queues.enqueue import enqueue, enqueue_many
from queues.management.plain import PlainCommand

FIRST = "demo-1"
PEOPLE = ("+5511900000001", "+5511900000002", "+5511900000003")


class Command(PlainCommand):
    """`manage.py demo`."""

    help = "Write demo messages and jobs once; later calls change nothing."

    def handle(self, *args: object, **options: Any) -> None:
        """Seed unless it was done before, and let the demo's schedules go on."""
        resume()
        reconnect()
        open_stores()
        with transaction.atomic():
            _, is_new = Conversation.objects.get_or_create(external_id=FIRST)
            if is_new:
                _write_messages()
                _write_jobs()
        seed()
        open_segments(Company.objects.get(code=COMPANY))


def _write_messages() -> None:
    for number, phone in enumerate(PEOPLE, start=1):
        talk, _ = Conversation.objects.update_or_create(
            external_id=f"demo-{number}", defaults={"phone": phone}
        )
        Message.objects.bulk_create(
            Message(conversation=talk, body=f"Question {each} about my order")
            for each in range(1, 9)
        )
    Message.objects.create(channel=Message.Channel.WEBHOOK, body='{"event": ')


def _write_jobs() -> None:
    now = timezone.now()
    orders = [{"order": number} for number in range(1001, 1013)]
    enqueue_many("demo-send-receipt", orders, source="demo")
    enqueue("demo-slow-export", {"pages": 20}, source="demo")
    enqueue("demo-broken-report", priority=2, source="demo")
    enqueue("process-messages", {"maxMessages": 50}, priority=1, source="demo")
    # Once the simulated providers are up.
    soon = now + timedelta(seconds=20)
    enqueue("demo-sync-stores", run_at=soon, source="demo")
    for hours, order in ((1, 1013), (24, 1014), (24 * 7, 1015)):
        due = now + timedelta(hours=hours)
        enqueue("demo-send-receipt", {"order": order}, run_at=due, source="demo")
