"""Gains: exact, local, and gone afterwards."""

import numpy as np
import pytest
import torch

from otoscope.audio import Waveform
from otoscope.errors import UsageError
from otoscope.interventions import gains
from otoscope.models import load_model


@pytest.fixture(scope="module")
def model():
    return load_model("mini:random")


@pytest.fixture(scope="module")
def chunk(model):
    sound = np.random.default_rng(0).normal(0, 0.1, (2, model.sample_rate // 2)).astype(np.float32)
    (chunk,) = model.prepare([Waveform(sound[0], len(sound[0])), Waveform(sound[1], 4000)])
    return chunk


def heard(model, chunk):
    """The activation of every layer, as whatever follows it sees it."""
    seen = []
    handles = [point.attach(lambda activation: seen.append(activation.clone())) for point in model.hooks()]
    with torch.inference_mode():
        seen.append(model.forward(chunk))
    for handle in handles:
        handle.remove()
    return seen


def hooks_of(model):
    return [len(point.module._forward_hooks) for point in model.hooks()]


def test_a_gain_of_one_changes_nothing(model, chunk):
    plain = heard(model, chunk)
    with gains(model, {(0, 3): 1.0, (5, 700): 1.0}):
        same = heard(model, chunk)
    assert all(torch.equal(a, b) for a, b in zip(plain, same, strict=True))


def test_a_gain_of_zero_silences_one_unit_at_every_position_and_no_other(model, chunk):
    plain = heard(model, chunk)
    with gains(model, {(5, 700): 0.0}):
        changed = heard(model, chunk)
    assert not changed[5][..., 700].any()
    others = torch.arange(model.layers[5].units) != 700
    assert torch.equal(changed[5][..., others], plain[5][..., others])
    assert all(torch.equal(changed[layer], plain[layer]) for layer in range(5))
    assert all(not torch.equal(changed[layer], plain[layer]) for layer in range(6, len(plain)))


def test_a_gain_multiplies_cls_and_padding_too(model, chunk):
    plain = heard(model, chunk)
    with gains(model, {(0, 0): 2.0, (0, 9): -0.5}):
        changed = heard(model, chunk)
    assert set(chunk.kind.unique().tolist()) == {0, 1, 2}
    assert torch.equal(changed[0][..., 0], 2 * plain[0][..., 0])
    assert torch.equal(changed[0][..., 9], -0.5 * plain[0][..., 9])


def test_nested_blocks_multiply(model, chunk):
    with gains(model, {(2, 1): 0.5, (3, 1): 3.0}), gains(model, {(2, 1): 4.0}):
        nested = heard(model, chunk)
    with gains(model, {(2, 1): 2.0, (3, 1): 3.0}):
        together = heard(model, chunk)
    assert all(torch.equal(a, b) for a, b in zip(nested, together, strict=True))


def test_no_hook_survives_success_or_error(model, chunk):
    before, plain = hooks_of(model), heard(model, chunk)
    with gains(model, {(1, 1): 0.0}):
        assert hooks_of(model) != before
    assert hooks_of(model) == before

    def interrupted():
        with gains(model, {(1, 1): 0.0, (2, 2): 0.0}):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert hooks_of(model) == before
    assert all(torch.equal(a, b) for a, b in zip(plain, heard(model, chunk), strict=True))


def test_gradients_pass_through_a_gain(model, chunk):
    chunk = type(chunk)(chunk.inputs.clone().requires_grad_(), chunk.kind)
    with gains(model, {(11, 5): 0.0}):
        model.forward(chunk).sum().backward()
    assert chunk.inputs.grad is not None


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({(12, 0): 0.0}, r"neuron 12\.0: .*no layer 12; .* 0 to 11"),
        ({(0, 0): 0.0, (3, 768): 0.0}, r"neuron 3\.768: .* 0 to 767"),
        ({(-1, 0): 0.0}, r"no layer -1"),
        ({(0, 0): float("nan")}, r"gain of neuron 0\.0 is nan; expected a finite number"),
    ],
)
def test_wrong_neurons_and_gains_are_refused_and_leave_no_hook(model, factors, message):
    before = hooks_of(model)
    with pytest.raises(UsageError, match=message), gains(model, factors):
        raise AssertionError("the block was entered")
    assert hooks_of(model) == before
