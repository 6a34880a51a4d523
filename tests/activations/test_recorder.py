"""Hooks that reduce what they see, against keeping everything."""

import numpy as np
import pytest
import torch
from torch import nn
from toy_audio_model import FRAME, ToyModel

from otoscope.activations import Recorder
from otoscope.audio import Waveform, fit
from otoscope.errors import OtoscopeError
from otoscope.models.base import Position
from otoscope.models.hooks import HookPoint, find


def sound(samples, seed=0, real=None):
    made = np.random.default_rng(seed).normal(0, 0.3, samples).astype(np.float32)
    return Waveform(made, samples) if real is None else fit(made[:real], samples)


def naive(model, waveforms):
    """Keep every activation of every chunk, then look: (activation, kind) with all positions side by side."""
    kept = [[] for _ in model.layers]
    handles = [
        point.attach(lambda activation, at=at: kept[at].append(activation.detach()))
        for at, point in enumerate(model.hooks())
    ]
    chunks = model.prepare(waveforms)
    with torch.inference_mode():
        features = [model.forward(chunk) for chunk in chunks]
        embedding = model.embedding(chunks, features).numpy()
    for handle in handles:
        handle.remove()
    activation = np.concatenate([torch.cat(layer, dim=1).numpy() for layer in kept], axis=2)
    kind = torch.cat([chunk.kind for chunk in chunks], dim=1).numpy()
    return activation, kind, embedding


def check(model, waveforms):
    with Recorder(model, special=True, padding=True) as recorder, torch.inference_mode():
        made = recorder.run(model.prepare(waveforms))
    activation, kind, embedding = naive(model, waveforms)
    fires = activation > 0
    for position, counted in (
        (Position.TOKEN, made.fired),
        (Position.SPECIAL, made.fired_special),
        (Position.PADDING, made.fired_padding),
    ):
        assert np.array_equal(counted, (fires & (kind == position)[:, :, None]).sum(1))
    assert np.array_equal(made.tokens, (kind == Position.TOKEN).sum(1))
    assert made.tokens.tolist() == [model.tokens(len(w.samples), w.real) for w in waveforms]
    for clip in range(len(waveforms)):
        ordinary = kind[clip] != Position.SPECIAL
        valid = kind[clip][ordinary] == Position.TOKEN
        seen = activation[clip][ordinary]
        np.testing.assert_allclose(
            made.mean[clip], seen[valid].mean(0, dtype=np.float64), rtol=1e-5, atol=1e-6
        )
        assert np.array_equal(made.peak[clip], seen[valid].max(0))
        first = np.where(valid[:, None], seen, -np.inf).argmax(0)
        assert np.array_equal(made.peak_token[clip], first)
    assert np.array_equal(made.embedding, embedding)


@pytest.mark.parametrize(
    ("frames", "reals"),
    [
        (10, [None] * 3),  # one chunk, no padding
        (65, [None] * 2),  # three chunks
        (65, [7 * FRAME, 31 * FRAME, None, 61 * FRAME + 1]),  # a whole chunk of padding among others
        (1, [None]),
    ],
)
def test_counts_equal_keeping_all_activations(frames, reals):
    check(ToyModel(), [sound(frames * FRAME, seed, real) for seed, real in enumerate(reals)])


def test_layers_of_different_width():
    check(ToyModel(units=(3, 40, 7)), [sound(40 * FRAME, seed) for seed in range(3)])


def test_more_tokens_than_a_byte_can_count():
    check(ToyModel(chunk=400), [sound(900 * FRAME, seed) for seed in range(2)])


