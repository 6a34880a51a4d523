"""Meaning or acoustics of a labeling as a whole."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.meaning.account import Acoustics
from otoscope.neurons.meaning.acoustics import acoustics
from otoscope.neurons.meaning.distances import distance_file
from otoscope.neurons.meaning.sharing import sharing_on_sound
from otoscope.neurons.selecting import select
from otoscope.neurons.worlds.building import world
from otoscope.tasks import Labeling


@pytest.fixture(scope="module")
def made():
    return world(classes=4, groups=24, clips=4, acoustic=6, specific=3, strength=2.0, seed=0)


@pytest.fixture(scope="module")
def found(made):
    return acoustics(made, "class", made.descriptors)


def kinds(made):
    return made.truth.drop_duplicates(["layer", "unit"]).set_index(["layer", "unit"])["kind"]


def test_neurons_driven_by_sound_are_flagged_and_those_driven_by_class_are_not(made, found):
    flags = found.follows.table.set_index(["layer", "unit"])["follows"]
    truth = kinds(made)
    assert (flags.loc[truth.index[truth == "acoustic"]] != "").mean() >= 5 / 6
    assert (flags.loc[truth.index[truth == "specific"]] == "").all()
    chosen = found.neurons.set_index(["layer", "unit"])
    assert found.chosen_by == "specific"
    own = chosen[chosen.index.isin(truth.index[truth == "specific"])]
    assert len(own) >= 10
    assert (own["after"] > 0.5 * own["before"]).all()
    assert (own["after_p"] <= 0.05).all()


def test_a_neuron_that_hears_the_class_by_its_sound_loses_its_selectivity(made):
    truth = made.truth[made.truth["follows"] == "brightness"]
    pairs = list(zip(truth["layer"], truth["unit"], strict=True))
    given = acoustics(made, "class", made.descriptors, neurons=pairs)
    assert given.chosen_by == "given"
    assert (given.neurons["category"] == "").all()
    assert (given.neurons["after"] < 0.6 * given.neurons["before"]).all()


def test_few_classes_are_told_and_everything_is_kept(found, tmp_path):
    assert found.sharing is None
    assert any("has 4 classes; expected 6 or more" in note for note in found.notes)
    found.save(tmp_path)
    again = Acoustics.load(tmp_path)
    assert again.document() == found.document()
    pd.testing.assert_frame_equal(again.neurons, found.neurons)
    assert "follow a descriptor" in repr(again)
    assert "specific" in repr(again)
    with pytest.raises(OtoscopeError, match=r"holds no acoustics\.json"):
        Acoustics.load(tmp_path / "other")


def test_silence_constants_and_clips_without_descriptors_are_told(made):
    table = made.descriptors.copy()
    table["loudness"] = table["loudness"].where(np.arange(len(table)) % 5 > 0)
    table["level"], table["pitch"] = 1.0, np.nan
    table.iloc[[0, 7]] = np.nan
    found = acoustics(made, "class", table, neurons=[(0, 0)], permutations=19)
    notes = "; ".join(found.notes)
    assert "2 of 384 clips have no descriptors and are left out" in notes
    assert "loudness: known of 306 of 382 clips" in notes
    assert "level, pitch: the same on all clips, or known of none" in notes
    assert found.descriptors.set_index("descriptor")["constant"].tolist() == [False, False, True, True]
    assert set(found.follows.table["follows"]) <= {"", "loudness", "brightness"}
    left = made.descriptors.assign(loudness=table["loudness"])[~table.isna().all(axis=1)]
    assert found.follows.correlations[["level", "pitch"]].isna().all(axis=None)
    assert len(left) == 382


def test_twins_are_counted_beside_and_missing_ones_told(made, found, monkeypatch):
    assert any(note.startswith("twin not recorded") for note in found.notes)
    assert len(found.twins) == 0
    other = world(classes=4, groups=24, clips=4, acoustic=6, specific=3, strength=2.0, seed=0, draw=0)
    twin = SimpleNamespace(name="random-0", kind="random", seed=0, problem="", open=lambda: other)
    monkeypatch.setattr(type(made), "twins", (twin,), raising=False)
    again = acoustics(made, "class", made.descriptors)
    assert again.twins["following"].tolist() == [int(again.follows.following.sum())]
    assert not any(note.startswith("twin not recorded") for note in again.notes)


def test_without_neurons_by_specific_it_is_aape_and_says_so():
    null = world(classes=3, groups=12, specific=0, strength=0.0, seed=3)
    found = acoustics(null, "class", null.descriptors, permutations=19)
    assert found.chosen_by == "aape"
    assert "specific finds no neurons in class" in found.notes


def test_several_classes_a_clip(store_of):
    random = np.random.default_rng(0)
    fired = random.binomial(20, 0.4, (60, 200))
    fired[::2, :4] = 20
    store = store_of(
        fired, np.full(60, 20), ["a,b" if i % 3 == 0 else "ab"[i % 2] for i in range(60)], multilabel=True
    )
    table = pd.DataFrame({"db": random.standard_normal(60)})
    found = acoustics(store, "kind", table, permutations=19)
    assert found.chosen_by == "aape"
    assert any("several classes" in note for note in found.notes)
    assert found.neurons["before"].isna().all()


def test_too_few_permutations_within_classes_leave_correlations(store_of):
    fired = np.random.default_rng(1).binomial(20, 0.4, (8, 40))
    store = store_of(fired, np.full(8, 20), list("aabbccdd"))
    table = pd.DataFrame({"db": np.arange(8.0), "flat": -(np.arange(8.0) ** 2)})
    found = acoustics(store, "kind", table, neurons=[(0, 3)], permutations=19)
    assert found.follows is None
    assert any("16 distinct permutations" in note for note in found.notes)
    best = found.neurons.iloc[0]
    assert best["follows"] == ""
    assert abs(best["rho"]) == found.correlations.iloc[0].abs().max()


def test_a_kept_selection_is_taken_until_the_store_is_relabelled(made, tmp_path, monkeypatch):
    monkeypatch.setattr(type(made), "results", tmp_path / "x.zarr" / "results", raising=False)
    kept = select(made, "class", permutations=0, twins=False)
    one = kept.table.iloc[:1]
    object.__setattr__(kept, "table", one)
    kept.save(made.results / kept.folder)
    pair = one[["layer", "unit"]].to_numpy().tolist()
    assert (
        acoustics(made, "class", made.descriptors, permutations=19)
        .neurons[["layer", "unit"]]
        .to_numpy()
        .tolist()
        == pair
    )
    labels = tmp_path / "x.zarr" / "labels"
    labels.mkdir()
    (labels / "other.parquet").touch()
    assert len(acoustics(made, "class", made.descriptors, permutations=19).neurons) > 1


def shared_world(store_of, seed=0, taxonomy=None):
    """Eight classes along a line of pitch; a neuron fires for classes near its place."""
    random = np.random.default_rng(seed)
    clips = 320
    kind = np.arange(clips) % 8
    table = pd.DataFrame({"f0": kind + 0.1 * random.standard_normal(clips)})
    place = random.uniform(-1, 8, 150)
    drive = 4 - 2.5 * abs(kind[:, None] - place)
    fired = np.hstack(
        [random.binomial(40, 1 / (1 + np.exp(-drive))), random.binomial(40, 0.02, (clips, 8000))]
    )
    store = store_of(fired, np.full(clips, 40), np.array(list("abcdefgh"))[kind])
    if taxonomy:
        store.labelings["kind"] = Labeling("kind", "kind", tuple("abcdefgh"), taxonomy=taxonomy)
    return store, table


def test_classes_that_sound_alike_share_neurons(store_of, tmp_path):
    broad = {name: "vowel" if name in "ae" else "consonant" for name in "abcdefgh"}
    store, table = shared_world(store_of, taxonomy=broad)
    regression, _ = sharing_on_sound(store, table, "kind", permutations=499)
    found = regression.table.set_index("predictor")
    assert found["beta"]["acoustic"] < -0.4
    assert found["p"]["acoustic"] < 0.02
    assert found["p"]["taxonomy"] > 0.05
    names = list(regression.classes)
    path = tmp_path / "words.csv"
    random = np.random.default_rng(0).random((8, 8))
    pd.DataFrame(random + random.T, index=list("abcdefgh"), columns=list("abcdefgh")).to_csv(path)
    more, _ = sharing_on_sound(store, table, "kind", distances={"words": distance_file(path)})
    assert more.table["predictor"].tolist() == ["acoustic", "taxonomy", "words"]
    only = distance_file(path).drop(index=names[0], columns=names[0])
    with pytest.raises(UsageError, match=f"no row and column for {names[0]}"):
        sharing_on_sound(store, table, "kind", distances={"words": only})


def test_a_taxonomy_that_says_nothing_is_left_out(store_of):
    store, table = shared_world(store_of, taxonomy=dict.fromkeys("abcdefgh", "letter"))
    regression, notes = sharing_on_sound(store, table, "kind", permutations=99)
    assert regression.table["predictor"].tolist() == ["acoustic"]
    assert "the taxonomy distance is 0 for all pairs of classes and is left out" in notes
    with pytest.raises(OtoscopeError, match="no distance between classes varies"):
        sharing_on_sound(store, table.assign(f0=0.0, db=0.0)[["db"]] * np.nan, "kind")


def test_files_of_distances_are_checked(tmp_path):
    path = tmp_path / "d.csv"
    with pytest.raises(UsageError, match="cannot be read"):
        distance_file(path)
    path.write_text("x,a,b\na,0,1\nc,1,0\n")
    with pytest.raises(UsageError, match="2 rows and 2 columns; expected numbers"):
        distance_file(path)
    path.write_text("x,1,2\n1,0,0.5\n2,0.5,0\n")
    assert distance_file(path).loc["1", "2"] == 0.5
