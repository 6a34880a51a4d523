"""Shared prefixes on awkward modules: they give what whole passes give, and spare what they can."""

import numpy as np
import pytest
import torch
from torch import nn

import otoscope as oto
from otoscope.audio import Waveform
from otoscope.interventions import Gain, embed, intervene
from otoscope.interventions.changes import Prefix
from otoscope.interventions.running import Batch

SAMPLES = 640


class Counted(nn.Linear):
    """A linear map that counts its calls."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.act, self.down = Counted(4, 8), nn.GELU(), nn.Linear(8, 4)

    def forward(self, x):
        x += self.down(self.act(self.up(x)))  # in place: what the stage before gave is written into
        return x


class InPlace(nn.Module):
    """Blocks that write into their input, a norm that several calls share, and a tuple between stages."""

    def __init__(self, blocks=3):
        super().__init__()
        self.front, self.norm = Counted(16, 4), nn.LayerNorm(4)
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))

    def forward(self, sound):
        x = self.front(sound.unflatten(1, (-1, 16)))
        for block in self.blocks:
            x = block(self.norm(x))
            x[:, 0] = 0
        return x


def toy(module):
    torch.manual_seed(0)
    return module().eval()


@pytest.fixture
def wrapped():
    return oto.wrap(toy(InPlace), "blocks.*.act", sample_rate=16000)


@pytest.fixture(scope="module")
def batch():
    sound = np.random.default_rng(0).normal(size=(3, SAMPLES)).astype(np.float32)
    return Batch((0, 1, 2), tuple(Waveform(each, SAMPLES) for each in sound))


def naive(model, batch, *changes):
    (chunk,) = model.prepare(batch.waveforms)
    with intervene(model, *changes), torch.inference_mode():
        return model.embedding([chunk], [model.forward(chunk)]).numpy()


def test_modules_that_write_into_their_input_do_not_spoil_what_is_kept(wrapped, batch):
    wanted = [(), *((Gain.of([(layer, 1)]),) for layer in (2, 0, 1, 2))]
    ((_, _, found),) = embed(wrapped, [batch], wanted)
    for changes, shared in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(shared, naive(wrapped, batch, *changes))


def test_stages_before_the_change_are_not_computed_again(wrapped, batch):
    blocks = wrapped.module.blocks

    def calls(*changes):
        before = [each.calls for each in (wrapped.module.front, *(block.up for block in blocks))]
        list(embed(wrapped, [batch], [(), changes]))
        after = [each.calls for each in (wrapped.module.front, *(block.up for block in blocks))]
        return [b - a for a, b in zip(before, after, strict=True)]

    assert calls(Gain.of([(2, 1)])) == [1, 1, 1, 2]
    assert calls(Gain.of([(1, 1), (2, 1)])) == [1, 1, 2, 2]
    assert calls(Gain.of([(0, 1)])) == [1, 2, 2, 2]


@pytest.mark.parametrize("blocks", [1, 2])
def test_few_layers(blocks, batch):
    model = oto.wrap(toy(lambda: InPlace(blocks)), "blocks.*.act", sample_rate=16000)
    change = Gain.of([(blocks - 1, 3)])
    ((_, _, found),) = embed(model, [batch], [(), (change,)])
    np.testing.assert_array_equal(found[1], naive(model, batch, change))


def test_layers_in_a_sequence_of_modules(batch):
    net = toy(
        lambda: nn.Sequential(
            nn.Unflatten(1, (-1, 16)), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU()
        )
    )
    model = oto.wrap(net, ["2", "4"], sample_rate=16000)
    for layer in (0, 1):
        change = Gain.of([(layer, 0), (layer, 2)])
        ((_, _, found),) = embed(model, [batch], [(), (change,)])
        np.testing.assert_array_equal(found[1], naive(model, batch, change))


def test_blocks_themselves_as_layers(batch):
    model = oto.wrap(toy(InPlace), "blocks.*", sample_rate=16000)
    change = Gain.of([(1, 2)])
    ((_, _, found),) = embed(model, [batch], [(), (change,)])
    np.testing.assert_array_equal(found[1], naive(model, batch, change))


class Backwards(InPlace):
    """Runs its last block first."""

    def forward(self, sound):
        x = self.front(sound.unflatten(1, (-1, 16)))
        for block in reversed(self.blocks):
            x = block(self.norm(x))
        return x


def test_the_layer_that_runs_first_need_not_be_the_first_in_number(batch):
    model = oto.wrap(toy(Backwards), "blocks.*.act", sample_rate=16000)
    change = Gain.of([(layer, unit) for layer in (0, 2) for unit in range(8)])
    ((_, _, found),) = embed(model, [batch], [(), (change,)])
    np.testing.assert_array_equal(found[1], naive(model, batch, change))


def test_no_stage_keeps_anothers_forward(wrapped, batch):
    prefix = Prefix(wrapped)
    (chunk,) = wrapped.prepare(batch.waveforms)
    own = naive(wrapped, batch)

    def fail(memory) -> None:
        with prefix.resumed(memory, [2]), torch.inference_mode():
            wrapped.forward(chunk)
            raise RuntimeError("in the block")

    with prefix.kept() as memory, torch.inference_mode():
        wrapped.forward(chunk)
    with pytest.raises(RuntimeError, match="in the block"):
        fail(memory)
    assert not any("forward" in vars(module) for module in wrapped.module.modules())
    np.testing.assert_array_equal(naive(wrapped, batch), own)


def test_a_module_with_a_forward_of_its_own_gets_it_back(wrapped, batch):
    front = wrapped.module.front
    own = front.forward
    front.forward = lambda x: 2 * own(x)
    expected = naive(wrapped, batch, Gain.of([(2, 1)]))
    ((_, _, found),) = embed(wrapped, [batch], [(), (Gain.of([(2, 1)]),)])
    np.testing.assert_array_equal(found[1], expected)
    assert "forward" in vars(front)
    np.testing.assert_array_equal(naive(wrapped, batch, Gain.of([(2, 1)])), expected)
