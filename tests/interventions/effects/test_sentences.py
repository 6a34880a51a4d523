"""Verdicts in words: each is said where the numbers say it, and not where they do not."""

import numpy as np
import pytest

from otoscope.interventions.effects import collect


@pytest.fixture
def pushed(experiment):
    """One target that pushes hard, layer-matched sets that hardly push, others that push as hard."""

    def make(
        layer=0.05, displacement=1.0, target=-1.0, sets=20, matches=("layer", "displacement"), **settings
    ):
        random = np.random.default_rng(0)
        truth = np.repeat([0, 1], 20)
        clean = random.normal(size=(40, 2)) + 3 * np.eye(2)[truth]
        push = np.array([1.0, 0.0])
        logits, kinds = [clean, clean + target * push], [("a", "target", 0)]
        size = {"layer": layer, "displacement": displacement}
        for match in matches:
            for draw in range(1, sets + 1):
                logits.append(clean + size[match] * random.uniform(-1.5, 1.5) * push)
                kinds.append(("a", match, draw))
        own = {"categories": {"a": ["class 0"]}}
        return collect(experiment(truth, np.stack(logits), kinds, **(own | settings)), {}, {})

    return make


def test_more_than_controls_is_said(pushed):
    said = pushed(displacement=0.1).sentences[0]
    assert said.startswith("a (2 neurons): accuracy ")
    assert "right clips lost and 0 gained (McNemar p =" in said
    assert "(p = 0.048, over all classes 0.048)" in said
    assert "margin than with neurons matched in how far they move the embedding (on test clips 0.0" in said
    assert "Lower in" in said


def test_less_than_controls_is_said(pushed):
    said = pushed(target=4.0, displacement=0.1).sentences[0]
    assert "Higher in margin than with neurons matched in how far they move the embedding (" in said


def test_no_effect_is_said_plainly(pushed):
    said = pushed(target=0.01, layer=0.3).sentences[0]
    assert "No effect beyond neurons matched in how far they move the embedding" in said


def test_the_size_of_the_push_is_told_from_specificity(pushed):
    said = pushed().sentences[0]
    assert "No effect beyond neurons matched in how far they move the embedding (on test clips 0." in said
    assert "Beyond random neurons of the same layers in accuracy and margin (p = 0.048), but these" in said
    assert "move the embedding only 0.048 times as far: the size of the push accounts for it" in said


def test_without_enough_controls_there_is_no_verdict(pushed):
    few = pushed(sets=5).sentences
    assert few[0].endswith("Too few control sets for a verdict.")
    assert "With 5 control sets no p is below 0.17: 19 or more are needed." in few
    assert pushed(matches=()).sentences[0].endswith("whether other neurons do the same is not known.")


def test_a_target_without_classes_of_its_own_is_told_by_the_class_that_changes_most(pushed):
    said = pushed(displacement=0.1, categories={}).sentences[0]
    assert " at most, of class " in said
    assert said.endswith("Beyond neurons matched in how far they move the embedding.")
    said = pushed(categories={}).sentences[0]
    assert "No effect beyond neurons matched in how far they move the embedding" in said


def test_a_probe_at_chance_is_said(experiment):
    random = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 30)
    noise = random.normal(size=(90, 3))
    said = collect(experiment(truth, noise[None], []), {}, {}).sentences[0]
    assert said.startswith("The logistic probe may tell mood no better than chance (accuracy 0.")
    assert said.endswith("the most frequent class alone 0.33): if so, nothing can drop.")
    # Two classes are told, the third is never named.
    told = 9 * np.eye(3)[truth] + noise - 99 * np.eye(3)[2]
    said = collect(experiment(truth, told[None], []), {}, {}).sentences[0]
    assert said.startswith(
        "By its intervals the logistic probe may tell class 2 no better than chance: if so"
    )


