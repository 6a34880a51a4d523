"""Which clips form which batch of which shard."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_audio_model import FRAME, RATE, ToyModel

from otoscope.activations.plan import Plan, Settings, batches, differences, make_plan, scan
from otoscope.errors import OtoscopeError

SETTINGS = Settings(batch_size=4, threads=1, device="cpu")


def plan_of(model, task, settings=SETTINGS):
    return make_plan(model, task, settings, *scan([model], task)[0])


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(1, 6))
def test_every_clip_once_and_batches_of_equal_length(lengths, batch_size):
    made = batches(lengths, batch_size)
    assert sorted(clip for batch in made for clip in batch) == [i for i, n in enumerate(lengths) if n]
    assert all(len({lengths[clip] for clip in batch}) == 1 for batch in made)
    assert all(1 <= len(batch) <= batch_size for batch in made)


def test_a_plan_of_several_shards(model, write_clips, monkeypatch):
    monkeypatch.setattr("otoscope.activations.plan.SHARD", 4)
    task = write_clips([5 * FRAME] * 6 + [9 * FRAME])
    plan = plan_of(model, task)
    assert plan.shards == [[[0, 1, 2, 3]], [[4, 5], [6]]]
    assert [len(plan.rows(shard)) for shard in range(2)] == [4, 3]


def test_a_plan_survives_json(model, task):
    plan = plan_of(model, task)
    again = Plan.from_document(json.loads(json.dumps(plan.document())))
    assert again == plan
    assert again.digest == plan.digest
    assert set(plan.versions) >= {"otoscope", "torch", "python", "zarr"}


def test_a_plan_of_a_later_format_is_refused(model, task):
    with pytest.raises(OtoscopeError, match="format 99"):
        Plan.from_document({**plan_of(model, task).document(), "format": 99})


def test_seconds_decide_the_length(model, write_clips):
    task = write_clips([5 * FRAME, 50 * FRAME], seconds=10 * FRAME / RATE)
    ((samples, problems),) = scan([model], task)
    assert samples == [10 * FRAME] * 2
    assert not problems


def test_evars_lengths_decide_the_length_and_are_in_the_document(model, write_clips):
    task = write_clips([5 * FRAME, 50 * FRAME])
    assert "evar_lengths" not in plan_of(model, task).task
    task = task.with_evar_lengths((10 * FRAME + 0.9) / RATE)
    assert scan([model], task)[0] == ([10 * FRAME] * 2, {})
    assert plan_of(model, task).task["evar_lengths"] is True


def test_start_and_stop_decide_the_length(model, write_clips):
    task = write_clips([50 * FRAME] * 3)
    task.clips["start"] = [None, 0.2, 0.9]
    task.clips["stop"] = [0.5, 0.4, None]
    assert scan([model], task)[0][0] == [500, 200, 100]


def test_short_clips_and_bad_headers_are_problems(model, write_clips):
    task = write_clips([5 * FRAME, FRAME - 1, 5 * FRAME])
    Path(task.clips["path"][2]).write_text("not sound")
    ((samples, problems),) = scan([model], task)
    assert samples == [5 * FRAME, 0, 0]
    assert sorted(problems) == [1, 2]
    assert "0001.wav: 19 samples are too few; expected 20 or more" in problems[1]
    assert "0002.wav" in problems[2]
    plan = make_plan(model, task, SETTINGS, samples, problems)
    assert plan.shards == [[[0]]]
    assert plan.problems == problems


def test_counters_grow_with_the_tokens(model, task):
    assert plan_of(model, task).counter == "uint16"
    samples = [10 * FRAME, 70_000 * FRAME]
    assert make_plan(model, task, SETTINGS, samples, {}).counter == "uint32"
    assert np.iinfo(np.uint16).max < 70_000


def test_differences_are_named(model, task, write_clips):
    plan = plan_of(model, task)
    assert differences(plan, model, task, SETTINGS) == []
    other = ToyModel(seed=1, name="other")
    assert "the store has 'toy'" in differences(plan, other, task, SETTINGS)[0]
    assert "you gave 'other'" in differences(plan, other, task, SETTINGS)[0]
    fewer = write_clips([5 * FRAME] * 2, name="fewer", folder="fewer")
    assert differences(plan, model, fewer, SETTINGS)[0].startswith("task: the store has 'toy'")
    smaller = Settings(batch_size=2, threads=1, device="cpu", special=True)
    assert differences(plan, model, task, smaller) == [
        "batch_size: the store has 4, you gave 2",
        "special: the store has False, you gave True",
    ]
