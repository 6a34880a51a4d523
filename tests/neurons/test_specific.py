"""`specific`: against the nine steps written as loops, on null worlds, on planted neurons, and on twins."""

import math

import numpy as np
import pytest
from scipy import stats

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.designs import design_of
from otoscope.neurons.probability import class_probabilities, labelled_clips
from otoscope.neurons.selection import Selection
from otoscope.neurons.specific.halving import halves_of
from otoscope.neurons.specific.procedure import specific

TOKENS = 100


def world(store_of, design, *, classes=4, groups=14, clips=4, neurons=300, shift=0, planted=0, seed=0):
    """Noise with group effects; the first `planted` neurons are higher, by `shift` sd, on one class each."""
    random = np.random.default_rng(seed)
    if design == "crossed":
        group = np.repeat(np.arange(groups), classes * clips)
        code = np.tile(np.repeat(np.arange(classes), clips), groups)
    else:
        code = np.repeat(np.arange(classes), groups * clips)
        group = np.arange(classes * groups).repeat(clips)
    effect = random.normal(0, 0.5, (group.max() + 1, neurons))
    r = 0.4 + 0.1 * (random.normal(0, 0.87, (len(code), neurons)) + effect[group])
    for j in range(planted):
        r[code == j % classes, j] += 0.1 * shift
    names = [f"k{k:02d}" for k in code]
    fired = np.clip(np.rint(r * TOKENS), 0, TOKENS)
    grouped = None if design == "ungrouped" else group
    return store_of(fired, np.full(len(code), TOKENS), names, groups=grouped)


