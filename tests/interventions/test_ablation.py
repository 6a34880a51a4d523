"""Ablation: on a toy whose embedding is its units' activation, so that every effect is known beforehand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile

from otoscope.activations import record
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import to_json
from otoscope.interventions import Ablation, ablate, read_batches
from otoscope.interventions.effects.ranks import rank_p
from otoscope.interventions.outcomes import margins
from otoscope.neurons import planted


@pytest.fixture(scope="module")
def ablation(store, toy):
    return ablate(store, "tone", model=toy.model)


def changes(ablation, target, measure="margin"):
    rows = ablation.summary.query("target == @target").set_index("category")
    return rows[f"{measure}_change"], rows[f"{measure}_p"]


def test_margins_and_p_on_paper():
    np.testing.assert_allclose(
        margins(np.array([[1.0, 4.0, 2.0], [1.0, 4.0, 2.0]]), np.array([1, 0])), [2, -3]
    )
    np.testing.assert_allclose(rank_p(np.array([-1.0, 0.0]), np.zeros((20, 2))), [1 / 21, 1])
    # Extreme in either direction, equal counts as extreme, whatever the last bit says.
    controls = np.array([[0.2], [-0.2], [0.19], [0.0]])
    np.testing.assert_allclose(rank_p(np.array([0.3 - 0.1]), controls), [3 / 5])


def test_planted_neurons_off_hurt_their_class_and_no_control_does(ablation, toy):
    planted_at = {(row.layer, row.unit): row.category for row in toy.truth.itertuples()}
    assert [target.name for target in ablation.targets] == ["200 Hz", "400 Hz", "600 Hz"]
    for target in ablation.targets:
        assert [planted_at[address] for address in target.neurons] == [target.name]
        change, p = changes(ablation, target.name)
        assert change[target.name] == change.min()
        assert change[target.name] < -2
        assert p[target.name] == pytest.approx(1 / 21)
        others = [name for name in change.index if name != target.name]
        assert (change[others].abs() < 0.1).all()


def test_all_detectors_off_cost_the_class_its_accuracy(store, toy):
    detectors = [(row.layer, row.unit) for row in toy.truth.itertuples()]
    off = ablate(store, "tone", model=toy.model, neurons=detectors)
    (target,) = off.targets
    assert (target.name, target.categories, list(target.neurons)) == ("given", (), sorted(detectors))
    summary = off.summary.set_index("category")
    assert (summary["accuracy_baseline"] == 1).all()
    assert (summary["accuracy_ablated"] <= 0.5).all()
    assert (summary["accuracy_controls_mean"] == 1).all()
    assert off.any_class_p("given", "accuracy") == pytest.approx(1 / 21)


def test_the_table_has_every_condition_and_class(ablation, store):
    table = ablation.table
    assert list(table.columns) == [
        "target", "condition", "match", "draw", "probe", "seed", "category", "clips", "accuracy", "margin",
        "cross_entropy",
    ]  # fmt: skip
    assert set(zip(table["probe"], table["seed"], strict=True)) == {
        (probe, seed) for probe in ("logistic", "evar") for seed in range(3)
    }
    one = table.query("probe == 'logistic' and seed == 0")
    assert one["condition"].value_counts()[["baseline", "target"]].to_dict() == {"baseline": 9, "target": 9}
    drawn = one.query("condition == 'control' and match == 'layer'")
    assert len(drawn) == 3 * 20 * 3
    assert sorted(drawn["draw"].unique()) == list(range(1, 21))
    conditions = one.drop_duplicates(["target", "condition", "match", "draw"])
    assert one["clips"].sum() == len(conditions) * ablation.settings["clips"]["test"]
    assert not table.isna().any().any()


def test_a_gain_of_one_is_no_intervention(store, toy):
    same = ablate(store, "tone", model=toy.model, categories=["200 Hz"], gain=1.0, controls=2)
    assert (same.summary["margin_change"] == 0).all()
    assert (same.summary["accuracy_p"] == 1).all()


def test_stronger_neurons_push_the_other_way(store, toy, ablation):
    stronger = ablate(store, "tone", model=toy.model, categories=["200 Hz"], gain=2.0, controls=2)
    off, _ = changes(ablation, "200 Hz")
    on, _ = changes(stronger, "200 Hz")
    # The logits are linear in the gain here.
    assert on["200 Hz"] == pytest.approx(-off["200 Hz"], rel=0.2)


def test_categories_make_one_target_of_their_neurons(store, toy, ablation):
    both = ablate(store, "tone", model=toy.model, categories=["600 Hz", "200 Hz"], controls=3)
    (target,) = both.targets
    single = {each.name: each.neurons for each in ablation.targets}
    assert target.name == "600 Hz+200 Hz"
    assert target.categories == ("600 Hz", "200 Hz")
    assert target.neurons == tuple(sorted(single["200 Hz"] + single["600 Hz"]))
    assert sum(target.by_layer.values()) == 2


def test_fewer_test_clips_are_of_all_classes_and_the_targets_are_the_same(store, toy, ablation):
    few = ablate(store, "tone", model=toy.model, clips=6)
    assert few.targets == ablation.targets
    assert few.settings["clips"]["test"] == 6
    assert few.settings["splits"].endswith(f", 6 of {ablation.settings['clips']['test']} test clips")
    assert few.baseline["clips"].tolist() == [6, 2, 2, 2] * 2
    assert (few.effects.query("measure == 'margin' and target == category")["change"] < 0).all()


def test_targets_do_not_depend_on_the_test_clips(toy, tmp_path):
    """With the test clips' labels turned round the probe is always wrong, and the neurons are the same."""
    test = toy.task.clips["group"].isin(["group 4", "group 5"])
    clips = toy.task.clips.assign(split=np.where(test, "test", "train"))
    labeling = replace(toy.task.labeling("tone"), split="split")
    turn = dict(zip(labeling.classes, np.roll(labeling.classes, 1), strict=True))
    turned = clips.assign(tone=clips["tone"].mask(test, clips["tone"].map(turn)))
    true, false = (
        ablate(
            record(
                toy.model, replace(toy.task, clips=each, labelings=(labeling,)), tmp_path / f"{name}.zarr"
            ),
            "tone",
            model=toy.model,
            controls=2,
        )
        for name, each in (("true", clips), ("turned", turned))
    )
    assert true.targets == false.targets
    assert (true.summary["accuracy_baseline"] == 1).all()
    assert (false.summary["accuracy_baseline"] == 0).all()


