"""A channel for development: what it sends is a line of the log."""

import logging

from cadences.outcomes import Accepted
from cadences.ports import Letter, NoLookup, Traits, register

logger = logging.getLogger(__name__)


class Console(NoLookup):
    """Accept everything and show it."""

    traits = Traits()

    def send(self, letter: Letter) -> Accepted:
        """Log the message; nobody gets it."""
        subject = f"[{letter.subject}] " if letter.subject else ""
        logger.info("to %s: %s%s", letter.address, subject, letter.body)
        return Accepted(f"console-{letter.correlation}")


register("console", Console())
