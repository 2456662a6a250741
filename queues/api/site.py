"""The one API of the project. Guests add routers of their own before its URLs are read."""

from ninja import NinjaAPI

from queues.api import doors, health, jobs, metrics
from queues.api.auth import A_PERSON
from queues.api.errors import install

api = NinjaAPI(
    title="Ritmo",
    description="Jobs, schedules, message cadences and data syncs.",
    openapi_url="/api/openapi.json",
    docs_url="/api/docs",
    urls_namespace="api",
    # Routes that name nothing else are for people; the docs then send CSRF tokens.
    auth=A_PERSON,
)
install(api)
for router in (doors.router, jobs.router, health.router, metrics.router):
    api.add_router("", router)
