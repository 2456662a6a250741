"""The shops of the demo, as both sides of the wire know them; no Django here."""

from dataclasses import dataclass

PREFIX = "ritmo-demo-"


@dataclass(frozen=True, slots=True)
class DemoShop:
    """A store, and what is wrong with it if anything."""

    slug: str
    name: str
    orders: int
    zone: str = "America/Sao_Paulo"
    currency: str = "BRL"
    is_slow: bool = False
    """Its providers let hardly anybody in."""
    is_revoked: bool = False
    """Its token is no longer accepted."""

    @property
    def domain(self) -> str:
        """The domain of the shop."""
        return f"{PREFIX}{self.slug}.myshopify.com"

    @property
    def account(self) -> str:
        """The public key of its account at Klaviyo."""
        return f"Demo{self.slug.title()}"

    @property
    def token(self) -> str:
        """What opens the shop."""
        return f"shpat_demo_{self.slug}"

    @property
    def key(self) -> str:
        """What opens the account."""
        return f"pk_demo_{self.slug}"


SHOPS = (
    DemoShop("sol", "Papelaria Sol", 240),
    DemoShop("canecas", "Casa das Canecas", 160),
    DemoShop("lume", "Lume Candles", 120, zone="America/New_York", currency="USD"),
    DemoShop("feira", "Feira Rápida", 400, is_slow=True),
    DemoShop("brecho", "Brechó da Esquina", 40, is_revoked=True),
)