def test_a_seed_repeats_and_batches_do_not_matter(store, toy, ablation):
    again = ablate(store, "tone", model=toy.model, batch_size=2)
    pd.testing.assert_frame_equal(again.table, ablation.table, rtol=1e-5)
    other = ablate(store, "tone", model=toy.model, seed=1)
    assert not other.table["margin"].equals(ablation.table["margin"])


def test_the_document_has_the_words_of_the_command_line(ablation):
    document = ablation.document()
    assert (document["label"], document["gain"], document["draws"]) == ("tone", 0.0, 20)
    (result, *_) = document["results"]
    figures = result["by_category"]["200 Hz"]
    for measure in ("accuracy", "margin"):
        assert set(figures[measure]) >= {"baseline", "ablated", "change", "interval", "controls", "p"}
        assert set(figures[measure]["controls"]) == {"mean", "low", "high"}
    assert sum(result["by_layer"].values()) == result["neurons"] == 1
    assert document["provenance"]["recording"]["task"]["fingerprint"]
    assert "NaN" not in to_json(document)


def test_saved_and_loaded_it_is_the_same(ablation, tmp_path):
    ablation.save(tmp_path / "ablate-tone")
    written = {path.name for path in (tmp_path / "ablate-tone").iterdir()}
    assert written > {
        "ablation.json", "table.parquet", "table.csv", "summary.parquet", "effects.csv",
    }  # fmt: skip
    loaded = Ablation.load(tmp_path / "ablate-tone")
    assert to_json(loaded.document()) == to_json(ablation.document())
    assert loaded.targets == ablation.targets
    pd.testing.assert_frame_equal(loaded.table, ablation.table)
    assert loaded.settings == ablation.settings
    with pytest.raises(OtoscopeError, match=r"holds no ablation\.json"):
        Ablation.load(tmp_path)


