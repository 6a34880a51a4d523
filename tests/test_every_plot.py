"""Laws of all functions of `otoscope.plots`, also of those to come: one without an example here fails."""

import inspect
import pkgutil
import sys
from importlib import import_module
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import Collection, PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from otoscope import plots
from otoscope.listening.mel import Mel
from otoscope.reporting.figures import _LENGTHS

CLASSES = ["a", "b"]
SQUARE = pd.DataFrame([[-0.5, 0.2], [0.3, 1.0]], index=CLASSES, columns=CLASSES)
ENDS = {"low": 0.1, "high": 0.8}
CURVES = pd.DataFrame(
    {"series": "gain", "at": ["0", "1"], "x": [0.0, 1.0], "panel": "p", "change": [1.0, 2.0]}
).assign(**ENDS, controls_mean=0.0, controls_low=-0.5, controls_high=0.5)
CHOICES = pd.DataFrame(
    {
        "depth": [0.3, 0.1, 0.2],
        "p": [0.01, 0.5, 0.02],
        "preset": ["", "paper", ""],
        "response": 0.9,
        "share": [0.01, 0.02, 0.03],
        "assignment": 0.95,
        "chance_depth_low": 0.0,
        "chance_depth_high": 0.1,
    }
)
TOKENS = pd.DataFrame(
    {"start_s": [0.2], "stop_s": [0.6], "low_hz": [500.0], "high_hz": [2000.0], "activation": [1.0]}
)
HEARD = SimpleNamespace(
    mel=Mel(np.zeros((8, 10), np.uint8), 2.0, 0.0, 8000.0), firing=TOKENS, stretches=((0.2, 0.6),)
)


def table(**columns):
    return pd.DataFrame(columns)


EXAMPLES = {
    "ablation": (
        (table(category=CLASSES, change=[1.0, -1.0], **ENDS),),
        {
            "controls": table(category=CLASSES, change=[0.1, 0.2], match=["layer", "neighbour"]),
            "targets": ["a"],
        },
    ),
    "before_after": (
        (table(before=[0.5, 0.2], after=[0.1, 0.2], after_chance=0.02, follows=["f0_hz", ""]),),
        {},
    ),
    "chance": (([0.1, 0.2, 0.3], 0.5), {}),
    "class_profile": ((table(category=CLASSES, probability=[0.9, 0.2], **ENDS),), {}),
    "compared_differences": (
        (table(first="m", second="n", category=["", "a"], difference=0.2, **ENDS),),
        {},
    ),
    "compared_models": (
        (table(model=["m", "twin"], of=["", "m"], category=["", ""], auroc=[0.7, 0.5], **ENDS),),
        {},
    ),
    "displacement": (
        (table(panel="p", match=["", "layer"], displacement=[2.0, 1.0], change=[-1.0, 0.0], name=["t", ""]),),
        {},
    ),
    "dose_response": ((CURVES,), {}),
    "entropy": (([0.5, 0.6, np.nan],), {"classes": 2, "permuted": [0.6, 0.68]}),
    "evidence": (
        (table(preset="aape", model=["trained", "twin"], category="a", auroc=[0.8, 0.5], **ENDS),),
        {},
    ),
    "firing_map": ((HEARD,), {}),
    "following": ((SQUARE,), {}),
    "layers": ((table(layer=[0, 1], count=[3, 9], chance_low=1.0, chance_high=4.0),), {}),
    "matrix": ((SQUARE,), {"title": "t"}),
    "overview": (
        (table(measure=["m", "n"], labeling="l", model="x", value=0.5, **ENDS, band=["chance", "interval"]),),
        {},
    ),
    "power_curves": ((table(groups=[2, 4], strength=1.0, recall=[0.4, 0.7], **ENDS, predicted=0.5),), {}),
    "profile": ((SQUARE.abs(),), {}),
    "regression": ((table(predictor=CLASSES, beta=[0.5, -0.2], p=0.01),), {}),
    "self_cross": ((SQUARE,), {}),
    "specification_curve": ((CHOICES, {"share": [0.01, 0.02, 0.03]}), {}),
    "threshold_heat": ((CHOICES,), {}),
}
NUMBER = {"overview": 2, "specification_curve": 2}
"""Axes that an example fills; the others fill one."""


