"""Tests that commit leave nothing to the next one, and take nothing from it."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from queues.enqueue import enqueue
from queues.models import Job, JobType

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("change", ["rows", "roles", "nothing"])
def test_a_test_that_commits_finds_what_stands_and_nothing_else(change):
    found = [each.objects.exists() for each in (Job, User, Group, Permission, JobType)]
    if change == "rows":
        enqueue("noop", owner=User.objects.create_user("ana"))
    if change == "roles":
        Group.objects.all().delete()
        JobType.objects.all().delete()

    assert found == [False, False, True, True, True]
