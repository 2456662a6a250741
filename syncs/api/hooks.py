"""Where providers tell by themselves that something changed: stored, then 200."""

from http import HTTPStatus

from django.http import HttpRequest, JsonResponse
from ninja import Router

from queues.api.errors import problems
from syncs.deliveries import NotVerified, receive

router = Router(tags=["syncs"])


@router.post(
    "/webhooks/shopify",
    auth=None,
    response={200: dict[str, bool], **problems(401, 413)},
)
def shopify(request: HttpRequest) -> JsonResponse:
    """Keep a delivery of Shopify; its signature over the raw body lets it in."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        is_new = receive(headers, request.body)
    except NotVerified:
        refusal = {"error": "Unauthorized"}
        return JsonResponse(refusal, status=HTTPStatus.UNAUTHORIZED)
    return JsonResponse({"success": True, "duplicate": not is_new})
