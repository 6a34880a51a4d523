"""Every page, on a projector and on a phone, light and dark: it opens clean, fits, and passes axe-core."""

from pathlib import Path

import pytest

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
PAGES = ("index", "layers", "sharing", "impact", "evidence", "neurons", "compare", "methods")


def violations(page):
    """What axe-core finds wrong, in words."""
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; })")
    page.evaluate(AXE)
    found = page.evaluate(
        "tags => axe.run(document, {preload: false, runOnly: tags, resultTypes: ['violations']})", TAGS
    )
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"][:3]
    ]


def a_neuron(folder, number=1):
    return sorted((folder / "neurons" / str(number)).glob("*.html"))[0]


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("name", [*PAGES, "a neuron"])
def test_opens_clean_fits_and_can_be_used_by_all(site, visit, tell, name, size):
    page = visit(a_neuron(site) if name == "a neuron" else site / f"{name}.html", size)
    assert page.locator("h1").count() == 1
    assert tell.overflow(page) <= 0
    assert violations(page) == []
    assert tell.overflow(page) <= 0  # with everything unfolded, too
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    if size == "desktop":  # the colours are the same on both
        assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert tell.overflow(page) <= 0


@pytest.mark.parametrize("name", [*PAGES, "a neuron"])
def test_hostile_names_are_text_and_break_no_layout(hostile, bad, visit, tell, name):
    page = visit(a_neuron(hostile) if name == "a neuron" else hostile / f"{name}.html", "phone")
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; })")
    assert tell.overflow(page) <= 0
    assert bad.SCRIPT in page.evaluate(
        "document.body.innerText + [...document.querySelectorAll('option')].map(it => it.text)"
    )
    made = "script:not([src]):not([type='application/json']), img[onerror], img[src='x'], [onerror], [onload]"
    assert page.locator(made).count() == 0
    assert violations(page) == []


def test_a_clip_s_name_is_text_beside_its_sound(hostile, bad, visit):
    pages = [
        path for path in (hostile / "neurons" / "1").glob("*.html") if "&gt;&lt;img src=x" in path.read_text()
    ]
    assert pages
    page = visit(pages[0], "phone")
    assert page.get_by_role("heading", name=bad.IMAGE, exact=True).count() >= 1
    assert page.get_by_label(bad.IMAGE, exact=True).count() >= 1


def test_sound_that_moved_is_named_and_the_rest_of_the_page_works(hostile, visit, tell):
    path = next(
        path
        for path in sorted((hostile / "neurons" / "2").glob("*.html"))
        if "Cannot be heard" in (text := path.read_text()) and "<audio" in text
    )
    page = visit(path)
    example = page.locator(".example", has_text="Cannot be heard").first
    said = example.locator(".problem").inner_text()
    assert example.locator("h4").inner_text() in said
    assert "does not exist" in said
    assert example.locator("audio").count() == 0
    page.locator("audio").first.evaluate("it => it.play()")
    tell.until(page, "document.querySelector('audio').currentTime > 0.1")


@pytest.mark.parametrize("name", [*PAGES, "a neuron"])
def test_a_report_without_sound_has_every_page_without_players(silent, visit, name):
    page = visit(a_neuron(silent) if name == "a neuron" else silent / f"{name}.html")
    assert page.locator("audio, .player").count() == 0
    assert page.locator("h1").count() == 1


def test_the_watch_and_axe_notice_what_is_wrong(visit, broken):
    """The tests above must be able to fail."""
    page, wrong = broken
    assert {line.split(":")[0] for line in wrong} == {
        "console",
        "error",
        "dialog",
        "failed",
        "leaves the folder",
    }
    assert any("color-contrast" in line for line in violations(page))
    assert any("image-alt" in line for line in violations(page))
