"""Who may do what to which jobs: permissions, and the scopes that narrow them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db.models import Model, Q, QuerySet

from queues.handlers import registry
from queues.models import AccessScope

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


@dataclass(frozen=True, slots=True)
class Rule:
    """One scope: a job type or its beginning, a queue; empty is any."""

    type: str
    queue: str

    def covers(self, type_: str | None, queue: str | None) -> bool:
        """Tell whether all of that place lies within the scope."""
        return _within(type_, self.type) and (not self.queue or queue == self.queue)

    def narrow(self, type_column: str, queue_column: str) -> Q:
        """Return the condition on rows that say their place in those columns."""
        found = Q()
        if self.type and not type_column:
            return Q(pk__in=[])
        if self.type.endswith("*"):
            found &= Q(**{f"{type_column}__startswith": self.type[:-1]})
        elif self.type:
            found &= Q(**{type_column: self.type})
        if self.queue:
            found &= Q(**{queue_column: self.queue})
        return found


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
    rules = _rules(user, permission)
    if rules is None:
        return True
    if type is None and queue is None:
        return bool(rules)
    return any(rule.covers(type, queue) for rule in rules)


def may_everywhere(user: Person, permission: str) -> bool:
    """Tell whether the user has the permission, and no scope narrows it."""
    return user.has_perm(permission) and _rules(user, permission) is None


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
    rules = _rules(user, permission)
    if meta.label_lower not in COLUMNS:
        return queryset if rules is None or _looks(permission) else queryset.none()
    if rules is None:
        return queryset
    found = Q(pk__in=[])
    for rule in rules:
        found |= _narrowed(meta.label_lower, rule)
    return queryset.filter(found)


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


def _narrowed(model: str, rule: Rule) -> Q:
    found = rule.narrow(*COLUMNS[model])
    if not rule.queue or model in {"queues.job", "queues.queue"}:
        return found
    # A schedule that names no queue writes to that of its type; so did a firing
    # whose job is gone.
    type_column, queue_column = COLUMNS[model]
    types = [each.name for each in registry if each.queue == rule.queue]
    tacit = Q(**{f"{queue_column}__isnull": True, f"{type_column}__in": types})
    return found | (Rule(rule.type, "").narrow(type_column, queue_column) & tacit)


def _rules(user: Any, permission: str) -> Iterable[Rule] | None:
    """Return the scopes that narrow a permission; None if nothing does."""
    if user.is_superuser or not (scopes := _scopes(user)):
        return None
    if permission in user.get_user_permissions():
        return None
    granting = _groups(user).get(permission, set())
    # No group grants it: then it comes from another backend, which knows no scope.
    if not granting or granting - scopes.keys():
        return None
    return {rule for group in granting for rule in scopes[group]}


def _scopes(user: Any) -> dict[int, set[Rule]]:
    """Return the scopes of each of the user's groups, read once a request."""
    if user.pk is None:
        return {}
    if (known := getattr(user, "access_scopes", None)) is None:
        known = user.access_scopes = {}
        rows = AccessScope.objects.filter(group__user=user.pk)
        for group, type_, queue in rows.values_list("group", "type", "queue"):
            known.setdefault(group, set()).add(Rule(type_, queue))
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


def _within(type_: str | None, pattern: str) -> bool:
    if not pattern:
        return True
    if type_ is None:
        return False
    if pattern.endswith("*"):
        return type_.startswith(pattern[:-1])
    return type_ == pattern
