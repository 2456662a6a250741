"""The addresses of the API, from the root of the site: the seeds' paths differ."""

from django.urls import path

from queues.api.site import api

urlpatterns = [path("", api.urls)]
