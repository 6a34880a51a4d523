"""Figures come in the sizes of a paper, as SVG for either theme and as PDF, and are the same each time."""

import re
import warnings
import zlib

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags

from otoscope import plots
from otoscope.reporting import figures, report
from otoscope.reporting.figures import Gallery, rounded
from otoscope.reporting.fonts import LETTERS, cut_font
from otoscope.reporting.parts import SIZE, WIDE

NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
ROWS = pd.DataFrame({"layer": [0, 1, 2], "count": [3, 9, 5], "chance_low": [1, 1, 1], "chance_high": 4})
VALUES = pd.DataFrame([[np.nan, 0.2], [0.25, 1.0]], index=["a", "<b>"], columns=["a", "$b$"])


def bars(canvas):
    return plots.layers(ROWS, canvas.subplots())


def cells(canvas):
    return plots.matrix(VALUES, canvas.subplots())


def drawn(folder, draw, size=SIZE):
    """The figure, and its light SVG, dark SVG and PDF."""
    folder.mkdir(exist_ok=True)
    figure = Gallery(folder).add("one", draw, size, caption="What.", alt="It.")
    light, dark, pdf = ((folder / path).read_bytes() for path in (figure.light, figure.dark, figure.pdf))
    return figure, light.decode(), dark.decode(), pdf


@pytest.mark.parametrize(("across", "inches"), [(SIZE[0], 3.5), (WIDE, 7.19)])
def test_a_figure_is_as_wide_as_one_column_of_a_paper_or_two(tmp_path, across, inches):
    figure, svg, _, pdf = drawn(tmp_path, bars, (across, 3.3))
    width = float(re.search(r'<svg[^>]* width="([\d.]+)pt"', svg)[1])
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", pdf)
    assert width == pytest.approx(72 * inches, abs=0.2)
    assert float(box[1]) == pytest.approx(width, abs=0.01)
    assert (figure.width, figure.height) == (round(across * 96), round(3.3 * 96)), "the page shows it larger"


def test_type_and_lines_are_small_enough_for_paper_and_large_enough_to_read(tmp_path):
    _, svg, _, _ = drawn(tmp_path, bars)
    type_ = {float(size) for size in re.findall(r"font(?:-size)?: ([\d.]+)px", svg)}
    lines = {float(width) for width in re.findall(r"stroke-width: ([\d.]+)", svg)}
    assert 5 <= min(type_) < max(type_) <= 8
    assert lines
    assert 0.25 <= min(lines) <= max(lines) <= 1.2


def test_every_length_is_as_many_times_smaller(tmp_path):
    small = {}

    def look(canvas):
        small.update({name: mpl.rcParams[name] for name in ("xtick.major.size", "lines.markersize")})
        small["pad"] = mpl.rcParams["figure.constrained_layout.h_pad"]
        small["ratio"] = mpl.rcParams["legend.handlelength"]
        bars(canvas)

    before = {name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}
    drawn(tmp_path, look)
    assert small == pytest.approx(
        {"xtick.major.size": 3.5 / 1.6, "lines.markersize": 6 / 1.6, "pad": 0.04167 / 1.6, "ratio": 2.0}
    )
    assert before == {name: mpl.rcParams[name] for name in before}


def test_a_pdf_holds_its_type_and_no_date(tmp_path):
    _, _, _, pdf = drawn(tmp_path, bars)
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    text = pdf + b"".join(zlib.decompressobj().decompress(each) for each in streams if each[:1] == b"x")
    assert pdf.startswith(b"%PDF-")
    assert b"/CIDFontType2" in text, "as TrueType, which journals ask for"
    assert b"/Type3" not in text
    assert b"CreationDate" not in text


@pytest.mark.parametrize("draw", [bars, cells])
def test_the_same_figure_has_the_same_bytes(tmp_path, draw):
    assert drawn(tmp_path / "a", draw)[1:] == drawn(tmp_path / "b", draw)[1:]


def test_each_theme_has_its_ink_and_a_picture_its_shades(tmp_path):
    _, light, dark, _ = drawn(tmp_path / "a", bars)
    assert dark == light.replace("#1c2128", "#e6e9ed").replace("#8a8f97", "#7c828a") != light
    _, light, dark, _ = drawn(tmp_path / "b", cells)
    image = re.compile(r"base64,\s*([^\"]+)")
    assert image.findall(light) != image.findall(dark)
    assert "&lt;b&gt;" in light
    assert "$b$" in light


