"""Statistical worlds: what was planted is there, in the strength that was asked for, and nothing else is."""

import numpy as np
import pytest

import otoscope
from otoscope.errors import UsageError
from otoscope.neurons import design_of, select
from otoscope.neurons.probability import labelled_clips
from otoscope.neurons.worlds.neurons import rate_spread

BIG = {"groups": 100, "clips": 10, "layers": 2, "units": 100, "group_effect": 0.0, "tokens": (50, 50)}


def columns(world, rows):
    return (rows["layer"] * world.layers[0].units + rows["unit"]).to_numpy()


@pytest.mark.parametrize("design", ["ungrouped", "nested", "crossed"])
def test_the_design_is_the_one_asked_for(design):
    world = otoscope.world(design=design, groups=5, clips=3, classes=3)
    assert world.fired.shape == (45, 600)
    for label in ("class", "shuffled"):
        chosen = labelled_clips(world, label)
        assert design_of(chosen.membership, chosen.groups).name == design
        assert chosen.membership.sum(axis=0).tolist() == [15, 15, 15]
    assert (world.fired <= world.tokens[:, None]).all()
    assert world.layer_tokens.shape == (45, 3)
    train = world.labeling("class").in_split(world.clips, "train")
    assert set(world.clips["class"][train]) == set(world.clips["class"][~train])
    if design != "ungrouped":
        assert not set(world.clips["group"][train]) & set(world.clips["group"][~train])


@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_specific_and_shared_neurons_shift_by_so_many_standard_deviations(strength):
    world = otoscope.world(**BIG, specific=10, shared=10, strength=strength, seed=1)
    r = world.fired / world.tokens[:, None]
    shifts = []
    for (layer, unit), rows in world.truth.groupby(["layer", "unit"]):
        own = r[:, layer * 100 + unit]
        moved = world.clips["class"].isin(rows["category"]).to_numpy()
        shifts.append((own[moved].mean() - own[~moved].mean()) / own[~moved].std())
        assert (rows["kind"] == ("specific" if len(rows) == 1 else "shared")).all()
    assert len(shifts) == 50
    assert np.mean(shifts) == pytest.approx(strength, abs=0.03)
    assert np.std(shifts) < 0.06  # clips are few enough to leave this much


def test_rate_spread_is_what_is_drawn():
    random = np.random.default_rng(0)
    mu, sigma = random.normal(0, 1, 20), random.uniform(0.2, 1, 20)
    from scipy.special import ndtr

    q = ndtr(mu + sigma * random.standard_normal((200_000, 20)))
    r = random.binomial(30, q) / 30
    mean, deviation = rate_spread(mu, sigma, 30)
    np.testing.assert_allclose(r.mean(axis=0), mean, atol=0.003)
    np.testing.assert_allclose(r.std(axis=0), deviation, rtol=0.01)


def test_neurons_are_correlated_as_asked_and_groups_share_variance():
    # Clips of many tokens, since the noise of a few has nothing to do with groups.
    world = otoscope.world(
        classes=2, groups=60, clips=10, units=200, specific=0, group_effect=0.3, tokens=(900, 999), seed=2
    )
    z = world.fired / world.tokens[:, None]
    z = z[:, z.std(axis=0) > 0.05]
    squared = np.corrcoef(z.T)[np.triu_indices(z.shape[1], 1)] ** 2
    independent = np.corrcoef(z[np.argsort(np.random.default_rng(0).random(z.shape), 0), range(z.shape[1])].T)
    assert squared.mean() > 4 * (independent[np.triu_indices(len(independent), 1)] ** 2).mean()
    groups = world.labeling("class").groups(world.clips)
    means = np.stack([z[groups == group].mean(axis=0) for group in range(120)])
    # Between groups lies the group effect, and a tenth of what is left by 10 clips.
    assert np.median(means.var(axis=0) / z.var(axis=0)) == pytest.approx(0.3 + 0.7 / 10, abs=0.05)


def test_base_rates_are_spread_with_dead_neurons_and_some_always_on():
    world = otoscope.world(units=1000)
    rate = (world.fired / world.tokens[:, None]).mean(axis=0)
    assert (rate == 0).mean() == pytest.approx(0.05, abs=0.01)
    assert (rate == 1).mean() == pytest.approx(0.01, abs=0.005)
    assert np.quantile(rate, [0.1, 0.9]) == pytest.approx([0.05, 0.65], abs=0.08)


