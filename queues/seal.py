"""Keep secrets in rows that only FIELD_ENCRYPTION_KEYS open."""

import json
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from queues.errors import CannotUnseal, NoSealingKey
from queues.masks import MASK

if TYPE_CHECKING:
    Base = models.Field["Secret | object", "Secret | None"]
else:
    Base = models.Field


def seal(value: object) -> str:
    """Return a JSON value encrypted under the first key; raises NoSealingKey."""
    return _keys().encrypt(json.dumps(value).encode()).decode()


def unseal(token: str) -> Any:
    """Return what was sealed under any of the keys; raises CannotUnseal."""
    try:
        return json.loads(_keys().decrypt(token.encode()))
    except InvalidToken:
        raise CannotUnseal from None


def _keys() -> MultiFernet:
    if not settings.FIELD_ENCRYPTION_KEYS:
        raise NoSealingKey
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


class Secret:
    """A sealed value: it is opened by name, and never by being shown."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def reveal(self) -> Any:
        """Return the value; raises CannotUnseal."""
        return unseal(self.token)

    def __str__(self) -> str:
        return MASK

    __repr__ = __str__


class _Sealing(DeferredAttribute):
    """Seal what is assigned at once, so that no row holds it in the open."""

    def __set__(self, instance: models.Model, value: object) -> None:
        instance.__dict__[self.field.attname] = self.field.to_python(value)


class Sealed(Base):
    """A column for a JSON value that is stored encrypted; reading it gives a Secret.

    It is left out of forms, and cannot be searched: sealed twice, a value differs.
    """

    descriptor_class = _Sealing

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"editable": False, **options})

    def get_internal_type(self) -> str:
        """Return the kind of column that stores the token."""
        return "TextField"

    def to_python(self, value: object) -> Secret | None:
        """Return a value sealed, unless it is."""
        if value is None or isinstance(value, Secret):
            return value
        return Secret(seal(value))

    def from_db_value(self, value: str | None, *_: object) -> Secret | None:
        """Return what a row holds."""
        return None if value is None else Secret(value)

    def get_prep_value(self, value: object) -> str | None:
        """Return what a row is to hold."""
        sealed = self.to_python(value)
        return None if sealed is None else sealed.token

    def value_to_string(self, obj: models.Model) -> str:
        """Return the token: an export is as safe as the database."""
        return self.get_prep_value(self.value_from_object(obj)) or ""

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse every question but whether there is one."""
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is sealed: only isnull can be asked")
        return super().get_lookup(lookup_name)
