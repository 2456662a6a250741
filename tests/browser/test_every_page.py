"""Every page of the console, as found by asking it: for eyes, ears, keys and telephones.

In light and in dark, wide and at 400 pixels: no serious finding of axe, no complaint in
the console, nothing inline, nothing foreign, nothing that scrolls sideways, and every
control is reached by the keyboard.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, ViewportSize

from tests.browser.doors import carry_in
from tests.cadences.happenings import furnish_desk
from tests.cadences.scene import furnish as furnish_cadences
from tests.pages import SITE, models, of_stores, pages_of
from tests.pages import Page as Place
from tests.scene import furnish, remember
from tests.syncs.happenings import furnish_segments, furnish_syncs

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.raw_rows,
    pytest.mark.timeout(600),
]
AXE = next((Path(__file__).parent / "axe").glob("*.js"))
LOUD = ("serious", "critical")
WIDE = ViewportSize(width=1280, height=900)
NARROW = ViewportSize(width=400, height=800)
EXPECTED = {"/admin/nowhere/": "404"}
"""What a page is expected to complain about."""
FIGURES = {"send-receipt": (6.0, 0.2, 0.02), "fail": (0.5, 0.01, 1.0)}
COLOURS = ("color-contrast",)
"""The rules that a theme may break and the other not."""
TABS = 12


LABELS = sorted(models())
GROUPS = [LABELS[start : start + 6] for start in range(0, len(LABELS), 6)]


@pytest.fixture
def house(request: pytest.FixtureRequest, live_server: Any, admin_user: User) -> User:
    """Furnish the house, before the driver of the browser runs its loop."""
    furnish(admin_user)
    furnish_cadences()
    furnish_desk()
    if _is_about_syncs(request):
        furnish_syncs()
        furnish_segments()
    return admin_user


@pytest.fixture
def client(house: User, page: Page, live_server: Any) -> Client:
    return carry_in(page.context, live_server.url, house)


def _is_about_syncs(request: pytest.FixtureRequest) -> bool:
    """Tell whether stores are to be looked at: to sync them takes seconds."""
    found = getattr(request.node, "callspec", None)
    label = found and found.params.get("label")
    return label is None or str(label).startswith("syncs.")


@pytest.fixture
def walker(client: Client, page: Page) -> Page:
    """Return a browser that is signed in already, to a furnished house."""
    return page


# Furnishing takes longer than looking at a model: some share a house.
@pytest.mark.parametrize("labels", GROUPS, ids=lambda labels: labels[0])
def test_models_and_their_pages(
    labels: list[str], walker: Page, live_server: Any, client
):
    places = {label: pages_of(models()[label], client) for label in labels}

    assert all(places.values()), places
    walk(walker, live_server.url, [page for pages in places.values() for page in pages])


def test_the_pages_of_the_site(walker: Page, live_server: Any):
    remember(FIGURES, days=1)

    walk(walker, live_server.url, [Place(*each) for each in SITE.items()])


def test_the_pages_of_the_stores(walker: Page, live_server: Any):
    places = of_stores()

    assert len(places) > 8
    walk(walker, live_server.url, places)


def test_a_telephone_with_its_drawer_open(walker: Page, live_server: Any):
    walker.set_viewport_size(NARROW)
    walker.goto(f"{live_server.url}/admin/")

    walker.get_by_role("button", name="Menu").press("Enter")

    assert [*heard(walker)] == []
    assert walker.get_by_role("button", name="Close").evaluate(
        "it => it === document.activeElement"
    )
    walker.keyboard.press("Escape")
    assert (
        walker.get_by_role("button", name="Menu").get_attribute("aria-expanded")
        == "false"
    )


def test_the_walk_does_notice_what_is_wrong(walker: Page, live_server: Any):
    wrong = (
        '<p style="color: red">inline</p><img src="http://elsewhere.example.com/a.png">'
        '<div tabindex="0" class="much-too-wide"><input type="text"></div>'
        '<svg width="3000" height="1"></svg>'
    )

    def spoil(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(
            response=answer, body=answer.text().replace("</h1>", f"</h1>{wrong}")
        )

    walker.route("**/admin/queues/worker/", spoil)
    with pytest.raises(AssertionError) as caught:
        walk(walker, live_server.url, [Place("spoilt", "/admin/queues/worker/")])

    told = str(caught.value)
    for words in ("style-src", "foreign: http://elsewhere", "label at", "too wide"):
        assert words in told


def test_the_doors(page: Page, live_server: Any):
    doors = [Place("login", "/admin/login/"), Place("sign-in", "/stores/sign-in/")]
    walk(page, live_server.url, doors)


def walk(page: Page, url: str, places: list[Place]) -> None:
    """Look at each place in both themes and both widths; then tell all at once."""
    found: list[str] = []
    page.on("console", lambda said: found.extend(bad(said)))
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("request", lambda request: found.extend(foreign(request.url, url)))
    # Nothing moves on the way from one theme to the other.
    page.emulate_media(reduced_motion="reduce")
    told = []
    for place in places:
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")
        page.goto(f"{url}{place.address}")
        found.extend(heard(page))
        page.emulate_media(color_scheme="dark")
        found.extend(heard(page, *COLOURS))
        found.extend(unreachable(page))
        page.set_viewport_size(NARROW)
        found.extend(overflowing(page))
        expected = EXPECTED.get(place.address)
        told += [
            f"{place.name}: {each}"
            for each in dict.fromkeys(found)
            if expected is None or expected not in each
        ]
        found.clear()
    assert not told, "\n".join(told)


def bad(said: Any) -> Iterator[str]:
    # axe tries colours with a style of its own; ours have an address in the page.
    if said.type in {"error", "warning"} and said.location["url"]:
        yield f"{said.text} ({said.location['url']})"


def foreign(address: str, url: str) -> Iterator[str]:
    if not address.startswith((url, "data:", "blob:")):
        yield f"foreign: {address}"


def heard(page: Page, *rules: str) -> Iterator[str]:
    """Yield what axe finds serious, by all its rules or by these, with the elements."""
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    result = page.evaluate("options => axe.run(document, options)", options)
    for each in result["violations"]:
        if each["impact"] in LOUD:
            where = [" ".join(map(str, node["target"])) for node in each["nodes"][:4]]
            yield f"{each['id']} at {', '.join(where)}"


def overflowing(page: Page) -> Iterator[str]:
    """Yield by how much a page is wider than its window, once it was laid out anew."""
    for _ in range(20):
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide <= 0:
            return
        page.wait_for_timeout(100)
    yield f"{wide} pixels too wide"


def unreachable(page: Page) -> Iterator[str]:
    """Press the key some times: each stop is visible, and another one than before."""
    page.evaluate("document.activeElement?.blur()")
    seen = []
    for _ in range(TABS):
        page.keyboard.press("Tab")
        stop = page.evaluate("""() => {
            const it = document.activeElement;
            const box = it.getBoundingClientRect();
            const style = getComputedStyle(it);
            return {name: it.outerHTML.slice(0, 90),
                    isBody: it === document.body,
                    isSeen: box.width > 0 && style.visibility !== "hidden",
                    isMarked: style.outlineStyle !== "none"
                        || style.boxShadow !== "none" || it.matches(".skip-to-content-link, input, select, textarea")};
        }""")
        if stop["isBody"]:
            break
        seen.append(stop["name"])
        if not stop["isSeen"]:
            yield f"focus on something hidden: {stop['name']}"
        if not stop["isMarked"]:
            yield f"focus that is not seen: {stop['name']}"
    if not seen:
        yield f"the keyboard reaches only {seen}"
