"""A card as HTML says what the card holds, and whatever the data hold is text in it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from otoscope.listening import Example, Mel, Profile
from otoscope.listening.html import (
    Sound,
    card_document,
    card_frame,
    card_html,
    cells,
    frequency_ticks,
    time_ticks,
)

SOUNDS = {0: Sound("audio/0.mp3", "mel/0.webp", 2.0), 2: Sound("audio/2.mp3", "mel/2.webp", 2.0)}
HOSTILE = (
    '"><img src=x onerror=alert(1)>.wav',
    "<script>alert(1)</script>",
    "</script><b>",
    "犬の鳴き声 नमस्ते שלום",
    "x" * 400,
    "{{ 7 * 7 }}",
)


class Page(HTMLParser):
    """The elements of some HTML, and the text outside of scripts and styles."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text, self.scripts, self.inside = [], "", [], ""
        self.feed(str(html))
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts.append(data)
        elif self.inside != "style":
            self.text += data

    def all(self, tag, of=""):
        """Attributes of the elements of a tag and a class."""
        found = (attributes for name, attributes in self.elements if name == tag)
        return [each for each in found if of in each.get("class", "").split() or not of]


def page(card, sounds=SOUNDS, href=lambda layer, unit: f"{layer}.{unit}.html"):
    return Page(card_html(card, sounds, href))


def test_the_head_says_which_neuron_it_is_and_what_it_listens_to(make_card):
    text = page(make_card()).text
    for said in (
        "layer 7 (of 0 to 11)",
        "unit 1157",
        "blocks.7.mlp.act",
        "Neuron 7.1157",
        "toy on zoo",
        "It fires on",
    ):
        assert said in text


def test_every_kind_of_example_has_its_heading_even_without_a_clip(make_card):
    text = page(make_card()).text
    places = [
        text.index(title) for title in ("Fires most", "Highest peaks", "Near the threshold", "Fires least")
    ]
    assert places == sorted(places)
    assert text.count("There is no such clip") == 1


def test_an_example_says_on_how_many_tokens_and_when(make_card):
    text = page(make_card()).text
    assert "Fires on 2 of 8 tokens (25 %). Greatest activation 2." in text
    assert "Fires from 0.50 to 1.00 s. Excerpt around the peak: 0.25 to 1.25 s." in text
    assert "Fires on none of 8 tokens. Greatest activation −0.5." in text


def test_a_clip_that_cannot_be_heard_says_why_and_the_others_play(make_card):
    shown = page(make_card())
    assert "Cannot be heard: b.wav is not there any more." in shown.text
    assert [each["src"] for each in shown.all("audio")] == ["audio/0.mp3", "audio/2.mp3"]
    assert all(each["preload"] == "none" for each in shown.all("audio"))


def test_without_any_sound_the_card_still_tells_the_rest(make_card):
    shown = page(make_card(), {})
    assert not shown.all("div", "player")
    assert "Fires on 2 of 8 tokens" in shown.text


def test_a_clip_whose_tokens_are_unknown_still_plays(make_card):
    one = replace(make_card().examples[0], heard=None)
    shown = page(make_card(examples=(one,)))
    assert [each["src"] for each in shown.all("audio")] == ["audio/0.mp3"]
    assert not shown.all("button")
    assert not shown.all("input")
    assert [json.loads(each) for each in shown.scripts] == [{"x": [], "y": [], "cells": []}]


def test_cells_are_shares_of_the_picture_from_its_upper_left_corner(make_card):
    heard = make_card().examples[0].heard
    middle = round(1 - heard.mel.place(1000), 3)
    assert cells(heard, largest=2.0) == [[0.25, 0.5, middle, 1.0, 1.0], [0.75, 1.0, 0.0, middle, 0.5]]


def test_the_cells_of_a_card_are_on_one_scale(make_card):
    one, moved, silent = make_card().examples
    louder = replace(one, row=2, heard=replace(one.heard, activation=2 * one.heard.activation))
    shown = page(make_card(examples=(one, moved, silent, louder)))
    values = [[cell[2] / 100 for cell in json.loads(each)["cells"]] for each in shown.scripts]
    assert values == [[0.5, 0.25], [1.0, 0.5], []]


def test_no_token_reaches_beyond_the_picture(make_card):
    heard = make_card().examples[0].heard
    late = replace(heard, mel=replace(heard.mel, seconds=1.75))
    assert max(cell[1] for cell in cells(late, 2.0)) == 1.0


def test_the_slider_knows_its_range(make_card):
    slider = page(make_card()).all("div", "surface")[0]
    assert (slider["role"], slider["tabindex"]) == ("slider", "0")
    assert (slider["aria-valuemin"], slider["aria-valuemax"], slider["aria-valuenow"]) == ("0", "2.00", "0")
    assert slider["aria-label"] == "Position in a.wav"


def test_bars_stand_beside_their_bands(make_card):
    shown = page(make_card())
    widths = [each["style"] for each in shown.all("span", "track-bar")]
    assert widths == ["width:100%", "width:25%", "width:5%"]  # cat, dog, cow of 0.4
    assert {each["style"] for each in shown.all("span", "track-band")} == {"left:12.5%;width:37.5%"}
    assert [each.get("class") for each in shown.all("li") if each.get("class") in ("above", "below")] == [
        "above",
        "below",
    ]
    assert "Of 3 classes 1 lies above and 1 below; chance alone would put 0.1 on either side." in shown.text


def test_without_permutations_there_are_bars_and_no_band(make_card):
    table = make_card().profiles[0].table.assign(low=np.nan, high=np.nan)
    shown = page(make_card(profiles=(Profile("animal", 0.6, 1.0986, table, "No band: one group."),)))
    assert len(shown.all("span", "track-bar")) == 3
    assert not shown.all("span", "track-band")
    assert "No band: one group." in shown.text
    assert "chance alone" not in shown.text


