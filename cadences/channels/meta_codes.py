"""What the error codes of Meta's Cloud API mean. Meta adds to them: keep it a table."""

from cadences.outcomes import Why

MEANINGS: dict[Why | None, tuple[int, ...]] = {
    Why.WINDOW: (131047, 470),
    # Rejected before anything was done: later, no error.
    Why.BUSY: (4, 80007, 130429, 131056, 613),
    # Quality, and everything about our own account: it rests.
    Why.SENDER: (
        131048, 368, 0, 3, 10, 190, 131005, 131031, 131042, 133010, 33, 131045,
        131057, 133000, 133004, 133005, 133006, 133008, 133009, 133015, 133016,
    ),
    Why.RECIPIENT: (131026, 131021, 131030),
    Why.OPTED_OUT: (131050,),
    Why.CONTENT: (
        100, 131008, 131009, 131051, 131052, 131053, 132000, 132001, 132005, 132007,
        132012, 132015, 132016, 132068, 132069,
    ),
    # Nobody can tell what became of the message.
    None: (1, 2, 131000, 131016),
}  # fmt: skip
SKIPPED = (131049, 130472)
"""Meta will not bring this message to this person: as good as a closed window."""
PERMISSIONS = range(200, 300)

CODES: dict[int, Why | None] = {
    **{code: why for why, codes in MEANINGS.items() for code in codes},
    **dict.fromkeys(PERMISSIONS, Why.SENDER),
    **dict.fromkeys(SKIPPED, Why.WINDOW),
}


def is_known(code: int) -> bool:
    """Tell whether the table has a meaning for a code."""
    return code in CODES


def meaning(code: int) -> Why | None:
    """Return why Meta refuses with this code; None where it may have sent it."""
    return CODES.get(code)
