"""The page in a real browser, with and without WebGL: it draws, zooms, changes, fits, and asks nobody for anything."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import imread

from s3sim.report.figures.style import KNOWN
from s3sim.report.figures.timeline import PHASE_COLOURS
from s3sim.report.html import write_page
from s3sim.report.phases import STATES
from tests.report.browser import Opened, chromium, opened
from tests.report.runs import Settings, write_run
from tests.report.test_html_page import HOSTILE
from tests.report.test_pages import edit

SWEPT: Settings = [{"max_num_seqs": 4}, {"max_num_seqs": 8}]
SYSTEMS = ("vllm", "s3", "orca")
WIDTHS = (1280, 400)
RATES = (None, 12.0)  # so that the two swept values differ
Pixels = np.ndarray[Any, np.dtype[np.float64]]


@pytest.fixture(scope="module", params=[True, False], ids=["webgl", "no-webgl"])
def browser(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A browser for all tests, and another without WebGL."""
    with chromium(webgl=request.param) as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run whose texts are hostile."""
    path = write_run(tmp_path_factory.mktemp("run"), SWEPT, worlds=SYSTEMS, rates=RATES)
    edit(path / "manifest.json", lambda m: m.update(description=HOSTILE))
    (path / "experiment.yaml").write_text(HOSTILE + "x" * 3000)
    return write_page(path)


@pytest.fixture(scope="module")
def shown(browser: Any, page: Path) -> Iterator[Opened]:
    """The page in a wide window; tests leave it as they found it."""
    with opened(browser, page) as found:
        yield found


def picture(found: Opened, selector: str) -> Pixels:
    """What a person sees of an element: rows of pixels."""
    seen = imread(io.BytesIO(found.page.locator(selector).screenshot()))
    return np.asarray(seen[..., :3], np.float64)


def coloured(seen: Pixels, colour: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which pixels have a colour, up to rounding."""
    return np.asarray(np.abs(seen - np.array(to_rgb(colour))).max(axis=-1) < 0.02)


def pixels(seen: Pixels, colour: str) -> int:
    """How many pixels have a colour."""
    return int(coloured(seen, colour).sum())


def time_shown(found: Opened) -> list[float]:
    """From when to when the timeline is shown, in seconds."""
    shown = found.model("s0-timeline-x", "[m.start, m.end]")
    return [float(end) for end in shown]


def bars_shown(found: Opened) -> list[int]:
    """How many bars the timeline has of each state."""
    return [found.model(f"s0-timeline-source-{n}", "m.data.row.length") for n in range(len(STATES))]


def test_the_page_is_silent(browser: Any, page: Path) -> None:
    """No error, no warning, and no request to anybody, from the opening to the last figure."""
    with opened(browser, page) as found:
        found.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        found.page.wait_for_timeout(300)
        assert (found.errors, found.requests) == ([], [])


def test_webgl_is_there_or_not_as_asked(shown: Opened, request: pytest.FixtureRequest) -> None:
    """The run without WebGL is one: the browser has no such context."""
    has = shown.page.evaluate("document.createElement('canvas').getContext('webgl') !== null")
    assert has or "no-webgl" in request.node.name
    assert not (has and "no-webgl" in request.node.name)


def test_hostile_texts_are_shown_and_do_nothing(shown: Opened) -> None:
    """A script in a description is read, not run."""
    assert HOSTILE in shown.page.inner_text("header")
    assert HOSTILE in shown.page.inner_text("#configuration")
    assert shown.page.evaluate("window.hit") is None


