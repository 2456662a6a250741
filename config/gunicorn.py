"""How gunicorn serves the project: `gunicorn -c python:config.gunicorn config.wsgi`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("RITMO_PROCESS", "web")

from django.conf import settings

from config.env import load

# Reading them here refuses a bad environment once, before any worker exists.
logconfig_dict = settings.LOGGING

bind = f"127.0.0.1:{load().number('PORT', 8000, most=65535)}"
worker_class = "gthread"
threads = 8
max_requests = 10_000
max_requests_jitter = 1_000
graceful_timeout = 7
timeout = 90
keepalive = 5
control_socket_disable = True
