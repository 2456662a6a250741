"""The addresses of the pages for the people of a store."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from syncs import pages

app_name = "syncs"

urlpatterns = [
    path("", pages.stores, name="stores"),
    path(
        "sign-in/",
        LoginView.as_view(template_name="syncs/sign_in.html", next_page="syncs:stores"),
        name="sign_in",
    ),
    path("sign-out/", LogoutView.as_view(next_page="syncs:sign_in"), name="sign_out"),
    path("<uuid:store_id>/", pages.store, name="store"),
    path("<uuid:store_id>/panel/", pages.panel, name="panel"),
    path("<uuid:store_id>/sync/", pages.sync, name="sync"),
]
