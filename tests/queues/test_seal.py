"""Secrets in rows: sealed on the way in, opened by name, sealed anew by a new key."""

import logging
import pickle

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection
from django.forms import modelform_factory

from queues.errors import CannotUnseal, NoSealingKey
from queues.seal import Secret, seal, unseal
from tests.shop.models import Till

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def stored(pk):
    with connection.cursor() as cursor:
        cursor.execute("SELECT code FROM shop_till WHERE id = %s", [pk])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("value", ["hunter2", {"token": "hunter2"}, [1, None], ""])
def test_what_is_sealed_is_opened_again(value):
    token = seal(value)

    assert unseal(token) == value
    assert "hunter2" not in token
    assert seal(value) != token


@pytest.mark.django_db
def test_a_row_holds_no_secret_in_the_open(caplog):
    till = Till.objects.create(code={"token": "hunter2"})

    row = Till.objects.get()
    with caplog.at_level(logging.WARNING):
        logging.getLogger("till").warning("%s %r", row.code, till.__dict__)

    assert row.code.reveal() == till.code.reveal() == {"token": "hunter2"}
    assert "hunter2" not in stored(row.pk) + caplog.text
    assert str(row.code) == repr(till.code) == "•••"
    assert "hunter2" not in serializers.serialize("json", [row])
    assert b"hunter2" not in pickle.dumps(row)


@pytest.mark.django_db
def test_nothing_is_not_sealed_and_an_update_seals():
    till = Till.objects.create()
    assert Till.objects.get().code is None

    Till.objects.update(code="hunter2")

    till.refresh_from_db()
    assert till.code.reveal() == "hunter2"
    assert "hunter2" not in stored(till.pk)
    assert Till.objects.filter(code__isnull=False).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("lookup", ["code", "code__contains", "code__in"])
def test_a_secret_cannot_be_searched(lookup):
    with pytest.raises(FieldError, match="sealed"):
        Till.objects.filter(**{lookup: "hunter2"}).exists()


def test_a_form_leaves_it_out():
    assert "code" not in modelform_factory(Till, fields="__all__").base_fields


def test_the_first_key_seals_and_every_key_opens(settings):
    settings.FIELD_ENCRYPTION_KEYS = (OLD,)
    token = seal("hunter2")

    settings.FIELD_ENCRYPTION_KEYS = (NEW, OLD)
    assert unseal(token) == "hunter2"
    fresh = seal("hunter2")

    settings.FIELD_ENCRYPTION_KEYS = (NEW,)
    assert unseal(fresh) == "hunter2"
    with pytest.raises(CannotUnseal, match="FIELD_ENCRYPTION_KEYS"):
        unseal(token)


def test_without_a_key_nothing_is_sealed(settings):
    settings.FIELD_ENCRYPTION_KEYS = ()

    with pytest.raises(NoSealingKey, match="not set"):
        Secret(seal("hunter2"))


@pytest.mark.django_db
def test_reseal_lets_an_old_key_be_retired(settings, capsys):
    ours = settings.FIELD_ENCRYPTION_KEYS  # other apps keep secrets of their own
    settings.FIELD_ENCRYPTION_KEYS = (OLD,)
    Till.objects.bulk_create(Till(code=f"code {each}") for each in range(3))
    Till.objects.create()
    settings.FIELD_ENCRYPTION_KEYS = (NEW, OLD, *ours)

    call_command("reseal")

    assert int(capsys.readouterr().out.split()[0]) >= 3
    settings.FIELD_ENCRYPTION_KEYS = (NEW,)
    opened = [each.code.reveal() for each in Till.objects.exclude(code__isnull=True)]
    assert sorted(opened) == ["code 0", "code 1", "code 2"]


@pytest.mark.django_db
def test_reseal_says_when_a_key_is_missing(settings):
    settings.FIELD_ENCRYPTION_KEYS = (OLD,)
    Till.objects.create(code="x")
    settings.FIELD_ENCRYPTION_KEYS = (NEW,)

    with pytest.raises(CommandError, match="opens this secret"):
        call_command("reseal")
