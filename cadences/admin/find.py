"""Find leads by what staff type: a number, an e-mail address, an id, a name."""

import re
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest

from cadences.admin.desk import reveals
from cadences.errors import BadAddress
from cadences.models import Contact, Lead
from cadences.numbers import normal
from cadences.states import Medium

SHORTEST = 2
"""Letters of a name that are looked for."""
ENOUGH = 100
"""Leads that one search finds."""
ACCENTED = "ÁÀÂÃÄÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑáàâãäéèêëíìîïóòôõöúùûüçñ"
PLAIN = "aaaaaeeeeiiiiooooouuuucn" * 2
WORD = re.compile(r"\w+")
# as the index `lead_by_words` has it
BY_WORDS = f"""
to_tsvector('simple', lower(translate(leads.name, '{ACCENTED}', '{PLAIN}')))
    @@ to_tsquery('simple', %s)
"""


def lead_ids(request: HttpRequest, term: str) -> list[UUID]:
    """Return the leads that a term names, each by an index; not more than ENOUGH.

    Names are only looked for by those who may see them: a list that is narrowed by a
    name tells it.
    """
    term = term.strip().replace("\x00", "")
    if not term:
        return []
    found = exactly(term)
    if uuid_in(term) is None and reveals(request) and len(term) >= SHORTEST:
        found += _by_name(term)
    return list(dict.fromkeys(found))[:ENOUGH]


def exactly(term: str) -> list[UUID]:
    """Return the leads of that id, number or e-mail address."""
    term = term.strip().replace("\x00", "")
    if key := uuid_in(term):
        return list(Lead.objects.filter(pk=key).values_list("pk", flat=True))
    return list(dict.fromkeys([*_by_address(term), *_elsewhere(term)]))


def uuid_in(term: str) -> UUID | None:
    """Return the id that a term is, if it is one."""
    try:
        return UUID(term)
    except ValueError:
        return None


def _by_address(term: str) -> list[UUID]:
    medium = Medium.EMAIL if "@" in term else Medium.WHATSAPP
    try:
        address, identity = normal(medium, term)
    except BadAddress:
        return []
    rows = Contact.objects.filter(Q(identity=identity) | Q(identity=address))
    return list(rows.values_list("lead", flat=True)[:ENOUGH])


def _elsewhere(term: str) -> list[UUID]:
    rows = Lead.objects.filter(external_id=term[:200])
    return list(rows.values_list("pk", flat=True)[:ENOUGH])


def _by_name(term: str) -> list[UUID]:
    """Return leads with a word in their name that begins so, for every word told."""
    words = [word for word in WORD.findall(plain(term)) if len(word) >= SHORTEST]
    if not words:
        return []
    query = " & ".join(f"{word}:*" for word in words)
    rows = Lead.objects.extra(where=[BY_WORDS], params=[query])  # noqa: S610
    return list(rows.values_list("pk", flat=True)[:ENOUGH])


def plain(text: str) -> str:
    """Return a text without its accents, as the index has it."""
    return text.translate(str.maketrans(ACCENTED, PLAIN)).lower()
