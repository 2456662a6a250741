"""The people behind the demo's phones, told by the last digits of their numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Persona:
    """What somebody does with our messages."""

    name: str
    text: str = ""
    at: int = 1
    """The number of the message that is answered."""
    after: float = 4.0
    reads: bool = True
    is_there: bool = True
    repeats: str = ""
    """What is said a while after the first words."""

    def replies(self, received: int) -> Iterator[tuple[float, str]]:
        """Yield what is said after that many messages, each with its delay."""
        if received == self.at and self.text:
            yield self.after, self.text
            if self.repeats:
                yield self.after + 30, self.repeats


SILENT = Persona("silent")
UNREAD = Persona("never reads", reads=False)
CURIOUS = Persona("answers", "Oi! Tenho interesse, pode me ligar?")
LATER = Persona(
    "answers the second message", "Desculpe a demora. Vamos conversar?", at=2
)
NOT_ME = Persona("opts out", "SAIR")
MAYBE = Persona(
    "perhaps opts out", "Olha, não quero mais falar disso agora, me liga amanhã"
)
SHOP = Persona(
    "greets automatically",
    "Olá! Esta é uma mensagem automática. Retornaremos assim que possível.",
    after=1.0,
)
MISSING = Persona("is not on WhatsApp", is_there=False)


def away() -> Persona:
    """Return somebody on holiday who says until when."""
    back = date.today() + timedelta(days=7)  # noqa: DTZ011 - people say their own day
    return Persona("is away", f"Estou de férias, de volta em {back:%d/%m/%Y}.")


PEOPLE = (SILENT, CURIOUS, LATER, NOT_ME, SHOP, UNREAD, MAYBE, MISSING, SILENT)


def by_number(number: str) -> Persona:
    """Return the same person for a number every time."""
    place = int(sha256(number.encode()).hexdigest()[:8], 16) % (len(PEOPLE) + 1)
    return away() if place == len(PEOPLE) else PEOPLE[place]
