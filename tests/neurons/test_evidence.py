"""The evidence on a labeling: figures from the single functions, verdicts, sentences, errors, the verb."""

import json
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from otoscope import cli
from otoscope.activations import record
from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons import planted, select, world
from otoscope.neurons.designs import design_of
from otoscope.neurons.evidence.beside_figures import follow
from otoscope.neurons.evidence.both_ways import half_masks, interval_of
from otoscope.neurons.evidence.evidence_result import BEST
from otoscope.neurons.evidence.gathering import Evidence, evidence
from otoscope.neurons.evidence.held_out import held_out
from otoscope.neurons.evidence.relabelling import only, permuted
from otoscope.neurons.evidence.significance import neuron_tests
from otoscope.neurons.evidence.size_bias import size_bias
from otoscope.neurons.evidence.stability import stability
from otoscope.neurons.evidence.surviving import BASELINES, verdicts
from otoscope.neurons.evidence.unseen import unseen
from otoscope.neurons.probability import labelled_clips

SIZE = {"classes": 3, "clips": 2, "layers": 2, "units": 50, "class_sizes": [32, 36, 40]}


@dataclass
class Other:
    name: str
    kind: str
    seed: int
    recording: object
    problem: str = ""

    def open(self):
        return self.recording


def with_twins(strength, seed):
    made = world(**SIZE, specific=3, strength=strength, seed=seed)
    twins = [
        Other(f"{kind}-0", kind, 0, world(**SIZE, strength=0.0, seed=seed + number))
        for number, kind in ((1000, "random"), (2000, "shuffled"))
    ]
    object.__setattr__(made, "twins", twins)
    return made


@pytest.fixture(scope="module")
def signal():
    return with_twins(2.5, 1)


@pytest.fixture(scope="module")
def told(signal):
    return evidence(signal, "class", permutations=40, splits=2, bootstrap=200)


@pytest.fixture(scope="module")
def told_of_noise():
    return evidence(with_twins(0.0, 5), "class", permutations=40, splits=2, bootstrap=200)


def row_of(found, preset):
    return found.table.set_index("preset").loc[preset].to_dict() | {"preset": preset}


# Figures, from the single functions


@pytest.mark.parametrize("preset", ["specific", "aape"])
def test_counts_are_those_of_select(signal, told, preset):
    row, alone = row_of(told, preset), select(signal, "class", preset=preset, permutations=40)
    assert told.selections[preset].document() == alone.document()
    assert (row["neurons"], row["coverage"]) == (len(alone.neurons), alone.coverage)
    assert (row["neurons_low"], row["neurons_high"]) == (alone.chance.neurons.low, alone.chance.neurons.high)
    assert [row["twins_random"], row["twins_shuffled"]] == alone.twins.table["neurons"].tolist()
    assert row["twins_most"] == alone.twins.table["neurons"].max()
    assert row["size_bias"] == pytest.approx(size_bias(alone.by_category, signal, "class"), nan_ok=True)
    assert row_of(told, "aape")["depth_p"] <= 0.05


def chosen_by(store, preset, mask):
    if preset != BEST:
        return select(store, "class", preset=preset, clips=mask, permutations=0, twins=False).table
    used = labelled_clips(store, "class", mask)
    share = store.counts(slice(0, 100))[used.rows] / np.asarray(store.tokens)[used.rows, None]
    rows = []
    for k, name in enumerate(used.classes):
        member = used.membership[:, k]
        won = mannwhitneyu(share[member], share[~member], axis=0, method="asymptotic").statistic
        layer, unit = divmod(int(np.argmax(won)), 50)
        rows.append((layer, unit, name))
    return pd.DataFrame(rows, columns=["layer", "unit", "category"])


