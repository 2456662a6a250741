"""Commands that say what is wrong in one line: 0 done, 1 failed, 2 misuse."""

import sys
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from queues.audit import Door, acting, operator
from queues.errors import QueueError

FAILED, MISUSE = 1, 2


class PlainCommand(BaseCommand):
    """A command whose every refusal is one line on stderr, never a traceback."""

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        """Return a parser that refuses in one line, without the usage."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if getattr(self, "_called_from_command_line", False):
            setattr(parser, "error", _refuse)  # noqa: B010 - a method, on purpose
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; a refused argument is misuse, a database away is a failure."""
        try:
            with acting(operator(), door=Door.CLI):
                return super().execute(*args, **options)
        except QueueError as error:
            raise CommandError(str(error), returncode=MISUSE) from error
        except Error as error:
            said = " ".join(str(error).split())
            raise CommandError(
                f"The database refuses: {said}", returncode=FAILED
            ) from error


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.exit(MISUSE)
