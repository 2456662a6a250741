"""The web application as gunicorn or any other WSGI server loads it."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("RITMO_PROCESS", "web")

from django.core.wsgi import get_wsgi_application

from config.env import BadEnvironment

# gunicorn starts a worker anew for ever unless it ends with this code.
APP_LOAD_ERROR = 4

try:
    application = get_wsgi_application()
except BadEnvironment as refusal:
    sys.stderr.write(f"{refusal}\n")
    sys.exit(APP_LOAD_ERROR if "gunicorn" in sys.modules else 1)
