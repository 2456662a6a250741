"""What people do at the console in a browser: sign in, go somewhere, look whether it fits."""

from playwright.sync_api import Page, expect


def sign_in(page: Page, url: str, name: str, password: str) -> Page:
    page.goto(f"{url}/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page


def go(page: Page, section: str) -> None:
    page.get_by_role("navigation", name="Sections").get_by_role(
        "link", name=section
    ).click()


def has_no_overflow(page: Page) -> bool:
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return bool(wide <= 0)
