"""Seal every secret anew under the first key, so that an old key can be retired."""

from django.apps import apps
from django.db import models, transaction

from queues.seal import Sealed, Secret, seal

PAGE = 500


def reseal() -> int:
    """Seal what all rows hold under the first key; return how many secrets that were.

    Raises CannotUnseal where a key is missing; what was done until then stays done.
    """
    return sum(
        _column(model, field.attname)
        for model in apps.get_models()
        for field in model._meta.get_fields()  # noqa: SLF001 - Django's own name
        if isinstance(field, Sealed)
    )


def _column(model: type[models.Model], name: str) -> int:
    rows = _rows(model).exclude(**{f"{name}__isnull": True}).order_by("pk")
    done, last = 0, None
    while True:
        page = rows if last is None else rows.filter(pk__gt=last)
        with transaction.atomic():
            # Locked: a secret that is changed meanwhile must not be put back.
            found = list(page.select_for_update().values_list("pk", name)[:PAGE])
            for pk, secret in found:
                _again(model, pk, name, secret)
        if not found:
            return done
        done, last = done + len(found), found[-1][0]


def _again(model: type[models.Model], pk: object, name: str, secret: Secret) -> None:
    fresh = Secret(seal(secret.reveal()))
    _rows(model).filter(pk=pk).update(**{name: fresh})


def _rows(model: type[models.Model]) -> models.QuerySet[models.Model]:
    return models.QuerySet(model)