def test_it_draws_itself(ablation):
    ax = ablation.plot()
    assert ax.get_xlabel() == "change in accuracy (percentage points)"
    assert [text.get_text() for text in ax.get_yticklabels()] == ["200 Hz", "400 Hz", "600 Hz"]
    assert ablation.plot("400 Hz", measure="margin", ax=ax) is ax
    with pytest.raises(UsageError, match="no target '500 Hz'; this ablation has 200 Hz, 400 Hz, 600 Hz"):
        ablation.plot("500 Hz")
    with pytest.raises(UsageError, match="no measure 'loss'"):
        ablation.plot(measure="loss")
    assert "200 Hz" in ablation._repr_html_()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"categories": ["500 Hz"]}, "no class '500 Hz'; it has 200 Hz, 400 Hz, 600 Hz"),
        (
            {"categories": ["200 Hz"], "neurons": [(0, 0)]},
            "both categories and neurons are given; expected one",
        ),
        ({"categories": []}, "an empty list says nothing"),
        ({"neurons": [(0, 0), (3, 0)]}, r"neuron 3\.0: .*no layer 3"),
        ({"controls": 0}, "controls is 0; expected at least 1"),
        ({"probe": "svm"}, "probe 'svm' is not known"),
    ],
)
def test_options_that_make_no_sense_are_refused(store, toy, settings, message):
    with pytest.raises(UsageError, match=message):
        ablate(store, "tone", model=toy.model, **settings)


def test_another_model_is_refused(store):
    other = planted(classes=3, detectors=1, units=100, clips=1, seconds=0.5, seed=1)
    with pytest.raises(
        OtoscopeError, match=r"was recorded with the model 'planted:.*same weights and front end"
    ):
        ablate(store, "tone", model=other.model)


def test_a_model_that_no_name_finds_is_asked_for(store):
    with pytest.raises(
        OtoscopeError, match=r"recorded with 'planted:.*, a name that finds no .*model=\.\.\."
    ):
        ablate(store, "tone", neurons=[(0, 0)], controls=20)


def test_clips_that_changed_since_are_refused(tmp_path):
    toy = planted(tmp_path / "clips", classes=2, detectors=1, units=100, clips=2, seconds=0.5)
    store = record(toy.model, toy.task, tmp_path / "toy.zarr")
    for path in toy.task.clips["path"]:
        sound, rate = soundfile.read(path)
        soundfile.write(path, sound[::-1] * 0.5, rate)
    with pytest.raises(
        OtoscopeError, match=r"\.wav: .*not the one that was recorded; expected the same audio"
    ):
        ablate(store, "tone", model=toy.model)


def test_evars_stretches_are_heard_again(toy, tmp_path):
    clips = toy.task.clips.assign(part=["train", "valid", "test"] * (len(toy.task) // 3))
    labelings = tuple(replace(labeling, split="part") for labeling in toy.task.labelings)
    task = replace(toy.task, clips=clips, labelings=labelings).with_evar_lengths(0.3)
    store = record(toy.model, task, tmp_path / "toy.zarr")
    assert store.info["task"]["evar_lengths"] is True
    rows = range(len(task))
    settings = {"task": store.info["task"], "batch_size": 4}
    for batch in read_batches(toy.model, store.clips, rows, **settings):
        for row, waveform in zip(batch.rows, batch.waveforms, strict=True):
            asked = task.read(row, toy.model.sample_rate)
            np.testing.assert_array_equal(waveform.samples, asked.samples)
    assert len(ablate(store, "tone", model=toy.model).targets) == 3


def test_no_hook_survives(toy, store, monkeypatch):
    ablate(store, "tone", model=toy.model, controls=1)
    assert not any(point.module._forward_hooks for point in toy.model.hooks())
    monkeypatch.setattr(type(toy.model), "embedding", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ablate(store, "tone", model=toy.model, controls=1)
    assert not any(point.module._forward_hooks for point in toy.model.hooks())
