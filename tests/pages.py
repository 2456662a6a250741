"""Every page of the console, found by asking it: for the tests that walk it, and the tour."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, reverse
from django.utils.text import slugify

LEFT_OUT = ("logout", "jsi18n", "autocomplete", "view_on_site")
"""Names of addresses that are no pages."""
MODES = {"changelist": "", "add": "-add", "change": "-one", "history": "-history"}
SITE = {
    "overview": "/admin/",
    "overview-day": "/admin/?range=24h",
    "overview-month": "/admin/?range=30d",
    "password": "/admin/password_change/",
    "app": "/admin/queues/",
    "missing": "/admin/queues/job/0/change/",
    "nowhere": "/admin/nowhere/",
}
"""Pages of the site itself; a page of a model that only a query opens belongs below."""
SEARCHES = {
    "queues.job": ("?status=failed", "?q=nothing+is+like+this"),
    "queues.deadletter": ("?state=open",),
    "cadences.run": ("?next=week", "order/pause/?status=ATIVA"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page: a short name, good for a file, and its address."""

    name: str
    address: str


def models() -> dict[str, type[Model]]:
    """Return what the console lists, by label."""
    return {each._meta.label_lower: each for each in admin.site._registry}


def of_stores() -> list[Page]:
    """Return the pages that the people of the stores see, by the name of each store."""
    from syncs.models import Store

    return [Page("stores", reverse("syncs:stores"))] + [
        Page(f"store-{slugify(each.name)}", reverse("syncs:store", args=[each.pk]))
        for each in Store.objects.order_by("name")
    ]


def pages_of(model: type[Model], client: Client) -> list[Page]:
    """Return the pages of a model that open for whoever the client is.

    Those of one row are opened for the oldest row; without any, they are left out.
    """
    found: dict[str, Page] = {}
    for page in (*_patterns(model), *_searches(model)):
        answer = client.get(page.address)
        kind = answer.headers.get("Content-Type", "")
        if answer.status_code == 200 and kind.startswith("text/html"):
            is_whole = b"</html>" in b"".join(answer)
            if is_whole:
                found.setdefault(page.address, page)
    return list(found.values())


def _searches(model: type[Model]) -> Iterator[Page]:
    label = model._meta.label_lower
    start = reverse(f"admin:{label.replace('.', '_')}_changelist")
    for number, query in enumerate(SEARCHES.get(label, ()), start=1):
        yield Page(f"{model._meta.model_name}-search-{number}", start + query)


def _patterns(model: type[Model]) -> Iterator[Page]:
    row = model._default_manager.order_by("pk").first()
    urls = admin.site._registry[model].get_urls()
    for pattern in _flat(urls):
        name = pattern.name or ""
        if not name or name.endswith(LEFT_OUT):
            continue
        arguments = pattern.pattern.converters.keys()
        if arguments and (row is None or len(arguments) > 1):
            continue
        values = dict.fromkeys(arguments, row.pk) if row else {}
        try:
            address = reverse(f"admin:{name}", kwargs=values)
        except NoReverseMatch:
            continue
        yield Page(_short(name, model), address)


def _short(name: str, model: type[Model]) -> str:
    app, model_name = model._meta.app_label, model._meta.model_name or ""
    alike = [each for each in models().values() if each._meta.model_name == model_name]
    label = model_name if len(alike) == 1 else f"{app}-{model_name}"
    word = name.rpartition("_")[2]
    if name == f"{app}_{model_name}_{word}":
        return f"{label}{MODES.get(word, f'-{word}')}"
    return f"{label}-{name}".replace("_", "-")


def _flat(urls: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for each in urls:
        if isinstance(each, URLPattern):
            yield each
        else:
            yield from _flat(each.url_patterns)
