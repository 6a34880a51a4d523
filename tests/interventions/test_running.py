"""Batches are read with their donors, and heard chunk by chunk under every condition."""

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from otoscope.audio import Waveform
from otoscope.interventions import Clamp, Gain, Patch, embed, intervene, read_batches, tape
from otoscope.interventions.running import Batch
from otoscope.models import load_model

NEURONS = [(0, 3), (7, 700), (11, 0)]


@pytest.fixture(scope="module")
def model():
    return load_model("mini:random")


def waveforms(seconds, seeds):
    samples = int(seconds * 16000)
    made = [np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32) for seed in seeds]
    return tuple(Waveform(each, samples) for each in made)


def naive(model, batch, *changes, donors=None):
    chunks = model.prepare(batch.waveforms)
    others = model.prepare(donors) if donors else chunks
    features = []
    for chunk, other in zip(chunks, others, strict=True):
        own = [each.playing(tape(model, other, NEURONS)) if donors else each for each in changes]
        with intervene(model, *own), torch.inference_mode():
            features.append(model.forward(chunk))
    with torch.inference_mode():
        return model.embedding(chunks, features).numpy()


@pytest.mark.parametrize("seconds", [0.5, 5.0])  # of one chunk, and of three
def test_conditions_in_one_go_are_what_they_are_one_by_one(model, seconds):
    batch = Batch((0, 1), waveforms(seconds, (0, 1)))
    assert len(model.prepare(batch.waveforms)) == (1 if seconds < 2 else 3)
    wanted = [
        (),
        (Gain.of(NEURONS),),
        (Gain.of(NEURONS[1:], 0.5), Clamp({(11, 5): 1.0})),
        (Clamp({(11, 0): 0.3}),),
    ]
    ((heard, numbers, found),) = embed(model, [batch], wanted)
    assert heard is batch
    assert list(numbers) == [0, 1, 2, 3]
    for changes, each in zip(wanted, found, strict=True):
        np.testing.assert_allclose(each, naive(model, batch, *changes), atol=1e-5)


def test_only_the_wanted_conditions_are_heard(model):
    batches = [Batch((row,), waveforms(0.5, (row,))) for row in (0, 1)]
    wanted = [(), (Gain.of(NEURONS),), (Gain.of(NEURONS, 2.0),)]
    found = list(embed(model, batches, wanted, lambda batch: [0, 2] if batch.rows == (0,) else [1]))
    assert [(batch.rows, list(numbers)) for batch, numbers, _ in found] == [((0,), [0, 2]), ((1,), [1])]
    np.testing.assert_allclose(found[1][2][0], naive(model, batches[1], *wanted[1]), atol=1e-5)


def test_patches_are_given_the_activations_of_their_donors(model):
    donors = waveforms(5.0, (5, 6))
    batch = Batch((0, 1), waveforms(5.0, (0, 1)), {"any": donors, "own": waveforms(5.0, (0, 1))})
    any_, own = (Patch(tuple(NEURONS), source) for source in ("any", "own"))
    ((_, _, found),) = embed(model, [batch], [(), (any_,), (own,)])
    np.testing.assert_allclose(found[1], naive(model, batch, any_, donors=donors), atol=1e-5)
    assert np.abs(found[1] - found[0]).max() > 1e-4
    np.testing.assert_allclose(found[2], found[0], atol=1e-5)


def test_donors_are_cut_or_repeated_to_the_length_of_the_clip(model, tmp_path):
    sounds = {"short": np.arange(1, 4001), "long": np.arange(1, 20001)}
    for name, sound in sounds.items():
        soundfile.write(tmp_path / f"{name}.wav", (sound / 32768).astype(np.float32), 16000, subtype="PCM_16")
    clips = pd.DataFrame({"path": [str(tmp_path / f"{name}.wav") for name in sounds]})
    task = {"seconds": None}
    batches = read_batches(model, clips, [0, 1], task=task, batch_size=4, donors={"any": {0: 1, 1: 0}})
    short, long = (batch.donors["any"][0].samples * 32768 for batch in batches)
    np.testing.assert_allclose(short, sounds["long"][:4000], atol=0.01)
    np.testing.assert_allclose(long, np.tile(sounds["short"], 5), atol=0.01)