@pytest.mark.parametrize("preset", ["specific", "aape", BEST])
def test_unseen_clips_slowly(signal, told, preset):
    """Choose on one half, `held_out` on the other, and back; the pairs of both together."""
    used = labelled_clips(signal, "class")
    models = [("trained", signal), *((twin.name, twin.recording) for twin in signal.twins)]
    means = []
    for name, recording in models:
        halves = []
        for half in half_masks(used, 0):
            mask = np.zeros(len(recording.clips), dtype=bool)
            mask[used.rows[half]] = True
            halves.append(mask)
        pairs = pd.concat(
            held_out(
                recording, "class", chosen_by(recording, preset, here), clips=there, seen=here, bootstrap=0
            ).table
            for here, there in (halves, halves[::-1])
        )
        effects = told.effects[(told.effects["preset"] == preset) & (told.effects["model"] == name)]
        for each in effects.itertuples():
            own = pairs[pairs["category"] == each.category]["auroc"]
            assert each.neurons == len(own)
            assert each.auroc == pytest.approx(own.mean(), nan_ok=True, abs=1e-6)
            if len(own):
                assert each.low <= each.auroc <= each.high
        means.append(pairs["auroc"].mean())
    if preset != BEST:
        row = row_of(told, preset)
        assert row["held_out"] == pytest.approx(means[0], abs=1e-6)
        known = [each for each in means[1:] if each == each]
        expected = (np.mean(known), max(known)) if known else (np.nan, np.nan)
        assert (row["held_out_twins"], row["held_out_twins_most"]) == pytest.approx(expected, nan_ok=True)


def test_halves_agree_as_stability_has_it(signal, told):
    table = stability(signal, "class", "aape", splits=2, seed=0).table
    found = []
    for split in range(2):
        rows = table[(table["split"] == split) & (table["category"] != "")]
        shared = rows["shared"].sum()
        found.append(shared / (rows["first"].sum() + rows["second"].sum() - shared))
    assert row_of(told, "aape")["stability"] == pytest.approx(np.mean(found))


# Verdicts and sentences


def test_what_is_planted_survives_everything(told):
    assert verdicts(row_of(told, "specific")) == dict.fromkeys(BASELINES, True)
    assert told.sentences[0].endswith(
        "neurons survive permuted labels, twins, unseen clips and other halves."
    )
    assert told.groups == 54
    assert told.design == "nested"


def test_noise_does_not_survive(told_of_noise):
    """Of this seed the depth of aape has p = 0.05, as one in twenty has by chance; nothing else survives."""
    assert told_of_noise.sentences[0].startswith("specific selects no neuron")
    assert verdicts(row_of(told_of_noise, "specific")) == dict.fromkeys(BASELINES, False)
    survived = [name for name, verdict in verdicts(row_of(told_of_noise, "aape")).items() if verdict]
    assert survived == ["permuted labels"]
    assert told_of_noise.sentences[1] == (
        "aape: its 1 neuron survives permuted labels; does not survive twins, unseen clips and other halves."
    )


@pytest.mark.slow
def test_noise_survives_a_baseline_seldom():
    """Twenty worlds without signal: no baseline lets more through than one in twenty would, in 99 of 100."""
    through = dict.fromkeys(BASELINES, 0)
    for seed in range(20):
        found = evidence(
            with_twins(0.0, 10 + seed), "class", presets=("aape",), permutations=40, splits=1, bootstrap=100
        )
        for name, verdict in verdicts(row_of(found, "aape")).items():
            through[name] += verdict is True
    assert max(through.values()) <= 4, through  # binomial(20, 0.05): more than 4 in 0.3 % of cases


ROW = {
    "preset": "aape", "refused": "", "neurons": 9.0, "neurons_p": np.nan, "depth_p": 0.05, "twins_most": 8.0,
    "held_out": 0.8, "held_out_twins": 0.6, "beyond_twins_low": 0.1, "held_out_low": 0.6, "stability": 0.3,
    "stability_chance_most": 0.2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "baseline", "verdict"),
    [
        ({}, "twins", True),
        ({"depth_p": 0.06}, "permuted labels", False),
        ({"depth_p": np.nan}, "permuted labels", None),
        ({"preset": "specific", "neurons_p": 0.05}, "permuted labels", True),
        ({"preset": "specific", "neurons_p": 0.06}, "permuted labels", False),
        ({"preset": "specific"}, "permuted labels", None),
        ({"twins_most": 9.0}, "twins", True),  # a fixed share is kept in the twins as well
        ({"preset": "specific", "twins_most": 9.0}, "twins", False),
        ({"beyond_twins_low": -0.01}, "twins", False),
        ({"beyond_twins_low": np.nan}, "twins", None),
        ({"held_out_twins": np.nan, "beyond_twins_low": np.nan}, "twins", None),
        ({"held_out_twins": np.nan, "beyond_twins_low": -0.01}, "twins", False),
        ({"twins_most": np.nan}, "twins", None),
        ({"held_out_low": 0.5}, "unseen clips", False),
        ({"stability": 0.2}, "other halves", False),
        ({"stability": np.nan}, "other halves", None),
        ({"neurons": 0.0}, "other halves", False),
        ({"refused": "no"}, "twins", None),
    ],
)
def test_verdicts_on_paper(change, baseline, verdict):
    assert verdicts(ROW | change)[baseline] is verdict


