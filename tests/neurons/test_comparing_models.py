"""Models compared on planted worlds, against slow versions, saved, printed, refused."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from otoscope import console, world
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import to_json
from otoscope.neurons import select, share
from otoscope.neurons.evidence.both_ways import drawn_halves
from otoscope.neurons.evidence.compared_sharing import compare_sharing
from otoscope.neurons.evidence.model_comparison import ModelComparison
from otoscope.neurons.evidence.models import TWINS, compare
from otoscope.neurons.probability import labelled_clips
from otoscope.neurons.redrawing import drawn_areas, mean_areas, shared_draws

QUICK = {"permutations": 0, "bootstrap": 60}
KNOWN = {"classes": 4, "groups": 16, "clips": 4, "units": 60, "specific": 3, "seed": 1}


@dataclass
class Twin:
    name: str
    recording: object
    kind: str = "random"
    seed: int = 0
    problem: str = ""

    def open(self):
        return self.recording


def named(made, name, **more):
    return replace(made, info={**made.info, "model": {"name": name, "fingerprint": name}}, **more)


@pytest.fixture(scope="module")
def strong():
    return named(world(strength=2.0, **KNOWN), "strong")


@pytest.fixture(scope="module")
def weak():
    return named(world(strength=0.5, **KNOWN), "weak")


@pytest.fixture(scope="module")
def found(strong, weak):
    return compare([strong, weak], "class", permutations=5, bootstrap=200)


def rows(table, **wanted):
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table.reset_index(drop=True)


def rival(seed, hard=0.0, classes=4, groups=12, clips=3, gain=0.9, fingerprint="a"):
    """A model with one planted neuron a class; `hard` is what its clips have in common with other models'."""
    random = np.random.default_rng([seed, ord(fingerprint)])
    both = np.random.default_rng(seed)
    group = np.repeat(np.arange(classes * groups), clips)
    label = group // groups
    common = both.normal(size=(len(group), classes)) * hard
    own = (
        random.normal(size=(len(group), classes))
        + 0.5 * random.normal(size=(label.max() * 99, classes))[group]
    )
    latent = common + own + 2.5 * gain * (label[:, None] == np.arange(classes))
    fired = np.clip(np.round(500 + 80 * latent), 0, 1000).astype(int)
    return fired, label, group


def rivals(store_of, seed, **settings):
    made = []
    for fingerprint in "ab":
        fired, label, group = rival(seed, fingerprint=fingerprint, **settings)
        store = store_of(fired, [1000] * len(fired), [f"c{k}" for k in label], groups=group)
        store.info = {"model": {"name": fingerprint, "fingerprint": fingerprint}, "task": {"name": "t"}}
        made.append(store)
    return made


def test_the_stronger_model_is_found_stronger(found):
    for row in rows(found.differences, measure="best").itertuples():
        assert row.difference > 0.05
        if row.category == "":
            assert 0 < row.low < row.difference < row.high
    swapped = rows(found.effects, measure="best", category="").set_index("model")["auroc"]
    assert swapped["strong"] > 0.8 > swapped["weak"]
    models = found.models.set_index("model")
    # Of 180 neurons `specific` has ceil(0.02 x 180 / 4) = 1 candidate a class.
    assert models.loc["strong", "neurons"] == 4 > models.loc["weak", "neurons"]
    assert models.loc["strong", "coverage"] == 1
    assert models.loc["strong", "neurons_high"] < 4
    counts = rows(found.neurons, model="strong")
    assert counts["category"].tolist() == list(found.classes)
    assert (counts["neurons"] > 0).all()


def test_the_other_way_round_the_signs_change(strong, weak, found):
    back = compare([weak, strong], "class", permutations=0, bootstrap=200).differences
    np.testing.assert_allclose(back["difference"], -found.differences["difference"])
    np.testing.assert_allclose(back["low"], -found.differences["high"])


def test_effects_equal_a_slow_version(strong, weak):
    found = compare([strong, weak], "class", preset="aape", **QUICK)
    chosen = labelled_clips(strong, "class")
    halves = drawn_halves(chosen, 0, 0)
    labels = strong.clips["class"].to_numpy()
    for model in (strong, weak):
        rates = model.fired / model.tokens[:, None]
        for name in found.classes[:1]:
            best, held = [], []
            for here, there in (halves, halves[::-1]):
                learned = [roc_auc_score(labels[here.rows] == name, rates[here.rows, j]) for j in range(180)]
                of_class = labels[there.rows] == name
                best.append(roc_auc_score(of_class, rates[there.rows, int(np.argmax(learned))]))
                mask = np.isin(np.arange(len(labels)), here.rows)
                table = select(model, "class", preset="aape", clips=mask, permutations=0, twins=False).table
                for row in table[table["category"] == name].itertuples():
                    held.append(roc_auc_score(of_class, rates[there.rows, 60 * row.layer + row.unit]))
            own = rows(found.effects, model=model.info["model"]["name"], category=name).set_index("measure")
            assert own.loc["best", "auroc"] == pytest.approx(np.mean(best), abs=1e-12)
            assert own.loc["best", "pairs"] == 2
            assert own.loc["chosen", "pairs"] == len(held)
            if held:
                assert own.loc["chosen", "auroc"] == pytest.approx(np.mean(held), abs=1e-12)


