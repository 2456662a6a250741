"""A user's crontab: calls by curl and wget, and jobs written by `manage.py enqueue`."""

import argparse
import json
import re
import shlex
from typing import NoReturn
from urllib.parse import urlsplit

from queues.cron import ALIASES
from queues.foreign.entry import (
    Call,
    Entry,
    Found,
    Inexpressible,
    Refusal,
    distinct,
    job_of,
    timing,
)
from queues.schedule_facts import Options

LINE = re.compile(r"(@\w+|\S+(?:\s+\S+){4})\s+(.+)")
SETTING = re.compile(r"""([A-Za-z_]\w*)\s*=\s*["']?(.*?)["']?\s*$""")
TIMES = re.compile(r"[\d*,/-]+\s+[\d*,/-]+\s")
"""The fields of a line in which names have no place."""
REDIRECTIONS = frozenset({">", ">>", ">&", "&>", "&>>", ">|"})
ZONE = "CRON_TZ"


def is_crontab(text: str) -> bool:
    """Tell whether every line is a comment, a setting or a time with a command."""
    lines = _lines(text)
    return bool(lines) and all(
        SETTING.match(line) or _looks_timed(line) for line in lines
    )


def read_crontab(text: str, *, zone: str) -> list[Found]:
    """Return what the lines say; times are read in the zone, or in their CRON_TZ."""
    found: list[Found] = []
    for line in _lines(text):
        if not _looks_timed(line) and (setting := SETTING.match(line)):
            zone = setting[2] if setting[1] == ZONE else zone
            continue
        found.append(_read(line, zone))
    return distinct(found)


def _lines(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _looks_timed(line: str) -> bool:
    return LINE.match(line) is not None and (
        line.startswith("@") or TIMES.match(line) is not None
    )


def _read(line: str, zone: str) -> Found:
    found = LINE.match(line)
    assert found is not None  # noqa: S101 - `is_crontab` has seen it
    when, command = found.groups()
    if when.startswith("@") and when.lower() not in ALIASES:
        return Refusal(command[:100], f"{when} is no time")
    try:
        name, type_, options, notes = _job(_words(command))
        return Entry(name, type_, timing(when, zone) | options, notes)
    except (Inexpressible, ValueError) as reason:
        return Refusal(command[:100], str(reason))


def _words(command: str) -> list[str]:
    """Return the words of one command, without what becomes of its output."""
    if re.search(r"(?<!\\)%", command):
        raise Inexpressible("what stands after % is its input")
    lexer = shlex.shlex(command.replace("\\%", "%"), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words = list(lexer)
    if words[:1] == ["cd"] and words[2:3] == ["&&"]:
        words = words[3:]
    kept: list[str] = []
    while words:
        word = words.pop(0)
        if word in REDIRECTIONS:
            if kept and kept[-1] in {"1", "2"}:
                kept.pop()
            words = words[1:]
        elif set(word) <= set(";|&()<>"):
            raise Inexpressible("it is more than one command")
        else:
            kept.append(word)
    return kept


def _job(words: list[str]) -> tuple[str, str, Options, tuple[str, ...]]:
    if words and words[0].rpartition("/")[2] in {"curl", "wget"}:
        tool = words[0].rpartition("/")[2]
        call = _curl(words[1:]) if tool == "curl" else _wget(words[1:])
        address = urlsplit(call.url)
        type_, data, notes = job_of(call)
        return f"{address.netloc}{address.path}", type_, {"data": data}, notes
    if "enqueue" in words and words[words.index("enqueue") - 1].endswith("manage.py"):
        said = _enqueue(words[words.index("enqueue") + 1 :])
        options: Options = {
            "data": json.loads(said.data), "priority": said.priority,
            "queue": said.queue,
        }  # fmt: skip
        return said.type, said.type, options, ()
    raise Inexpressible("it runs a command of its machine")


class _Parser(argparse.ArgumentParser):
    def __init__(self) -> None:
        super().__init__(add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise Inexpressible(message)


def _curl(words: list[str]) -> Call:
    parser = _Parser()
    for flag in ("-f --fail", "-s --silent", "-S --show-error", "-L --location"):
        parser.add_argument(*flag.split(), action="store_true")
    for ignored in ("-o --output", "--retry", "--connect-timeout", "--retry-delay"):
        parser.add_argument(*ignored.split(), dest="ignored")
    parser.add_argument("-X", "--request", dest="method")
    parser.add_argument("-H", "--header", dest="headers", action="append", default=[])
    parser.add_argument("-d", "--data", "--data-raw", "--json", dest="body")
    parser.add_argument("-m", "--max-time", dest="seconds", type=float)
    parser.add_argument("--url", dest="named")
    parser.add_argument("url", nargs="?")
    said = parser.parse_args(words)
    headers, notes = _headers(said.headers)
    method = said.method or ("GET" if said.body is None else "POST")
    return Call(
        _plain(said.named or said.url), method.upper(), headers, _body(said.body),
        said.seconds, notes,
    )  # fmt: skip


def _wget(words: list[str]) -> Call:
    parser = _Parser()
    parser.add_argument("-q", "--quiet", "--spider", action="store_true")
    parser.add_argument("-O", "--output-document", "-t", "--tries", dest="ignored")
    parser.add_argument("-T", "--timeout", dest="seconds", type=float)
    parser.add_argument("--header", dest="headers", action="append", default=[])
    parser.add_argument("--post-data", dest="body")
    parser.add_argument("url")
    said = parser.parse_args(words)
    headers, notes = _headers(said.headers)
    method = "GET" if said.body is None else "POST"
    return Call(
        _plain(said.url), method, headers, _body(said.body), said.seconds, notes
    )


def _enqueue(words: list[str]) -> argparse.Namespace:
    parser = _Parser()
    parser.add_argument("type")
    parser.add_argument("data", nargs="?", default="{}")
    parser.add_argument("--priority", type=int, default=5)
    parser.add_argument("--queue")
    return parser.parse_args(words)


def _plain(url: str | None) -> str:
    if not url:
        raise Inexpressible("it names no address")
    if "$" in url:
        raise Inexpressible("its address holds variables of its shell")
    return url if "://" in url else f"http://{url}"


def _headers(said: list[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the headers that are plain text, and a note for each other."""
    pairs = [(name.strip(), value.strip()) for name, _, value in map(_split, said)]
    plain = {name: value for name, value in pairs if "$" not in value}
    notes = [f"add the header {name} by hand" for name, value in pairs if "$" in value]
    return plain, tuple(notes)


def _split(header: str) -> tuple[str, str, str]:
    return header.partition(":")


def _body(text: str | None) -> object:
    if text is None:
        return None
    if "$" in text or text.startswith("@"):
        raise Inexpressible("its data is not in the file")
    try:
        return json.loads(text)
    except ValueError:
        raise Inexpressible("its data is not JSON") from None