def test_m2d_counts_equal_keeping_all_activations():
    from otoscope.models import load_model

    model = load_model("mini:random")
    samples = 3 * model.sample_rate
    check(model, [sound(samples, 0), sound(samples, 1, samples // 2)])


def test_the_first_of_equal_peaks_is_kept_over_chunks():
    model = ToyModel()
    waveform = Waveform(np.tile(sound(FRAME).samples, 65), 65 * FRAME)
    with Recorder(model) as recorder:
        made = recorder.run(model.prepare([waveform]))
    # Products of other row counts may round differently, so only the first layer's ties are ties for certain.
    assert (made.peak_token[:, : model.layers[0].units] < model.chunk).all()


def test_apart_counts_only_on_request():
    model = ToyModel()
    with Recorder(model) as recorder:
        made = recorder.run(model.prepare([sound(5 * FRAME)]))
    assert made.fired_special is None
    assert made.fired_padding is None


def test_half_precision_outputs_are_counted_as_they_are():
    model = ToyModel()
    model.blocks.to(torch.bfloat16)
    chunk = model.prepare([sound(5 * FRAME)])[0]
    chunk = type(chunk)(chunk.inputs.to(torch.bfloat16), chunk.kind)
    with Recorder(model) as recorder:
        made = recorder.run([chunk])
    assert made.mean.dtype == np.float32
    assert (made.fired <= 5).all()


def hooks_of(model):
    return sum(len(module._forward_hooks) for module in model.blocks.modules())


def test_hooks_are_gone_after_success_and_after_failure():
    model = ToyModel()
    with Recorder(model) as recorder:
        assert hooks_of(model) == len(model.layers)
        recorder.run(model.prepare([sound(5 * FRAME)]))
    assert hooks_of(model) == 0
    with pytest.raises(ZeroDivisionError), Recorder(model):
        raise ZeroDivisionError
    assert hooks_of(model) == 0


def test_training_flags_and_inputs_are_untouched():
    model = ToyModel()
    chunks = model.prepare([sound(5 * FRAME)])
    before = [chunk.inputs.clone() for chunk in chunks]
    with Recorder(model) as recorder:
        recorder.run(chunks)
    assert not any(module.training for module in model.blocks.modules())
    assert all(torch.equal(chunk.inputs, old) for chunk, old in zip(chunks, before, strict=True))


def test_a_forward_pass_of_the_users_within_the_block_is_not_recorded():
    model = ToyModel()
    chunks = model.prepare([sound(5 * FRAME)])
    with Recorder(model) as recorder:
        model.forward(chunks[0])
        made = recorder.run(chunks)
    assert (made.fired <= 5).all()


def test_a_layer_that_is_never_reached_is_named():
    model = ToyModel()
    stray = nn.GELU().eval()
    model.hooks = lambda: [HookPoint("0.act", model.blocks[0]["act"]), HookPoint("stray", stray)]
    with (
        Recorder(model) as recorder,
        pytest.raises(OtoscopeError, match="'layer1' of model 'toy' was reached 0 times"),
    ):
        recorder.run(model.prepare([sound(5 * FRAME)]))
    assert not stray._forward_hooks


def test_a_layer_that_is_reached_twice_is_named():
    model = ToyModel()
    shared = model.blocks[1]["act"] = model.blocks[0]["act"]
    model.hooks = lambda: [HookPoint("0.act", shared), HookPoint("1.act", shared)]
    with Recorder(model) as recorder, pytest.raises(OtoscopeError, match="reached 2 times"):
        recorder.run(model.prepare([sound(5 * FRAME)]))


def test_another_shape_is_named():
    model = ToyModel()
    model.hooks = lambda: find(model.blocks, ["0.act", "1.down"])
    with (
        Recorder(model) as recorder,
        pytest.raises(OtoscopeError, match=r"gave shape \(1, 6, 20\); expected .*24\)"),
    ):
        recorder.run(model.prepare([sound(5 * FRAME)]))


def test_a_model_in_training_mode_is_refused():
    model = ToyModel()
    model.blocks[1].train()
    with (
        pytest.raises(OtoscopeError, match=r"'toy' is in training mode \(1\.act\).*layerdrop.*try .eval\(\)"),
        Recorder(model),
    ):
        pass
    assert hooks_of(model) == 0


def test_one_module_a_layer():
    model = ToyModel()
    model.hooks = lambda: find(model.blocks, "0.act")
    with pytest.raises(OtoscopeError, match="names 2 layers but gives 1 hook points"), Recorder(model):
        pass


def test_a_closed_recorder_says_so():
    model = ToyModel()
    recorder = Recorder(model)
    with pytest.raises(RuntimeError, match="closed"):
        recorder.run(model.prepare([sound(5 * FRAME)]))
