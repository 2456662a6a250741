"""The secret that suppressed addresses are hashed with."""

import pytest
from cryptography.fernet import Fernet
from django.apps import apps

from cadences.errors import PepperLost
from cadences.models import Pepper
from cadences.pepper import keep, pepper
from cadences.suppress import hashed
from queues.reseal import reseal

pytestmark = pytest.mark.django_db
CADENCES = apps.get_app_config("cadences")


@pytest.fixture(autouse=True)
def _forget():
    pepper.cache_clear()
    yield
    pepper.cache_clear()


def migrated():
    keep(sender=CADENCES)


def test_a_new_database_has_a_pepper_of_its_own_that_stays():
    Pepper.objects.all().delete()
    migrated()
    first = hashed("whatsapp", "+5511987654321")

    migrated()

    assert hashed("whatsapp", "+5511987654321") == first
    assert len(pepper()) >= 32


def test_it_is_sealed_with_the_newest_key_and_opens_with_an_older_one(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = (old,)
    Pepper.objects.all().delete()
    migrated()
    before = pepper()
    assert Pepper.objects.get().plain == ""

    settings.FIELD_ENCRYPTION_KEYS = (new, old)
    reseal()

    settings.FIELD_ENCRYPTION_KEYS = (new,)
    pepper.cache_clear()
    assert pepper() == before


def test_without_keys_it_is_stored_as_it_is_and_sealed_once_there_are_some(settings):
    settings.FIELD_ENCRYPTION_KEYS = ()
    Pepper.objects.all().delete()
    migrated()
    assert Pepper.objects.get().plain.encode() == (plain := pepper())

    settings.FIELD_ENCRYPTION_KEYS = (Fernet.generate_key().decode(),)
    migrated()

    assert Pepper.objects.get().plain == ""
    assert pepper() == plain


def test_a_lost_key_is_told_and_no_other_pepper_is_made_up(settings):
    before = pepper()
    settings.FIELD_ENCRYPTION_KEYS, kept = (
        (Fernet.generate_key().decode(),),
        settings.FIELD_ENCRYPTION_KEYS,
    )
    migrated()

    with pytest.raises(PepperLost, match="FIELD_ENCRYPTION_KEYS"):
        pepper()

    settings.FIELD_ENCRYPTION_KEYS = kept
    assert pepper() == before


def test_none_at_all_is_told():
    Pepper.objects.all().delete()
    pepper.cache_clear()

    with pytest.raises(PepperLost, match="migrate"):
        hashed("email", "ana@acme.com.br")
