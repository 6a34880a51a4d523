"""Twins of a recording: recorded with it, found again beside it, refused where there are none."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from toy_audio_model import FRAME, ToyModel

from otoscope.activations import open_store, record, record_twins, with_twins
from otoscope.activations.twins import place_of
from otoscope.errors import OtoscopeError, UsageError
from otoscope.models import load_model


@pytest.fixture
def sounds(write_clips):
    return write_clips([200 * FRAME] * 4)  # 4 s at 1 kHz


@pytest.fixture
def toy(task, tmp_path):
    """A toy's store with two twins made by hand, as for any model that no name makes again."""
    store = record(ToyModel(), task, tmp_path / "x.zarr")
    for kind, seed in (("random", 10), ("random", 2), ("shuffled", 0)):
        record(ToyModel(seed=seed + 1, name=f"wrap:{kind}"), task, place_of(store.path, kind, seed))
    return store


def test_a_model_is_recorded_with_its_twins(sounds, tmp_path):
    store = record_twins("mini:ssl", sounds, tmp_path / "x.zarr", 1, shuffled=1, threads=1)
    assert [(twin.kind, twin.seed, twin.problem) for twin in store.twins] == [
        ("random", 0, ""),
        ("shuffled", 0, ""),
    ]
    names = [twin.open().info["model"]["name"] for twin in store.twins]
    assert names == ["random:mini:ssl@0", "shuffled:mini:ssl@0"]
    assert store.info["model"]["name"] == "mini:ssl"
    assert store.twins_missing == ""
    began = {path: path.read_bytes() for path in tmp_path.rglob("receipts/*")}
    again = record_twins(load_model("mini:ssl"), sounds, tmp_path / "x.zarr", 2, threads=1)
    assert [twin.name for twin in again.twins] == ["random-0", "random-1", "shuffled-0"]
    assert all(path.read_bytes() == content for path, content in began.items())
    alone = record(load_model("random:mini:ssl@1"), sounds, tmp_path / "alone.zarr", threads=1)
    assert (alone.counts(slice(None)) == again.twins[1].open().counts(slice(None))).all()


def test_twins_come_in_the_order_of_seeds(toy):
    assert [twin.name for twin in toy.twins] == ["random-2", "random-10", "shuffled-0"]
    assert [twin.problem for twin in toy.twins] == [""] * 3
    assert open_store(toy.path).twins == toy.twins


def test_a_store_without_twins_says_how_to_record_them(task, tmp_path):
    store = record(ToyModel(name="m2d:a b?hook=mlp"), task, tmp_path / "x.zarr")
    assert store.twins == ()
    assert store.twins_missing.startswith(
        "twin not recorded; otoscope record --model 'm2d:a b?hook=mlp' --task TASK --out "
    )
    assert "--twins 3 would" in store.twins_missing
    asked = replace(task, options=("--task", "folder:my sounds", "--seconds", "4"))
    known = record(ToyModel(name="m2d:a"), asked, tmp_path / "z.zarr", limit=2, special=True).twins_missing
    assert "--model m2d:a --task 'folder:my sounds' --seconds 4 --limit 2 --special --out" in known
    assert known.endswith("--twins 3 would")
    own = record(ToyModel(name="random:toy"), task, tmp_path / "y.zarr")
    assert own.twins_missing == "twin not recorded: random:toy is untrained itself"


def test_a_twin_of_something_else_says_so(toy, task, write_clips, tmp_path):
    other = write_clips([10 * FRAME] * 3, folder="others")
    record(ToyModel(seed=5), other, place_of(toy.path, "random", 3))
    record(ToyModel(units=(24, 8), seed=5), task, place_of(toy.path, "random", 4))
    record(ToyModel(), task, place_of(toy.path, "random", 5))
    unfinished = place_of(toy.path, "random", 6)
    shutil.copytree(place_of(toy.path, "random", 2), unfinished)
    (unfinished / "receipts" / "00000.json").unlink()
    place_of(toy.path, "random", 7).mkdir()
    broken = place_of(toy.path, "random", 8)
    shutil.copytree(place_of(toy.path, "random", 2), broken)
    (broken / "plan.json").write_text("{")
    found = {twin.name: twin for twin in toy.twins if twin.problem}
    expected = {
        "random-3": "other clips or labels of 'toy'",
        "random-4": "has other layers than toy",
        "random-5": "the very weights of the store's",
        "random-6": "not complete: 1 of 1 shards are missing",
        "random-7": "not a store",
        "random-8": "plan.json cannot be read: Expecting property name",
    }
    assert set(found) == set(expected)
    for name, words in expected.items():
        assert words in found[name].problem
        with pytest.raises(OtoscopeError, match="cannot be compared with its store"):
            found[name].open()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ToyModel(name="random:mini:ssl@1"), "is untrained itself and has no twins"),
        (ToyModel(name="shuffled:mini:ssl"), "is shuffled itself and has no twins"),
        (ToyModel(name="wrap:Net"), r"no name makes 'wrap:Net' again.*x\.zarr\.twins/random-0\.zarr"),
    ],
)
def test_models_without_twins_are_refused(model, words, task, tmp_path):
    with pytest.raises(UsageError, match=words):
        record_twins(model, task, tmp_path / "x.zarr", 1)
    assert not list(tmp_path.glob("*.zarr*"))
    assert with_twins([model], [tmp_path / "x.zarr"], 0) == ([model], [tmp_path / "x.zarr"])


def test_a_model_that_has_learned_nothing_is_refused(tmp_path):
    with pytest.raises(UsageError, match="mini:random is untrained itself and has no twins"):
        with_twins([load_model("mini:random")], [tmp_path / "x.zarr"], 1)


def test_a_model_that_is_its_own_twin_is_refused(tmp_path):
    model = load_model("random:mini:ssl@0")
    model.name = "mini:ssl"
    with pytest.raises(UsageError, match="has the very weights of mini:ssl"):
        with_twins([model], [tmp_path / "x.zarr"], 1)


def test_a_model_changed_since_it_was_loaded_is_refused(tmp_path):
    with pytest.raises(OtoscopeError, match=r"has other layers than mini:ssl"):
        with_twins([ToyModel(name="mini:ssl")], [tmp_path / "x.zarr"], 1)


def test_a_number_of_twins_is_not_negative(tmp_path):
    with pytest.raises(UsageError, match="twins is -1; expected 0 or more"):
        with_twins([ToyModel()], [tmp_path / "x.zarr"], -1)


def test_the_global_random_state_is_left_alone(tmp_path):
    model, state = load_model("mini:ssl"), torch.get_rng_state()
    with_twins([model], [tmp_path / "x.zarr"], 1, shuffled=1)
    assert torch.get_rng_state().equal(state)


def test_info_shows_the_twins(toy, capsys):
    from otoscope import console

    place_of(toy.path, "random", 7).mkdir()
    document = json.loads(json.dumps(console.store_document(open_store(toy.path)), default=str))
    assert [twin["name"] for twin in document["twins"]] == ["random-2", "random-7", "random-10", "shuffled-0"]
    lines = [str(line) for line in console.store_lines(document)]
    assert "  twins: random-2, random-10, shuffled-0" in lines
    assert any(line.startswith("  twin random-7 cannot be used: it is not a store") for line in lines)
    shutil.rmtree(f"{toy.path}.twins")
    lines = list(console.store_lines(console.store_document(open_store(toy.path))))
    assert any("twin not recorded" in str(line) for line in lines)
