"""Where a neuron fires: the same as was recorded, in every family, and where the planted sound is."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import otoscope as oto
from otoscope.errors import OtoscopeError
from otoscope.listening.examples import columns_of
from otoscope.listening.hearing import _excerpt, _stretches, hear
from otoscope.neurons.worlds.model import FRAME, SAMPLE_RATE
from otoscope.tasks import Labeling, Task

MODELS = Path(__file__).parents[1] / "models"
if str(MODELS) not in sys.path:
    sys.path.insert(0, str(MODELS))
CASES = {
    name: case
    for path in sorted(MODELS.glob("cases_*.py"))
    for name, case in importlib.import_module(path.stem).CASES.items()
}


@pytest.fixture(scope="module", params=list(CASES))
def recorded(request, tmp_path_factory):
    """A model of every family, and its recording of three clips of two lengths."""
    case = CASES[request.param]
    if case.needs:
        pytest.importorskip(case.needs)
    folder = tmp_path_factory.mktemp("family")
    model = oto.load_model(case.write(folder))
    samples = 3 * max(model.min_samples, model.sample_rate // 8) + 5
    random = np.random.default_rng(0)
    for number, length in enumerate((samples, samples, samples + samples // 2)):
        path = folder / f"{number}.wav"
        soundfile.write(path, random.normal(0, 0.1, length).clip(-1, 1), model.sample_rate, subtype="FLOAT")
    table = pd.DataFrame({"clip": ["0", "1", "2"], "path": [str(folder / f"{n}.wav") for n in range(3)]})
    task = Task("noise", table.assign(kind=["a", "b", "a"]), (Labeling("kind", "kind", ("a", "b")),))
    return model, oto.record(model, task, folder / "noise.zarr")


def test_counts_peaks_and_places_are_those_recorded(recorded):
    model, store = recorded
    neurons = [(layer, unit) for layer in (0, len(model.layers) - 1) for unit in (0, 1)]
    columns = dict(zip(neurons, columns_of(store, neurons), strict=True))
    heard = {each.row: each for each in hear(model, store, dict.fromkeys(range(3), neurons))}
    assert sorted(heard) == [0, 1, 2]
    for row, hearing in heard.items():
        assert hearing.problem == ""
        for (layer, unit), each in hearing.heard.items():
            column = columns[layer, unit]
            assert len(each.activation) == len(each.grid) == column.tokens[row]
            assert each.activation.max() == pytest.approx(column.peak[row], rel=1e-4, abs=1e-5)
            assert abs(int((each.activation > 0).sum()) - column.fired[row]) <= 1  # rounding about 0
            token = each.grid["token"].iloc[int(each.activation.argmax())]
            at = store.dataset["peak_token"]
            flat = np.asarray(at.isel(clip=row)).reshape(-1)
            place = sum(one.units for one in model.layers[:layer]) + unit
            assert token == flat[place]


def test_overlay_lies_where_the_planted_sound_is(toy, store, detectors):
    """Overlap of firing tokens with the frames in which the class's tone is heard, measured in the sound."""
    wanted = {row: [address for address, _ in detectors] for row in range(len(store.clips))}
    together = either = 0
    for hearing in hear(toy.model, store, wanted):
        for address, category in detectors:
            sounding = _sounding(hearing.samples, float(category.removesuffix(" Hz")))
            firing = hearing.heard[address].activation > 0
            together += int((firing & sounding).sum())
            either += int((firing | sounding).sum())
    assert either > 1000
    assert together / either > 0.99


def _sounding(samples, hz):
    """The frames that hold a tone of at least half its amplitude, by correlation with a sine and a cosine."""
    frames = samples.reshape(-1, FRAME)
    angle = 2 * np.pi * hz * np.arange(FRAME) / SAMPLE_RATE
    amplitude = np.hypot(frames @ np.sin(angle), frames @ np.cos(angle)) * 2 / FRAME
    return amplitude > 0.04


