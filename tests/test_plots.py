"""Plots draw what they were given, label it, and leave no trace in global settings."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from otoscope import plots
from otoscope.errors import UsageError

CLASSES = ["ANG", "$HAP", "_sad", "<b>"]


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


def drawn(axes):
    """Draw the figure: a label that Matplotlib cannot parse fails only here."""
    axes.figure.draw_without_rendering()
    return axes


def texts(axes):
    return [text.get_text() for text in axes.texts]


def summary():
    return pd.DataFrame({"category": CLASSES, "change": [-3.0, 0.0, 1.0, 2.0], "low": -1.0, "high": 1.5})


def test_layers_draw_counts_over_the_chance_band(ax):
    frame = pd.DataFrame(
        {"layer": [0, 1], "count": [3, 9], "chance_low": [4.0, 5.0], "chance_high": [7.0, 5.0]}
    )
    plots.layers(frame, drawn(ax))
    heights = {container.get_label(): [bar.get_height() for bar in container] for container in ax.containers}
    assert heights["observed"] == [3, 9]
    band = heights["permuted labels, 95 %"]
    assert band[0] == 3.0
    assert band[1] > 0, "a band of no height must still be seen"


def test_layers_without_chance_have_no_legend(ax):
    plots.layers(pd.DataFrame({"layer": [0], "count": [2]}), ax)
    assert ax.get_legend() is None


def test_profile_orders_neurons_by_their_class_then_by_probability(ax):
    p = pd.DataFrame([[0.1, 0.5], [0.6, 0.2], [0.3, 0.9]], index=["0.0", "0.1", "0.2"], columns=["a", "b"])
    drawn(plots.profile(p, ax))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.1", "0.2", "0.0"]
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0.6, 0.2], [0.3, 0.9], [0.1, 0.5]])


def test_profile_of_no_neurons_and_of_silent_classes(ax):
    drawn(plots.profile(pd.DataFrame(np.zeros((0, 2)), columns=["a", "b"]), ax))
    assert texts(ax) == ["no neurons to show"]
    drawn(plots.profile(pd.DataFrame([[np.nan, 0.2]], columns=["a", "b"]), Figure().subplots()))


def test_matrix_writes_counts_and_keeps_the_diagonal_out_of_the_scale(ax):
    values = pd.DataFrame([[1.0, 0.2], [0.2, 1.0]], index=["a", "b"], columns=["a", "b"])
    counts = pd.DataFrame([[1200, 3], [3, 40]], index=["a", "b"], columns=["a", "b"])
    drawn(plots.matrix(values, ax, counts=counts, within=True))
    assert texts(ax) == ["1,200", "3", "3", "40"]
    assert ax.images[0].norm.vmax == 0.2
    assert values.loc["a", "a"] == 1.0, "the caller's table is left as it was"


def test_matrix_across_tasks_keeps_its_diagonal(ax):
    plots.matrix(pd.DataFrame([[1.0, 0.2], [0.2, 0.5]]), ax)
    assert ax.images[0].norm.vmax == 1.0
    assert texts(ax) == ["1.00", "0.20", "0.20", "0.50"]


def test_a_large_matrix_goes_without_numbers(ax):
    drawn(plots.matrix(pd.DataFrame(np.zeros((50, 50))), ax))
    assert texts(ax) == []


def test_matrix_refuses_counts_of_another_shape(ax):
    with pytest.raises(UsageError, match=r"counts are \(1, 1\), values \(2, 2\)"):
        plots.matrix(pd.DataFrame(np.zeros((2, 2))), ax, counts=pd.DataFrame([[1]]))


def test_ablation_marks_targets_apart_from_the_others(ax):
    controls = pd.DataFrame({"category": CLASSES * 3, "change": np.arange(12.0)})
    drawn(plots.ablation(summary(), ax, controls=controls, targets=["ANG"]))
    labels = {artist.get_label(): len(artist.get_offsets()) for artist in ax.collections}
    assert labels == {"control sets": 12, "own neurons off": 1, "neurons of others off": 3}
    assert [label.get_fontweight() for label in ax.get_yticklabels()] == [
        "bold",
        "normal",
        "normal",
        "normal",
    ]


def test_the_same_result_gives_the_same_picture():
    controls = pd.DataFrame({"category": CLASSES * 3, "change": np.arange(12.0)})
    one, two = (plots.ablation(summary(), Figure().subplots(), controls=controls) for _ in range(2))
    np.testing.assert_array_equal(one.collections[0].get_offsets(), two.collections[0].get_offsets())


def test_chance_leaves_out_what_is_not_finite(ax):
    drawn(plots.chance([0.1, 0.2, np.nan, 0.3], 0.4, ax))
    assert sum(bar.get_height() for bar in ax.patches) == 3
    assert ax.lines[0].get_xdata()[0] == 0.4


def test_entropy_counts_silent_neurons_and_marks_the_permuted_median(ax):
    drawn(plots.entropy([0.5, 0.6, np.nan], ax, classes=2, permuted=[[0.68, 0.69], [0.68, np.nan]]))
    assert "1 silent neurons left out" in ax.get_xlabel()
    assert [line.get_xdata()[0] for line in ax.lines] == [pytest.approx(np.log(2)), 0.68]


def overview_rows():
    return pd.DataFrame(
        [
            {
                "measure": m,
                "labeling": row,
                "model": model,
                "value": 0.5,
                "low": 0.1,
                "high": 0.3,
                "band": band,
            }
            for m, band in (("depth (nats)", "chance"), ("probe accuracy", "interval"))
            for row in ("a", "b")
            for model in ("ssl", "random")
        ]
    )


def test_overview_has_a_panel_for_each_measure_and_a_mark_for_each_model():
    axes = plots.overview(overview_rows(), Figure(layout="constrained").subplots(1, 2))
    assert [ax.get_title() for ax in axes] == ["depth (nats)", "probe accuracy"]
    drawn(axes[0])
    assert len(axes[0].get_legend_handles_labels()[1]) == 2


def test_overview_needs_an_axes_for_each_measure(ax):
    with pytest.raises(UsageError, match="1 axes for 2 measures"):
        plots.overview(overview_rows(), [ax])


def test_a_missing_column_is_named_with_those_that_are_there(ax):
    with pytest.raises(UsageError, match=r"layers: column 'count' not found; given \['layer'\]"):
        plots.layers(pd.DataFrame({"layer": [0]}), ax)


def test_ink_follows_the_style_in_force():
    values = pd.DataFrame([[0.0, 1.0]])
    light = plots.matrix(values, Figure().subplots()).images[0].cmap(0.0)
    with mpl.rc_context({"text.color": "white"}):
        dark = plots.matrix(values, Figure().subplots()).images[0].cmap(0.0)
    assert sum(light[:3]) > 2
    assert sum(dark[:3]) < 1


def test_without_axes_a_new_figure_is_made_and_no_setting_changes():
    before = mpl.rcParams.copy()
    mpl.use("Agg")
    axes = plots.overview(overview_rows())
    assert len({id(ax.figure) for ax in axes}) == 1
    after = mpl.rcParams.copy()
    assert {name for name in before if before[name] != after[name]} <= {"backend", "backend_fallback"}


def test_neither_import_nor_given_axes_load_pyplot():
    code = (
        "import sys, pandas as pd; from otoscope import plots; assert 'matplotlib' not in sys.modules;"
        "from matplotlib.figure import Figure;"
        "plots.layers(pd.DataFrame({'layer': [0], 'count': [1]}), Figure().subplots());"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
