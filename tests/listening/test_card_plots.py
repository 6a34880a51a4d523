"""Pictures of a neuron draw what they were given."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from otoscope import plots
from otoscope.drawing import OBSERVED, TARGET
from otoscope.errors import UsageError
from otoscope.listening import Profile


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


def outline(ax):
    """The segments of the outline, each as a set of its ends."""
    return {frozenset(map(tuple, ends)) for ends in ax.collections[1].get_segments()}


def test_a_map_shows_the_picture_and_outlines_what_fires(make_card, ax):
    heard = make_card().examples[0].heard
    plots.firing_map(heard, ax).figure.draw_without_rendering()
    np.testing.assert_array_equal(ax.images[0].get_array(), heard.mel.picture)
    assert ax.images[0].get_extent() == [0, 2.0, 0, 1]
    middle = heard.mel.place(1000)
    lower = [(0.5, 0), (1.0, 0), (1.0, middle), (0.5, middle)]
    upper = [(1.5, middle), (2.0, middle), (2.0, 1), (1.5, 1)]
    assert outline(ax) == {frozenset((box[k], box[(k + 1) % 4])) for box in (lower, upper) for k in range(4)}


def test_neighbours_share_one_outline_and_overlaps_show_the_greatest(make_card, ax):
    heard = make_card().examples[0].heard
    grid = heard.grid.iloc[:2].assign(start_s=[0.0, 0.5], stop_s=[1.0, 1.5], low_hz=0.0, high_hz=8000.0)
    both = replace(heard, grid=grid, activation=np.array([1.0, 2.0], np.float32))
    plots.firing_map(both, ax)
    assert not [ends for ends in outline(ax) if {time for time, _ in ends} == {1.0}]
    mesh = next(each for each in ax.collections if each.get_array() is not None)
    np.testing.assert_allclose(np.ravel(mesh.get_array()), [0.5, 1.0, 1.0])


def test_a_map_without_firing_has_a_picture_only(make_card, ax):
    plots.firing_map(replace(make_card().examples[2].heard, stretches=()), ax).figure.draw_without_rendering()
    assert len(ax.images) == 1
    assert not [each for each in ax.collections if len(each.get_paths())]


def test_bars_are_in_the_order_of_probability_and_coloured_beyond_the_band(make_card, ax):
    plots.class_profile(make_card().profiles[0].table, ax, name="animal").figure.draw_without_rendering()
    band, bars = ax.containers
    assert [bar.get_width() for bar in bars] == [0.4, 0.1, 0.02]
    assert [bar.get_facecolor() for bar in bars] == [to_rgba(each) for each in (TARGET, OBSERVED, OBSERVED)]
    assert [(bar.get_x(), round(bar.get_width(), 6)) for bar in band] == [(0.05, 0.15)] * 3
    assert [text.get_text() for text in ax.get_yticklabels()] == ["cat", "dog", "cow"]
    assert ax.get_ylabel() == "animal"


def test_only_so_many_classes_are_drawn_and_the_rest_is_counted(ax):
    table = pd.DataFrame(
        {"category": range(50), "probability": np.arange(50) / 50, "low": np.nan, "high": np.nan}
    )
    plots.class_profile(table, ax, most=10)
    assert len(ax.containers) == 1  # no band
    assert len(ax.containers[0]) == 10
    assert ax.get_ylabel() == "class; 40 more below"


def test_a_profile_lacking_a_column_is_refused(ax):
    with pytest.raises(UsageError, match="class_profile: column 'low' not found"):
        plots.class_profile(pd.DataFrame({"category": ["a"], "probability": [0.5]}), ax)


def everything(figure):
    """All that is written in a figure and its parts."""
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_a_card_is_one_page_for_a_slide(make_card):
    figure = make_card().plot()
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=50)
    assert buffer.getvalue().startswith(b"\x89PNG")
    width, height = figure.get_size_inches()
    assert width / height == pytest.approx(16 / 9, abs=0.01)
    said = everything(figure)
    for part in (
        "Neuron 7.1157",
        "layer 7 (of 0 to 11)",
        "fires most: cat",
        "2 of 8 tokens, a.wav",
        "fires least",
    ):
        assert part in said
    assert "b.wav is not there any more" in said


def test_a_card_without_anything_is_drawn(make_card):
    empty = make_card(profiles=(), examples=(), sentences=("It never fires: on no token of 10 clips.",))
    empty.plot().draw_without_rendering()
    assert "It never fires" in everything(empty.plot())


@pytest.mark.parametrize("bad", ["$x", "$\\frac$", "_hidden", "x" * 400, "<b>", "שלום"])
def test_any_text_is_taken_as_it_is(make_card, bad):
    profile = Profile(bad, 0.6, 1.1, make_card().profiles[0].table.assign(category=[bad, "b", "c"]), "")
    examples = tuple(
        replace(each, clip=bad, labels={"animal": bad}, problem=each.problem and bad)
        for each in make_card().examples
    )
    card = make_card(
        profiles=(profile,), examples=examples, sentences=(bad,), model=bad, task=bad, layer_name=bad
    )
    card.plot().draw_without_rendering()
    assert bad[:10] in everything(card.plot())