def test_a_twin_that_chooses_nothing_has_an_auroc_of_a_half(signal, told):
    """Twins of noise choose none by `specific`; the model must still tell its classes on unseen clips."""
    row = row_of(told, "specific")
    assert np.isnan(row["held_out_twins"])
    assert row["beyond_twins_low"] == pytest.approx(row["held_out_low"] - 0.5)


def test_intervals_are_of_students_t():
    draws = np.random.default_rng(0).normal(0.6, 0.1, 200)
    low, high = interval_of(np.array([0.6, *draws]), 2)
    assert (low, high) == pytest.approx(
        (0.6 - 4.3027 * draws.std(), min(0.6 + 4.3027 * draws.std(), 1.0)), abs=1e-4
    )
    assert np.isnan(interval_of(np.array([0.6, *draws]), 0)).all()
    assert np.isnan(interval_of(np.array([0.6]), 9)).all()


@pytest.mark.slow
def test_unseen_clips_of_noise_lie_seldom_above_a_half():
    """Few groups of a class: the central 95 % of the draws would let through 7 to 10 % of these worlds."""
    for classes, groups in ((2, 4), (3, 4), (2, 6)):
        through = 0
        for seed in range(100):
            store = world(
                classes=classes,
                groups=groups,
                clips=4,
                layers=2,
                units=50,
                strength=0,
                group_effect=0.5,
                seed=seed,
            )

            def choose(recording, preset, mask):
                return select(recording, "class", preset=preset, clips=mask, permutations=0, twins=False)

            found = unseen(store, "class", ("aape",), choose, bootstrap=200, seed=0, say=lambda line: None)
            through += found.figures("aape")["held_out_low"] > 0.5
        assert through <= 11, (classes, groups, through)  # binomial(100, 0.05): more in 0.4 % of cases


def test_the_number_of_specific_neurons_has_a_p(told):
    values = told.selections["specific"].chance.values["neurons"]
    row = row_of(told, "specific")
    assert row["neurons_p"] == (1 + (values >= row["neurons"]).sum()) / 41
    assert np.isnan(row_of(told, "aape")["neurons_p"])


def test_every_neuron_is_tested_where_there_are_permutations(signal, told, tmp_path):
    assert told.tests is None
    assert "Single neurons are not tested: 40 permutations, and 100 are needed." in told.notes
    found = evidence(signal, "class", presets=("aape",), permutations=100, splits=1, bootstrap=0)
    assert found.tests.document() == neuron_tests(signal, "class", permutations=100).document()
    counts = found.tests.document()["significant"]
    assert counts["p"] > 0
    assert found.sentences[-1].startswith(
        f"Of 100 neurons {counts['p']} tell some class from the rest by the largest statistic over"
    )
    found.save(tmp_path)
    again = Evidence.load(tmp_path)
    assert again.tests.document() == found.document()["tests"]
    assert len(again.tests.table) == 100


# Kept, drawn, relabelled


def test_saved_and_read_again(told, tmp_path):
    told.save(tmp_path)
    again = Evidence.load(tmp_path)
    assert again.table.equals(told.table)
    assert again.effects.equals(told.effects)
    assert again.sentences == told.sentences
    assert again.notes == told.notes
    assert again.selections["aape"].document() == told.selections["aape"].document()
    assert (again.groups, again.distinct, again.power) == (told.groups, told.distinct, told.power)
    assert "survives which baseline" in again._repr_html_()
    assert (tmp_path / "effects.csv").is_file()
    with pytest.raises(OtoscopeError, match=r"holds no evidence\.json"):
        Evidence.load(tmp_path / "none")


def test_the_figure_has_a_row_for_each_class(told):
    ax = told.plot()
    assert [text.get_text() for text in ax.get_yticklabels()] == list(told.classes)
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        "its twins", "specific", "aape", BEST
    }  # fmt: skip


