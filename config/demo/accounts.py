"""Connect the demo's company to the demo's phones."""

from uuid import UUID

from django.conf import settings

from cadences.models import Account, Company

NAME = "Demo phones"
ACCOUNT = UUID("d3300000-0000-4000-8000-000000000001")
"""Known beforehand: the phones are told the address of its webhook when they start."""


def connect(company: Company) -> Account | None:
    """Let a company send to the phones; again at each start, for their port may differ.

    Returns None where no phones are running.
    """
    if not settings.DEMO_PHONES_URL:
        return None
    account, _ = Account.objects.update_or_create(
        pk=ACCOUNT,
        defaults={
            "company": company, "name": NAME, "medium": "whatsapp",
            "adapter": "uazapi", "identifier": "+5511888888888",
            "base_url": settings.DEMO_PHONES_URL, "gap_seconds": 2,
            "credentials": {"token": settings.DEMO_PHONES_TOKEN},
        },
    )  # fmt: skip
    return account


def reconnect() -> None:
    """Tell an account that is there where the phones are now."""
    for account in Account.objects.filter(pk=ACCOUNT).select_related("company"):
        connect(account.company)
