"""The Celery application: it carries bells, never work."""

import os
import signal
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init

from config.leash import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("ritmo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Leave logging as Django configured it: a receiver here switches Celery's off."""


@worker_process_init.connect
def follow_the_worker(**_: Any) -> None:
    """End a pool process with its worker, so that a killed worker leaves no orphan."""
    die_with_parent(signal.SIGKILL)
