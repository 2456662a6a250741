"""Ways into the console that need no form."""

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext


def carry_in(context: BrowserContext, url: str, user: User) -> Client:
    """Sign the browser in by a cookie; return the test client of the same session."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "url": url}]
    )
    return client