def slow(store, seed, alpha=0.05, least=0.65, correction="bh"):
    """The nine steps with loops: {neuron: (class set, p, smallest AUROC of each class)}."""
    chosen = labelled_clips(store, "kind")
    design = design_of(chosen.membership, chosen.groups)
    halves = halves_of(design, chosen.classes, np.random.default_rng([seed, 0]), "kind")
    code, held = halves.code[design.unit], halves.held[design.unit]
    crossed = design.name == "crossed"
    group = design.stratum if crossed else design.unit
    r, K, n = store.fired / TOKENS, len(halves.kept), store.fired.shape[1]

    def cell_means(j, half):
        return {
            (g, k): r[(group == g) & (code == k) & half, j].mean()
            for g in np.unique(group)
            for k in range(K)
            if ((group == g) & (code == k) & half).any()
        }

    def centred(cells):
        found = {}
        for g in {g for g, _ in cells}:
            mine = {k: cells[h, k] for h, k in cells if h == g}
            if len(mine) > 1:
                found |= {(g, k): u - np.mean(list(mine.values())) for k, u in mine.items()}
        return found

    def moments(cells):
        by = [np.array([u for (_, k), u in cells.items() if k == c]) for c in range(K)]
        pooled = sum(((u - u.mean()) ** 2).sum() for u in by) / (len(cells) - K)
        return by, pooled

    gaps, sets, tops = {}, {}, {}
    for j in range(n):
        cells = cell_means(j, ~held)
        by, pooled = moments(centred(cells) if crossed else cells)
        mean = np.array([u.mean() for u in by])
        order = sorted(range(K), key=lambda k: -mean[k])
        steps = [mean[order[s - 1]] - mean[order[s]] for s in range(1, max(1, K // 4) + 1)]
        best = int(np.argmax(steps))
        gaps[j] = steps[best] / math.sqrt(max(pooled, 1 / (12 * TOKENS**2)))
        sets[j], tops[j] = order[: best + 1], order[0]
    candidates = []
    for k in range(K):
        mine = sorted((j for j in range(n) if tops[j] == k and gaps[j] > 0), key=lambda j: -gaps[j])
        candidates += mine[: math.ceil(0.02 * n / K)]
    p = {}
    for j in candidates:
        cells = cell_means(j, held)
        by, pooled = moments(cells)
        if crossed:
            pooled = moments(centred(cells))[1]
        floor = max(0.1 * pooled, 1 / (12 * TOKENS**2))
        worst = 0.0
        for a in sets[j]:
            for b in set(range(K)) - set(sets[j]):
                if crossed:
                    d = np.array(
                        [u - cells[g, b] for (g, k), u in cells.items() if k == a and (g, b) in cells]
                    )
                    t, df = d.mean() / math.sqrt(max(d.var(ddof=1), 2 * floor) / len(d)), len(d) - 1
                else:
                    va, vb = (max(by[k].var(ddof=1), floor) / len(by[k]) for k in (a, b))
                    t = (by[a].mean() - by[b].mean()) / math.sqrt(va + vb)
                    df = (va + vb) ** 2 / (va**2 / (len(by[a]) - 1) + vb**2 / (len(by[b]) - 1))
                worst = max(worst, stats.t.sf(t, df))
        p[j] = worst
    ranked = sorted(p, key=p.get)
    m, stand = len(ranked), 0
    for i, j in enumerate(ranked, 1):
        if correction == "bh" and p[j] <= alpha * i / m:
            stand = i
        if correction == "holm":
            if p[j] > alpha / (m - i + 1):
                break
            stand = i
    found = {}
    for j in ranked[:stand]:
        areas = {}
        for a in sets[j]:
            areas[int(a)] = min(
                np.mean(np.sign(x[:, None] - y) / 2 + 0.5)
                for b in set(range(K)) - set(sets[j])
                for x, y in [(r[(code == a) & held, j], r[(code == b) & held, j])]
            )
        if min(areas.values()) >= least:
            found[j] = (p[j], areas)
    return found, m


@pytest.mark.parametrize("correction", ["bh", "holm"])
@pytest.mark.parametrize("design", ["ungrouped", "nested", "crossed"])
def test_the_nine_steps_as_loops_give_the_same(store_of, design, correction):
    some = 0
    for seed in range(2):
        store = world(
            store_of, design, classes=8, groups=14, clips=2, neurons=120, shift=2.0, planted=30, seed=seed
        )
        expected, candidates = slow(store, seed, correction=correction)
        found = specific(store, "kind", seed=seed, permutations=0, correction=correction)
        assert found.test["candidates"] == candidates
        rows = {(row.unit, int(row.category[1:])): row for row in found.table.itertuples()}
        assert set(rows) == {(j, k) for j, (_, areas) in expected.items() for k in areas}
        for j, (p, areas) in expected.items():
            for k, area in areas.items():
                assert rows[j, k].p == pytest.approx(p, rel=1e-3)
                assert rows[j, k].auroc == pytest.approx(area, abs=1e-9)
        some += len(rows)
    assert some > 0


@pytest.mark.parametrize("design", ["ungrouped", "nested", "crossed"])
def test_planted_neurons_come_back(store_of, design):
    store = world(store_of, design, groups=32, clips=10, neurons=2000, shift=1.3, planted=24)
    found = set(specific(store, "kind", permutations=0).neurons["unit"])
    assert len(found & set(range(24))) >= 0.9 * 24
    assert len(found & set(range(24))) >= 0.9 * len(found)


@pytest.mark.parametrize("design", ["ungrouped", "nested", "crossed"])
def test_permuted_labels_select_hardly_anything(store_of, design):
    store = world(store_of, design, groups=16, clips=4, neurons=1000, shift=2, planted=12)
    found = specific(store, "kind", permutations=60)
    assert found.chance.design == design
    assert len(found.neurons) > 0
    assert (found.chance.values["neurons"] > 0).mean() <= 0.1
    assert found.chance.neurons.p is None
    assert found.chance.depth.p is None


@pytest.mark.slow
@pytest.mark.parametrize("design", ["ungrouped", "nested", "crossed"])
def test_null_worlds_select_in_five_of_a_hundred_at_most(store_of, design):
    some = sum(
        len(specific(world(store_of, design, neurons=1000, seed=seed), "kind", permutations=0).neurons) > 0
        for seed in range(200)
    )
    assert some <= stats.binom.ppf(0.995, 200, 0.05)


def test_twins_are_not_told_apart(store_of):
    """Class k00 split at random in two: its neurons belong to both halves, or to neither."""
    store = world(store_of, "nested", classes=8, groups=28, clips=4, neurons=4000, shift=2.5, planted=40)
    kinds = store.clips["kind"].to_numpy(dtype=object)
    odd = store.clips["voice"].to_numpy() % 2 == 1
    kinds[(kinds == "k00") & odd] = "k99"
    twins = store_of(store.fired, store.tokens, kinds, groups=store.clips["voice"])
    sets = specific(twins, "kind", permutations=0).table.groupby("unit")["category"].agg(set)
    assert len(sets) > 10
    assert all(("k00" in each) == ("k99" in each) for each in sets)


def test_columns_and_probabilities_are_the_presets(store_of):
    store = world(store_of, "nested", shift=2.5, planted=12)
    found = specific(store, "kind", permutations=5)
    names = ["layer", "unit", "category", "probability", "entropy", "p", "auroc", "auroc_low", "auroc_high"]
    assert list(found.table.columns) == names
    p = class_probabilities(store, labelled_clips(store, "kind"), "token")
    rows = [found.classes.index(name) for name in found.table["category"]]
    np.testing.assert_array_equal(found.table["probability"], p[rows, found.table["unit"]])
    assert (found.table["auroc_low"] <= found.table["auroc"]).all()
    assert (found.table["auroc"] <= found.table["auroc_high"]).all()
    distinct = found.table.drop_duplicates("unit")
    assert found.depth == pytest.approx(np.log(4) - distinct["entropy"].mean())


def test_seeds_repeat_and_results_survive_the_disk(store_of, tmp_path):
    store = world(store_of, "nested", shift=2.5, planted=12)
    found, again = (specific(store, "kind", seed=3, permutations=5) for _ in range(2))
    assert found.table.equals(again.table)
    assert found.chance.values.equals(again.chance.values)
    found.save(tmp_path)
    loaded = Selection.load(tmp_path)
    assert loaded.filters is None
    assert loaded.test == found.test
    assert loaded.document() == found.document()


def test_dead_and_constant_neurons_are_never_selected(store_of):
    store = world(store_of, "ungrouped", neurons=50)
    store.fired[:, 0] = 0
    store.fired[:, 1] = TOKENS
    assert not {0, 1} & set(specific(store, "kind", permutations=3, alpha=0.5, least_auroc=0).neurons["unit"])


def test_a_perfect_neuron_is_found(store_of):
    store = world(store_of, "ungrouped", neurons=50)
    store.fired[:, 7] = np.where(store.clips["kind"] == "k02", TOKENS, 0)
    found = specific(store, "kind", permutations=0)
    row = found.table[found.table["unit"] == 7].iloc[0]
    assert (row["category"], row["auroc"], row["auroc_low"]) == ("k02", 1, 1)


def test_small_classes_are_left_out_with_the_reason(store_of):
    store = world(store_of, "nested", neurons=60)
    keep = (store.clips["kind"] != "k03") | (store.clips["voice"] % 14 < 6)
    found = specific(store, "kind", clips=keep.to_numpy(), permutations=2)
    assert found.test["refused"] == {
        "k03": "3 of its 6 groups on the half that tests; expected 4 or more, so 7 in all"
    }
    assert found.test["groups"] == {"k00": 7, "k01": 7, "k02": 7}


@pytest.mark.parametrize(
    ("design", "needed"), [("ungrouped", "7 or more clips"), ("nested", "7 or more groups")]
)
def test_too_few_groups_are_counted(store_of, design, needed):
    store = world(store_of, design, groups=5, clips=1, neurons=20)
    with pytest.raises(OtoscopeError, match=f"0 of 4 classes .* k00: 5.* {needed}"):
        specific(store, "kind")


def test_too_few_shared_groups_are_counted(store_of):
    store = world(store_of, "crossed", groups=8, clips=2, neurons=20)
    with pytest.raises(OtoscopeError, match="8 groups, of which at most 8 hold both of two classes"):
        specific(store, "kind")


def test_misuse_is_told(store_of):
    store = world(store_of, "ungrouped", neurons=20)
    for option, value in [("alpha", 0.0), ("correction", "none"), ("least_auroc", 2), ("permutations", -1)]:
        with pytest.raises(UsageError, match=option):
            specific(store, "kind", **{option: value})
    many = store_of(np.ones((4, 3)), np.full(4, 9), ["a,b", "a", "b", "a"], multilabel=True)
    with pytest.raises(OtoscopeError, match="several labels"):
        specific(many, "kind")
