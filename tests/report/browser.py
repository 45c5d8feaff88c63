"""A real browser without a screen, and a page in it that may load nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

import pytest

__all__ = ["REQUIRED", "Opened", "chromium", "opened"]

REQUIRED = "S3SIM_BROWSER_REQUIRED"  # set to 1 where tests must not skip for want of a browser
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NO_WEBGL = ("--disable-3d-apis", "--disable-webgl")
PATIENCE = 30_000  # ms, on a machine that is busy


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that is open, and all that it complained of or asked for."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def model(self, name: str, what: str) -> Any:
        """The value of a JavaScript expression of the Bokeh model `m` of that name."""
        find = "Bokeh.documents.map((d) => d.get_model_by_name(name)).find((m) => m !== null)"
        return self.page.evaluate(f"(name) => {{ const m = {find}; return {what}; }}", name)


def _missing(what: str) -> None:
    """Skip, or fail where a browser is required."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{what}, and {REQUIRED} is 1")
    pytest.skip(what)


@contextmanager
def chromium(*, webgl: bool) -> Iterator[Any]:
    """A browser; the test skips or fails where there is none."""
    place = next(filter(None, map(which, NAMES)), None)
    if place is None:
        _missing(f"no browser: none of {', '.join(NAMES)} is installed")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the extra `dev`
    except ModuleNotFoundError:
        _missing("playwright, of the extra `dev`, is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=place, args=[*ARGUMENTS, *(() if webgl else NO_WEBGL)])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, path: Path, *, width: int = 1280, height: int = 900, touch: bool = False) -> Iterator[Opened]:
    """The page in a window of that size, once its script has done all."""
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=touch, is_mobile=touch)
    context.set_default_timeout(PATIENCE)
    found = Opened(context.new_page())
    found.page.on("pageerror", lambda error: found.errors.append(str(error)))
    found.page.on("console", lambda said: found.errors.append(said.text) if said.type in ("error", "warning") else None)

    def ask(route: Any) -> None:
        if route.request.url == path.as_uri():
            route.continue_()
        else:
            found.requests.append(route.request.url)
            route.abort()

    try:
        context.route("**/*", ask)
        found.page.goto(path.as_uri())
        found.page.wait_for_selector("html[data-state=ready]")
        yield found
    finally:
        context.close()
