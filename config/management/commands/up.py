"""List `up` among the commands; `manage.py` runs it before the settings load."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.up import add_arguments, run


class Command(BaseCommand):
    """Delegate to config.up."""

    help = "Start the servers, the web, a worker and a beat, until told to stop."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options of config.up."""
        add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run until the end and leave with the exit code."""
        sys.exit(run(argparse.Namespace(**options)))
