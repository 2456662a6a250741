#!/usr/bin/env python
"""The command line of the project."""

import os
import sys


def main() -> None:
    """Run a command; `up` comes before settings, which need the servers it starts."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    arguments = sys.argv[1:]
    if arguments[:2] == ["help", "up"]:
        arguments = ["up", "--help"]
    if arguments[:1] == ["up"]:
        from config.up import main as up

        sys.exit(up(arguments[1:]))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
