"""The reduction of activations to statistics, against plain definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.activations.reduce import Tally, count, tiles

CPU = torch.device("cpu")


def tally(activation, wanted=None, numbers=None):
    clips, positions, units = activation.shape
    if wanted is None:
        wanted = np.ones((clips, positions), bool)
    if numbers is None:
        numbers = np.tile(np.arange(positions), (clips, 1))
    made = Tally(clips, units, CPU)
    for tile in tiles(wanted, numbers, units, CPU):
        made.add(activation, tile)
    return made


def test_answers_known_on_paper():
    activation = torch.tensor([[[1.0, -1.0, 0.0], [3.0, -2.0, 0.0], [3.0, -0.5, 0.0]]])
    made = tally(activation)
    assert made.fired.tolist() == [[3, 0, 0]]  # an activation of 0 does not fire
    assert made.total.tolist() == [[7.0, -3.5, 0.0]]
    assert made.peak.tolist() == [[3.0, -0.5, 0.0]]
    assert made.where.tolist() == [[1, 2, 0]]  # of equal peaks the first


def test_positions_that_are_not_wanted_leave_no_trace():
    activation = torch.tensor([[[9.0], [1.0], [-1.0], [9.0]]])
    made = tally(activation, np.array([[False, True, True, False]]), np.array([[7, 8, 9, 10]]))
    assert made.fired.item() == 1
    assert made.total.item() == 0.0
    assert (made.peak.item(), made.where.item()) == (1.0, 8)


def test_clips_without_wanted_positions_stay_empty():
    made = tally(torch.ones(2, 3, 4), np.array([[True] * 3, [False] * 3]))
    assert made.fired.tolist() == [[3] * 4, [0] * 4]
    assert made.peak[1].tolist() == [-torch.inf] * 4


@pytest.mark.parametrize("positions", [254, 255, 256, 700])
def test_more_positions_than_a_byte_can_count(positions):
    activation = torch.ones(1, positions, 3)
    activation[0, -1, 1] = 2.0
    made = tally(activation)
    assert made.fired.tolist() == [[positions] * 3]
    assert made.where.tolist() == [[0, positions - 1, 0]]


def test_tiles_of_a_wide_layer_hold_few_clips_and_all_of_them_once():
    wanted = np.ones((50, 200), bool)
    made = tiles(wanted, np.zeros_like(wanted, dtype=np.int64), units=3072, device=CPU)
    rows = np.concatenate([np.arange(50)[tile.rows] for tile in made])
    assert len(made) > 1
    assert sorted(rows) == list(range(50))


def test_whole_stretches_are_views():
    activation = torch.randn(4, 6, 5)
    (tile,) = tiles(
        np.tile([False, True, True, True, True, True], (4, 1)), np.zeros((4, 6), np.int64), 5, CPU
    )
    assert tile.of(activation).data_ptr() == activation[:, 1:].data_ptr()


@given(
    clips=st.integers(1, 5),
    positions=st.integers(1, 300),
    units=st.integers(1, 4),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=40, deadline=None)
def test_equals_the_slow_definition(clips, positions, units, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(-3, 4, (clips, positions, units)).astype(np.float32)  # full of ties and zeros
    wanted = rng.random((clips, positions)) < 0.7
    numbers = np.cumsum(rng.integers(1, 4, (clips, positions)), axis=1)
    made = tally(torch.from_numpy(values), wanted, numbers)
    for clip in range(clips):
        seen = values[clip, wanted[clip]]
        if not len(seen):
            assert not made.fired[clip].any()
            continue
        assert made.fired[clip].tolist() == (seen > 0).sum(0).tolist()
        assert made.total[clip].tolist() == seen.sum(0).tolist()
        assert made.peak[clip].tolist() == seen.max(0).tolist()
        assert made.where[clip].tolist() == numbers[clip, wanted[clip]][seen.argmax(0)].tolist()


def test_nan_reaches_the_statistics_and_breaks_nothing():
    activation = torch.tensor([[[1.0], [float("nan")], [2.0]]])
    made = tally(activation)
    assert made.fired.item() == 2
    assert np.isnan(made.total.item())


def test_count_is_bytes():
    assert count(torch.ones(1, 255, 1)).tolist() == [[255]]
