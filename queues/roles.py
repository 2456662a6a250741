"""Three groups to begin with: Viewer, Operator, Administrator; then they are staff's."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from queues.models import RoleGrant

VIEWER, OPERATOR, ADMINISTRATOR = "Viewer", "Operator", "Administrator"
ROLES = (VIEWER, OPERATOR, ADMINISTRATOR)

OURS = ("auth", "django_celery_beat", "queues")
"""Apps whose permissions the roles carry; those of `auth` only the last of them."""

PRIVATE = {"queues.view_apitoken"}
"""What a viewer does not see: whose key opens which door."""
RUNNING = {
    "queues.cancel_job",
    "queues.retry_job",
    "queues.reprioritise_job",
    "queues.snooze_job",
    "queues.enqueue_job",
    "queues.replay_letter",
    "queues.dismiss_letter",
    "queues.export_letter",
    "queues.pause_queue",
    "queues.mute_alert",
    "queues.run_schedule",
    "queues.pause_schedule",
    "queues.change_limitrow",
    "django_celery_beat.add_periodictask",
    "django_celery_beat.change_periodictask",
}
"""What an operator does day by day."""

_guests: dict[str, frozenset[str]] = {}


def add_guest(app: str, *operated: str) -> None:
    """Let the roles carry an app's permissions, an operator those that are named."""
    _guests[app] = frozenset(f"{app}.{codename}" for codename in operated)


def apps_of(app: str) -> tuple[str, ...]:
    """Return the apps whose permissions are due once that one has migrated."""
    if app == "queues":
        return OURS
    return (app,) if app in _guests else ()


@transaction.atomic
def install(*apps: str) -> None:
    """Give each role what it should have of those apps, each permission once ever.

    What staff took from a group, or a group that they deleted or renamed, stays as
    they left it.
    """
    found = Permission.objects.filter(content_type__app_label__in=apps)
    known = {
        f"{app}.{codename}": pk
        for pk, app, codename in found.values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    given = set(RoleGrant.objects.values_list("role", "permission"))
    for role in ROLES:
        wanted = {name for name in known if _carries(role, name)}
        if fresh := {name for name in wanted if (role, name) not in given}:
            is_new = all(each != role for each, _ in given)
            _give(role, {name: known[name] for name in fresh}, is_new=is_new)


def _carries(role: str, permission: str) -> bool:
    app, _, codename = permission.partition(".")
    looks = codename.startswith("view_") and app != "auth" and permission not in PRIVATE
    if role == VIEWER:
        return looks
    if role == OPERATOR:
        return looks or permission in RUNNING | _guests.get(app, frozenset())
    return app != "auth" or codename.endswith(("_user", "_group"))


def _give(role: str, permissions: dict[str, int], *, is_new: bool) -> None:
    group = Group.objects.filter(name=role).first()
    if group is None and is_new:
        group = Group.objects.create(name=role)
    elif group is None or is_new:
        group = None  # deleted or renamed, or a group of that name was there before us
    RoleGrant.objects.bulk_create(
        [RoleGrant(role=role, permission=name) for name in sorted(permissions)],
        ignore_conflicts=True,
    )
    if group is not None:
        group.permissions.add(*permissions.values())
