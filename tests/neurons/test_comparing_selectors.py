"""Selectors side by side: on noise, on planted neurons, and saved."""

import sys

import numpy as np
import pytest

from otoscope import console
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import write_json
from otoscope.neurons.selectors import Comparison, available, compare_selectors
from otoscope.neurons.selectors.comparing import _chance
from otoscope.neurons.selectors.registry import selectors

NEURONS, PLANTED = 400, 20


def recording(store_of, strength, seed=0, groups=16, **settings):
    """Three classes; the first 20 neurons fire more for class a, each group has its own level."""
    random = np.random.default_rng(seed)
    labels = np.array(list("abc" * 32))
    voice = np.arange(96) // (96 // groups)
    lean = random.uniform(0.2, 0.5, NEURONS) + 0.05 * random.standard_normal((groups, NEURONS))[voice]
    lean[:, :PLANTED] += strength * (labels == "a")[:, None]
    fired = random.binomial(40, np.clip(lean, 0, 1))
    return store_of(fired, [40] * 96, labels, groups=voice, **settings)


def test_planted_neurons_are_agreed_on_stable_and_hold_out(store_of):
    names = ["mad", "eta2", "auroc", "dprime", "mi"]
    found = compare_selectors(
        recording(store_of, 0.4), "kind", names=names, share=PLANTED / NEURONS, repeats=2
    )
    table = found.table.set_index("selector")
    assert list(table.index) == names == list(found.agreement.index) == list(found.agreement.columns)
    assert (found.agreement.to_numpy() == 1).all()
    assert (table["stability"] == 1).all()
    assert (table["held_out"] > 0.95).all()
    assert (table["neurons"] == PLANTED).all()
    assert (table["coverage"] == 1 / 3).all()
    assert len(found.ablated) == 0
    assert "causal effect: not known" in found.notes[0]


def test_on_noise_nothing_holds_out(store_of):
    names = ["mad", "eta2", "auroc", "dprime", "cas"]
    tables = [
        compare_selectors(
            recording(store_of, 0, seed), "kind", names=names, share=0.05, repeats=2, seed=seed
        ).table
        for seed in range(4)
    ]
    held = np.mean([each["held_out"] for each in tables], axis=0)
    stable = np.mean([each["stability"] for each in tables], axis=0)
    assert np.abs(held - 0.5).max() < 0.03
    assert stable.max() < 0.12  # two random sets share 0.026


def test_a_selector_of_base_rates_is_stable_and_knows_nothing(store_of):
    table = compare_selectors(recording(store_of, 0), "kind", names=["lap"], share=0.05, repeats=2).table
    assert table["stability"][0] > 5 * table["stability_chance"][0]
    assert abs(table["held_out"][0] - 0.5) < 0.08


def test_a_selector_that_takes_nothing_is_told(store_of):
    # Every neuron that fires always fires: no p lies above the quantile that aape asks for.
    fired = np.repeat([[2, 2, 2, 0]], 8, axis=0)
    found = compare_selectors(store_of(fired, [2] * 8, list("abababab")), "kind", names=["aape"], share=0.5)
    assert found.table["neurons"].tolist() == [0]
    assert found.table["stability"].isna().all()
    assert found.notes[0].startswith("aape: in 5 of 5 splits it took no neuron from a half")


def test_chance_is_that_of_random_sets():
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(4000):
        a, b = (set(random.choice(30, 6, replace=False).tolist()) for _ in range(2))
        drawn.append(len(a & b) / len(a | b))
    assert _chance(6, 30) == pytest.approx(np.mean(drawn), abs=0.01)
    assert _chance(30, 30) == pytest.approx(1)
    assert np.isnan(_chance(0, 30))


def test_all_selectors_by_default_and_the_seed_repeats(store_of):
    store = recording(store_of, 0.1)
    one, again, other = (
        compare_selectors(store, "kind", share=0.05, repeats=1, seed=seed) for seed in (1, 1, 2)
    )
    assert one.table["selector"].tolist() == ["specific", *(each.name for each in available())]
    assert one.values.equals(again.values)
    assert not one.values.equals(other.values)


