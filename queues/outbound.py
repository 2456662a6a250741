"""Call other systems: no redirects, bounded times and answers.

`send` calls a URL that people chose, at addresses that were checked. `Line` calls the
hosts of a provider that the settings name, over connections that are kept.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any

import httpx2

from queues.addresses import is_public
from queues.errors import AddressRefused, NothingSent, Unreachable
from queues.masks import MASK, is_secret

MAX_ANSWER = 64 * 1024
MAX_TRIED = 3
"""Addresses of one host that are tried before it counts as unreachable."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
SHORTEST_SECRET = 6
CONNECT_SECONDS = 5.0
CLOSING_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Call:
    """What to send, and where."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes | None = None

    @property
    def place(self) -> str:
        """The URL without its query, which may hold secrets; for logs and errors."""
        return str(httpx2.URL(self.url).copy_with(query=None, fragment=None))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, up to a size; the names of its headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    truncated: bool = False

    @property
    def body(self) -> str:
        """What came as text that a row can hold."""
        return CONTROL.sub("\ufffd", self.content.decode(errors="replace"))


@dataclass(slots=True)
class Wire:
    """Whether any byte of the call may have left: then it must not be made again."""

    patience: float
    """Seconds for each connection: one that is cancelled instead stays half open."""
    is_used: bool = False

    async def watch(self, event: str, _: object) -> None:
        """Hear of each phase as it begins."""
        self.is_used |= event.endswith("send_request_headers.started")

    def failure(self, said: str) -> Unreachable:
        """Return what a failure at this point means."""
        return Unreachable(said) if self.is_used else NothingSent(said)


class Line:
    """Connections to a provider, kept for the length of a `with`.

    Each call ends within `seconds` in all, however slowly the other side drips, and
    reads `most` bytes at most. Compressed answers are declined and never unpacked.
    """

    def __init__(self, *, seconds: float = 60.0, most: int = 20 * 1024 * 1024) -> None:
        self._seconds = seconds
        self._most = most
        self._runner = asyncio.Runner()
        self._client = httpx2.AsyncClient(
            verify=_tls(),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(30, connect=5, write=10, pool=5),
        )

    def __enter__(self) -> "Line":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        try:
            self._runner.run(self._client.aclose())
        finally:
            self._runner.close()

    def call(self, call: Call) -> Answer:
        """Return the answer, whatever its status; raise Unreachable if none came whole."""
        return self._runner.run(self._call(call))

    async def _call(self, call: Call) -> Answer:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._exchange(call)
        except TimeoutError:
            reason = f"no whole answer within {self._seconds:g} s"
        except httpx2.HTTPError as error:
            reason = type(error).__name__
        except ValueError:
            reason = "the address cannot be read"
        raise Unreachable(f"{call.place}: {reason}")

    async def _exchange(self, call: Call) -> Answer:
        async with self._client.stream(
            call.method, call.url, headers=_headers(call), content=call.body
        ) as response:
            answer = await _read(response, self._most)
        if answer.truncated:
            raise Unreachable(f"{call.place}: more than {self._most} bytes")
        return answer


async def send(
    call: Call, *, seconds: float, allow_private: bool, most: int = MAX_ANSWER
) -> Answer:
    """Make one call within `seconds` and return the answer, whatever its status.

    Of a body longer than `most` bytes the beginning is returned.
    The name is resolved once and the connection goes to an address that was checked.
    Raises AddressRefused before anything is sent, or Unreachable: NothingSent as long
    as no byte of the call had left.
    """
    wire = Wire(patience=min(CONNECT_SECONDS, seconds / 2))
    try:
        async with asyncio.timeout(seconds):
            addresses = await _checked(call.url, allow_private=allow_private)
            return await _first_answer(call, addresses, wire, most)
    except TimeoutError:
        said = f"{call.place}: no answer within {seconds:g} s"
        raise wire.failure(said) from None


def send_now(call: Call, *, seconds: float, allow_private: bool) -> Answer:
    """Do what `send` does, for callers that wait."""
    return asyncio.run(
        _to_the_end(send(call, seconds=seconds, allow_private=allow_private))
    )


async def _to_the_end(call: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        return await call
    finally:
        # What was given up closes its socket in the next rounds of the loop.
        for _ in range(CLOSING_ROUNDS):
            await asyncio.sleep(0)


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order the system prefers them."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    )
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _checked(text: str, *, allow_private: bool) -> list[str]:
    url = httpx2.URL(text)
    host = url.raw_host.decode("ascii")
    port = url.port or _default_port(url)
    return await checked(host, port, allow_private=allow_private)


async def checked(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses to connect to, or refuse if a single one is private.

    Raises AddressRefused or NothingSent.
    """
    try:
        addresses = await resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise NothingSent(f"{host}: the name cannot be resolved: {error}") from None
    for address in addresses:
        if not allow_private and not is_public(address):
            raise AddressRefused(
                f"{host} is refused: {address} is not a public address"
            )
    return addresses[:MAX_TRIED]


async def _first_answer(
    call: Call, addresses: list[str], wire: Wire, most: int
) -> Answer:
    """Try each address until one accepts the connection."""
    last: Exception = NothingSent("no address")
    for address in addresses:
        try:
            return await _exchange(call, address, wire, most)
        except httpx2.HTTPError as error:
            last = error
            if wire.is_used:
                break
    raise wire.failure(f"{call.place}: {type(last).__name__}: {last}") from None


async def _exchange(call: Call, address: str, wire: Wire, most: int) -> Answer:
    url = httpx2.URL(call.url)
    async with httpx2.AsyncClient(
        verify=_tls(), trust_env=False, follow_redirects=False,
        timeout=httpx2.Timeout(None, connect=wire.patience),
    ) as client:  # fmt: skip
        request = client.build_request(
            call.method,
            url.copy_with(host=address),
            headers={**_headers(call), "Host": url.netloc.decode("ascii")},
            content=call.body,
            # The certificate must be that of the name, though we call the address.
            extensions={
                "sni_hostname": url.raw_host.decode("ascii"), "trace": wire.watch,
            },
        )  # fmt: skip
        response = await client.send(request, stream=True)
        try:
            return await _read(response, most)
        finally:
            await response.aclose()


def _headers(call: Call) -> dict[str, str]:
    # Compressed answers are declined: their size says nothing.
    return {"User-Agent": "Ritmo", "Accept-Encoding": "identity", **call.headers}


async def _read(response: httpx2.Response, most: int) -> Answer:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            break
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(
        response.status_code, headers, bytes(body[:most]), truncated=len(body) > most
    )


def masked(text: str, headers: Mapping[str, str]) -> str:
    """Return the text without the secrets that the headers hold, should it echo them."""
    for secret in _secrets(headers):
        text = text.replace(secret, MASK)
    return text


def _secrets(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if is_secret(name):
            for secret in (value, value.rpartition(" ")[2]):
                if len(secret) >= SHORTEST_SECRET:
                    yield secret


@cache
def _tls() -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=False)


def _default_port(url: httpx2.URL) -> int:
    return 443 if url.scheme == "https" else 80