@pytest.mark.parametrize("design", ["nested", "crossed", "ungrouped"])
def test_permuted_labels_stay_what_the_design_allows(design):
    store = world(classes=3, groups=6, clips=2, design=design, units=10)
    used = labelled_clips(store, "class")
    made = design_of(used.membership, used.groups)
    again = labelled_clips(permuted(store, used, made, np.random.default_rng(0)), "class")
    assert again.membership.sum(axis=0).tolist() == used.membership.sum(axis=0).tolist()
    assert (again.membership != used.membership).any()
    assert design_of(again.membership, again.groups).name == design


def test_only_some_clips():
    store = world(classes=2, groups=4, clips=2, units=10)
    mask = np.arange(len(store.clips)) % 2 == 0
    assert labelled_clips(only(store, "class", mask), "class").rows.tolist() == np.flatnonzero(mask).tolist()


def test_neurons_that_follow_a_descriptor_are_counted(told):
    neurons = told.selections["specific"].neurons
    pairs = list(zip(neurons["layer"], neurons["unit"], strict=True))
    assert follow(told.selections["specific"], {*pairs[:2], (9, 9)}) == 2
    assert np.isnan(follow(told.selections["specific"], None))
    assert any(note.startswith("Acoustics are not told") for note in told.notes)


# What goes wrong


def test_a_preset_that_refuses_keeps_its_row():
    store = world(classes=2, groups=5, clips=2, units=50)
    found = evidence(store, "class", permutations=10, splits=1, bootstrap=20)
    assert "groups" in row_of(found, "specific")["refused"]
    assert row_of(found, "aape")["refused"] == ""
    assert list(found.selections) == ["aape"]
    assert set(found.effects["preset"]) == {"aape", BEST}
    assert any(note.startswith("Twin not recorded") for note in found.notes)
    assert any("specific is refused" in each for each in found.sentences)
    with pytest.raises(OtoscopeError, match="every preset refuses labeling 'class': specific: "):
        evidence(store, "class", presets=("specific",), permutations=10)


def test_without_splits_nothing_is_said_of_halves_and_all_else_is_the_same(signal):
    settings = {"presets": ("aape",), "permutations": 10, "bootstrap": 0}
    with_halves, without = (evidence(signal, "class", splits=splits, **settings) for splits in (1, 0))
    halves = ["stability", "stability_chance", "stability_chance_most"]
    assert with_halves.table[halves].notna().all(axis=None)
    assert without.table[halves].isna().all(axis=None)
    pd.testing.assert_frame_equal(with_halves.table.drop(columns=halves), without.table.drop(columns=halves))


def test_bad_input_is_named(store_of):
    store = world(classes=2, groups=4, clips=2, units=10)
    with pytest.raises(UsageError, match="splits -1"):
        evidence(store, "class", splits=-1)
    with pytest.raises(UsageError, match="aapee"):
        evidence(store, "class", presets=("aapee",))
    with pytest.raises(OtoscopeError, match="none"):
        evidence(store, "none")
    single = store_of([[1, 2]] * 3, [4] * 3, list("aab"))
    with pytest.raises(OtoscopeError, match=r"class 'b' of labeling 'kind' has 1 clip, all of them in one"):
        evidence(single, "kind")
    mask = np.ones(len(store.clips), dtype=bool)
    mask[store.labeling("class").membership(store.clips)[:, 1]] = False
    with pytest.raises(OtoscopeError, match="class 1"):
        evidence(store, "class", clips=mask)


# The verb


def test_the_verb_on_a_real_store(tmp_path, monkeypatch, capsys):
    toy = planted(tmp_path / "sounds", classes=2, groups=4, seconds=0.25)
    store = record(toy.model, toy.task, tmp_path / "x.zarr")

    def run(*arguments):
        line = ["otoscope", "evidence", str(store.path), "--permutations", "5", *arguments]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert not stop.value.code
        return capsys.readouterr()

    out, err = run("--label", "tone", "--preset", "aape")
    assert "what survives which baseline" in out
    assert "Twin not recorded" in out
    assert "tone: selecting by aape" in err
    assert max(map(len, out.splitlines())) <= 80
    assert Evidence.load(store.results / "evidence-tone").label == "tone"
    assert (store.results / "select-tone-aape" / "selection.json").is_file()
    out, _ = run("--preset", "aape", "--out", str(tmp_path / "o"), "--json")
    document = json.loads(out)
    assert [each["label"] for each in document["labelings"]] == list(store.labelings)
    assert Evidence.load(tmp_path / "o" / "evidence-tone").classes == store.labeling("tone").classes