def test_means_over_classes_are_of_the_classes_that_both_have(found):
    for part in (found.effects, found.differences):
        value = "auroc" if "auroc" in part else "difference"
        keys = ["model", "measure"] if "auroc" in part else ["first", "second", "measure"]
        for _, own in part.groupby(keys, sort=False):
            classes = own[own["category"] != ""]
            mean = own[own["category"] == ""].iloc[0]
            assert mean["classes"] == classes[value].notna().sum()
            assert mean[value] == pytest.approx(classes[value].mean(), nan_ok=True)


# Draws of groups


def test_areas_of_a_draw_are_scikit_learns_with_weights():
    random = np.random.default_rng(0)
    unit = np.repeat(np.arange(10), 3)
    member = unit % 3 == 0
    member[1] = False
    values = random.integers(0, 6, (30, 4)).astype(np.float32)
    times = shared_draws(np.stack([member, ~member], axis=1), unit, 30, random)
    found = mean_areas(values, member, unit, times)
    for draw, area in enumerate(found):
        weight = times[unit, draw]
        slow = [roc_auc_score(member, values[:, j], sample_weight=weight) for j in range(4)]
        assert area == pytest.approx(np.mean(slow), abs=1e-12)
    one = drawn_areas(values[:, 0], member, unit, times)
    np.testing.assert_allclose(mean_areas(values[:, :1], member, unit, times), one, rtol=1e-12)


def test_draws_keep_the_groups_of_every_class_and_the_variance_of_a_mean():
    unit = np.arange(12)
    member = np.stack([unit < 5, unit >= 5], axis=1)
    times = shared_draws(member, unit, 20_000, np.random.default_rng(1))
    assert (times[:, 0] == 1).all()
    np.testing.assert_allclose(times[:5].sum(axis=0), 5)
    value = np.random.default_rng(2).normal(size=5)
    drawn = value @ times[:5, 1:] / 5
    assert drawn.var() == pytest.approx(value.var(ddof=1) / 5, rel=0.03)
    alone = np.eye(3, dtype=bool)  # each group alone in what it holds: drawn among one another
    assert len(np.unique(shared_draws(alone, np.arange(3), 50, np.random.default_rng(0))[0])) > 1


def test_paired_intervals_are_narrower_where_clips_are_hard_for_both(store_of):
    both = compare(rivals(store_of, 3, hard=2.0), "kind", permutations=0, preset="aape", bootstrap=400)
    width = {}
    for name, table in (("effects", both.effects), ("differences", both.differences)):
        mean = rows(table, measure="best", category="")
        width[name] = (mean["high"] - mean["low"]).to_numpy()
    assert width["differences"][0] < 0.8 * np.hypot(*width["effects"])


@pytest.mark.slow
def test_intervals_of_alike_models_cover_no_difference(store_of):
    covered = np.zeros(2)
    for seed in range(200):
        table = compare(
            rivals(store_of, seed), "kind", permutations=0, preset="aape", bootstrap=300
        ).differences
        table = rows(table, measure="best")
        inside = (table["low"] <= 0) & (table["high"] >= 0)
        covered += inside[0], inside[1:].mean()
    # The 99.9 % binomial interval about 0.95 reaches down to 0.90.
    assert (covered / 200 > 0.90).all()
    assert (covered / 200 < 0.99).all()


# Twins


def test_twins_stand_beside_their_model(strong, weak, store_of):
    made = [world(strength=0.0, **KNOWN | {"seed": 1, "draw": 0}) for _ in range(2)]
    random = np.random.default_rng(0)
    blind = [
        replace(each, fired=each.fired[random.permutation(len(each.fired))].clip(max=each.tokens[:, None]))
        for each in made
    ]
    store = SimpleNamespace(
        **{
            key: getattr(strong, key)
            for key in ("layers", "tokens", "layer_tokens", "clips", "info", "labeling")
        },
        counts=strong.counts,
        twins=[Twin(f"random-{seed}", twin) for seed, twin in enumerate(blind)],
    )
    found = compare([store, weak], "class", **QUICK)
    assert found.models["model"].tolist() == ["strong", "random-0", "random-1", "weak"]
    assert found.models["of"].tolist() == ["", "strong", "strong", ""]
    apart = rows(found.differences, first="strong", second=TWINS, measure="best", category="").iloc[0]
    twins = rows(found.effects, of="strong", measure="best", category="")["auroc"]
    own = rows(found.effects, model="strong", measure="best", category="")["auroc"][0]
    assert apart["difference"] == pytest.approx(own - twins.mean())
    assert apart["low"] > 0.1
    assert [note for note in found.notes if note.startswith("weak: twin not recorded")]
    assert not [note for note in found.notes if note.startswith("strong: twin")]
    assert any("seeds of initialisation only" in note for note in found.notes)


