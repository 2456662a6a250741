"""Phone numbers and e-mail addresses in one normal form each, and whose they are."""

import re
from dataclasses import dataclass

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from cadences.errors import BadAddress
from cadences.states import Medium

BRAZIL = 55
MOBILE, LANDLINE = "m", "l"
LEGACY_MOBILE = "6789"
"""First digits of a Brazilian mobile number before the 9 was put in front of all."""
WHATSAPP_HOST = "@s.whatsapp.net"
SUBSCRIBER = 8
"""Last digits that are the same with and without a ninth."""
LENGTHS = (10, 11)  # with area code: landline or legacy mobile, mobile
PLACEHOLDER = re.compile(
    r"(^|[._+-])(sem-?e?mail|no-?e?mail|nao-?tem|teste?|placeholder)([._+-]|\d|@)"
    r"|@(example|teste?|placeholder|sememail|noemail)\.",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A phone number: E.164, and what is the same for all spellings of it."""

    e164: str
    identity: str
    area: str = ""
    """The DDD of a Brazilian number."""


def number(text: str) -> Number:
    """Read a number as people write it; one without a country is Brazilian.

    A Brazilian mobile number gets its ninth digit. Raises BadAddress.
    """
    bare = text.strip().removesuffix(WHATSAPP_HOST)
    digits = re.sub(r"\D", "", bare)
    if national := _brazilian(bare, digits):
        return _of_brazil(national)
    try:
        parsed = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        raise BadAddress(text) from None
    if not phonenumbers.is_valid_number(parsed):
        raise BadAddress(text)
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Number(e164, e164)


def _brazilian(bare: str, digits: str) -> str:
    """Return area code and number if this is one of Brazil, else nothing."""
    if digits.startswith(str(BRAZIL)) and len(digits) - 2 in LENGTHS:
        return digits[2:]
    if not bare.startswith("+") and len(digits) in LENGTHS:
        return digits
    if not bare.startswith("+") and digits.startswith("0"):
        return digits[1:] if len(digits) - 1 in LENGTHS else ""
    return ""


def _of_brazil(national: str) -> Number:
    area, subscriber = national[:2], national[2:]
    if len(national) == LENGTHS[0] and subscriber[0] in LEGACY_MOBILE:
        subscriber = f"9{subscriber}"
    is_mobile = len(area + subscriber) == LENGTHS[1]
    # Any digits may follow the 9: the ranges in use grow faster than their tables.
    if area not in AREAS or (is_mobile and subscriber[0] != "9"):
        raise BadAddress(national)
    if not is_mobile and subscriber[0] not in "2345":
        raise BadAddress(national)
    if len(set(subscriber[-SUBSCRIBER:])) == 1:
        raise BadAddress(national)
    kind = MOBILE if is_mobile else LANDLINE
    e164 = f"+{BRAZIL}{area}{subscriber}"
    return Number(e164, f"{BRAZIL}{area}{subscriber[-SUBSCRIBER:]}{kind}", area)


def normal(medium: str, text: str) -> tuple[str, str]:
    """Return an address in its normal form, and its identity; raises BadAddress."""
    if medium != Medium.EMAIL:
        found = number(text)
        return found.e164, found.identity
    address = text.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise BadAddress(text) from None
    return address, address


def is_placeholder(email: str) -> bool:
    """Tell whether an e-mail address was made up to fill a form."""
    return PLACEHOLDER.search(email) is not None


AREAS = {
    **dict.fromkeys(
        [
            "11",
            "12",
            "13",
            "14",
            "15",
            "16",
            "17",
            "18",
            "19",
            "21",
            "22",
            "24",
            "27",
            "28",
            "31",
            "32",
            "33",
            "34",
            "35",
            "37",
            "38",
            "41",
            "42",
            "43",
            "44",
            "45",
            "46",
            "47",
            "48",
            "49",
            "51",
            "53",
            "54",
            "55",
            "61",
            "62",
            "64",
        ],
        "America/Sao_Paulo",
    ),
    **dict.fromkeys(["71", "73", "74", "75", "77"], "America/Bahia"),
    **dict.fromkeys(["82", "79"], "America/Maceio"),
    **dict.fromkeys(["81", "87"], "America/Recife"),
    **dict.fromkeys(
        ["83", "84", "85", "86", "88", "89", "98", "99"], "America/Fortaleza"
    ),
    **dict.fromkeys(["91", "96", "94", "93"], "America/Belem"),
    "63": "America/Araguaina",
    **dict.fromkeys(["65", "66"], "America/Cuiaba"),
    "67": "America/Campo_Grande",
    "68": "America/Rio_Branco",
    "69": "America/Porto_Velho",
    **dict.fromkeys(["92", "97"], "America/Manaus"),
    "95": "America/Boa_Vista",
}
"""The zone of each of the 67 Brazilian area codes."""
