"""Who may do what to which jobs: permissions, and the scopes that narrow them."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db.models import Model, Q, QuerySet

from queues.handlers import registry
from queues.models import AccessScope
from queues.scopes import Scope

Person = User | AnonymousUser
Place = tuple[str | None, str | None]
"""A job type and a queue; None is "all of them"."""

COLUMNS: dict[str, tuple[str, str]] = {
    "queues.job": ("type", "queue"),
    "queues.attempt": ("job__type", "job__queue"),
    "queues.deadletter": ("type", "job__queue"),
    "queues.cronlog": ("job_type", "job__queue"),
    "queues.queue": ("", "name"),
    "django_celery_beat.periodictask": ("task", "queue"),
}
"""Where the rows of a model say to which job type and queue they belong."""


def may(
    user: Person,
    permission: str,
    *,
    type: str | None = None,  # noqa: A002 - the word of the row
    queue: str | None = None,
) -> bool:
    """Tell whether the user has the permission for all jobs of that type and queue.

    A place left out is every place; without any the answer is whether there is
    something at all to which the user may do it.
    """
    if not user.has_perm(permission):
        return False
    scopes = _scopes_of(user, permission)
    if scopes is None:
        return True
    if type is None and queue is None:
        return bool(scopes)
    return any(scope.covers(type, queue) for scope in scopes)


def may_everywhere(user: Person, permission: str) -> bool:
    """Tell whether the user has the permission, and no scope narrows it."""
    return user.has_perm(permission) and _scopes_of(user, permission) is None


def may_on(user: Person, permission: str, row: Model) -> bool:
    """Tell whether the user has the permission for that row.

    What belongs to no job type and no queue, such as a limit, is for those alone
    whose permission no scope narrows; only looking is for all who may look.
    """
    if _kind(row) not in COLUMNS:
        everywhere = not _looks(permission)
        return (may_everywhere if everywhere else may)(user, permission)
    type_, queue = place_of(row)
    return may(user, permission, type=type_, queue=queue)


def scoped(
    user: Person, queryset: QuerySet[Any], permission: str | None = None
) -> QuerySet[Any]:
    """Return the rows within the user's scopes; by default those to be looked at."""
    meta = queryset.model._meta  # noqa: SLF001 - Django's own name for it
    if permission is None:
        view, change = (
            f"{meta.app_label}.{verb}_{meta.model_name}" for verb in ("view", "change")
        )
        permission = view if user.has_perm(view) else change
    if not user.has_perm(permission):
        return queryset.none()
    scopes = _scopes_of(user, permission)
    if meta.label_lower not in COLUMNS:
        return queryset if scopes is None or _looks(permission) else queryset.none()
    if scopes is None:
        return queryset
    found = Q(pk__in=[])
    for scope in scopes:
        found |= _narrowed(meta.label_lower, scope)
    return queryset.filter(found)


def scope_of(user: Person, permission: str) -> tuple[tuple[str, str], ...] | None:
    """Return the job types and queues for which the user has the permission.

    None is everywhere; no pair at all is nowhere. An empty word of a pair is any.
    """
    if not user.has_perm(permission):
        return ()
    scopes = _scopes_of(user, permission)
    if scopes is None:
        return None
    return tuple(sorted((scope.type, scope.queue) for scope in scopes))


def place_of(row: Any) -> Place:
    """Return the job type and the queue that a row belongs to."""
    match _kind(row):
        case "queues.queue":
            return None, row.name
        case "django_celery_beat.periodictask":
            return row.task, row.queue or _queue_of(row.task)
        case "queues.cronlog":
            return row.job_type, row.job.queue if row.job else _queue_of(row.job_type)
        case "queues.deadletter" | "queues.attempt":
            return row.job.type, row.job.queue
        case _:
            return row.type, row.queue


def _narrowed(model: str, scope: Scope) -> Q:
    found = scope.narrow(*COLUMNS[model])
    if not scope.queue or model in {"queues.job", "queues.queue"}:
        return found
    # A schedule that names no queue writes to that of its type; so did a firing
    # whose job is gone.
    type_column, queue_column = COLUMNS[model]
    types = [each.name for each in registry if each.queue == scope.queue]
    tacit = Q(**{f"{queue_column}__isnull": True, f"{type_column}__in": types})
    return found | (Scope(scope.type, "").narrow(type_column, queue_column) & tacit)


def _scopes_of(user: Any, permission: str) -> Iterable[Scope] | None:
    """Return the scopes that narrow a permission; None if nothing does."""
    if user.is_superuser or not (known := _by_group(user)):
        return None
    if permission in user.get_user_permissions():
        return None
    granting = _groups(user).get(permission, set())
    # No group grants it: then it comes from another backend, which knows no scope.
    if not granting or granting - known.keys():
        return None
    return {scope for group in granting for scope in known[group]}


def _by_group(user: Any) -> dict[int, set[Scope]]:
    """Return the scopes of each of the user's groups, read once a request."""
    if user.pk is None:
        return {}
    if (known := getattr(user, "access_scopes", None)) is None:
        known = user.access_scopes = {}
        rows = AccessScope.objects.filter(group__user=user.pk)
        for group, type_, queue in rows.values_list("group", "type", "queue"):
            known.setdefault(group, set()).add(Scope(type_, queue))
    return known


def _groups(user: Any) -> dict[str, set[int]]:
    """Return which of the user's groups grant each permission."""
    if (known := getattr(user, "access_groups", None)) is None:
        known = user.access_groups = {}
        rows = Permission.objects.filter(group__user=user.pk).values_list(
            "content_type__app_label", "codename", "group"
        )
        for app, codename, group in rows:
            known.setdefault(f"{app}.{codename}", set()).add(group)
    return known


def _kind(row: Model) -> str:
    label: str = row._meta.label_lower  # noqa: SLF001 - Django's own name for it
    return label


def _looks(permission: str) -> bool:
    return permission.partition(".")[2].startswith("view_")


def _queue_of(type_: str) -> str | None:
    return registry.get(type_).queue if type_ in registry else None