# Sharing


def test_the_same_classes_share_in_both():
    settings = {"classes": 8, "groups": 12, "units": 200, "specific": 1, "shared": 20, "strength": 2.0}
    made = [
        share(
            select(
                world(seed=seed, **settings), "class", preset="aape", permutations=0, twins=False, share=0.1
            )
        )
        for seed in (0, 5)
    ]
    assert compare_sharing(made[0], made[0]).correlation == pytest.approx(1)
    assert compare_sharing(made[0], made[0]).p < 0.01
    apart = compare_sharing(made[0], made[1], permutations=200)
    upper = np.triu_indices(8, k=1)
    cells = [pd.Series(each.jaccard.to_numpy()[upper]) for each in made]
    assert apart.correlation == pytest.approx(cells[0].corr(cells[1], method="spearman"))
    assert apart.document()["classes"] == apart.classes
    few = share(select(world(classes=5, seed=1), "class", preset="aape", permutations=0, twins=False))
    with pytest.raises(
        OtoscopeError, match=r"\d of 5 classes have neurons in both models; expected 6 or more"
    ):
        compare_sharing(few, few)
    with pytest.raises(UsageError, match="expected the same classes in the same order"):
        compare_sharing(made[0], few)


# What is refused


def test_errors_say_what_differs(strong, weak):
    with pytest.raises(UsageError, match="1 recording was given; expected two or more"):
        compare([strong], "class")
    with pytest.raises(UsageError, match="the model 'strong' was given twice"):
        compare([strong, strong], "class")
    with pytest.raises(UsageError, match="bootstrap -1; expected 0 or more"):
        compare([strong, weak], "class", bootstrap=-1)
    with pytest.raises(UsageError, match="preset 'nope' not found"):
        compare([strong, weak], "class", preset="nope", **QUICK)
    other = named(world(strength=1.0, **KNOWN | {"groups": 12}), "fewer")
    with pytest.raises(OtoscopeError, match=r"of strong and fewer are of different clips \(of 256 and 192"):
        compare([strong, other], "class")
    clips = weak.clips.assign(**{"class": weak.clips["class"].to_numpy()[::-1]})
    with pytest.raises(OtoscopeError, match="have different labels 'class' of 256 clips"):
        compare([strong, replace(weak, clips=clips)], "class")
    clips = weak.clips.assign(group="one")
    with pytest.raises(OtoscopeError, match="have different groups in labeling 'class'"):
        compare([strong, replace(weak, clips=clips)], "class")
    task = {"name": "world", "fingerprint": "another"}
    with pytest.raises(OtoscopeError, match="have different fingerprints of the task"):
        compare([strong, replace(weak, info={**weak.info, "task": task})], "class")
    with pytest.raises(OtoscopeError, match="are of different tasks \\(world and esc50\\)"):
        compare([strong, replace(weak, info={**weak.info, "task": {"name": "esc50"}})], "class")


def test_neurons_of_two_models_are_not_compared_one_by_one(strong, weak):
    chosen = [select(each, "class", preset="aape", permutations=0, twins=False) for each in (strong, weak)]
    with pytest.raises(OtoscopeError, match="are of different models"):
        share(*chosen)


def test_a_preset_that_refuses_is_noted():
    few = [named(world(strength=s, **KNOWN | {"groups": 6}), f"s{s}") for s in (1.0, 2.0)]
    found = compare(few, "class", **QUICK)
    assert found.effects["measure"].unique().tolist() == ["best"]
    assert any(note.startswith("specific chooses nothing") for note in found.notes)
    assert len(found.sharing) == 0
    two = [named(world(strength=s, **KNOWN | {"groups": 2}), f"s{s}") for s in (1.0, 2.0)]
    alone = compare(two, "class", **QUICK)
    assert alone.effects["low"].isna().all()
    assert any(note.startswith("No intervals of class 'class 0'") for note in alone.notes)


# Kept and shown


def test_saved_and_loaded(found, tmp_path):
    found.save(tmp_path)
    again = ModelComparison.load(tmp_path)
    assert to_json(again.document()) == to_json(found.document())
    assert "strong" in again._repr_html_()
    assert repr(again).startswith("ModelComparison('class': strong, weak")
    with pytest.raises(OtoscopeError, match=r"holds no comparison\.json"):
        ModelComparison.load(tmp_path / "nowhere")


def test_people_read_80_columns(found, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    console.show(found.document(), False, console.comparison_lines(found.document()))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for said in ("1 strong", "2 weak", "strong - weak", "class 3", "one training run", "by chance"):
        assert said in out


def test_figures_draw_every_model_and_difference(found):
    from matplotlib.figure import Figure

    ax = found.plot(Figure().subplots())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["mean over classes", *found.classes]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["strong", "weak"]
    ax = found.plot_differences(Figure().subplots(), measure="chosen")
    assert ax.get_legend().get_texts()[0].get_text() == "strong − weak"
    ax.figure.draw_without_rendering()
