"""What every family promises, shown on small models in its own files: neurons are what they should be."""

import importlib
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from family_case import Case

import otoscope as oto
from otoscope.activations import Recorder
from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models import AudioModel, Position
from otoscope.tasks import Labeling, Task

HERE = Path(__file__).parent
CASES: dict[str, Case] = {
    name: case
    for path in sorted(HERE.glob("cases_*.py"))
    for name, case in importlib.import_module(path.stem).CASES.items()
}


@dataclass
class Built:
    case: Case
    spec: str
    model: AudioModel


@pytest.fixture(scope="module", params=list(CASES))
def built(request, tmp_path_factory) -> Built:
    case = CASES[request.param]
    if case.needs:
        pytest.importorskip(case.needs)
    spec = case.write(tmp_path_factory.mktemp("weights"))
    return Built(case, spec, oto.load_model(spec))


def noise(model, samples, seed=0, real=None):
    sound = np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)
    real = samples if real is None else real
    sound[real:] = 0
    return Waveform(sound, real)


def lengths(model):
    """Sample numbers of some clips, none of them round."""
    least = max(model.min_samples, model.sample_rate // 8)
    return [least + 17, least * 2 + 31, least * 2 + 37, least * 3 + 5]


def heard(model, clips):
    with Recorder(model, padding=True, special=True) as recorder:
        return recorder.run(model.prepare(clips))


def hidden(model, chunk):
    """What every layer's hook point sees of one chunk, and the features."""
    seen = [None] * len(model.layers)
    handles = [
        point.attach(lambda activation, at=at: seen.__setitem__(at, activation.clone()))
        for at, point in enumerate(model.hooks())
    ]
    with torch.no_grad():
        features = model.forward(chunk)
    for handle in handles:
        handle.remove()
    return seen, features


def hooks_left(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.module.modules())


def test_layers_and_units_are_the_architectures(built):
    model = built.model
    assert isinstance(model, AudioModel)
    assert tuple(layer.units for layer in model.layers) == built.case.units
    assert len({point.name for point in model.hooks()}) == len(model.layers)
    assert model.name == built.spec
    assert not model.module.training


def test_a_hooked_value_is_the_second_maps_input_and_can_be_computed_by_hand(built):
    model, case = built.model, built.case
    chunk = model.prepare([noise(model, lengths(model)[1])])[0]
    for at in range(len(model.layers)):
        first, second = case.linears(model.module, at)
        before, after = [], []
        handles = [
            first.register_forward_hook(lambda _m, _i, out, before=before: before.append(out)),
            second.register_forward_pre_hook(lambda _m, inputs, after=after: after.append(inputs[0])),
        ]
        seen, _ = hidden(model, chunk)
        for handle in handles:
            handle.remove()
        assert seen[at].shape[2] == case.units[at]
        assert torch.equal(seen[at].flatten(), after[0].flatten())
        assert torch.allclose(seen[at].flatten(), case.activation(before[0]).flatten(), atol=1e-6)
        assert 0.02 < (seen[at] > 0).float().mean() < 0.98


def test_switching_off_one_unit_changes_it_and_nothing_else_in_its_layer(built):
    model = built.model
    chunk = model.prepare([noise(model, lengths(model)[1])])[0]
    before, features = hidden(model, chunk)
    for at in {0, len(model.layers) - 1}:
        unit = int(before[at].abs().amax((0, 1)).argmax())
        with oto.gains(model, {(at, unit): 0.0}):
            after, changed = hidden(model, chunk)
        assert not after[at][..., unit].any()
        others = [i for i in range(model.layers[at].units) if i != unit]
        assert torch.equal(after[at][..., others], before[at][..., others])
        assert all(torch.equal(after[below], before[below]) for below in range(at))
        assert not torch.equal(changed, features)
    assert hooks_left(model) == 0


def test_kinds_tokens_and_grids_agree(built):
    model = built.model
    for samples in lengths(model):
        for real in (samples, samples // 2):
            chunks = model.prepare([noise(model, samples, real=real)])
            made = heard(model, [noise(model, samples, real=real)])
            for grid in {layer.grid for layer in model.layers}:
                kinds = torch.cat([chunk.kind_at(grid, -1)[0] for chunk in chunks])
                tokens = model.tokens(samples, real, grid)
                assert int((kinds == Position.TOKEN).sum()) == tokens == made.grid_tokens[0, grid] > 0
                ordinary = kinds[kinds != Position.SPECIAL]
                table = model.token_grid(samples, grid)
                assert table["token"].tolist() == list(range(len(ordinary)))
                sound_s = real / model.sample_rate
                valid = (ordinary == Position.TOKEN).numpy()
                assert (table["start_s"][valid] <= sound_s + 1e-6).all()
                assert (table["stop_s"] > table["start_s"]).all()
                assert (table["high_hz"] > table["low_hz"]).all()
            assert (made.peak_token >= 0).all()


def test_a_clip_counts_the_same_alone_and_among_clips_of_other_lengths(built, tmp_path):
    model = built.model
    rows = []
    for i, samples in enumerate(lengths(model) * 2):
        path = tmp_path / f"{i}.wav"
        soundfile.write(path, noise(model, samples, seed=i).samples, model.sample_rate, subtype="FLOAT")
        rows.append({"clip": path.name, "path": str(path), "kind": "ab"[i % 2]})
    task = Task("mixed", pd.DataFrame(rows), (Labeling("kind", "kind", ("a", "b")),))
    store = oto.record(model, task, tmp_path / "mixed.zarr", batch_size=8)
    total = sum(store.layer_tokens[0] * [layer.units for layer in model.layers])
    for row in range(len(rows)):
        clip = task.read(row, model.sample_rate)
        alone = heard(model, [clip])
        assert alone.grid_tokens[0].tolist() == sorted(set(store.layer_tokens[row]), reverse=True)
        differences = np.abs(alone.fired[0] - store.counts(slice(None))[row].astype(int))
        # Rounding in another batch may move a value across zero where it is within rounding of it.
        assert differences.sum() <= max(1, 3e-6 * total)
        assert np.allclose(alone.embedding[0], store.embedding[row], atol=1e-4)


def test_two_runs_are_identical(built):
    model = built.model
    clips = [noise(model, lengths(model)[2])]
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002, the old global state is what a careless front end would draw from
    first = heard(model, clips)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    state = torch.get_rng_state()
    second = heard(model, clips)
    assert torch.equal(state, torch.get_rng_state())
    for name in ("fired", "mean", "peak", "peak_token", "embedding", "fired_padding", "fired_special"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_the_sound_is_left_as_it_is(built):
    clip = noise(built.model, lengths(built.model)[0])
    before = clip.samples.copy()
    heard(built.model, [clip])
    assert np.array_equal(clip.samples, before)  # other models may be hearing the same array


def test_a_long_clip_is_heard_to_its_end(built):
    model = built.model
    samples = 12 * model.sample_rate
    loud = noise(model, samples)
    quiet = Waveform(loud.samples.copy(), samples)
    quiet.samples[-model.sample_rate // 2 :] = 0
    assert not np.array_equal(heard(model, [loud]).fired, heard(model, [quiet]).fired)
    assert model.token_grid(samples)["stop_s"].max() > 11.5


def test_no_hook_is_left_after_a_failure(built, monkeypatch):
    model = built.model

    def fail(chunk):
        raise RuntimeError("the cable is out")

    monkeypatch.setattr(model, "forward", fail)
    with pytest.raises(RuntimeError, match="the cable is out"):
        heard(model, [noise(model, lengths(model)[0])])
    assert hooks_left(model) == 0


def test_training_mode_is_refused(built):
    built.model.module.train()
    try:
        with pytest.raises(OtoscopeError, match=r"training mode.*try .eval"), Recorder(built.model):
            pass
    finally:
        built.model.module.eval()


def test_a_clip_under_the_minimum_is_refused_with_it(built):
    model = built.model
    least = model.min_samples
    with pytest.raises(OtoscopeError, match=rf"too short for .*expected at least {least}"):
        model.length(least - 1)
    assert heard(model, [noise(model, least)]).tokens[0] >= 1


def test_loading_again_gives_the_same_fingerprint_and_numbers(built, tmp_path):
    again = oto.load_model(built.spec)
    assert again.fingerprint == built.model.fingerprint
    elsewhere = oto.load_model(built.case.write(tmp_path))
    assert elsewhere.fingerprint == built.model.fingerprint
    clip = noise(again, lengths(again)[0])
    assert np.array_equal(heard(again, [clip]).fired, heard(built.model, [clip]).fired)


def test_its_untrained_twin_has_other_weights_and_the_same_layers(built):
    state = torch.get_rng_state()
    twins = [oto.load_model(f"random:{built.spec}{seed}") for seed in ("", "@0", "@1")]
    assert torch.equal(state, torch.get_rng_state())
    assert [twin.layers for twin in twins] == [built.model.layers] * 3
    assert twins[0].fingerprint == twins[1].fingerprint
    assert len({twin.fingerprint for twin in (*twins, built.model)}) == 3
    assert heard(twins[0], [noise(twins[0], lengths(twins[0])[1])]).fired.any()


def test_it_survives_pickling(built):
    copy = pickle.loads(pickle.dumps(built.model))
    assert (copy.name, copy.fingerprint, copy.layers) == (
        built.model.name,
        built.model.fingerprint,
        built.model.layers,
    )
    clip = noise(copy, lengths(copy)[0])
    assert np.array_equal(heard(copy, [clip]).fired, heard(built.model, [clip]).fired)


def test_the_residual_stream_can_be_heard_too(built):
    model = oto.load_model(built.spec, hook="residual")
    assert model.name == f"{built.spec}?hook=residual"
    made = heard(model, [noise(model, lengths(model)[1])])
    assert np.isfinite(made.mean).all()
    assert made.fired.any()
    assert oto.load_model(model.name).layers == model.layers


def test_it_computes_in_bfloat16_on_request(built):
    model = oto.load_model(built.spec, dtype="bfloat16")
    assert model.dtype == torch.bfloat16
    assert model.fingerprint != built.model.fingerprint
    made, exact = (heard(each, [noise(each, lengths(each)[1])]) for each in (model, built.model))
    assert made.grid_tokens.tolist() == exact.grid_tokens.tolist()
    shares = [each.fired.sum() / max(1, each.fired.size) for each in (made, exact)]
    assert shares[0] == pytest.approx(shares[1], rel=0.1)
