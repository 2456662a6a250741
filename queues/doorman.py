"""Name who acts in a request, so that what it changes can be told of them."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from queues.audit import Door, acting

NOBODY = "anonymous"


class Doorman:
    """Stands behind the sign-in: the console knows the person, the API tells later.

    The doors of the API say who was let in once they have looked at the secret or
    the token; see `queues.api.auth`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request in the name of whoever sent it."""
        if not request.path.startswith(reverse("admin:index")):
            with acting(NOBODY, door=Door.API):
                return self.get_response(request)
        name = request.user.get_username() or NOBODY
        with acting(name, door=Door.ADMIN, user_id=request.user.pk):
            return self.get_response(request)
