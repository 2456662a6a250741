"""A stand-in for SprintHub on a real socket, with faults on demand.

It refuses what the real one refuses: no instance, a wrong token. Pages begin at 0 or 1;
rate limiting is a 401 that says so. Run by hand, it holds three segments, one of which
fails: `python -m tests.simulators.sprinthub --port 8090`.
"""

import argparse
import json
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.simulators.serve import Handler, served

TOKEN = "sprinthub-example-token"
INSTANCE = "example"
EPOCH = datetime(2026, 1, 1, 12, tzinfo=UTC)
SEGMENT = re.compile(r"/leadsfromtype/segment/(\d+)")
LEAD = re.compile(r"/leads/(\d+)")
THROTTLED = {"success": False, "msg": "Too many requests, please try again later."}
Row = dict[str, Any]


@dataclass
class Fault:
    """What goes wrong: `kind`, where (`rows`, `ids`, `lead` or anywhere), and when.

    `pages` names the pages it strikes; else it strikes after so many calls.
    """

    kind: str
    where: str = ""
    times: int = 1
    after: int = 0
    pages: tuple[int, ...] = ()
    segment: int = 0
    value: Any = None


@dataclass
class Asked:
    """One request that arrived."""

    where: str
    segment: int
    page: int
    lead: str
    at: float