def test_acoustic_neurons_follow_their_descriptor():
    world = otoscope.world(**BIG, specific=0, acoustic=8, seed=3)
    r = world.fired / world.tokens[:, None]
    assert world.truth["follows"].value_counts().to_dict() == {"loudness": 4, "brightness": 4}
    assert (world.truth["category"] == "").all()
    for row in world.truth.itertuples():
        own = r[:, row.layer * 100 + row.unit]
        for name, column in world.descriptors.items():
            found = np.corrcoef(own, column)[0, 1]
            assert (found > 0.55) if name == row.follows else (abs(found) < 0.1)
    assert world.descriptors.std().to_numpy() == pytest.approx([1, 1], abs=0.03)
    means = world.descriptors.groupby(world.clips["class"]).mean()
    assert means["loudness"].abs().max() < 0.1
    assert means["brightness"].std(ddof=0) == pytest.approx(0.7, abs=0.05)


def test_nothing_is_planted_in_a_null_world():
    world = otoscope.world(strength=0.0)
    assert world.truth.empty
    assert list(world.truth.columns) == ["layer", "unit", "kind", "category", "follows"]
    assert repr(world) == "World(192 clips x 600 neurons: nothing planted)"


def test_twins_cannot_be_told_apart():
    world = otoscope.world(**BIG, classes=4, specific=5, twins=True, strength=2.0)
    sets = world.sets()
    assert sets["class 0"] == sets["class 1"]
    assert len(sets["class 0"]) == 10
    r = world.fired / world.tokens[:, None]
    first, second = (r[(world.clips["class"] == f"class {k}").to_numpy()].mean(axis=0) for k in (0, 1))
    assert np.abs(first - second).max() < 0.04
    assert otoscope.world(classes=2, twins=True).truth.empty
    with pytest.raises(UsageError, match="shared is 1 with 2 classes that differ"):
        otoscope.world(classes=3, twins=True, shared=1)


def test_class_sizes():
    world = otoscope.world(classes=3, class_sizes=[40, 8, 3], clips=4)
    assert world.clips["class"].value_counts().to_dict() == {"class 0": 40, "class 1": 8, "class 2": 3}
    assert world.clips.groupby("class")["group"].nunique().tolist() == [10, 2, 1]
    crossed = otoscope.world(classes=3, class_sizes=[40, 8, 8], groups=4, design="crossed")
    assert crossed.clips.groupby("class")["group"].nunique().tolist() == [4, 4, 4]


def test_planted_neurons_are_found():
    found = select(otoscope.world(strength=2.0), "class", permutations=100, share=8 / 600, response=0.5)
    assert found.chance.depth.p == 1 / 101


def test_the_seed_repeats_and_another_draw_keeps_the_neurons():
    one, again, other, drawn = (
        otoscope.world(seed=seed, draw=draw) for seed, draw in ((1, 0), (1, 0), (2, 0), (1, 1))
    )
    assert (one.fired == again.fired).all()
    assert one.info == again.info
    prints = [each.info["model"]["fingerprint"] for each in (one, other, drawn)]
    assert prints[0] != prints[1]
    assert prints[0] == prints[2]
    assert one.truth.equals(drawn.truth)
    assert not (one.fired == drawn.fired).all()
    rates = [(each.fired / each.tokens[:, None]).mean(axis=0) for each in (one, drawn, other)]
    assert np.corrcoef(rates[0], rates[1])[0, 1] > 0.98
    assert abs(np.corrcoef(rates[0], rates[2])[0, 1]) < 0.2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classes": 1}, "classes is 1"),
        ({"design": "nestled"}, "design 'nestled' not found; expected one of ungrouped, nested, crossed"),
        ({"class_sizes": [3, 4]}, r"class_sizes is \[3, 4\]; expected 4 numbers"),
        ({"specific": 400}, "400 specific neurons for each of 4 classes.* expected 0 to 564 in all"),
        ({"strength": 9.0}, "strength is 9.0, which would move a firing share from"),
        ({"strength": -1.0}, "strength is -1.0; expected standard deviations, 0 or more"),
        ({"correlation": 1.0}, "correlation is 1.0; expected a share of the variance"),
        ({"tokens": (0, 3)}, r"tokens is \(0, 3\); expected the fewest"),
        ({"classes": 2, "shared": 1}, "shared is 1 with 2 classes that differ"),
    ],
)
def test_messages(settings, message):
    with pytest.raises(UsageError, match=message):
        otoscope.world(**settings)


def test_an_unknown_labeling():
    with pytest.raises(UsageError, match="no labeling 'voice'; it has: class, shuffled"):
        select(otoscope.world(), "voice")
