"""The Celery application: it carries bells, never work."""

import os
import signal
from typing import Any

from billiard.process import current_process
from celery import Celery
from celery.signals import setup_logging, worker_process_init

from config.leash import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

MAIN = "MainProcess"
"""What billiard calls the process that nobody forked."""

app = Celery("ritmo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Leave logging as Django configured it: a receiver here switches Celery's off."""


@worker_process_init.connect
def follow_the_worker(**_: Any) -> None:
    """End a pool process with its worker, so that a killed worker leaves no orphan.

    A pool of one, `--pool solo`, says that the worker itself begins: whoever started
    that may go.
    """
    if current_process().name != MAIN:
        die_with_parent(signal.SIGKILL)
