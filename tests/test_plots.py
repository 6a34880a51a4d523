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
    change = np.array([-3.0, 0.0, 1.0, 2.0])
    return pd.DataFrame({"category": CLASSES, "change": change, "low": change - 1, "high": change + 1})


def controls():
    """Three sets of two kinds each."""
    kinds = np.repeat(["layer", "displacement"], 12)
    return pd.DataFrame({"category": CLASSES * 6, "change": np.arange(24.0), "match": kinds})


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


def test_ablation_marks_targets_apart_from_the_others_and_kinds_of_control_sets_from_one_another(ax):
    drawn(plots.ablation(summary(), ax, controls=controls(), targets=["ANG"]))
    handles, labels = ax.get_legend_handles_labels()
    assert {name: len(dots.get_offsets()) for name, dots in zip(labels, handles, strict=True)} == {
        "layer-matched": 12,
        "displacement-matched": 12,
        "own neurons off": 1,
        "others' neurons off": 3,
    }
    weights = [label.get_fontweight() for label in ax.get_yticklabels()]
    assert weights == ["bold", "normal", "normal", "normal"]


def test_ablation_draws_each_change_with_its_interval_in_the_row_of_its_class(ax):
    drawn(plots.ablation(summary(), ax, targets=["ANG"]))
    lines = [part for each in ax.collections if hasattr(each, "get_segments") for part in each.get_segments()]
    assert [part.tolist() for part in lines] == [
        [[-4, 0], [-2, 0]], [[-1, 1], [1, 1]], [[0, 2], [2, 2]], [[1, 3], [3, 3]],
    ]  # fmt: skip


def test_dots_of_control_sets_stay_in_the_row_of_their_class_and_in_the_lane_of_their_kind(ax):
    plots.ablation(summary(), ax, controls=controls())
    handles, labels = ax.get_legend_handles_labels()
    marks = dict(zip(labels, handles, strict=True))
    layer, pushed = (np.asarray(marks[f"{name}-matched"].get_offsets()) for name in ("layer", "displacement"))
    row = np.tile(np.arange(4), 3)
    assert (np.abs(layer[:, 1] - row) < 0.5).all()
    assert (layer[:, 1] < pushed[:, 1]).all()


@pytest.mark.parametrize("classes", [2, 50])
def test_ablation_names_every_class_whatever_their_number(ax, classes):
    names = [f"class {k}" for k in range(classes)]
    frame = pd.DataFrame({"category": names, "change": 0.0, "low": np.nan, "high": np.nan})
    drawn(plots.ablation(frame, ax))
    assert [label.get_text() for label in ax.get_yticklabels()] == names


def test_the_same_result_gives_the_same_picture():
    one, two = (plots.ablation(summary(), Figure().subplots(), controls=controls()) for _ in range(2))
    for left, right in zip(one.collections, two.collections, strict=True):
        np.testing.assert_array_equal(left.get_offsets(), right.get_offsets())


def test_a_way_of_matching_that_nobody_knows_is_refused(ax):
    with pytest.raises(UsageError, match="no way of matching is called 'colour'; expected layer, rate"):
        plots.ablation(summary(), ax, controls=controls().assign(match="colour"))


def curves(series="gain", at=("2", "0", "0.5"), panel="a"):
    x = pd.to_numeric(pd.Series(at), errors="coerce")
    change = np.arange(float(len(at)))
    frame = {"series": series, "at": at, "x": x, "panel": panel, "change": change, "low": change - 1}
    beside = {"high": change + 1, "controls_mean": 0.0, "controls_low": -0.5, "controls_high": 0.5}
    return pd.DataFrame(frame | beside)


def test_a_dose_response_goes_by_number_over_the_band_of_controls(ax):
    drawn(plots.dose_response(curves(), [ax])[0])
    lines = {line.get_label(): line for line in ax.lines}
    assert lines["target, 95 %"].get_xydata().tolist() == [[0, 1], [0.5, 2], [2, 0]]
    assert lines["controls, mean"].get_ydata().tolist() == [0, 0, 0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "0.5", "2"]
    assert "gain" in ax.get_xlabel()


def test_selectors_stand_side_by_side_without_a_line(ax):
    drawn(plots.dose_response(curves("selector", ("lap", "$x")), [ax])[0])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["lap", "$x"]
    assert {line.get_label(): line.get_linestyle() for line in ax.lines}["target, 95 %"] == "None"
    assert len(ax.patches) == 2  # a band each


def test_a_dose_response_has_a_panel_a_class_and_says_if_axes_are_missing(ax):
    both = pd.concat([curves(), curves(panel="$b")])
    axes = list(Figure(layout="constrained").subplots(1, 3))
    titles = [each.get_title() for each in plots.dose_response(both, axes)]
    drawn(axes[0])
    assert titles == ["a", "$b", ""]
    with pytest.raises(UsageError, match="dose_response: 1 axes for 2 panels"):
        plots.dose_response(both, [ax])


def test_without_controls_a_dose_response_is_the_target_alone(ax):
    bare = curves().assign(controls_mean=np.nan, controls_low=np.nan, controls_high=np.nan)
    drawn(plots.dose_response(bare, [ax])[0])
    assert ax.get_legend_handles_labels()[1] == ["target, 95 %"]


def test_self_cross_frames_a_class_with_itself_and_puts_0_in_the_middle(ax):
    values = pd.DataFrame([[-3.0, 0.001, 1.0]], index=["b"], columns=["a", "b", "c"])
    drawn(plots.self_cross(values, ax))
    assert (ax.images[0].norm.vmin, ax.images[0].norm.vmax) == (-3, 3)
    assert texts(ax) == ["−3.00", "0", "+1.00"]
    (frame,) = ax.patches
    assert frame.get_x() + frame.get_width() / 2 == pytest.approx(1)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_self_cross_of_no_effect_at_all(ax, value):
    drawn(plots.self_cross(pd.DataFrame(np.full((2, 2), value), index=["a", "b"], columns=["a", "b"]), ax))
    assert set(texts(ax)) == {"0" if value == 0 else ""}


def test_displacement_marks_the_target_with_a_star_among_its_controls(ax):
    rows = [("a", "", 2.0, -1.0, "$0"), ("a", "layer", 1.0, 0.0, ""), ("a", "displacement", 2.1, -0.9, "")]
    points = pd.DataFrame(rows, columns=["panel", "match", "displacement", "change", "name"])
    drawn(plots.displacement(points, [ax])[0])
    handles, labels = ax.get_legend_handles_labels()
    places = {name: dots.get_offsets().tolist() for name, dots in zip(labels, handles, strict=True)}
    assert places == {
        "layer-matched": [[1.0, 0.0]], "displacement-matched": [[2.1, -0.9]], "target": [[2.0, -1.0]],
    }  # fmt: skip
    assert texts(ax) == ["$0"]


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
