"""Personal API tokens."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from queues.errors import InvalidToken
from queues.models import ApiToken
from queues.tokens import issue_token, user_of_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana")


def test_a_token_speaks_for_its_person(ana):
    text, row = issue_token(ana, "laptop")

    assert user_of_token(text) == ana
    assert text.startswith("ritmo_")
    assert len(text) == 6 + 43
    assert text.startswith(row.prefix)


def test_the_text_is_not_stored(ana):
    text, _ = issue_token(ana, "laptop")

    (stored,) = ApiToken.objects.values()
    assert text not in str(stored)
    assert text[12:] not in str(stored)


@pytest.mark.parametrize(
    "text", ["", "ritmo_", "ritmo_x", "x", "ritmo_\ud800", "ritmo_\x00"]
)
def test_a_text_that_is_no_token(ana, text):
    issue_token(ana, "laptop")

    with pytest.raises(InvalidToken):
        user_of_token(text)


def test_a_token_ends(ana):
    now = timezone.now()
    expired, _ = issue_token(ana, "old", now - timedelta(seconds=1))
    coming, _ = issue_token(ana, "new", now + timedelta(hours=1))
    revoked, row = issue_token(ana, "lost")
    ApiToken.objects.filter(pk=row.pk).update(revoked_at=now)

    assert user_of_token(coming) == ana
    for text in (expired, revoked):
        with pytest.raises(InvalidToken):
            user_of_token(text)


def test_a_person_who_left_is_refused(ana):
    text, _ = issue_token(ana, "laptop")
    User.objects.filter(pk=ana.pk).update(is_active=False)

    with pytest.raises(InvalidToken):
        user_of_token(text)


def test_the_use_is_noted_once_a_minute(ana, django_assert_num_queries):
    text, row = issue_token(ana, "laptop")

    with django_assert_num_queries(2):
        user_of_token(text)
    with django_assert_num_queries(1):
        user_of_token(text)

    row.refresh_from_db()
    assert row.last_used_at is not None
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    user_of_token(text)
    row.refresh_from_db()
    assert row.last_used_at > timezone.now() - timedelta(minutes=1)
