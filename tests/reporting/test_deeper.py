"""What the verbs that look deeper saved stands on the page: sentences, figures and tables."""

import numpy as np
import pandas as pd
import pytest

from otoscope.neurons import sharing_test
from otoscope.neurons.evidence.model_comparison import ModelComparison
from otoscope.neurons.evidence.multiverse_result import CHOICES, Multiverse
from otoscope.neurons.meaning.account import Acoustics
from otoscope.neurons.selectors.comparison import Comparison
from otoscope.reporting import report


@pytest.fixture
def shown(toy, make_store, tmp_path):
    """The page of a store on which a result is saved."""

    def show(folder, result):
        store = make_store()
        result.save(store.results / folder)
        out = tmp_path / "report"
        html = toy.pages_of(report([store], out))
        return html, {file.stem for file in (out / "figures").iterdir()}, out

    return show


def multiverse(toy):
    table = pd.DataFrame(
        [
            {"clips": "all", "special": False, "padding": False, "pooling": "token", "quantiles": "global"}
            | {"response": response, "share": share, "assignment": assignment, "preset": ""}
            | {"neurons": 5, "coverage": 0.5, "depth": depth, "upper": 0.5, "size_bias": 0.1}
            | {"agreement": 1.0}
            | {f"chance_{name}": 0.1 for name in ("neurons", "coverage", "depth", "upper")}
            | {"p": 0.01}
            for response in (0.9, 0.95)
            for share, depth in ((0.01, 0.2), (0.02, 0.1))
            for assignment in (0.9, 0.95)
        ]
    )  # fmt: skip
    permuted = pd.DataFrame(
        [(row, draw, 1, 0.1, 0.05, 0.5) for row in range(len(table)) for draw in range(19)],
        columns=["combination", "permutation", "neurons", "coverage", "depth", "upper"],
    )
    assert set(CHOICES) <= set(table)
    return Multiverse("mood", table, permuted, 19, ("A note on readings.",), {})


def test_every_reading_of_the_method(toy, shown):
    html, figures, _ = shown("multiverse-mood", multiverse(toy))
    assert "in 8 of the combinations of choices" in html
    assert "A note on readings." in html
    stems = ("1-mood-multiverse", "1-mood-thresholds-depth", "1-mood-thresholds-neurons")
    assert set(stems) <= figures
    assert "What each choice does" in html


def test_what_follows_from_the_sound(shown):
    neurons = pd.DataFrame(
        {"layer": [0, 1], "unit": [3, 4], "category": ["calm", "calm"], "descriptor": "loudness_db"}
        | {"rho": [0.5, 0.1], "within": [0.44, 0.1], "p": [0.01, 0.8], "follows": ["loudness_db", ""]}
        | {"before": [0.5, 0.4], "after": [0.1, 0.4], "after_chance": [0.02, 0.02]}
    )
    correlations = pd.DataFrame({"loudness_db": [0.5, 0.1], "zcr": [0.0, np.nan]})
    twins = pd.DataFrame({"twin": ["random-0"], "following": [7], "neurons": [80]})
    descriptors = pd.DataFrame({"descriptor": ["loudness_db"], "clips": [90], "constant": [False]})
    found = Acoustics(
        "mood", "aape", neurons, correlations, None, twins, None, descriptors, ("A note on sound.",)
    )
    html, figures, _ = shown("acoustics-mood", found)
    assert "1 of 2 neurons chosen by aape follows a descriptor" in html
    assert "7 of 80 in random-0" in html
    assert "A note on sound." in html
    assert {"1-mood-acoustics", "1-mood-following"} <= figures
    assert "loudness_db" in html


def test_acoustics_without_a_neuron(shown):
    empty = pd.DataFrame(
        columns=[
            "layer",
            "unit",
            "category",
            "descriptor",
            "rho",
            "within",
            "p",
            "follows",
            "before",
            "after",
        ]
    ).astype({"before": float, "after": float})
    found = Acoustics("mood", "aape", empty, pd.DataFrame(), None, None, None, pd.DataFrame({"a": []}), ())
    html, figures, _ = shown("acoustics-mood", found)
    assert "0 of 0 neurons" in html
    assert not figures


def test_selectors_side_by_side(shown):
    names = ["lape", "lsn"]
    table = pd.DataFrame(
        {"selector": names, "about": "", "neurons": 4, "coverage": 0.5, "stability": [0.41, np.nan]}
        | {"stability_chance": 0.05, "held_out": 0.83}
    )
    agreement = pd.DataFrame([[1.0, 0.27], [0.27, 1.0]], index=names, columns=names)
    values = pd.DataFrame({"selector": names, "repeat": 0, "stability": 0.4, "held_out": 0.8})
    ablated = pd.DataFrame({"ablation": pd.Series(dtype=str)})
    settings = (0.01, False, 3, ("A note on selectors.",), {})
    found = Comparison("mood", ("a", "b"), agreement, table, values, ablated, *settings)
    html, _, _ = shown("selectors-mood", found)
    assert "A note on selectors." in html
    assert "2 selectors compared" in html
    assert "0.27" in html
    assert "0.83" in html


def test_models_compared(shown):
    effects = pd.DataFrame(
        [
            (model, of, measure, name, 0.8, 0.7, 0.9, 4, 2)
            for model, of in (("toy:one", ""), ("random:toy:one", "toy:one"), ("toy:two", ""))
            for measure in ("best", "chosen")
            for name in ("", "calm", "loud")
        ],
        columns=["model", "of", "measure", "category", "auroc", "low", "high", "pairs", "classes"],
    )
    differences = pd.DataFrame(
        [("toy:one", "toy:two", measure, name, -0.025, -0.1, 0.05, 2)
         for measure in ("best", "chosen") for name in ("", "calm", "loud")],
        columns=["first", "second", "measure", "category", "difference", "low", "high", "classes"],
    )  # fmt: skip
    models = pd.DataFrame({"model": ["toy:one", "toy:two"], "of": ["", ""]})
    found = ModelComparison(
        "mood", ("calm", "loud"), "aape", models, pd.DataFrame({"model": []}), effects, differences,
        pd.DataFrame({"first": []}), 90, 12, {}, ("A note on models.",), {},
    )  # fmt: skip
    html, figures, out = shown("compare-mood", found)
    assert "toy:one and toy:two, compared on 90 clips in 12 groups" in html
    assert "-0.025" in html
    assert "A note on models." in html
    assert {"1-mood-models-best", "1-mood-differences-chosen"} <= figures
    assert len(pd.read_csv(out / "tables" / "1-mood-compared.csv")) == len(effects)


def test_tests_of_sharing_are_shown_with_the_matrix(toy, make_store, tmp_path):
    store = make_store()
    sharing_test(store, "mood", permutations=20).save(store.results / "share-mood")
    out = tmp_path / "report"
    html = toy.pages_of(report([store], out))
    assert "Not tested; otoscope share" not in html
    assert "p_margins" in pd.read_csv(out / "tables" / "1-mood-sharing-tests.csv")
