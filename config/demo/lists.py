"""The segments of the demo, as both sides of the wire know them; no Django here."""

from dataclasses import dataclass

PREFIX = "Demo: "
TOKEN, INSTANCE = "sprinthub-demo-token", "aurora-demo"


@dataclass(frozen=True, slots=True)
class DemoSegment:
    """A segment, the ids of its leads, and whether its pages come at all."""

    number: int
    name: str
    leads: range
    cron: str = "*/5 * * * *"
    is_broken: bool = False

    @property
    def title(self) -> str:
        """What the console calls it."""
        return f"{PREFIX}{self.name}"


SEGMENTS = (
    DemoSegment(101, "new customers", range(900_001, 900_241), "*/2 * * * *"),
    DemoSegment(102, "gone quiet", range(900_221, 900_301)),
    DemoSegment(103, "fair of spring", range(900_301, 900_321), is_broken=True),
)
"""Twenty leads are in the first and in the second; the third answers with errors."""
COMING = range(900_401, 900_441)
"""People who join the first segment one by one, and leave it in that order."""