def test_fifty_classes_are_folded(make_card):
    table = pd.DataFrame(
        {
            "category": [f"class {k}" for k in range(50)],
            "clips": 5,
            "probability": np.linspace(0, 1, 50),
            "low": 0.4,
            "high": 0.6,
        }
    )
    shown = page(make_card(profiles=(Profile("sound", 3.5, 3.9, table, ""),)))
    assert "38 more classes" in shown.text
    assert shown.text.index("class 49") < shown.text.index("38 more classes") < shown.text.index("class 12")


def test_a_neuron_that_never_fires_has_a_card(make_card):
    table = make_card().profiles[0].table.assign(probability=0.0, low=0.0, high=0.0)
    profile = Profile("animal", float("nan"), 1.0986, table, "")
    silent = make_card().examples[2:]
    shown = page(make_card(profiles=(profile,), examples=silent, firing=0.0, clips_firing=0))
    assert "so that its profile has no entropy" in shown.text
    assert {each["style"] for each in shown.all("span", "track-bar")} == {"width:0%"}


def test_neighbours_are_links_where_they_have_a_page(make_card):
    assert [each["href"] for each in page(make_card()).all("a")] == ["3.4.html"]
    without = page(make_card(), href=lambda layer, unit: None)
    assert not without.all("a")
    assert "3.4" in without.text


@pytest.mark.parametrize("bad", HOSTILE)
def test_whatever_the_data_hold_is_text(make_card, bad):
    table = make_card().profiles[0].table.assign(category=[bad, "b", "c"])
    profile = Profile(bad, 0.6, 1.0986, table, bad)
    examples = (
        *(replace(each, clip=bad, labels={bad: bad}) for each in make_card().examples),
        Example("near", bad, 9, {bad: bad}, 0.1, 1, 10, 0.1, bad),
    )
    texts = dict.fromkeys(("store", "model", "task", "layer_name", "follows_note"), bad)
    frames = {
        "found": make_card().found.assign(label=bad, preset=bad, category=bad),
        "follows": make_card().follows.assign(descriptor=bad, follows=bad),
        "nearest": make_card().nearest.assign(address=bad),
    }
    hostile = make_card(
        examples=examples, profiles=(profile,), sentences=(bad,), notes=(bad,), **texts, **frames
    )
    for html in (card_html(hostile, SOUNDS), card_document(hostile)):
        shown = Page(html)
        assert shown.text.count(" ".join(bad.split())) >= 15
        assert not [name for _, given in shown.elements for name in given if name.startswith("on")]
        assert not shown.all("b")
        assert all(each["alt"] == "" for each in shown.all("img"))
    assert page(hostile).all("div", "surface")[0]["aria-label"] == f"Position in {bad}"


def test_the_fragment_runs_nothing_of_its_own(make_card):
    shown = page(make_card())
    assert {each.get("type") for each in shown.all("script")} == {"application/json"}
    assert not [name for _, given in shown.elements for name in given if name.startswith("on")]


def test_the_document_needs_no_other_file(make_card):
    html = card_document(make_card())
    shown = Page(html)
    assert all(each["src"].startswith("data:audio/") for each in shown.all("audio"))
    assert all(each["src"].startswith("data:image/webp;base64,") for each in shown.all("img"))
    assert len(shown.all("audio")) == 2
    assert not re.search(r"https?://|file:|@import|url\(", html)
    assert "otoscope.players" in html
    assert ".player" in html


def test_a_document_that_grows_too_large_leaves_sounds_out_and_says_so(make_card):
    whole = card_document(make_card())
    assert "stand here without their sound" not in whole
    small = Page(card_document(make_card(), most_bytes=1000))
    assert not small.all("audio")
    assert len(small.all("img")) == 2
    assert "2 of 2 examples stand here without their sound" in small.text
    assert small.text.count("Shown without its sound.") == 2


def test_the_first_of_each_kind_keep_their_sound(make_card):
    one, _, silent = make_card().examples
    second = replace(one, row=5, clip="second.wav")
    alone = Page(card_document(make_card(examples=(one,))))
    size = len(alone.all("audio")[0]["src"]) + len(alone.all("img")[0]["src"])
    shown = Page(card_document(make_card(examples=(one, second, silent)), most_bytes=2 * size))
    assert [each["aria-label"] for each in shown.all("audio")] == ["a.wav", "c.wav"]


def test_the_frame_holds_the_document_and_reaches_nothing_else(make_card):
    (frame,) = Page(card_frame(make_card())).all("iframe")
    assert frame["srcdoc"] == card_document(make_card())
    assert frame["sandbox"] == "allow-scripts"
    assert make_card()._repr_html_() == card_frame(make_card())


@pytest.mark.parametrize("seconds", [0.02, 0.3, 1.0, 2.0, 7.3, 61.0, 5000.0])
def test_times_along_the_axis_are_few_and_where_they_belong(seconds):
    ticks = time_ticks(seconds)
    assert 1 <= len(ticks) <= 8
    assert ticks[-1][1].endswith(" s")
    for place, name in ticks:
        assert place * seconds == pytest.approx(float(name.removesuffix(" s")), rel=1e-4, abs=1e-6)


def test_frequencies_along_the_axis_are_where_the_picture_has_them():
    mel = Mel(np.zeros((1, 1), np.uint8), 1.0, 30.0, 8000.0)
    ticks = {name: place for place, name in frequency_ticks(mel)}
    assert ticks["8 k"] == 1.0
    assert ticks["1 k"] == mel.place(1000)
    assert "16 k" not in ticks