@dataclass
class SprintHub:
    """The provider's state, and what happened to it."""

    page_base: int = 0
    keeps_order: bool = True
    token: str = TOKEN
    instance: str = INSTANCE
    url: str = ""
    leads: dict[int, Row] = field(default_factory=dict)
    segments: dict[int, list[int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    at_once: int = 0
    most_at_once: int = 0

    def add(self, number: int, *segments: int, **facts: Any) -> Row:
        """Let there be a lead, in these segments."""
        moment = stamp(EPOCH + timedelta(minutes=number))
        self.leads[number] = {
            "id": number, "firstname": f"Ana{number}", "lastname": "Exemplo",
            "fullname": f"Ana{number} Exemplo", "email": f"ana{number}@mail.example",
            "whatsapp": f"+55 11 9{10_000_000 + number:08d}", "mobile": None,
            "phone": None, "city": "São Paulo", "state": "SP", "createDate": moment,
            "updatedDate": moment, "archived": False, **facts,
        }  # fmt: skip
        for each in segments:
            self.segments.setdefault(each, []).append(number)
        return self.leads[number]

    def fill(self, segment: int, numbers: Iterable[int]) -> None:
        """Let many leads be in a segment."""
        for number in numbers:
            self.add(number, segment)

    def change(self, number: int, *, minutes: float = 1.0, **facts: Any) -> None:
        """Change a lead; its update is the newest of all so far."""
        newest = max(each["updatedDate"] for each in self.leads.values())
        later = datetime.fromisoformat(newest) + timedelta(minutes=minutes)
        self.leads[number].update(facts, updatedDate=stamp(later))

    def calls(self, where: str) -> list[Asked]:
        """Return the requests of one kind."""
        return [each for each in self.asked if each.where == where]

    def fail(self, kind: str, where: str = "", **more: Any) -> None:
        """Let something go wrong, by default once."""
        with self.lock:
            self.faults.append(Fault(kind, where, **more))

    def struck(self, asked: Asked) -> Fault | None:
        """Note a request, and return the fault that strikes it."""
        with self.lock:
            self.asked.append(asked)
            for fault in self.faults:
                if fault.where and fault.where != asked.where:
                    continue
                if fault.segment and fault.segment != asked.segment:
                    continue
                if fault.pages and asked.page not in fault.pages:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                elif fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def page(self, segment: int, body: Row) -> Row:
        """Return a page of a segment."""
        rows = [self.leads[each] for each in self.segments.get(segment, [])]
        if not body.get("showArchived"):
            rows = [each for each in rows if not each["archived"]]
        if self.keeps_order and body["orderByKey"] == "updatedDate":
            rows = sorted(rows, key=lambda row: row["updatedDate"], reverse=True)
        limit = body["limit"]
        start = (body["page"] - self.page_base) * limit
        found = rows[start : start + limit] if start >= 0 else rows[:limit]
        if body.get("idOnly"):
            found = [{"id": each["id"]} for each in found]
        return {"total": len(rows), "leads": found}


def stamp(moment: datetime) -> str:
    """Return a moment as they write it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


@contextmanager
def sprinthub(port: int = 0, **facts: Any) -> Iterator[SprintHub]:
    """Serve on a port of the loopback interface until the block ends."""
    simulator = SprintHub(**facts)
    handler = type("Handler", (_Handler,), {"simulator": simulator})
    with served(handler, port=port) as port_:
        simulator.url = f"http://127.0.0.1:{port_}"
        yield simulator


class _Handler(Handler):
    """Note the request, then fail or answer."""

    simulator: SprintHub

    def do_POST(self) -> None:
        self.meet(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_GET(self) -> None:
        self.meet({})

    def meet(self, body: Row) -> None:
        simulator = self.simulator
        with simulator.lock:
            simulator.at_once += 1
            simulator.most_at_once = max(simulator.most_at_once, simulator.at_once)
        try:
            self.answer(body)
        finally:
            with simulator.lock:
                simulator.at_once -= 1

    def answer(self, body: Row) -> None:
        url = urlsplit(self.path)
        segment, lead = SEGMENT.fullmatch(url.path), LEAD.fullmatch(url.path)
        where = "lead" if lead else "ids" if body.get("idOnly") else "rows"
        asked = Asked(
            where, int(segment[1]) if segment else 0, body.get("page", -1),
            lead[1] if lead else "", time.monotonic(),
        )  # fmt: skip
        fault = self.simulator.struck(asked)
        if refused := self.refusal(parse_qs(url.query)):
            self.reply(*refused)
        elif fault and fault.kind in {"repeat_page", "null_fields"}:
            self.bend(fault, asked, body)
        elif fault:
            self.spoil(fault, asked, body)
        else:
            self.reply(*self.truth(asked, body))

    def refusal(self, query: dict[str, list[str]]) -> tuple[int, Any] | None:
        if "i" not in query:
            return 200, {"msg": "Cliente não definido"}
        token = self.headers.get("apitoken") or query.get("apitoken", [""])[0]
        ours = self.simulator
        if token != ours.token or query["i"] != [ours.instance]:
            return 401, {"msg": "Token inválido"}
        return None

    def truth(self, asked: Asked, body: Row) -> tuple[int, Any]:
        simulator = self.simulator
        if asked.lead:
            found = simulator.leads.get(int(asked.lead))
            if found is None:
                return 200, {"msg": "Lead inexistente"}
            return 200, {"data": {"lead": {**found, "cargo": "Compras"}}}
        if asked.segment:
            return 200, {"data": simulator.page(asked.segment, body)}
        return 404, {"msg": "?"}

    def bend(self, fault: Fault, asked: Asked, body: Row) -> None:
        """Say something that is well formed and wrong."""
        if fault.kind == "repeat_page":
            self.reply(*self.truth(asked, {**body, "page": body["page"] - 1}))
            return
        status, answer = self.truth(asked, body)
        lead = answer["data"]["lead"]
        answer["data"]["lead"] = dict.fromkeys(lead) | {"id": lead["id"]}
        self.reply(status, answer)

    def spoil(  # noqa: C901, PLR0912 - one kind a case
        self, fault: Fault, asked: Asked, body: Row
    ) -> None:
        """Commit a fault of the wire, or refuse."""
        match fault.kind:
            case "throttle_401":
                self.reply(401, THROTTLED, wait=fault.value)
            case "throttle_429":
                self.reply(429, THROTTLED, wait=fault.value)
            case "revoked":
                self.reply(401, {"msg": "Token inválido"})
            case "status":
                self.reply(fault.value, {"msg": "?"})
            case "slow":
                time.sleep(fault.value)
                self.reply(*self.truth(asked, body))
            case "truncate":
                self.send(200, json.dumps(self.truth(asked, body)[1])[:-20])
            case "html":
                self.send(200, "<!doctype html><title>Sorry</title>")
            case "body":
                self.reply(200, fault.value)
            case "hang_up":
                self.close_connection = True
            case other:
                raise ValueError(other)

    def reply(self, status: int, value: Any, *, wait: int | None = None) -> None:
        self.send(status, json.dumps(value), wait=wait)

    def send(self, status: int, text: str, *, wait: int | None = None) -> None:
        raw = text.encode()
        self.send_response(status)
        if wait is not None:
            self.send_header("Retry-After", str(wait))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def main() -> None:
    """Serve three segments until interrupted; the third answers with errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    with sprinthub(parser.parse_args().port) as simulator:
        simulator.fill(101, range(1, 241))
        simulator.fill(102, range(241, 301))
        simulator.segments[102] += range(1, 21)
        simulator.segments[103] = []
        simulator.fail("status", segment=103, times=10**9, value=500)
        print(f"SPRINTHUB_BASE_URL={simulator.url}")
        print(f"SPRINTHUB_API_TOKEN={TOKEN}")
        print(f"SPRINTHUB_INSTANCE={INSTANCE}", flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
