"""Read a sheet of leads as spreadsheets write them: any usual separator and encoding."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from cadences.errors import BadSheet

COLUMNS = {
    "external_id": ("external_id", "id", "codigo", "código", "external id"),
    "name": ("name", "nome"),
    "first_name": ("first_name", "primeiro_nome", "first name", "primeiro nome"),
    "phone": ("phone", "whatsapp", "telefone", "celular", "fone"),
    "email": ("email", "e-mail", "mail"),
    "time_zone": ("time_zone", "fuso", "time zone"),
    "stage": ("stage", "estagio", "estágio", "etapa"),
}
"""What a column may be called; `data.x` and `context.x` are facts of one's own."""
FREE = ("data.", "dados.", "context.", "contexto.")
SEPARATORS = (",", ";", "\t")
ENCODINGS = ("utf-8-sig", "cp1252")
MOST_ROWS = 100_000
MOST_BYTES = 50 * 1024 * 1024

Row = tuple[int, dict[str, Any]]


def rows(content: bytes) -> Iterator[Row]:
    """Yield each line's number and what it tells; empty lines are left out.

    Raises BadSheet for what makes the whole sheet unreadable.
    """
    if len(content) > MOST_BYTES:
        raise BadSheet(_("the file is larger than %d MB") % (MOST_BYTES // 1024**2))
    text = _decoded(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    try:
        heads = _heads(next((row for row in reader if any(row)), []))
        count = 0
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            count += 1
            if count > MOST_ROWS:
                raise BadSheet(_("there are more than %d lines") % MOST_ROWS)
            yield reader.line_num, _told(heads, cells)
    except csv.Error as error:
        said = {"line": reader.line_num, "error": error}
        raise BadSheet(_("line %(line)s: %(error)s") % said) from None


def _decoded(content: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadSheet(_("the file is no text: save it as CSV in UTF-8"))


def _heads(cells: list[str]) -> list[str]:
    """Return the name of each column; raises BadSheet for one that nobody knows."""
    names = {word: name for name, words in COLUMNS.items() for word in words}
    heads = []
    for cell in cells:
        word = cell.strip().lower()
        if not word:
            heads.append("")
        elif word.startswith(FREE):
            group, _dot, rest = word.partition(".")
            heads.append(
                f"{'data' if group in {'data', 'dados'} else 'context'}.{rest}"
            )
        elif word in names:
            heads.append(names[word])
        else:
            said = {"name": cell.strip()[:50], "known": ", ".join(COLUMNS)}
            raise BadSheet(
                _("unknown column “%(name)s”: use %(known)s or data.…") % said
            )
    if not {"phone", "email", "external_id"} & set(heads):
        raise BadSheet(_("there is no column phone, email or external_id"))
    named = [head for head in heads if head]
    if len(named) != len(set(named)):
        raise BadSheet(_("a column is there twice"))
    return heads


def _told(heads: list[str], cells: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for head, cell in zip(heads, cells, strict=False):
        text = cell.strip()
        group, dot, rest = head.partition(".")
        if not text or not head:
            continue
        if dot:
            told.setdefault(group, {})[rest] = text
        else:
            told[head] = text
    if any(cell.strip() for cell in cells[len(heads) :]):
        told["extra"] = len(cells) - len(heads)
    return told
