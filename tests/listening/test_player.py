"""The player in a browser: what its script computes, and what a person sees and hears."""

import re
import time
from dataclasses import replace
from importlib.resources import files

import pytest

from otoscope.listening.html import card_document

pytestmark = pytest.mark.browser


@pytest.fixture
def open_card(browser, make_card, tmp_path):
    """Opens a card's document, with a change made to it, without a network; errors fail the test."""
    contexts, errors = [], []

    def open_it(change=lambda html: html, examples=None):
        card = make_card() if examples is None else make_card(examples=examples)
        (tmp_path / "card.html").write_text(change(card_document(card)), encoding="utf-8")
        contexts.append(browser.new_context(offline=True, viewport={"width": 800, "height": 900}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((tmp_path / "card.html").as_uri())
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not errors


def until(page, condition):
    """Wait for a condition; the page's policy forbids Playwright's own way, which evaluates text in it."""
    latest = time.monotonic() + 20
    while not page.evaluate(condition):
        assert time.monotonic() < latest, condition
        time.sleep(0.02)


def left(page):
    """Where the first player's cursor stands, in per cent."""
    return float(page.locator(".cursor").first.evaluate("it => parseFloat(it.style.left)"))


COMPUTED = [
    ("shareOf(0.5, 2)", 0.25),
    ("shareOf(-1, 2)", 0),
    ("shareOf(3, 2)", 1),
    ("shareOf(1, 0)", 0),
    ("timeAt(50, 200, 2)", 0.5),
    ("timeAt(500, 200, 2)", 2),
    ("keyTime('ArrowRight', 0.5, 2)", 0.6),
    ("keyTime('ArrowLeft', 0.05, 2)", 0),
    ("keyTime('PageUp', 1.5, 2)", 2),
    ("keyTime('End', 0, 2)", 2),
    ("keyTime('Home', 1, 2)", 0),
    ("keyTime('x', 1, 2)", None),
    ("keyTime('toString', 1, 2)", None),
    ("pixels([0.25, 0.5, 0, 1, 1], 200, 100)", [50, 0, 50, 100]),
    ("pixels([0.5, 0.501, 0, 1, 1], 200, 100)", [100, 0, 1, 100]),
    ("inside([0, 10, 50, 90], 2, 200, 100)", [2, 10, 48, 88]),
]


def test_what_the_script_computes(open_card):
    page = open_card()
    for call, result in COMPUTED:
        found = page.evaluate(f"otoscope.players.{call}")
        assert found == (pytest.approx(result) if isinstance(result, float) else result), call


def test_a_click_on_the_picture_moves_to_its_time(open_card):
    page = open_card()
    surface = page.locator(".surface").first
    box = surface.bounding_box()
    surface.click(position={"x": box["width"] / 4, "y": 20})
    assert float(surface.get_attribute("aria-valuenow")) == pytest.approx(0.5, abs=0.01)
    assert surface.get_attribute("aria-valuetext") == "0.50 of 2.00 seconds"
    assert left(page) == pytest.approx(25, abs=0.5)


def test_the_picture_is_a_slider_for_the_keyboard(open_card):
    page = open_card()
    surface = page.locator(".surface").first
    surface.focus()
    for key, expected in (("ArrowRight", "0.10"), ("End", "1.90"), ("ArrowLeft", "1.80"), ("Home", "0.00")):
        page.keyboard.press(key)
        assert surface.get_attribute("aria-valuenow") == expected, key
    page.keyboard.press(" ")
    until(page, "document.querySelector('audio').currentTime > 0.1")
    page.keyboard.press(" ")
    assert page.evaluate("document.querySelector('audio').paused")


def test_the_excerpt_plays_from_its_start_to_its_end_and_the_cursor_runs_with_it(open_card):
    page = open_card()
    page.get_by_role("button", name="Play the excerpt").first.click()
    until(page, "!document.querySelector('audio').paused")
    until(page, "document.querySelector('audio').currentTime > 0.5")
    running = left(page)
    assert 24 < running < 70  # it begins at 0.25 s
    until(page, "document.querySelector('audio').paused")
    assert left(page) > running
    assert page.evaluate("document.querySelector('audio').currentTime") == pytest.approx(1.25, abs=0.15)


def test_after_a_click_elsewhere_the_excerpt_no_longer_ends_the_sound(open_card):
    page = open_card()
    page.get_by_role("button", name="Play the excerpt").first.click()
    until(page, "document.querySelector('audio').currentTime > 0.3")
    page.locator(".surface").first.press("PageUp")
    until(page, "document.querySelector('audio').currentTime > 1.4")
    until(page, "document.querySelector('audio').ended")


def test_only_one_player_sounds(open_card):
    page = open_card()
    first, second = page.get_by_role("button", name="Play the excerpt").all()
    first.click()
    until(page, "!document.querySelectorAll('audio')[0].paused")
    second.click()
    until(page, "!document.querySelectorAll('audio')[1].paused")
    assert page.evaluate("document.querySelectorAll('audio')[0].paused")


def test_the_overlay_lights_up_where_the_neuron_fires_and_can_be_hidden(open_card, make_card):
    page = open_card()
    middle = 1 - make_card().examples[0].heard.mel.place(1000)
    # Within the token that fires most, within another one, and within one that does not fire.
    places = [(0.375, (middle + 1) / 2), (0.875, middle / 2), (0.1, 0.5)]
    look = """places => {
      const canvas = document.querySelector('canvas'), pen = canvas.getContext('2d');
      return places.map(([x, y]) => [...pen.getImageData(x * canvas.width, y * canvas.height, 1, 1).data]);
    }"""
    until(page, "document.querySelector('canvas').width !== 300")
    most, less, none = page.evaluate(look, places)
    assert most[3] > less[3] > none[3] == 0
    assert most[2] > most[0]  # cyan
    page.get_by_label("show where it fires").first.uncheck()
    assert page.evaluate(look, places) == [[0, 0, 0, 0]] * 3


def test_the_script_may_run_again(open_card):
    page = open_card()
    page.evaluate((files("otoscope.listening") / "assets" / "player.js").read_text(encoding="utf-8"))
    surface = page.locator(".surface").first
    surface.press("ArrowRight")
    assert surface.get_attribute("aria-valuenow") == "0.10"


def test_a_sound_that_cannot_be_loaded_says_so_and_the_rest_works(open_card, make_card):
    page = open_card(lambda html: re.sub(r'data:audio/[^"]+', "data:audio/mpeg;base64,AAAA", html, count=1))
    page.get_by_role("button", name="Play the excerpt").first.click()
    page.get_by_text("The sound could not be loaded.").wait_for()
    page.get_by_role("button", name="Play the excerpt").nth(1).click()
    until(page, "!document.querySelectorAll('audio')[1].paused")


def test_names_run_nothing(open_card, make_card):
    bad = '"><img src=x onerror=document.title=1><script>document.title=1</script>'
    examples = [replace(each, clip=bad, labels={bad: bad}) for each in make_card().examples]
    page = open_card(examples=tuple(examples))
    assert page.get_by_role("heading", name=bad).count() == 3
    assert page.title() == "Neuron 7.1157 · otoscope"
