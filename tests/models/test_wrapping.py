"""A user's own module: listened to by the names of its modules, and counted as if by hand."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from torch import nn
from torch.nn import functional as F

import otoscope as oto
from otoscope.activations import Recorder
from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError, UsageError
from otoscope.models import AudioModel, Position
from otoscope.tasks import Labeling, Task

RATE = 1000
FRAME = 20


class Block(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)

    def forward(self, x):
        return x + self.fc2(self.act(self.fc1(x)))


class Net(nn.Module):
    """Frames of sound in, CLS first if asked for, through two blocks; the second has half the tokens."""

    def __init__(self, cls=False, merge=False):
        super().__init__()
        torch.manual_seed(0)
        self.cls, self.merge = cls, merge
        self.blocks = nn.ModuleList([Block(FRAME, 8), Block(FRAME, 12)])
        self.drop = nn.Dropout(0.5)

    def forward(self, sound):
        x = sound.unfold(1, FRAME, FRAME)
        if self.cls:
            x = F.pad(x, (0, 0, 1, 0), value=1.0)
        x = self.blocks[0](x)
        if self.merge:
            x = x[:, : x.shape[1] // 2 * 2].unflatten(1, (-1, 2)).mean(2)
        return self.drop(self.blocks[1](x))


def frames(samples):
    return samples // FRAME


def sound(samples, seed=0, real=None):
    samples_ = np.random.default_rng(seed).normal(0, 1, samples).astype(np.float32)
    real = samples if real is None else real
    samples_[real:] = 0
    return Waveform(samples_, real)


def wrapped(net=None, layers="blocks.*.act", **options):
    return oto.wrap((net or Net()).eval(), layers, sample_rate=RATE, **options)


def counted(model, clip):
    with Recorder(model) as recorder:
        return recorder.run(model.prepare([clip]))


def test_its_counts_are_those_of_its_activations():
    net, clip = Net(), sound(10 * FRAME)
    model = wrapped(net)
    assert isinstance(model, AudioModel)
    assert [(layer.name, layer.units) for layer in model.layers] == [
        ("blocks.0.act", 8),
        ("blocks.1.act", 12),
    ]
    x = torch.from_numpy(clip.samples).view(1, 10, FRAME)
    hidden = [F.gelu(net.blocks[0].fc1(x))]
    x = net.blocks[0](x)
    hidden.append(F.gelu(net.blocks[1].fc1(x)))
    made = counted(model, clip)
    assert made.tokens.tolist() == [10]
    assert np.array_equal(made.fired[0], torch.cat([(h > 0).sum(1)[0] for h in hidden]).numpy())
    assert np.allclose(made.embedding[0], net.blocks[1](x)[0].mean(0).detach().numpy(), atol=1e-6)


def test_special_positions_and_padding_do_not_count():
    model = wrapped(Net(cls=True), special=1, valid_tokens=frames)
    (chunk,) = model.prepare([sound(10 * FRAME), sound(10 * FRAME, real=4 * FRAME)])
    kind = chunk.kind_at(0, 11)
    assert (kind[:, 0] == Position.SPECIAL).all()
    assert (kind == Position.TOKEN).sum(1).tolist() == [10, 4]
    whole, part = (counted(model, sound(10 * FRAME, real=n * FRAME)) for n in (10, 4))
    assert (whole.tokens[0], part.tokens[0]) == (10, 4)
    assert model.tokens(10 * FRAME, 4 * FRAME) == 4
    assert len(model.token_grid(10 * FRAME)) == 10


def test_valid_tokens_may_be_a_mask():
    model = wrapped(valid_tokens=lambda samples: np.arange(10) % 2 == 0)
    assert counted(model, sound(10 * FRAME)).tokens.tolist() == [5]
    assert model.tokens(10 * FRAME) == 5
    with pytest.raises(OtoscopeError, match=r"valid_tokens gave a mask of shape \(10,\) .*11 positions"):
        counted(model, sound(11 * FRAME))


def test_padded_clips_are_refused_where_nothing_says_which_tokens_are_sound():
    model = wrapped()
    with pytest.raises(OtoscopeError, match=r"padded from 100 to 200 samples.*valid_tokens= in wrap"):
        counted(model, sound(200, real=100))


def test_layers_with_fewer_tokens_have_a_grid_of_their_own():
    model = wrapped(Net(merge=True), valid_tokens=None)
    assert [layer.grid for layer in model.layers] == [0, 1]
    made = counted(model, sound(10 * FRAME))
    assert made.grid_tokens.tolist() == [[10, 5]]
    assert (model.tokens(10 * FRAME), model.tokens(10 * FRAME, grid=1)) == (10, 5)
    assert made.fired[0, 8:].max() <= 5
    assert [len(model.token_grid(10 * FRAME, grid)) for grid in (0, 1)] == [10, 5]


def test_such_a_model_is_recorded_into_a_store_whose_probabilities_know_it(tmp_path):
    clips = []
    for i in range(8):
        path = tmp_path / f"{i}.wav"
        soundfile.write(path, np.random.default_rng(i).normal(0, 0.3, (10 + i) * FRAME), RATE)
        clips.append({"clip": path.name, "path": str(path), "kind": "ab"[i % 2]})
    task = Task("t", pd.DataFrame(clips), (Labeling("kind", "kind", ("a", "b")),))
    store = oto.record(wrapped(Net(merge=True)), task, tmp_path / "x.zarr")
    assert store.layer_tokens.tolist() == [[10 + i, (10 + i) // 2] for i in range(8)]
    p = oto.firing_probability(store, "kind")
    fired = store.counts(slice(None)).astype(int)
    for k, rows in enumerate((slice(0, None, 2), slice(1, None, 2))):
        by_hand = fired[rows].sum(0) / np.repeat(store.layer_tokens[rows].sum(0), [8, 12])
        ours = np.concatenate([p.values[0, :8, k], p.values[1, :, k]])
        assert np.allclose(ours, by_hand, atol=1e-12)
        assert (ours <= 1).all()
    assert oto.open_store(store.path).layers == wrapped(Net(merge=True)).layers


def test_prepare_makes_one_argument_or_several():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Net()

        def forward(self, sound, *, gain):
            return {"last_hidden_state": None} if gain is None else self.net(sound * gain)

    by_name = wrapped(Two(), "net.blocks.*.act", prepare=lambda x: {"sound": x, "gain": torch.tensor(2.0)})
    by_hand = wrapped(Net(), prepare=lambda x: 2 * x)
    as_tuple = wrapped(Net(), prepare=lambda x: (2 * x,))
    clip = sound(10 * FRAME)
    fired = [counted(model, clip).fired for model in (by_name, by_hand, as_tuple)]
    assert np.array_equal(fired[0], fired[1])
    assert np.array_equal(fired[0], fired[2])
    assert not np.array_equal(fired[0], counted(wrapped(), clip).fired)


def test_a_plain_function_is_heard_at_the_input_of_what_reads_it():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(1)
            self.up, self.gate, self.down = nn.Linear(FRAME, 8), nn.Linear(FRAME, 8), nn.Linear(8, FRAME)

        def forward(self, sound):
            x = sound.unfold(1, FRAME, FRAME)
            return self.down(F.silu(self.gate(x)) * self.up(x))

    net, clip = Plain(), sound(10 * FRAME)
    model = wrapped(net, "down:input")
    x = torch.from_numpy(clip.samples).view(1, 10, FRAME)
    hidden = F.silu(net.gate(x)) * net.up(x)
    assert model.layers[0].name == "down:input"
    assert np.array_equal(counted(model, clip).fired[0], (hidden > 0).sum(1)[0].numpy())
    with oto.gains(model, {(0, 3): 0.0}), torch.no_grad():
        off = model.forward(model.prepare([clip])[0])
    hidden[..., 3] = 0
    assert torch.allclose(off, net.down(hidden), atol=1e-6)


def test_convolutions_are_heard_in_their_own_layout():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Unflatten(1, (1, -1)), nn.Conv1d(1, 6, FRAME, FRAME), nn.ReLU(), nn.Flatten())
    model = oto.wrap(net.eval(), "2", sample_rate=RATE, layout="but")
    clip = sound(10 * FRAME)
    by_hand = (net[:3](torch.from_numpy(clip.samples)[None])[0] > 0).sum(1)
    assert np.array_equal(counted(model, clip).fired[0], by_hand.numpy())


def test_training_mode_is_ended_and_said():
    net = Net()
    assert net.training
    with pytest.warns(UserWarning, match="Net was in training mode.*put into evaluation mode"):
        model = oto.wrap(net, "blocks.*.act", sample_rate=RATE)
    assert not net.training
    model.module.train()
    with pytest.raises(OtoscopeError, match="in training mode"), Recorder(model):
        pass


def test_what_cannot_be_heard_is_said_at_once():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.never, self.twice, self.pooled, self.weights = nn.GELU(), nn.GELU(), nn.GELU(), nn.Identity()
            self.linear = nn.Linear(FRAME, FRAME)

        def forward(self, sound):
            x = self.linear(sound.unfold(1, FRAME, FRAME))
            x = self.twice(self.twice(x))
            self.pooled(x.mean(1))
            self.weights(x @ x.transpose(1, 2))
            return x

    for layer, message in (
        ("never", "'never' of wrap:Odd is called 0 times in a forward pass; expected once"),
        ("twice", "'twice' of wrap:Odd is called 2 times"),
        ("pooled", r"'pooled' of wrap:Odd gives shape \(1, 20\) for one clip; .*layout="),
        ("nowhere", "no module is named 'nowhere'"),
    ):
        with pytest.raises(UsageError, match=message):
            wrapped(Odd(), layer)
    odd = wrapped(Odd(), "weights")  # as wide as the clip has tokens: no layer of neurons
    with pytest.raises(OtoscopeError, match=r"gave shape \(1, 10, 10\); .* \(1, 10, 50\), at every call"):
        counted(odd, sound(10 * FRAME))
    assert not any(module._forward_hooks for module in odd.module.modules())


def test_numbers_out_of_range_are_refused():
    with pytest.raises(UsageError, match="sample_rate is 0; expected a whole number from 1"):
        oto.wrap(Net().eval(), "blocks.*.act", sample_rate=0)
    with pytest.raises(UsageError, match="special is -1; expected a whole number from 0"):
        wrapped(special=-1)


def test_other_outputs_are_refused():
    class Scalar(Net):
        def forward(self, sound):
            return super().forward(sound).sum()

    with pytest.raises(OtoscopeError, match=r"wrap:Scalar returned \(\); expected a tensor of shape"):
        wrapped(Scalar())


def test_a_clip_that_is_too_short_is_refused():
    with pytest.raises(OtoscopeError, match=re.escape("99 samples (0.099 s) is too short for mine")):
        wrapped(min_samples=100, name="mine").length(99)


def test_only_equal_lengths_share_a_batch():
    with pytest.raises(OtoscopeError, match="expected clips of equal length"):
        wrapped().prepare([sound(100), sound(101)])


def test_it_computes_in_bfloat16_on_request():
    model = wrapped().cast(torch.bfloat16)
    assert model.dtype == torch.bfloat16
    assert model.fingerprint != wrapped().fingerprint
    assert counted(model, sound(200)).embedding.dtype == np.float32


def test_it_can_be_pickled_where_its_functions_can():
    model = wrapped(Net(), valid_tokens=frames)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.fingerprint == model.fingerprint
    assert np.array_equal(counted(copy, sound(200)).fired, counted(model, sound(200)).fired)


def test_what_cannot_be_sent_to_workers_is_said(tmp_path):
    clips = []
    for i in range(300):  # two shards: with one there would be no worker
        path = tmp_path / f"{i % 3}.wav"
        soundfile.write(path, np.zeros(5 * FRAME), RATE)
        clips.append({"clip": str(i), "path": str(path)})
    task = Task("t", pd.DataFrame(clips), ())
    model = wrapped(prepare=lambda waveforms: waveforms)
    with pytest.raises(UsageError, match=r"wrap:Net cannot be sent to worker processes .*lambda.*workers=1"):
        oto.record(model, task, tmp_path / "x.zarr", workers=2)
    assert len(oto.record(model, task, tmp_path / "x.zarr").clips) == 300


def test_one_rule_cannot_speak_for_layers_of_different_length():
    with pytest.raises(UsageError, match="50 or 25 positions, for which one valid_tokens= cannot speak"):
        wrapped(Net(merge=True), valid_tokens=frames)


@pytest.mark.parametrize(
    ("rule", "tokens"),
    [
        (lambda samples: samples // FRAME - 100, 0),
        (lambda samples: np.int64(samples // FRAME), 10),
        (lambda samples: [True] * 4 + [False] * 6, 4),
        (lambda samples: torch.arange(10) < 3, 3),
    ],
)
def test_valid_tokens_are_counted_or_marked_in_any_form(rule, tokens):
    assert wrapped(valid_tokens=rule).tokens(10 * FRAME) == tokens


@pytest.mark.parametrize("rule", [lambda samples: None, lambda samples: "all", lambda samples: [1, 0]])
def test_valid_tokens_of_no_known_form_are_refused(rule):
    with pytest.raises(OtoscopeError, match="expected a number, or booleans for its 10 positions"):
        wrapped(valid_tokens=rule).tokens(10 * FRAME)


def test_arrays_of_numpy_are_inputs_too():
    clip = sound(10 * FRAME)
    plain, prepared = (wrapped(prepare=prepare) for prepare in (None, lambda clips: clips.numpy()))
    assert np.array_equal(counted(plain, clip).fired, counted(prepared, clip).fired)
    assert plain.fingerprint != prepared.fingerprint


def test_a_module_without_weights_will_do():
    net = nn.Sequential(nn.Unflatten(1, (-1, FRAME)), nn.ReLU())
    assert wrapped(net, "1").layers[0].units == FRAME


@pytest.mark.parametrize("wrong", [{"sample_rate": 16000.0}, {"special": "1"}, {"min_samples": 0}])
def test_numbers_of_another_kind_are_refused(wrong):
    with pytest.raises(UsageError, match="expected a whole number from"):
        oto.wrap(Net().eval(), "blocks.*.act", **({"sample_rate": RATE} | wrong))


def test_a_clip_that_the_module_cannot_hear_is_told_with_what_to_try():
    model = oto.wrap(
        nn.Sequential(nn.Unflatten(1, (1, -1)), nn.Conv1d(1, 4, 50), nn.GELU(), nn.Flatten()).eval(),
        "2",
        sample_rate=RATE,
        layout="but",
    )
    with pytest.raises(OtoscopeError, match=r"wrap:Sequential cannot hear a clip .*try min_samples= in wrap"):
        counted(model, sound(20))


def test_an_output_at_another_rate_is_averaged_over_the_share_that_is_sound():
    class Doubling(Net):
        def forward(self, waveforms):
            return super().forward(waveforms).repeat_interleave(2, 1)

    plain, doubling = (wrapped(net, valid_tokens=frames) for net in (Net(), Doubling()))
    clip = sound(10 * FRAME, real=4 * FRAME)
    assert np.allclose(counted(plain, clip).embedding, counted(doubling, clip).embedding, atol=1e-6)


def test_a_part_in_training_mode_is_found_though_it_is_not_listened_to():
    model = wrapped()
    model.module.drop.train()
    with pytest.raises(OtoscopeError, match=r"in training mode \(drop\)"), Recorder(model):
        pass