def test_saved_and_loaded(store_of, tmp_path):
    made = compare_selectors(recording(store_of, 0.2), "kind", names=["lap", "auroc"], repeats=1)
    made.save(tmp_path)
    read = Comparison.load(tmp_path)
    assert read.document() == made.document()
    assert read.agreement.equals(made.agreement)
    assert read.values.equals(made.values)
    assert "auroc" in made._repr_html_()
    with pytest.raises(OtoscopeError, match=r"holds no selectors\.json"):
        Comparison.load(tmp_path / "nowhere")


def test_errors_name_the_value_and_what_to_try(store_of):
    store = recording(store_of, 0)
    with pytest.raises(UsageError, match=r"share is 0\.001: of 400 neurons that is none; expected 0\.0025"):
        compare_selectors(store, "kind", share=0.001)
    with pytest.raises(UsageError, match="repeats is 0; expected 1 or more"):
        compare_selectors(store, "kind", repeats=0)
    few = store_of(np.ones((6, 4)), [2] * 6, list("aaabbb"), groups=[0, 1, 1, 2, 2, 2])
    with pytest.raises(OtoscopeError, match=r"too few groups of class 'b' \(1\); expected two or more"):
        compare_selectors(few, "kind", share=0.5)


def test_people_read_80_columns(store_of, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    document = compare_selectors(recording(store_of, 0.1), "kind", repeats=1).document()
    console.show(document, False, console.selector_lines(document))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert all(row["selector"] in out for row in document["selectors"])
    assert "causal effect: not known" in out
    assert "neurons in common" in out
    console.show(document, True, [])
    assert '"ablated": []' in capsys.readouterr().out


def test_specific_is_compared_too_and_its_refusal_is_noted(store_of):
    found = compare_selectors(recording(store_of, 0.4, groups=32), "kind", names=["specific"], repeats=1)
    assert found.table["neurons"].tolist() == [3]  # ceil(0.02 x 400 / 3) candidates of the one class
    assert found.table["held_out"][0] > 0.95
    few = compare_selectors(
        recording(store_of, 0.4, groups=4), "kind", names=["specific", "auroc"], repeats=1
    )
    assert few.table["neurons"].tolist() == [0, 4]
    assert few.notes[0].startswith("specific takes none: ")


def test_ablated_sets_stand_beside_what_each_selector_chooses(store_of, tmp_path, capsys):
    store = recording(store_of, 0.4)
    store.results = tmp_path
    margin = {"baseline": 2.0, "change": -0.5, "controls": {"mean": 1.9}}
    ablation = {
        "label": "kind",
        "results": [
            {
                "target": "a",
                "categories": ["a"],
                "addresses": [[0, 0], [0, 1], [0, 398], [0, 399]],
                "by_category": {"a": {"margin": margin}, "b": {"margin": margin | {"change": 9.0}}},
            }
        ],
    }
    write_json(tmp_path / "ablate-kind" / "ablation.json", ablation)
    write_json(tmp_path / "ablate-other" / "ablation.json", ablation | {"label": "other"})
    names = ["auroc", "lap"]
    found = compare_selectors(store, "kind", names=names, share=PLANTED / NEURONS, repeats=1)
    rows = found.ablated.set_index("selector")
    assert rows.index.tolist() == names
    assert rows.loc["auroc", ["target", "neurons", "share"]].tolist() == ["a", 4, 0.5]
    assert rows.loc["auroc", "change"] == -0.5
    assert rows.loc["auroc", "controls_change"] == pytest.approx(-0.1)
    assert "not of selectors" in found.notes[-1]
    found.save(tmp_path / "x")
    assert Comparison.load(tmp_path / "x").ablated.equals(found.ablated)
    console.show(found.document(), False, console.selector_lines(found.document()))
    assert "4 neurons off moves the margin" in capsys.readouterr().out


def test_a_package_brings_a_selector_by_an_entry_point(store_of, tmp_path, monkeypatch):
    source = 'def by_rate(block):\n    """Mean rate."""\n    return block.class_rates\n'
    (tmp_path / "strangers.py").write_text(source)
    folder = tmp_path / "strangers-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[otoscope.selectors]\nrate = strangers:by_rate\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    selectors.cache_clear()
    try:
        found = compare_selectors(recording(store_of, 0.4), "kind", names=["rate", "auroc"], repeats=1)
    finally:
        selectors.cache_clear()
        sys.modules.pop("strangers", None)
    assert found.table["about"].tolist()[0] == "Mean rate."
    assert found.table["neurons"].tolist() == [4, 4]
