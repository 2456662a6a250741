"""Start-up: find every app's `jobs` module; after a migrate publish types and roles."""

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class QueuesConfig(AppConfig):
    """The job engine."""

    name = "queues"
    verbose_name = _("Queues")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let handlers register themselves: the only thread to the guests."""
        autodiscover_modules("jobs")
        post_migrate.connect(_publish_types, sender=self)
        post_migrate.connect(_install_roles)


def _publish_types(using: str, **_: object) -> None:
    from queues.publish import publish  # noqa: PLC0415 - models are not ready above

    # A migrate of another app alone may come before our tables.
    if "job_types" in connections[using].introspection.table_names():
        publish()


def _install_roles(sender: AppConfig, using: str, **_: object) -> None:
    """Give the roles what is new: permissions are made after every migrate, too."""
    from queues.roles import apps_of, install  # noqa: PLC0415 - as above

    apps = apps_of(sender.label)
    if apps and "role_grants" in connections[using].introspection.table_names():
        install(*apps)
