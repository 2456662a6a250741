"""Who is calling: a service by its secret, a person by a token or a session."""

import hmac
from hashlib import sha256
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from queues.audit import identify
from queues.tokens import user_of_token

SETTINGS = {
    "cron": "CRON_SECRETS",
    "service": "SERVICE_ROLE_KEYS",
    "worker": "WORKER_SECRETS",
}
"""Where the accepted values of each kind of service secret stand."""
PROXIED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")


class ServiceSecret(AuthBase):
    """A bearer secret of one of the kinds; a route sees the kind as `request.auth`.

    Only the Authorization header counts, so no page of another site can make a
    browser send it: these routes need no CSRF check.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    kinds: ClassVar[tuple[str, ...]] = tuple(SETTINGS)

    def __call__(self, request: HttpRequest) -> str | None:
        """Return the kind of the secret, or None."""
        given = sha256(bearer(request)).digest()
        # No early end: the time taken tells nothing about the values.
        found = [
            kind
            for kind in self.kinds
            for value in getattr(settings, SETTINGS[kind])
            if value and hmac.compare_digest(given, sha256(value.encode()).digest())
        ]
        if not found:
            return None
        identify(f"{found[0]} secret")
        return found[0]


class CronSecret(ServiceSecret):
    """CRON_SECRET alone."""

    kinds = ("cron",)


class CronSecretOrServiceKey(ServiceSecret):
    """CRON_SECRET or SERVICE_ROLE_KEY."""

    kinds = ("cron", "service")


class ServiceKey(ServiceSecret):
    """SERVICE_ROLE_KEY alone."""

    kinds = ("service",)


class WorkerSecret(ServiceSecret):
    """WORKER_SECRET alone."""

    kinds = ("worker",)


class PersonalToken(AuthBase):
    """A person's API token; a bad one is refused, whatever cookies come with it."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> User | None:
        """Return the person, or None if no token was sent."""
        text = bearer(request)
        if not text:
            return None
        person = user_of_token(text.decode("latin-1"))
        identify(person.get_username(), user_id=person.pk)
        return person


class SignedIn(AuthBase):
    """A person's session, with Django's CSRF check on everything that changes."""

    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = settings.SESSION_COOKIE_NAME
    csrf = True

    def __call__(self, request: HttpRequest) -> User | None:
        """Return the person, or None if nobody is signed in."""
        if not isinstance(request.user, User):
            return None
        if check_csrf(request):
            raise HttpError(HTTPStatus.FORBIDDEN, "CSRF verification failed")
        identify(request.user.get_username(), user_id=request.user.pk)
        return request.user


class AllowedNetwork:
    """A peer in METRICS_ALLOWED_NETWORKS that no proxy speaks for."""

    def __call__(self, request: HttpRequest) -> str | None:
        """Return the peer's address, or None."""
        if any(header in request.META for header in PROXIED):
            return None
        try:
            peer = ip_address(request.META.get("REMOTE_ADDR", ""))
        except ValueError:
            return None
        allowed = settings.METRICS_ALLOWED_NETWORKS or LOOPBACK
        return str(peer) if any(peer in ip_network(each) for each in allowed) else None


LOOPBACK = ("127.0.0.0/8", "::1/128")
A_PERSON = (PersonalToken(), SignedIn())


def bearer(request: HttpRequest) -> bytes:
    """Return what follows `Bearer` in the Authorization header; empty if nothing does."""
    scheme, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    # WSGI gives the header's bytes as Latin-1.
    return (
        value.strip().encode("latin-1", "replace")
        if scheme.lower() == "bearer"
        else b""
    )


def caller_of(request: HttpRequest) -> str:
    """Return a name for whoever was let in: the kind of a secret, or the person."""
    auth = request.auth  # type: ignore[attr-defined] # set by the framework
    return f"user:{auth.pk}" if isinstance(auth, User) else str(auth)


def person_of(request: HttpRequest) -> User:
    """Return the person who was let in by A_PERSON."""
    person: User = request.auth  # type: ignore[attr-defined]
    return person
