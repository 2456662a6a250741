"""The little of SQL that schedules are written in: calls with plain arguments."""

import json
import re
from dataclasses import dataclass
from typing import Any

from sqlparse import lexer
from sqlparse import tokens as kinds

from queues.foreign.entry import Inexpressible

OBJECTS = frozenset({"jsonb_build_object", "json_build_object"})
ARRAYS = frozenset({"jsonb_build_array", "json_build_array"})
WORDS = {"true": True, "false": False, "null": None}
DOLLARS = re.compile(r"(\$\w*\$)(.*)\1", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that only the database can tell."""

    text: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """A function with its arguments, by place and by name."""

    name: str
    places: tuple[Any, ...]
    names: dict[str, Any]

    def get(self, name: str, place: int) -> Any:
        """Return an argument said by name or at its place; None if it was not said."""
        if name in self.names:
            return self.names[name]
        return self.places[place] if place < len(self.places) else None


def words_of(sql: str) -> list[str]:
    """Return the words of a text of SQL, without comments and spaces."""
    return [
        text
        for kind, text in lexer.tokenize(sql)  # type: ignore[no-untyped-call]
        if kind not in kinds.Comment and kind not in kinds.Text.Whitespace
    ]


class Reader:
    """Reads expressions from words, one after the other."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        """Return a coming word, or nothing at the end."""
        place = self.at + ahead
        return self.words[place] if place < len(self.words) else ""

    def take(self, *expected: str) -> str:
        """Return the next word; raise Inexpressible if it is another than expected."""
        word = self.peek()
        if not word or (expected and word not in expected):
            raise Inexpressible(f"its SQL cannot be read at {word or 'the end'!r}")
        self.at += 1
        return word

    def invocation(self) -> Invocation:
        """Read `name(…)`, the last part of a dotted name counts."""
        name = self.take()
        while self.peek() == ".":
            self.take(".")
            name = self.take()
        self.take("(")
        places: list[Any] = []
        names: dict[str, Any] = {}
        while self.peek() != ")":
            if self.peek(1) in {":=", "=>"}:
                key = self.take()
                self.take(":=", "=>")
                names[key.lower()] = self.value()
            else:
                places.append(self.value())
            if self.peek() != ")":
                self.take(",")
        self.take(")")
        return Invocation(name.strip('"').lower(), tuple(places), names)

    def value(self) -> Any:
        """Read one argument; what is computed from others is opaque."""
        start = self.at
        value = self._single()
        while self.peek() == "::":
            self.take("::")
            kind = self.take().lower()
            if kind in {"json", "jsonb"} and isinstance(value, str):
                value = parsed(value)
        if self.peek() in {",", ")", "]", ";", ""}:
            return value
        while self.peek() not in {",", ")", "]", ";", ""}:
            self.take()
            self._skip()
        return Opaque(" ".join(self.words[start : self.at]))

    def _single(self) -> Any:
        word = self.peek()
        if self._is_call():
            return _built(self.invocation())
        if word.upper() == "ARRAY":
            self.take()
            return self._array()
        return _constant(self.take())

    def _is_call(self) -> bool:
        ahead = 1
        while self.peek(ahead) == ".":
            ahead += 2
        return self.peek(ahead) == "("

    def _array(self) -> list[Any]:
        self.take("[")
        items: list[Any] = []
        while self.peek() != "]":
            items.append(self.value())
            if self.peek() != "]":
                self.take(",")
        self.take("]")
        return items

    def _skip(self) -> None:
        """Pass over what stands in brackets, if an operand begins with one."""
        if self.peek() == "(" or self._is_call():
            depth = 0
            while True:
                word = self.take()
                depth += (word == "(") - (word == ")")
                if word == ")" and depth == 0:
                    return


def _constant(word: str) -> Any:
    if word.startswith("'"):
        return word[1:-1].replace("''", "'")
    if found := DOLLARS.fullmatch(word):
        return found[2]
    try:
        return WORDS[word.lower()] if word.lower() in WORDS else json.loads(word)
    except ValueError:
        return Opaque(word)


def _built(call: Invocation) -> Any:
    if call.name in ARRAYS:
        return list(call.places)
    if call.name in OBJECTS and len(call.places) % 2 == 0:
        pairs = zip(call.places[::2], call.places[1::2], strict=True)
        return {str(key): value for key, value in pairs}
    return Opaque(f"{call.name}(…)")


def parsed(text: str) -> Any:
    """Return the JSON of a text, or raise Inexpressible."""
    try:
        return json.loads(text)
    except ValueError:
        raise Inexpressible(f"it is not JSON: {text[:50]}") from None


def is_plain(value: Any) -> bool:
    """Tell whether a value is wholly in the file."""
    match value:
        case Opaque():
            return False
        case dict():
            return all(map(is_plain, value.values()))
        case list():
            return all(map(is_plain, value))
        case _:
            return True
