"""The addresses of the project."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from queues.admin.overview import live

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", include("queues.api.urls")),
    path("stores/", include("syncs.urls")),
    path("admin/live/", admin.site.admin_view(live), name="overview_live"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]
