"""Kills at random moments, of runs and of workers: long tests, see `random_kills.py`."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from toy_audio_model import FRAME, ToyModel

from otoscope.activations import plan, record
from otoscope.files import read_json

HERE = Path(__file__).parent
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")]


def test_two_hundred_kills_leave_what_resumes_to_the_same_bytes(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE / "random_kills.py"), str(tmp_path), "200"]
    made = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["kills"] >= 200
    assert found["equal"] == found["verified"] == found["stores"]
    assert found["left_over"] == 0
    assert set(found["victims"]) == {"group", "run", "worker"}
    assert len(found["shards_done"]) > found["shards"] // 2  # at many moments


def hands():
    """The processes of Ray's workers that record."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if command.read_bytes().startswith(b"ray::_Hand"):
                found.append(int(command.parent.name))
        except OSError:
            continue
    return found


def test_ray_workers_killed_at_random_in_twenty_runs_change_nothing(write_clips, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 2)
    task = write_clips([10 * FRAME, 11 * FRAME] * 6)

    def data(store):
        return {str(f.relative_to(store)): f.read_bytes() for f in store.glob("*/c/**/*") if f.is_file()}

    options = {"threads": 1, "batch_size": 1}
    whole = data(record(ToyModel(), task, tmp_path / "whole.zarr", **options).path)
    chance, killed = random.Random(0), []
    for number in range(20):
        over = threading.Event()

        def kill(over=over):
            for _ in range(2):  # a third at the same shard would be one too many
                while not over.is_set() and not hands():
                    time.sleep(0.02)
                if over.wait(chance.uniform(0, 1.5)) or not (there := hands()):
                    return
                os.kill(chance.choice(there), signal.SIGKILL)
                killed.append(number)  # noqa: B023

        killer = threading.Thread(target=kill)
        killer.start()
        store = record(
            ToyModel(pause=0.05), task, tmp_path / f"{number}.zarr", engine="ray", workers=2, **options
        )
        over.set()
        killer.join()
        assert data(store.path) == whole
        (run,) = store.path.glob("runs/*.json")
        assert read_json(run)["outcome"] == "finished"
    assert len(set(killed)) > 10
