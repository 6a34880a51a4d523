"""What a kill, Ctrl-C or a long task do to a recording: nothing."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
from toy_audio_model import FRAME, ToyModel

from otoscope.activations import plan
from otoscope.activations.layout import Layout
from otoscope.activations.plan import Settings, make_plan, scan
from otoscope.activations.shard import Job, Part, record_shard
from otoscope.engines.processes import Processes
from otoscope.files import write_json

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def program(name, folder, *options):
    command = [sys.executable, str(HERE / name), str(folder), *options]
    made = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks")
@pytest.mark.parametrize("models", [[], ["together"]], ids=["alone", "together"])
def test_ten_kills_leave_the_same_bytes_and_no_partial_file(tmp_path, models):
    told = json.loads(program("killed_recordings.py", tmp_path, *models))
    results = told["results"]
    assert len(results) == 10
    assert len({result["moment"] for result in results}) == 10
    assert told["files"] >= 3 * 6
    for result in results:
        assert result["killed"], result
        assert result["resumed"], result
        assert result["equal"], result
        assert result["partial_after"] == 0, result
    assert sum(result["partial"] > 0 for result in results) >= 9  # each kill left one, to be cleared away
    assert any("interrupted" in result["outcomes"] for result in results)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_number_of_clips(tmp_path):
    assert float(program("growing_memory.py", tmp_path)) < 20


def test_workers_are_gone_after_ctrl_c(write_clips, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 2)
    task = write_clips([10 * FRAME] * 6)
    model = ToyModel(pause=0.2)
    made = make_plan(model, task, Settings(batch_size=1, threads=1, device="cpu"), *scan([model], task)[0])
    layout = Layout(tmp_path / "x.zarr")
    with layout.locked():
        write_json(layout.plan, made.document())
        layout.create(made)

        def interrupted(_clips):
            raise KeyboardInterrupt

        job = Job((Part(model, made, str(layout.path), "run"),), task, "stop")
        with pytest.raises(KeyboardInterrupt):
            list(Processes(2).run(record_shard, job, [0, 1, 2], interrupted))
    assert multiprocessing.active_children() == []
    assert layout.missing(made)