def test_the_print_of_an_interactive_chart_has_no_file_for_dark_pages(tmp_path):
    figure = Gallery(tmp_path).add("one", cells, SIZE, printed=True)
    files = {f"figures/{file.name}" for file in (tmp_path / "figures").iterdir()}
    assert files == {figure.light, figure.pdf}
    assert figure.dark == ""


def test_a_figure_is_drawn_once_an_ink(tmp_path):
    calls = {"bars": 0, "cells": 0}

    def counted(canvas, what):
        calls[what.__name__] += 1
        return what(canvas)

    for what in (bars, cells):
        drawn(tmp_path / what.__name__, lambda canvas, what=what: counted(canvas, what))
    assert calls == {"bars": 1, "cells": 2}


def test_letters_that_the_font_lacks_are_no_warning(tmp_path):
    def asian(canvas):
        canvas.subplots().set_title("ゼン雨")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, svg, _, _ = drawn(tmp_path, asian)
    assert "ゼン雨" in svg


@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_the_cut_font_has_the_letters_of_the_whole_in_their_places(weight):
    cut, whole = (
        get_font(findfont(FontProperties(family=family, weight=weight), fallback_to_default=False))
        for family in (cut_font(), "DejaVu Sans")
    )
    for font in (cut, whole):
        font.set_size(100, 72)
    for letter in sorted(LETTERS - {"\n"}):
        widths = [
            font.load_char(ord(letter), flags=LoadFlags.NO_HINTING).horiAdvance for font in (cut, whole)
        ]
        assert widths[0] == widths[1], letter
    assert len(cut.get_charmap()) < len(whole.get_charmap()) / 5


@pytest.mark.parametrize("words", ["plain ≤ λ Ö", "Привет"])
def test_a_pdf_has_the_letters_that_the_cut_font_lacks(tmp_path, words):
    _, _, _, pdf = drawn(tmp_path, lambda canvas: canvas.subplots().set_title(words))
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    text = pdf + b"".join(zlib.decompressobj().decompress(each) for each in streams if each[:1] == b"x")
    assert b"LastResort" not in text
    for letter in set(words) - {" "}:
        assert f"<{ord(letter):04x}>".encode() in text, f"{letter} can be searched for"


@pytest.mark.parametrize("draw", [bars, cells])
def test_rounding_moves_no_number_by_more_than_a_two_hundredth_of_a_point(tmp_path, draw, monkeypatch):
    kept = []
    monkeypatch.setattr(figures, "rounded", lambda svg: kept.append(svg) or rounded(svg))
    short = drawn(tmp_path, draw)[1]
    whole = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", re.sub(r"\n +<", "\n<", kept[0]))
    one, other = NUMBER.findall(whole), NUMBER.findall(short)
    assert NUMBER.split(whole) == NUMBER.split(short), "only numbers change"
    assert len(short) < len(whole)
    apart = np.abs(np.array(one, dtype=float) - np.array(other, dtype=float))
    assert apart.max() <= 0.005 + 1e-9
    changed = [number for number, is_ in zip(one, other, strict=True) if number != is_]
    assert all(len(number.partition(".")[2]) > 2 for number in changed)


@pytest.mark.parametrize(
    "kept",
    [
        '<text> x="0.12345" translate(0.12345 1.23456)</text>',
        '<g transform="scale(0.015625 0.00123)"/>',
        '<path style="stroke-width: 0.4375"/>',
        '<path d="M 1e-5 2.5 L 10 -3.25"/>',
    ],
)
def test_rounding_leaves_alone_what_is_no_place(kept):
    assert rounded(kept) == kept


@pytest.mark.parametrize("plot", [plots.matrix, plots.self_cross])
def test_numbers_in_cells_of_a_dozen_classes_are_five_points(tmp_path, plot):
    names = [f"class {number}" for number in range(12)]
    values = pd.DataFrame(np.linspace(-1, 1, 144).reshape(12, 12), index=names, columns=names)
    _, svg, _, _ = drawn(tmp_path, lambda canvas: plot(values, canvas.subplots()))
    assert min(float(size) for size in re.findall(r"font(?:-size)?: ([\d.]+)px", svg)) >= 5


def test_the_print_of_layers_has_one_legend_and_below_all_else(toy, make_store, tmp_path):
    store = make_store()
    toy.save_selection(store)
    report([store], tmp_path / "report")
    (file,) = (tmp_path / "report" / "figures").glob("layers-1-*.svg")
    texts = re.findall(r'<text[^>]* y="([\d.]+)"[^>]*>([^<]*)', file.read_text())
    (legend,) = (float(y) for y, text in texts if text == "observed")
    assert legend > max(float(y) for y, text in texts if text.startswith("layer (0"))
