"""What `ablate` claims, end to end, on toys of which it is known what every neuron does.

Detectors fire for a class and are used; decoys fire just as they do and are not used; loud neurons push the
embedding hard and are about nothing. And where a target is one more control set, p is uniform.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from otoscope.activations import record
from otoscope.errors import OtoscopeError
from otoscope.interventions import Target, ablate
from otoscope.neurons import planted, select

CLASSES = ("200 Hz", "400 Hz", "600 Hz")
SOUND = {"classes": 3, "detectors": 2, "decoys": 2, "design": "crossed", "groups": 10, "seconds": 0.5}
QUICK = {"matched": ("layer", "displacement"), "probe_seeds": 1}


def addresses(neurons):
    return tuple(zip(neurons["layer"].tolist(), neurons["unit"].tolist(), strict=True))


def by_class(neurons, prefix=""):
    """A maker of one target a class."""
    return lambda _: [
        Target(prefix + name, (name,), addresses(rows)) for name, rows in neurons.groupby("category")
    ]


def recorded(folder, **settings):
    toy = planted(**(SOUND | settings))
    return toy, record(toy.model, toy.task, folder / "toy.zarr")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("small"), units=300, loud=60)


@pytest.fixture(scope="module")
def detectors(small):
    toy, store = small
    return ablate(store, "tone", model=toy.model, targets=by_class(toy.truth), **QUICK)


@pytest.fixture(scope="module")
def decoys(small):
    toy, store = small
    return ablate(store, "tone", model=toy.model, targets=by_class(toy.decoys, "decoys of "), **QUICK)


@pytest.fixture(scope="module")
def loud(tmp_path_factory):
    """Nine of ninety loud neurons among three thousand; one of forty control sets may hold a detector."""
    toy, store = recorded(tmp_path_factory.mktemp("loud"), units=1000, loud=90)
    target = Target("loud", CLASSES, addresses(toy.loud)[::10])
    return ablate(store, "tone", model=toy.model, targets=lambda _: [target], controls=40, **QUICK)


def adjusted(ablation, match, measure="margin"):
    """Adjusted p by target (rows) and class (columns)."""
    rows = ablation.against.query("probe == 'logistic' and measure == @measure and match == @match")
    return rows.pivot(index="target", columns="category", values="p_adjusted").to_numpy()


def changed(ablation, measure="margin"):
    """Changes by target (rows) and class (columns)."""
    rows = ablation.effects.query("probe == 'logistic' and measure == @measure")
    return rows.pivot(index="target", columns="category", values="change").to_numpy()


def test_detectors_matter_for_their_own_class(detectors):
    assert (np.diag(adjusted(detectors, "displacement")) <= 0.05).all()
    assert (np.diag(changed(detectors)) < -1).all()
    assert all("Lower in" in sentence for sentence in detectors.sentences[:3])


def test_and_for_no_other(detectors):
    off = ~np.eye(3, dtype=bool)
    assert np.abs(changed(detectors)[off]).max() < 1e-3  # its tone is never heard there
    assert (adjusted(detectors, "displacement")[off] > 0.05).all()
    row = detectors.diagonal.query("probe == 'logistic' and measure == 'margin'").iloc[0]
    assert row["p_controls"] == pytest.approx(1 / 21)
    assert row["p"] == pytest.approx(1 / 6)  # of three names there are six orders


def test_decoys_are_selected_like_detectors(small):
    toy, store = small
    found = select(store, "tone", share=toy.share, permutations=0).table
    selected = {(row.layer, row.unit): row.category for row in found.itertuples()}
    for planted_ones in (toy.truth, toy.decoys):
        for row in planted_ones.itertuples():
            assert selected[row.layer, row.unit] == row.category


def test_decoys_do_nothing_and_it_is_said(decoys):
    assert not changed(decoys).any()
    assert not changed(decoys, "accuracy").any()
    assert (adjusted(decoys, "displacement") == 1).all()
    said = [sentence for sentence in decoys.sentences if sentence.startswith("decoys of")]
    assert len(said) == 3
    assert all("margin +0.00 logits" in each and "No effect beyond" in each for each in said)


def test_what_only_pushes_hard_looks_specific_beside_random_neurons(loud):
    """Of the toys with the seeds 0 to 9 layer-matched sets call a class in 9, displacement-matched ones in 3.

    See docs/calibration.md.
    """
    assert (adjusted(loud, "layer") <= 0.05).any()
    assert (adjusted(loud, "displacement") > 0.05).all()
    relative = loud.sets.groupby("match")["relative"].mean()
    assert relative["layer"] < 0.3
    assert 0.7 < relative["displacement"] < 1.4
    assert (
        "the size of the push accounts for it, nothing shows that these neurons are specific"
        in (loud.sentences[0])
    )


def test_a_probe_at_chance_is_warned_of(small):
    toy, store = small
    found = ablate(store, "shuffled", model=toy.model, targets=by_class(toy.truth), controls=2, **QUICK)
    assert found.sentences[0].startswith("The logistic probe may tell shuffled no better than chance")


def test_a_store_of_other_weights_is_refused(small):
    toy, store = small
    other = planted(**SOUND, units=300, loud=60, seed=1)
    with pytest.raises(OtoscopeError, match="expected the same weights and front end"):
        ablate(store, "tone", model=other.model, targets=by_class(toy.truth), controls=2)


def test_a_class_that_is_not_in_the_test_split_is_refused(tmp_path):
    toy = planted(**SOUND, units=100)
    groups = toy.task.clips["group"].isin(["group 8", "group 9"])
    test = groups & (toy.task.clips["tone"] != "600 Hz")
    labeling = replace(toy.task.labeling("tone"), split="split")
    clips = toy.task.clips.assign(split=np.where(test, "test", "train"))
    store = record(toy.model, replace(toy.task, clips=clips, labelings=(labeling,)), tmp_path / "toy.zarr")
    with pytest.raises(OtoscopeError, match="no test clip is of class '600 Hz', whose neurons are to be"):
        ablate(store, "tone", model=toy.model, targets=by_class(toy.truth), controls=2)


def test_evars_probe_tells_two_classes_and_loses_the_right_one(tmp_path):
    toy, store = recorded(tmp_path, classes=2, units=200, loud=20)
    found = ablate(store, "tone", model=toy.model, targets=by_class(toy.truth), probe="evar", **QUICK)
    assert found.probe == "evar"
    assert found.baseline.query("probe == 'evar' and category == ''")["value"].item() > 0.9
    change = found.effects.query("probe == 'evar' and measure == 'margin'")
    own = change["target"] == change["category"]
    assert (change.loc[own, "change"] < 0).all()
    assert change.loc[~own, "change"].abs().max() < 1e-3


@pytest.fixture(scope="module")
def experiment():
    tools = str(Path(__file__).parents[2] / "tools")
    sys.path.insert(0, tools)
    try:
        import calibration_impact
    finally:
        sys.path.remove(tools)
    return calibration_impact


def null_p(experiment, match, seeds):
    """p of targets that are control sets: of one class, of all, and randomised over ties."""
    setting = {"match": match, "from": "all", "neurons": 10}
    rows = [experiment.impact_level(setting, seed) for seed in seeds]
    return {name: np.array([row[f"margin_{name}"] for row in rows]) for name in ("one", "any", "even")}


def check_level(p):
    for name in ("one", "any"):
        for level in (0.05, 0.1):
            rejected = (p[name] <= level + 1e-9).sum()
            assert rejected <= stats.binom.ppf(0.995, len(p[name]), level), (name, level)


@pytest.mark.parametrize("match", ["layer", "rate"])
def test_p_holds_its_level_in_a_few_experiments(experiment, match):
    check_level(null_p(experiment, match, range(20)))


@pytest.mark.slow  # other targets than the page "Calibration" has
@pytest.mark.parametrize("match", ["layer", "rate", "displacement"])
def test_p_is_uniform_where_the_target_is_one_more_control_set(experiment, match):
    p = null_p(experiment, match, range(1000, 1200))
    check_level(p)
    assert stats.kstest(p["even"], "uniform").pvalue > 0.01 / 3


def test_the_share_of_neurons_in_common_says_how_much_too_narrow_controls_are(experiment):
    """Values drawn at random; a target of n, sets of n of the M others: the variance by sampling theory."""
    random = np.random.default_rng(0)
    n, others = 20, 60
    values = random.normal(size=(4000, n + others))
    target = values[:, :n].sum(axis=1) - n * values[:, n:].mean(axis=1)  # less the mean of all sets
    of_one = np.array([random.choice(row[n:], n, replace=False).sum() - n * row[n:].mean() for row in values])
    assert target.std() / of_one.std() == pytest.approx(experiment.ratio_of(n / others), rel=0.05)
