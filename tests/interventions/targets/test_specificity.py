"""Causal specificity: on paper, on the toy whose classes run through planted neurons, and read back."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from otoscope.interventions import ablate
from otoscope.interventions.effects.specificity import causal_specificity
from otoscope.interventions.targets import class_neurons, selectors_of
from otoscope.neurons import compare_selectors
from otoscope.neurons.selectors.causal import CAUSAL, causal_note, saved_specificity, specificity_of

# Changes of the margins of a, b, c with the target off, and under two control sets.
CHANGES = {
    "a by x": ([-3.0, -1.0, 0.0], [0.0, 0.0, 0.0], [-1.0, 1.0, 0.0]),
    "b by x": ([0.0, -2.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    "a by y": ([-1.0, -1.0, -1.0], [-1.0, -1.0, -1.0], [-2.0, -2.0, -2.0]),
    "b by y": ([0.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]),
    "c by y": ([9.0, 9.0, -9.0], [9.0, 9.0, 9.0], [9.0, 9.0, 9.0]),
}


def table_of():
    """The changes as an ablation's table has them, of two seeds and a second probe."""
    rows = []
    for target, (off, *controls) in CHANGES.items():
        sets = [("baseline", "", 0, [0.0] * 3), ("target", "", 0, off)]
        sets += [("control", "rate", draw, change) for draw, change in enumerate(controls, start=1)]
        sets += [("control", "layer", 1, [5.0, -5.0, 5.0])]
        for (condition, match, draw, change), (probe, seed) in product(sets, [("p", 0), ("p", 1), ("q", 0)]):
            for category, value in zip("abc", change, strict=True):
                margin = 2 + value + (0.1 * (2 * seed - 1) if probe == "p" else 7 * value)
                rows.append((target, condition, match, draw, probe, seed, category, margin))
    columns = ["target", "condition", "match", "draw", "probe", "seed", "category", "margin"]
    return pd.DataFrame(rows, columns=columns)


def test_on_paper():
    aimed = {name: (name[-1], name[0], 4) for name in CHANGES}
    found = specificity_of(aimed, table_of(), "p", "rate").set_index("selector")
    assert found["classes"].tolist() == [2, 2]  # c has no target of x
    # x: a -3 against -0.5, b -2 against 0; y: a -1 against -1, b 0 against 0.
    assert found.loc["x", ["self", "cross", "specificity"]].tolist() == pytest.approx([-2.5, -0.25, -2.25])
    assert found.loc["y", ["self", "cross", "specificity"]].tolist() == pytest.approx([-0.5, -0.5, 0])
    # Controls of x: 0, and a -1 against 0.5, b 0; of y: b 0.5 against 0, and 0.
    assert found["controls"].tolist() == pytest.approx([-0.375, 0.125])
    assert found.loc["x", "p"] == pytest.approx(1 / 3)
    assert np.isnan(specificity_of(aimed, table_of(), "p", "")["p"]).all()
    assert specificity_of({}, table_of(), "p", "rate").empty


@pytest.fixture(scope="module")
def ablation(store, toy):
    return ablate(
        store,
        "tone",
        model=toy.model,
        targets=selectors_of(["auroc", "lap"], neurons=1),
        matched=["layer"],
        probe_seeds=1,
    )


def test_planted_neurons_are_causal_and_neurons_that_always_fire_are_not(ablation):
    found = causal_specificity(ablation).set_index("selector")
    assert list(found.columns) == CAUSAL[1:]
    assert found["classes"].tolist() == [3, 3]
    # The highest AUROC has the planted neuron; the highest rate one that always fires.
    assert found.loc["auroc", "specificity"] < -2
    assert found.loc["auroc", "p"] == pytest.approx(1 / 21)
    assert abs(found.loc["lap", "specificity"]) < 0.2
    slow = ablation.effects.query("measure == 'margin' and probe == 'logistic'")
    own = [row.change for row in slow.itertuples() if row.target == f"{row.category} by auroc"]
    assert found.loc["auroc", "self"] == pytest.approx(np.mean(own))


def test_compare_selectors_reads_it_from_what_was_saved(ablation, store, toy, tmp_path, monkeypatch):
    monkeypatch.setattr(type(store), "results", tmp_path)
    assert saved_specificity(store, "tone").empty
    ablate(
        store,
        "tone",
        model=toy.model,
        targets=class_neurons(["200 Hz"]),
        matched=["layer"],
        controls=1,
        probe_seeds=1,
    ).save(tmp_path / "ablate-tone")
    assert saved_specificity(store, "tone").empty
    ablation.save(tmp_path / "ablate-tone-selectors")
    read = saved_specificity(store, "tone")
    assert set(read.pop("ablation")) == {"ablate-tone-selectors"}
    pd.testing.assert_frame_equal(read, causal_specificity(ablation))
    assert saved_specificity(store, "shuffled").empty
    compared = compare_selectors(store, "tone", names=["auroc"], share=0.02, repeats=1)
    pd.testing.assert_frame_equal(compared.causal[CAUSAL], read)
    compared.save(tmp_path / "selectors")
    back = type(compared).load(tmp_path / "selectors")
    pd.testing.assert_frame_equal(back.causal, compared.causal)
    assert back.document() == compared.document()
    (note,) = [each for each in compared.notes if each.startswith("causal specificity")]
    assert note == causal_note(compared.causal)[0]
    assert "neurons off for each class 1, classes 3" in note
    assert "auroc -" in note