def test_a_class_at_its_share_is_at_chance_for_average_precision(random_experiment):
    heard = random_experiment(multilabel=True, each=30, sets=1)
    heard.outcomes["logit"][...] = np.random.default_rng(0).normal(size=heard.outcomes["logit"].shape)
    baseline = collect(heard, {}, {}).baseline
    assert (baseline["category"] != "").all()
    np.testing.assert_allclose(baseline["chance"], heard.truth.mean(axis=0))
    assert (baseline["low"] <= baseline["chance"]).all()


def test_what_holds_for_all_targets_is_said_once(random_experiment):
    heard = random_experiment(effect=-3.0, sets=20, probes=("logistic", "evar"))
    said = collect(heard, {}, {}).sentences
    assert sum("another training of the model" in each for each in said) == 1
    assert "p are adjusted for the classes of a target, not for the 3 targets." in said
    assert "By the evar probe the verdicts are the same." in said
    assert any(each.startswith("Self against cross over 3 classes, margin: own class -") for each in said)


def test_a_series_is_one_sentence(random_experiment):
    series = {f"class {k}": ("gain", "moods", str(k)) for k in range(3)}
    said = collect(random_experiment(series=series, effect=-1.0), {}, {}).sentences
    (one,) = [each for each in said if each.startswith("moods by gain")]
    assert "logits, in brackets with control sets: 0 -" in one
    assert not any(each.startswith("class 0 (") for each in said)


def test_a_target_of_many_classes_has_one_sentence(experiment):
    """Of five classes two lose beyond what the control sets do, one gains, and nothing is said of each."""
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(5), 8)
    clean = random.normal(size=(40, 5)) + 3 * np.eye(5)[truth]
    push = np.eye(5) * [-1.0, -1.0, 0.0, 0.0, 1.0]
    logits, kinds = [clean, clean + push[truth]], [("all", "target", 0)]
    for draw in range(1, 60):
        logits.append(clean + random.normal(0, 0.1, size=(5, 5))[truth])
        kinds.append(("all", "displacement", draw))
    own = {"categories": {"all": [f"class {k}" for k in range(5)]}}
    said = collect(experiment(truth, np.stack(logits), kinds, **own), {}, {}).sentences[0]
    assert "margin -0.20 logits on average over 5 classes, with controls" in said
    assert "lower in class 0, class 1 and higher in class 4" in said
    assert "McNemar" not in said


def test_what_is_patched_in_may_suffice(experiment):
    """With the activations of class 0, six of ten clips of class 1 are taken for it."""
    truth = np.repeat([0, 1], 10)
    clean = 3 * np.eye(2)[truth]
    patched = clean.copy()
    patched[10:16, 0] = 5
    own = {"categories": {"a": ["class 0"]}}
    heard = experiment(truth, np.stack([clean, patched]), [("a", "target", 0)], **own)
    said = "Clips of other classes that are taken for class 0 with its activations: +6."
    assert collect(heard, {"how": "patch"}, {}).sentences[0].endswith(said)
    assert said not in collect(heard, {"how": "gain"}, {}).sentences[0]


def test_control_sets_that_share_their_neurons_allow_no_verdict(experiment):
    """Twenty sets of the same two neurons, all the same to p: what they have in common is said."""
    truth = np.repeat([0, 1], 10)
    random = np.random.default_rng(0)
    clean = random.normal(size=(20, 2)) + 3 * np.eye(2)[truth]
    logits = [clean, clean - [2.0, 0.0], *(clean + random.normal(0, 0.1, 2) for _ in range(20))]
    kinds = [("a", "target", 0), *[("a", "displacement", 1)] * 20]
    own = {"categories": {"a": ["class 0"]}}
    found = collect(experiment(truth, np.stack(logits), kinds, **own), {}, {})
    assert (found.against["shared"] == 1).all()
    assert (found.against["p_adjusted"] < 0.05).any()
    assert "No verdict on accuracy and margin: two control sets share 100% of their" in found.sentences[0]
    logits[1] = clean  # what cannot be too small is told all the same
    found = collect(experiment(truth, np.stack(logits), kinds, **own), {}, {})
    assert "No effect beyond" in found.sentences[0]