def test_every_figure_is_drawn(shown: Opened) -> None:
    """Each figure holds a canvas as wide as its place, with ink; systems and states have their pictures' colours."""
    places = shown.page.eval_on_selector_all(".plot", "all => all.map(one => one.id)")
    assert len(places) == 1 + 3 + len(SYSTEMS) + 1
    for place in places:
        seen = picture(shown, f"#{place}")
        assert seen.shape[1] > 300
        assert (seen.min(axis=-1) < 0.75).sum() > 500, place
    for system in SYSTEMS:
        assert pixels(picture(shown, "#s0-curve-place"), KNOWN[system].colour) > 20
        assert pixels(picture(shown, "#s0-e2el_ms-place"), KNOWN[system].colour) > 20
    for number, system in enumerate(SYSTEMS):
        red, green, blue = (
            0.75 * part + 0.25 for part in to_rgb(KNOWN[system].colour)
        )  # as opaque as in the pictures, on white
        assert pixels(picture(shown, f"#s0-memory-{number}-place"), to_hex((red, green, blue))) > 500, system
    timeline = picture(shown, "#s0-timeline-place")
    for state in ("queued", "prefill", "decode", "swapped"):
        assert pixels(timeline, PHASE_COLOURS[state]) > 50, state


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_no_wider_than_its_window(browser: Any, page: Path, width: int) -> None:
    """Nothing runs out of the page; wide tables and texts scroll in their own boxes, figures shrink."""
    with opened(browser, page, width=width, touch=width < 500) as found:
        found.page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
        found.page.wait_for_timeout(200)
        assert found.page.evaluate("document.documentElement.scrollWidth") <= width
        own = "[...document.querySelectorAll('main *')].filter((one) => !one.closest('.box'))"
        inner = found.page.evaluate(f"{own}.map((one) => one.getBoundingClientRect().right)")
        assert max(inner) <= width
        assert min(picture(found, f"#{place}").shape[1] for place in ("s0-curve-place", "s0-timeline-place")) > 300
        assert found.page.evaluate("[...document.querySelectorAll('.box')].some(b => b.scrollWidth > b.clientWidth)")


def test_buttons_zoom_the_timeline(shown: Opened) -> None:
    """In, out, earlier, later and all, by mouse and by keyboard; the picture changes with the range."""
    whole, before = time_shown(shown), picture(shown, "#s0-timeline-place")
    length = whole[1] - whole[0]
    button = shown.page.get_by_role("button", name="Zoom in")
    button.click()
    assert time_shown(shown) == pytest.approx([whole[0] + length / 4, whole[1] - length / 4])
    assert (picture(shown, "#s0-timeline-place") != before).any()
    button.focus()
    shown.page.keyboard.press("Enter")
    assert np.ptp(time_shown(shown)) == pytest.approx(length / 4)
    here = time_shown(shown)
    shown.page.get_by_role("button", name="Later").click()
    assert time_shown(shown) == pytest.approx([end + length / 8 for end in here])
    shown.page.get_by_role("button", name="Earlier").click()
    shown.page.get_by_role("button", name="Zoom out").click()
    assert np.ptp(time_shown(shown)) == pytest.approx(length / 2)
    shown.page.get_by_role("button", name="All", exact=True).click()
    assert time_shown(shown) == whole
    assert (picture(shown, "#s0-timeline-place") == before).mean() > 0.99


def test_a_box_drawn_with_the_mouse_zooms_the_timeline(shown: Opened) -> None:
    """A drag over the bars shows what it held; the button brings all back."""
    whole = time_shown(shown)
    box = shown.page.locator("#s0-timeline-place")
    box.scroll_into_view_if_needed()
    edges = box.bounding_box()
    x, y = edges["x"] + edges["width"] / 2, edges["y"] + edges["height"] / 2
    shown.page.mouse.move(x - 100, y - 60)
    shown.page.mouse.down()
    shown.page.mouse.move(x + 50, y, steps=4)
    shown.page.mouse.move(x + 100, y + 60, steps=4)
    shown.page.mouse.up()
    shown.page.wait_for_function("(whole) => Bokeh.documents.some((d) => { const m = d.get_model_by_name("
                                 "'s0-timeline-x'); return m !== null && m.end - m.start < whole; })",
                                 arg=0.5 * (whole[1] - whole[0]))  # fmt: skip
    shown.page.get_by_role("button", name="All", exact=True).click()
    assert time_shown(shown) == whole


def test_another_system_has_another_timeline(shown: Opened) -> None:
    """The choice changes bars, picture and note; S³ swaps, ORCA nobody."""
    first, before = bars_shown(shown), picture(shown, "#s0-timeline-place")
    note = shown.page.inner_text("#s0-timeline-note")
    chosen = shown.page.get_by_label("System", exact=True)
    chosen.select_option("orca")
    swapped = STATES.index("swapped")
    assert first[swapped] > 0
    assert bars_shown(shown)[swapped] == 0
    assert shown.page.inner_text("#s0-timeline-note") != note
    after = picture(shown, "#s0-timeline-place")
    assert (after != before[: after.shape[0]]).any()
    chosen.select_option("s3")
    assert bars_shown(shown) == first


