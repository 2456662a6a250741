"""Staff for tests of the admin: who they are, what they open, what they press."""

from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from queues.enqueue import enqueue
from queues.models import AuditEntry, Job
from queues.work import run_due

JOBS = "/admin/queues/job/"
LETTERS = "/admin/queues/deadletter/"
OPERATOR = (
    "view_job", "cancel_job", "retry_job",
    "view_deadletter", "replay_letter", "dismiss_letter",
)  # fmt: skip


def staff(name: str, *permissions: str) -> Client:
    """Return the browser of a member of staff who may do just that."""
    user = User.objects.create_user(name, password="secret", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def dead_job(message: str = "away") -> Job:
    job = enqueue("fail", {"message": message}, max_attempts=1)
    run_due(limit=1, seconds=10)
    return Job.objects.get(pk=job.pk)


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def listed(shown: str) -> int:
    """Count the rows of a list of jobs."""
    return shown.count('class="field-number')


def act(client: Client, action: str, rows: Any, at: str = JOBS, **more: str) -> Any:
    chosen = {"_selected_action": [row.pk for row in rows]}
    return client.post(at, {"action": action, **chosen, **more}, follow=True)


def last(action: str) -> AuditEntry:
    """Return the newest row of the audit of that action."""
    return AuditEntry.objects.filter(action=action).latest("id")
