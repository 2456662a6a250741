"""Enough of GraphQL to answer exactly what was asked for, and refuse the unknown."""

import re
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\$\w+|-?\d+(?:\.\d+)?|[{}()\[\]:!,=]'
)


class Refused(Exception):
    """The document cannot be understood, or asks for what there is not."""


@dataclass
class Field:
    """One field of a selection."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    fields: "list[Field]" = field(default_factory=list)


class _Parser:
    def __init__(self, text: str, variables: dict[str, Any]) -> None:
        self.tokens = TOKEN.findall(text)
        self.variables = variables
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if not token or expected not in (None, token):
            raise Refused(f"syntax error, unexpected {token!r}")
        self.at += 1
        return token

    def document(self) -> list[Field]:
        if self.peek() in ("query", "mutation"):
            while self.peek() != "{":
                self.take()
        return self.selection()

    def selection(self) -> list[Field]:
        self.take("{")
        found = []
        while self.peek() != "}":
            found.append(self.one())
        self.take("}")
        return found

    def one(self) -> Field:
        made = Field(self.take())
        if self.peek() == "(":
            self.take("(")
            while self.peek() != ")":
                name = self.take()
                self.take(":")
                made.arguments[name] = self.value()
                if self.peek() == ",":
                    self.take()
            self.take(")")
        if self.peek() == "{":
            made.fields = self.selection()
        return made

    def value(self) -> Any:
        token = self.take()
        if token.startswith("$"):
            return self.variables.get(token[1:])
        if token.startswith('"'):
            return token[1:-1].replace('\\"', '"')
        if token.lstrip("-").isdigit():
            return int(token)
        return {"null": None, "true": True, "false": False}.get(token, token)


def parse(text: str, variables: dict[str, Any]) -> list[Field]:
    """Return the fields that a document asks for, with its variables filled in."""
    return _Parser(text, variables).document()


def shaped(value: Any, fields: list[Field], where: str = "") -> Any:
    """Return only what was asked for; refuse what the value does not have."""
    if value is None or not fields:
        if isinstance(value, dict) and not fields:
            raise Refused(f"Field {where!r} must have a selection of subfields")
        return value
    if isinstance(value, list):
        return [shaped(each, fields, where) for each in value]
    found = {}
    for each in fields:
        if not isinstance(value, dict) or each.name not in value:
            raise Refused(
                f"Field {each.name!r} doesn't exist on {where or 'QueryRoot'!r}"
            )
        found[each.name] = shaped(value[each.name], each.fields, each.name)
    return found
