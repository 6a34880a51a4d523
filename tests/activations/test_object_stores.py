"""Audio and stores behind URLs: the bytes are those on a disk, also where the server fails now and then."""

import fsspec
import numpy as np
import pandas as pd
import pytest
from s3_server import Server
from toy_audio_model import FRAME, ToyModel

from otoscope.activations import open_store, patience, plan, record, record_all, relabel, verify
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import is_local, path_of, replacing
from otoscope.neurons import Selection, select
from otoscope.tasks import Task


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 2)


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


@pytest.fixture
def bucket(server, monkeypatch):
    """A bucket on loopback, as URL; fsspec knows where it is."""
    settings = {"endpoint_url": server.url, "key": "k", "secret": "s"}
    for name, value in settings.items():  # for worker processes
        monkeypatch.setenv(f"FSSPEC_S3_{name.upper()}", value)
    monkeypatch.setitem(fsspec.config.conf, "s3", settings)
    server.every, server.away, server.seen, server.refused = 0, False, [], 0
    s3 = fsspec.filesystem("s3")
    name = f"bucket{np.random.default_rng().integers(1 << 40)}"
    s3.mkdir(name)
    return f"s3://{name}"


@pytest.fixture
def local(write_clips):
    """Six clips on the disk."""
    return write_clips([10 * FRAME, 11 * FRAME] * 3)


@pytest.fixture
def task(local, bucket):
    """The same, of which the server has the sounds."""
    s3 = fsspec.filesystem("s3")
    urls = [f"{bucket}/sounds/{name}" for name in local.clips["clip"]]
    for path, url in zip(local.clips["path"], urls, strict=True):
        s3.put_file(path, url)
    return Task("toy", local.clips.assign(path=urls), local.labelings)


def data(store):
    return {
        file.relative_to(store).as_posix(): file.read_bytes()
        for file in store.glob("*/c/**/*")
        if file.is_file()
    }


def remote_data(url):
    fs, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    found = [file for file in fs.find(root) if "/c/" in file]
    return {file.removeprefix(root).strip("/"): fs.cat_file(file) for file in found}


@pytest.mark.parametrize("workers", [1, 2])
def test_audio_and_store_on_a_server_have_the_bytes_of_a_disk(task, local, bucket, tmp_path, workers):
    whole = record(ToyModel(), local, tmp_path / "x.zarr", threads=1)
    store = record(ToyModel(), task, f"{bucket}/x.zarr", threads=1, workers=workers)
    assert remote_data(f"{bucket}/x.zarr") == data(whole.path)
    assert (store.fired.values == whole.fired.values).all()
    assert (store.embedding == whole.embedding).all()
    assert list(store.clips["sha256"]) == list(whole.clips["sha256"])
    assert verify(f"{bucket}/x.zarr").whole


def test_a_server_that_fails_now_and_then_changes_nothing(task, local, bucket, tmp_path, server):
    whole = record(ToyModel(), local, tmp_path / "x.zarr", threads=1)
    server.every = 17
    record(ToyModel(), task, f"{bucket}/x.zarr", threads=1)
    server.every = 0
    assert server.refused > 10
    assert remote_data(f"{bucket}/x.zarr") == data(whole.path)
    assert verify(f"{bucket}/x.zarr").whole


def test_a_server_that_is_away_in_the_middle_leaves_what_the_same_call_completes(
    task, local, bucket, tmp_path, server, monkeypatch
):
    import s3fs

    monkeypatch.setattr(patience, "_PAUSES_S", (0.01,))
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    whole = record(ToyModel(), local, tmp_path / "x.zarr", threads=1)

    class Unplugged(ToyModel):
        def forward(self, chunk):
            server.away = len([path for _, path in server.seen if "receipts" in path and "json" in path]) > 6
            return super().forward(chunk)

    monkeypatch.setitem(fsspec.config.conf["s3"], "config_kwargs", {"retries": {"max_attempts": 0}})
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises((OtoscopeError, OSError)):
        record(Unplugged(), task, f"{bucket}/x.zarr", threads=1, on_bad_audio="skip")
    assert server.away
    server.away = False
    with pytest.raises(OtoscopeError, match="shards are missing"):
        open_store(f"{bucket}/x.zarr")
    store = record(ToyModel(), task, f"{bucket}/x.zarr", threads=1)
    assert remote_data(f"{bucket}/x.zarr") == data(whole.path)
    assert (store.clips["problem"] == "").all()


def test_a_store_on_a_server_is_selected_from_relabelled_and_repaired(task, bucket, tmp_path):
    store = record(ToyModel(), task, f"{bucket}/x.zarr", threads=1)
    chosen = select(store, "kind", preset="aape", share=0.2, permutations=3)
    place = store.results / chosen.folder
    chosen.save(place)
    pd.testing.assert_frame_equal(Selection.load(place).table, chosen.table)
    pd.testing.assert_frame_equal(Selection.load(f"{store.path}/results/{chosen.folder}").table, chosen.table)
    table = tmp_path / "more.csv"
    table.write_text(
        "clip,size\n" + "\n".join(f"{n:04d}.wav,{'big' if n < 3 else 'small'}" for n in range(6))
    )
    assert relabel(store, table).labeling("size").classes == ("big", "small")
    damaged = path_of(f"{bucket}/x.zarr/fired/c/1/0")
    held = bytearray(damaged.read_bytes())
    held[5] ^= 1
    damaged.write_bytes(bytes(held))
    assert not verify(f"{bucket}/x.zarr").whole
    assert verify(f"{bucket}/x.zarr", repair=True, model=ToyModel()).mended


def test_another_recording_is_refused_there_too(task, bucket):
    record(ToyModel(), task, f"{bucket}/x.zarr")
    with pytest.raises(OtoscopeError, match="holds another recording"):
        record(ToyModel(seed=4), task, f"{bucket}/x.zarr")
    with pytest.raises(UsageError, match="given for several models"):
        record_all([ToyModel(), ToyModel(seed=4)], task, [f"{bucket}/x.zarr"] * 2)
    with pytest.raises(OtoscopeError, match="does not exist"):
        open_store(f"{bucket}/y.zarr")


def test_places(tmp_path):
    assert path_of(tmp_path) is tmp_path
    assert path_of("file:///a/b") == path_of("/a/b")
    assert is_local(path_of("a/b"))
    far = path_of("memory://otoscope-places/a")
    assert not is_local(far)
    assert path_of(far) is far
    with replacing(far / "b.txt") as temporary:
        temporary.write_text("whole")
        assert not (far / "b.txt").exists()
    assert (far / "b.txt").read_text() == "whole"


def test_a_store_in_any_file_system_of_fsspec(write_clips, tmp_path):
    local = write_clips([10 * FRAME] * 4)
    whole = record(ToyModel(), local, tmp_path / "x.zarr", threads=1)
    store = record(ToyModel(), local, "memory://otoscope-any/x.zarr", threads=1)
    assert remote_data("memory://otoscope-any/x.zarr") == data(whole.path)
    assert (store.mean.values == whole.mean.values).all()