def test_another_swept_value_has_other_points(shown: Opened) -> None:
    """Its choice changes distributions, memory and timeline of all systems, and the axis of time with them."""
    name = "s0-e2el_ms-source-1"
    before = (time_shown(shown), shown.model(name, "Math.max(...m.data.value)"), shown.model("s0-memory-x-2", "m.end"))
    chosen = shown.page.get_by_label("Show the points at")
    chosen.select_option("max_num_seqs=4")
    after = (time_shown(shown), shown.model(name, "Math.max(...m.data.value)"), shown.model("s0-memory-x-2", "m.end"))
    assert all(one != other for one, other in zip(before, after, strict=True))
    chosen.select_option("max_num_seqs=8")
    assert time_shown(shown) == before[0]


def test_the_legend_hides_and_shows_a_system(shown: Opened) -> None:
    """By keyboard too: its lines go from all figures, and its memory panel; then they are back."""
    colour = KNOWN["s3"].colour
    box = shown.page.get_by_role("checkbox", name="s3", exact=True)
    box.focus()
    shown.page.keyboard.press("Space")
    shown.page.wait_for_timeout(200)
    assert pixels(picture(shown, "#s0-curve-place"), colour) == 0
    assert pixels(picture(shown, "#s0-e2el_ms-place"), colour) == 0
    assert not shown.page.locator("#s0-memory-1-place").is_visible()
    box.click()
    shown.page.wait_for_timeout(200)
    assert pixels(picture(shown, "#s0-curve-place"), colour) > 20
    assert shown.page.locator("#s0-memory-1-place").is_visible()


def test_controls_have_names_and_can_be_reached_by_keyboard(shown: Opened) -> None:
    """Every control is in the order of tabs, has a name, and figures and tables have captions."""
    controls = shown.page.locator("main select, main button, main input").element_handles()
    assert len(controls) == 2 + 5 + len(SYSTEMS) + len(STATES)
    told = "e => e.tabIndex >= 0 && (e.labels?.length ? e.labels[0].textContent : e.textContent).trim()"
    assert all(control.evaluate(told) for control in controls)
    for inner, outer in (("figcaption", "figure"), ("caption", "table"), ("h2", "section")):
        assert shown.page.evaluate(f"[...document.querySelectorAll('{outer}')].every(o => o.querySelector('{inner}'))")
    assert shown.page.locator("h1").count() == 1


def test_a_finger_on_a_figure_scrolls_the_page(browser: Any, page: Path) -> None:
    """On a telephone no figure holds the page fast, and a swipe over one does not zoom it."""
    with opened(browser, page, width=400, height=800, touch=True) as found:
        figure = found.page.locator("#s0-timeline-place")
        figure.scroll_into_view_if_needed()
        edges, whole, before = figure.bounding_box(), time_shown(found), found.page.evaluate("scrollY")
        finger = found.page.context.new_cdp_session(found.page)
        x, y = edges["x"] + edges["width"] / 2, edges["y"] + edges["height"] / 2
        for step in range(12):
            kind, touched = ("touchMove" if step else "touchStart"), [{"x": x + 3 * step, "y": y - 20 * step}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})
            found.page.wait_for_timeout(20)
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert found.page.evaluate("scrollY") > before + 100
        assert time_shown(found) == whole


def test_hovering_tells_of_a_bar(shown: Opened) -> None:
    """A tooltip names the request, its state and how long it lasted."""
    box = shown.page.locator("#s0-timeline-place")
    box.scroll_into_view_if_needed()
    edges, seen = box.bounding_box(), picture(shown, "#s0-timeline-place")
    places = np.argwhere(coloured(seen, PHASE_COLOURS["decode"]))
    row, column = places[len(places) // 2].tolist()
    shown.page.mouse.move(edges["x"] + column - 1, edges["y"] + row)
    shown.page.mouse.move(edges["x"] + column, edges["y"] + row)
    told = shown.page.locator(".bk-Tooltip").filter(visible=True)
    for word in ("request", "state", "decode", "from", "for"):
        told.get_by_text(re.compile(rf"^{word}:?\s*$")).wait_for()
    shown.page.mouse.move(0, 0)