def test_a_batch_changes_nothing(toy, store, detectors):
    wanted = {row: [detectors[0][0]] for row in range(7)}
    alone = {each.row: each for each in hear(toy.model, store, wanted, batch_size=1)}
    together = {each.row: each for each in hear(toy.model, store, wanted, batch_size=5)}
    address = detectors[0][0]
    for row, each in alone.items():
        assert np.allclose(each.heard[address].activation, together[row].heard[address].activation, atol=1e-6)


def test_moved_and_changed_audio_is_named_and_the_rest_is_heard(tmp_path, toy_of):
    toy, store = toy_of(tmp_path)
    paths = [Path(path) for path in store.clips["path"]]
    paths[0].rename(tmp_path / "elsewhere.wav")
    soundfile.write(paths[1], np.zeros(16000), 16000)
    heard = {each.row: each for each in hear(toy.model, store, {row: [(0, 0)] for row in range(4)})}
    assert paths[0].name in heard[0].problem
    assert "its content is another" in heard[1].problem
    assert heard[0].heard == heard[1].heard == {}
    assert heard[2].problem == heard[3].problem == ""
    assert len(heard[2].heard[0, 0].activation) == store.tokens[2]


def test_hooks_are_gone_also_after_an_error(toy, store, monkeypatch):
    monkeypatch.setattr(toy.model, "forward", lambda chunk: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(hear(toy.model, store, {0: [(0, 0)]}))
    assert not any(module._forward_hooks for module in toy.model.modules())


def test_a_model_in_training_is_refused(toy_of, tmp_path):
    toy, store = toy_of(tmp_path)
    toy.model.train()
    with pytest.raises(OtoscopeError, match="training mode"):
        list(hear(toy.model, store, {0: [(0, 0)]}))


def test_without_a_model_clips_are_read(store):
    (hearing,) = hear(None, store, {3: [(0, 0)]})
    assert len(hearing.samples) == 16000
    assert hearing.heard[0, 0].activation.shape == (0,)
    assert hearing.heard[0, 0].excerpt == (0.0, 1.0)


@pytest.fixture
def toy_of():
    """A small toy of its own, whose files may be harmed."""

    def make(folder):
        toy = oto.planted(folder / "clips", classes=2, units=60, clips=1, groups=3)
        return toy, oto.record(toy.model, toy.task, folder / "toy.zarr")

    return make


def test_stretches_that_touch_are_joined():
    tokens = pd.DataFrame({"start_s": [0.5, 0.0, 0.1, 0.9], "stop_s": [0.6, 0.1, 0.2, 1.5]})
    assert _stretches(tokens, 1.0) == ((0.0, 0.2), (0.5, 0.6), (0.9, 1.0))
    assert _stretches(tokens[:0], 1.0) == ()


@pytest.mark.parametrize(
    ("peak", "stretches", "seconds", "expected"),
    [
        (5.0, [(4.8, 5.2)], 10.0, (4.5, 5.5)),  # short: with what is around it
        (0.1, [(0.0, 0.2)], 10.0, (0.0, 1.0)),  # at the beginning
        (9.95, [(9.9, 10.0)], 10.0, (9.0, 10.0)),  # at the end
        (5.0, [(0.0, 10.0)], 10.0, (3.5, 6.5)),  # long: what is around the peak
        (0.5, [(0.0, 10.0)], 10.0, (0.0, 2.0)),  # ... as far as there is any
        (0.2, [(0.1, 0.3)], 0.4, (0.0, 0.4)),  # a short clip
        (5.0, [], 10.0, (4.5, 5.5)),  # never fires: around its greatest activation
    ],
)
def test_excerpts_hold_the_peak(peak, stretches, seconds, expected):
    grid = pd.DataFrame({"start_s": [0.0, peak - 0.05], "stop_s": [0.1, peak + 0.05]})
    activation = np.array([0.0, 1.0], np.float32)
    assert _excerpt(grid, activation, stretches, seconds) == pytest.approx(expected)
