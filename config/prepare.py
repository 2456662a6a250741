"""Bring a database to where the processes can start on it."""

from io import StringIO

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import Error, connections
from redis import Redis, RedisError

from config.errors import NotPrepared
from config.supervise import say

LOGIN = "admin"


def prepare(password: str) -> None:
    """Migrate, install the starter schedules, and open the admin for a first user."""
    django.setup()
    try:
        with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=3) as broker:
            broker.ping()
        call_command("migrate", interactive=False, verbosity=0)
        _install()
        if settings.DEMO:
            call_command("demo")
        else:
            _pause_the_demo()
        if not get_user_model().objects.exists():
            get_user_model().objects.create_superuser(LOGIN, "", password)
        if not settings.DEBUG:
            call_command("collectstatic", interactive=False, verbosity=0)
    except RedisError as error:
        raise NotPrepared(f"REDIS_URL does not answer: {_line(error)}") from None
    except Error as error:
        raise NotPrepared(f"The database cannot be prepared: {_line(error)}") from None
    except CommandError as error:
        raise NotPrepared(_line(error)) from None
    finally:
        connections.close_all()


def _install() -> None:
    """Write the starter schedules and the alert rules, and tell of new ones in a line."""
    names = StringIO()
    call_command("install_schedules", stdout=names)
    if count := len(names.getvalue().splitlines()):
        say(f"Installed {count} starter schedules and alert rules")


def _pause_the_demo() -> None:
    """Stop the schedules of an earlier start with the demo: their types are unknown."""
    from config.demo.segments import close_segments
    from config.demo.stores import close_stores
    from config.demo.sweep import pause

    pause()
    close_stores()
    close_segments()


def known_queues() -> list[str]:
    """Return every queue that a worker should serve."""
    from queues.handlers import registry

    return registry.queues()


def welcome(password: str) -> str:
    """Return how to sign in; a password that was changed since is not repeated."""
    try:
        user = get_user_model().objects.filter(username=LOGIN).first()
        if user and user.check_password(password):
            return f"Sign in as {LOGIN} with the password {password}"
        return "Sign in with the account that you made"
    finally:
        connections.close_all()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