def found():
    """All functions of the package that draw into axes given, by name."""
    for module in (
        import_module(each.name) for each in pkgutil.iter_modules(plots.__path__, "otoscope.plots.")
    ):
        for name, it in inspect.getmembers(module, inspect.isfunction):
            takes = {"ax", "axes"} & set(inspect.signature(it).parameters)
            if it.__module__ == module.__name__ and not name.startswith("_") and takes:
                yield name, it, takes.pop()


DRAWN = sorted(found(), key=lambda each: each[0])
every = pytest.mark.parametrize(("name", "function", "takes"), DRAWN, ids=[name for name, *_ in DRAWN])


def drawn(name, function, takes, axes):
    """What the function returns for its example, drawn into these axes."""
    given, options = EXAMPLES[name]
    return function(*given, **options, **{takes: axes[0] if takes == "ax" else axes})


def state(ax):
    """All that a figure could change in axes."""
    return [
        ax.axison,
        ax.get_xlim(),
        ax.get_ylim(),
        ax.get_title(),
        ax.get_xlabel(),
        ax.get_ylabel(),
        ax.has_data(),
        ax.get_legend(),
        list(ax.get_children()),
    ]


def test_no_function_is_left_out_and_every_one_is_public():
    assert {name for name, *_ in DRAWN} == set(EXAMPLES)
    assert set(plots.__all__) <= set(EXAMPLES) | {"card_figure"}


@every
def test_it_returns_the_axes_given_and_draws_into_no_others(name, function, takes, monkeypatch):
    for module in ("matplotlib.pyplot", "pylab"):
        monkeypatch.setitem(sys.modules, module, None)  # to import it is an error
    figure, elsewhere = Figure(layout="constrained"), Figure().subplots()
    *mine, beside = figure.subplots(1, NUMBER.get(name, 1) + 1)
    before, far = state(beside), state(elsewhere)
    returned = drawn(name, function, takes, mine)
    if takes == "ax":
        assert returned is mine[0]
    else:
        assert [id(ax) for ax in returned] == [id(ax) for ax in mine]
    figure.draw_without_rendering()
    assert all(ax.has_data() for ax in mine)
    assert state(beside)[:-1] == before[:-1]
    assert {id(child) for child in beside.get_children()} == {id(child) for child in before[-1]}
    assert state(elsewhere) == far


@every
def test_without_axes_it_makes_a_new_figure(name, function, takes):
    mpl.use("Agg")
    from matplotlib import pyplot

    given, options = EXAMPLES[name]
    before = set(pyplot.get_fignums())
    returned = function(*given, **options)
    axes = [returned] if isinstance(returned, Axes) else returned
    (number,) = set(pyplot.get_fignums()) - before
    try:
        assert {ax.figure for ax in axes} == {pyplot.figure(number)}
    finally:
        pyplot.close(number)


def lengths(name, function, takes, larger):
    """Sizes of type, lines and marks, in a figure and in type so many times larger, as parts of that."""
    default = mpl.rcParamsDefault
    settings = {each: default[each] * larger for each in default if _LENGTHS.fullmatch(each)}
    with mpl.rc_context(settings | {"font.size": 11 * larger, "legend.fontsize": "medium"}):
        figure = Figure(figsize=(8 * larger, 5 * larger), layout="constrained")
        drawn(name, function, takes, list(np.ravel(figure.subplots(1, NUMBER.get(name, 1)))))
        figure.draw_without_rendering()
    sizes = set()
    for it in figure.findobj():
        if isinstance(it, Text):
            sizes.add(("type", it.get_fontsize()))
        elif isinstance(it, Line2D):
            sizes |= {("line", it.get_linewidth()), ("mark", it.get_markersize())}
        elif isinstance(it, Patch):
            sizes.add(("line", it.get_linewidth()))
        elif isinstance(it, Collection):
            sizes |= {("line", width) for width in np.ravel(it.get_linewidths())}
            if isinstance(it, PathCollection):
                sizes |= {("mark", size**0.5) for size in it.get_sizes()}
    return {(kind, round(float(size) / larger, 6)) for kind, size in sizes}


@every
def test_type_lines_and_marks_grow_with_the_type_in_force(name, function, takes):
    assert lengths(name, function, takes, 2) == lengths(name, function, takes, 1)
