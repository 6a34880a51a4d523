"""Colours of data are told apart by readers who see colours otherwise, and sizes follow the type in force.

Colour vision without one of the three cones is simulated by the matrices for severity 1 (on linear RGB) of
Machado, Oliveira and Fernandes 2009, A physiologically-based model for simulation of color vision deficiency,
doi:10.1109/TVCG.2009.113. Distances are Euclidean in CIE Lab (1976, D65), where 2.3 is just noticed by eyes
that compare two large fields side by side (Mahy, Van Eycken and Oosterlinck 1994, Color Research and
Application 19, 105-121). Marks are small and apart: six times that is asked of them.
"""

import re
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from otoscope import drawing

STYLE = Path(drawing.__file__).parent / "reporting/assets/style.css"
APART = 6 * 2.3
VISIONS = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
LUMINANCE = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
"""Linear sRGB to XYZ (D65)."""


def linear(colours):
    """sRGB in [0, 1] as light."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(colours, vision="all cones"):
    """Colours in CIE Lab, as an eye of such a vision has them."""
    seen = np.clip(linear(colours) @ VISIONS[vision].T, 0, 1)
    xyz = seen @ LUMINANCE.T / LUMINANCE.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])],
        axis=1,
    )


def nearest(colours, vision):
    """The least distance between two of the colours."""
    return min(np.linalg.norm(one - other) for one, other in combinations(lab(colours, vision), 2))


def test_the_eye_of_the_tests_is_right():
    np.testing.assert_allclose(lab(["#ff0000"])[0], [53.24, 80.09, 67.20], atol=0.02)
    np.testing.assert_allclose(lab(["#ffffff"], "deuteranopia")[0], [100, 0, 0], atol=0.1)
    assert nearest(["#d62728", "#7d7a00"], "deuteranopia") < nearest(["#d62728", "#7d7a00"], "all cones") / 3


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_of_data_stay_apart_in_every_vision(vision):
    assert nearest((*drawing.SERIES, drawing.CONTROL), vision) > APART


@pytest.mark.parametrize("vision", VISIONS)
def test_what_most_figures_have_stays_farther_apart(vision):
    assert nearest((drawing.OBSERVED, drawing.CONTROL, drawing.TARGET), vision) > 2 * APART


@pytest.mark.parametrize("ground", ["#ffffff", "#191f26"])
def test_colours_of_data_stand_out_from_light_and_dark_ground(ground):
    """Contrast of 3 to 1, which WCAG 2.1 asks of graphics (1.4.11)."""
    data = linear((*drawing.SERIES, drawing.CONTROL)) @ LUMINANCE[1]
    behind = linear([ground]) @ LUMINANCE[1]
    high, low = np.maximum(data, behind), np.minimum(data, behind)
    assert ((high + 0.05) / (low + 0.05)).min() >= 3


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("ink", ["black", "white"])
def test_shades_go_from_one_lightness_to_another_without_turning_back(ink, vision):
    with mpl.rc_context({"text.color": ink}):
        one, two = drawing.shades_in_force(), drawing.shades_in_force(below=True)
    towards_full = -1 if ink == "black" else 1
    steps = np.linspace(0, 1, 65)
    for colours in (one(steps), two(0.5 + steps / 2), two(0.5 - steps / 2)):
        lightness = lab(colours[:, :3], vision)[:, 0]
        assert (np.diff(lightness) * towards_full > 0).all()
        assert abs(lightness[-1] - lightness[0]) > 50


@pytest.mark.parametrize("ink", ["black", "white"])
def test_where_nothing_is_known_the_ground_shows(ink):
    with mpl.rc_context({"text.color": ink}):
        assert drawing.shades_in_force()(np.nan)[3] == 0


def test_pages_have_the_same_colours_as_figures():
    style = STYLE.read_text(encoding="utf-8")
    found = dict(re.findall(r"--(observed|control|target|series-\d): (#[0-9a-f]{6})", style))
    series = {f"series-{number}": colour for number, colour in enumerate(drawing.SERIES, 1)}
    alone = {"observed": drawing.OBSERVED, "control": drawing.CONTROL, "target": drawing.TARGET}
    assert found == series | alone


def test_sizes_follow_the_type_in_force():
    with mpl.rc_context({"font.size": 22}):
        assert (drawing.pt(3), drawing.area(3)) == (6, 12)
        ax = Figure().subplots()
        drawing.finish(ax, grid="x", legend=0)
        assert ax.xaxis.get_gridlines()[0].get_linewidth() == pytest.approx(1.6)
