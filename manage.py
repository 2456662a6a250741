#!/usr/bin/env python
"""The command line of the project."""

import os
import sys
from contextlib import suppress


def main() -> None:
    """Run a command; `up` comes before settings, which need the servers it starts."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    arguments = sys.argv[1:]
    if arguments[:2] == ["help", "up"]:
        arguments = ["up", "--help"]
    if arguments[:1] == ["up"]:
        from config.up import main as up

        code = up(arguments[1:])
        # All is put away: to take the interpreter apart takes a busy machine seconds.
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
