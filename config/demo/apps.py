"""The demo: a guest like any other, at home only while RITMO_DEMO is on."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Job types and schedules that show life; no tables of its own."""

    name = "config.demo"
    label = "demo"
