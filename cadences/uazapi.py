"""Talk to UAZAPI: one instance, one token, errors by their meaning."""

from dataclasses import dataclass
from http import HTTPStatus

import httpx2
from django.conf import settings
from django.utils import timezone

from cadences.errors import (
    AccessRefused,
    NotConfigured,
    ProviderDown,
    RateLimited,
    RequestRefused,
)
from queues.backoff import retry_after

TIMEOUT = httpx2.Timeout(15, connect=3)
MAX_ERROR_TEXT = 200


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """What the provider says of the instance that sends and receives for us."""

    name: str
    state: str
    connected: bool
    logged_in: bool


class Uazapi:
    """One instance. Its token travels in a header and is never part of an error."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token

    @classmethod
    def configured(cls) -> "Uazapi":
        """Return the instance that the settings name, or raise NotConfigured."""
        for name in ("UAZAPI_BASE_URL", "UAZAPI_TOKEN"):
            if not getattr(settings, name):
                raise NotConfigured(
                    f"{name} is not set: set UAZAPI_BASE_URL and UAZAPI_TOKEN,"
                    " restart the workers, then retry this job"
                )
        return cls(settings.UAZAPI_BASE_URL, settings.UAZAPI_TOKEN)

    def status(self) -> InstanceStatus:
        """Return how the instance is; raise a ProviderError if it cannot be known."""
        answer = self._get("/instance/status")
        instance, status = _part(answer, "instance"), _part(answer, "status")
        if not instance and not status:
            raise ProviderDown("UAZAPI answered without an instance")
        connected = _flag(status.get("connected"))
        return InstanceStatus(
            name=str(instance.get("name") or ""),
            state=str(instance.get("status") or _state(connected=connected)).lower(),
            connected=connected,
            logged_in=_flag(status.get("loggedIn")),
        )

    def _get(self, path: str) -> dict[str, object]:
        try:
            with _client() as client:
                response = client.get(
                    self._base_url + path, headers={"token": self._token}
                )
        except httpx2.TransportError as error:
            raise ProviderDown(f"UAZAPI: {type(error).__name__}: {error}") from None
        self._check(response)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ProviderDown("UAZAPI answered with something that is not JSON")
        return answer

    def _check(self, response: httpx2.Response) -> None:
        """Raise what a status other than 2xx means."""
        status = response.status_code
        said = f"UAZAPI answered {status}: {self._error_of(response)}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise AccessRefused(f"{said}. Check UAZAPI_TOKEN")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited(
                said, retry_after=retry_after(response.headers, now=timezone.now())
            )
        if response.is_server_error:
            raise ProviderDown(said)
        if not response.is_success:
            raise RequestRefused(f"{said}. Check UAZAPI_BASE_URL")

    def _error_of(self, response: httpx2.Response) -> str:
        """Return what the answer says went wrong, without our token should it echo."""
        try:
            answer = response.json()
        except ValueError:
            answer = None
        text = answer.get("error") if isinstance(answer, dict) else None
        said = str(text or response.reason_phrase or "no reason given")
        return said.replace(self._token, "•••")[:MAX_ERROR_TEXT]


def _client() -> httpx2.Client:
    """Return a client that follows no redirect and no proxy variable."""
    return httpx2.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False)


def _part(answer: dict[str, object], name: str) -> dict[str, object]:
    part = answer.get(name)
    return part if isinstance(part, dict) else {}


def _flag(value: object) -> bool:
    # Some servers write booleans as words.
    return value is True or str(value).lower() == "true"


def _state(*, connected: bool) -> str:
    return "connected" if connected else "disconnected"
