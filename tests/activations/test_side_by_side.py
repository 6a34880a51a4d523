"""Several runs at the same store, and workers that die: the bytes are those of one quiet run."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from toy_audio_model import FRAME, ToyModel
from toy_relatives import Mortal

from otoscope.activations import plan, record, recording
from otoscope.activations.layout import Layout
from otoscope.activations.locks import lock, waiting_lock
from otoscope.errors import OtoscopeError
from otoscope.files import abandoned, read_json

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 2)


def data(store):
    return {str(f.relative_to(store)): f.read_bytes() for f in Path(store).glob("*/c/**/*") if f.is_file()}


def test_runs_side_by_side_share_the_work_and_leave_the_same_bytes(write_clips, tmp_path):
    task = write_clips([10 * FRAME, 11 * FRAME] * 6)
    whole = record(ToyModel(), task, tmp_path / "whole.zarr", threads=1)
    heard, failed = [], []

    def run(model):
        try:
            heard.append((model, record(model, task, tmp_path / "shared.zarr", threads=1)))
        except BaseException as error:
            failed.append(error)

    runs = [threading.Thread(target=run, args=(ToyModel(pause=0.02),)) for _ in range(3)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert not failed
    assert len(heard) == 3
    assert data(tmp_path / "shared.zarr") == data(whole.path)
    receipts = [read_json(file) for file in (tmp_path / "shared.zarr" / "receipts").iterdir()]
    assert len(receipts) == 6
    assert len({receipt["run"] for receipt in receipts}) > 1  # no run did it all
    assert not (tmp_path / "shared.zarr" / "locks").exists()
    assert len(list((tmp_path / "shared.zarr" / "runs").iterdir())) == 3


def test_a_run_waits_for_the_shard_of_another_and_takes_it_up_if_that_dies(
    write_clips, tmp_path, monkeypatch
):
    monkeypatch.setattr(recording, "_LOOK_AGAIN_S", 0.05)
    task = write_clips([10 * FRAME] * 4)
    out = tmp_path / "x.zarr"
    holder = subprocess.Popen(
        [sys.executable, str(HERE / "holding_a_shard.py"), str(out), "1"], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    done = []
    run = threading.Thread(target=lambda: done.append(record(ToyModel(), task, out, threads=1)))
    run.start()
    while not Layout(out).receipts.exists():
        time.sleep(0.02)
    time.sleep(0.3)
    assert not done
    assert [file.name for file in Layout(out).receipts.iterdir()] == ["00000.json"]
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    run.join(timeout=20)
    assert done
    assert data(out) == data(record(ToyModel(), task, tmp_path / "whole.zarr", threads=1).path)


def test_a_lock_is_held_by_one_and_leaves_nothing_behind(tmp_path):
    file = tmp_path / "locks" / "one"
    with lock(file) as mine:
        assert mine
        with lock(file) as other:
            assert not other
        assert file.exists()
    assert not file.parent.exists()


def test_who_waits_for_a_lock_gets_it(tmp_path, monkeypatch):
    monkeypatch.setattr("otoscope.activations.locks._TELL_S", 0.0)
    file, told, order = tmp_path / "one", [], []

    def wait():
        with waiting_lock(file, lambda: told.append("waiting")):
            order.append("second")

    with lock(file):
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]
    assert told == ["waiting"]


def test_a_disk_without_locks_will_do(write_clips, tmp_path, monkeypatch):
    import fcntl

    def none(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", none)
    assert len(record(ToyModel(), write_clips([10 * FRAME] * 4), tmp_path / "x.zarr").tokens) == 4


def test_temporary_files_of_the_living_are_left(tmp_path):
    from otoscope.files import _HOST, replacing

    with replacing(tmp_path / "x.json") as mine:
        assert not abandoned(mine)
        mine.write_text("")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    assert abandoned(tmp_path / f".x.{_HOST}-{dead.pid}.partial.json")
    assert not abandoned(tmp_path / f".x.elsewhere-{dead.pid}.partial.json")
    assert abandoned(tmp_path / "zarr.0a1b.partial")


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_worker_that_dies_is_replaced(write_clips, tmp_path, engine):
    task = write_clips([10 * FRAME] * 8)
    mark = tmp_path / "deaths"
    store = record(
        Mortal(mark, deaths=2), task, tmp_path / "x.zarr", workers=2, threads=1, engine=engine, batch_size=2
    )
    assert len(mark.read_text()) == 2
    whole = record(Mortal(mark, deaths=0), task, tmp_path / "whole.zarr", threads=1, batch_size=2)
    assert data(store.path) == data(whole.path)
    assert not (store.path / "locks").exists()


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_shard_at_which_workers_always_die_is_named_and_the_others_are_kept(write_clips, tmp_path, engine):
    task = write_clips([10 * FRAME] * 5 + [11 * FRAME])
    out = tmp_path / "x.zarr"
    model = Mortal(tmp_path / "deaths", deaths=99, length=11 * FRAME)
    with pytest.raises(OtoscopeError, match=r"1 shards could not be done.*\(2: 3 workers died at it") as told:
        record(model, task, out, workers=2, threads=1, engine=engine)
    assert "killed by signal 9" in str(told.value) or engine == "ray"
    layout = Layout(out)
    assert sorted(file.name for file in layout.receipts.iterdir()) == ["00000.json", "00001.json"]
    (run,) = layout.runs.iterdir()
    assert read_json(run)["outcome"] == "interrupted"
    # The same command, once whatever killed them is gone, does the rest.
    assert len(record(Mortal(tmp_path / "deaths", deaths=0), task, out, threads=1).tokens) == 6


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_an_error_in_a_worker_is_told_where_it_was_asked_for(write_clips, tmp_path, engine):
    task = write_clips([10 * FRAME] * 4)
    model = Mortal(tmp_path / "deaths", deaths=99, error=ZeroDivisionError("by none"))
    with pytest.raises(RuntimeError, match="by none"):
        record(model, task, tmp_path / "x.zarr", workers=2, threads=1, engine=engine)


def test_ray_gives_the_bytes_of_the_local_engine(write_clips, tmp_path):
    task = write_clips([10 * FRAME, 11 * FRAME, 17 * FRAME] * 4)
    options = {"threads": 1, "batch_size": 3}
    whole = record(ToyModel(), task, tmp_path / "whole.zarr", **options)
    store = record(ToyModel(), task, tmp_path / "ray.zarr", workers=3, engine="ray", **options)
    assert data(store.path) == data(whole.path)
    (run,) = (store.path / "runs").iterdir()
    assert read_json(run)["workers"] == 3
