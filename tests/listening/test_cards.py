"""Cards: what stands on them, made one by one or together, and saved."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile

import otoscope as oto
from otoscope.errors import OtoscopeError, UsageError
from otoscope.listening import cards, listen
from otoscope.listening.sentences import percent


@pytest.fixture(scope="module")
def card(store, toy, detectors):
    return listen(store, detectors[0][0], model=toy.model, examples=4)


def test_a_planted_neuron_is_told_in_words(card, detectors):
    address, category = detectors[0]
    assert (card.layer, card.unit) == address
    assert f"tone: it fires most for {category}" in card.sentences[1]
    assert "1 of 3 classes lies above its band, where chance alone would put 0.1." in card.sentences[1]
    assert card.sentences[-1] == "No saved selection holds it."
    assert [len(card.of(kind)) for kind in ("share", "peak", "near", "least")] == [4, 2, 2, 2]
    assert all(example.heard is not None for example in card.examples)


def test_the_address_as_text_is_the_same(store, toy, card):
    again = listen(store, card.address, model=toy.model, examples=4)
    assert again.document() == card.document()


def test_together_is_the_same_as_one_by_one(store, toy, detectors):
    neurons = [address for address, _ in detectors]
    together = cards(store, neurons, model=toy.model, examples=3)
    for address, made in zip(neurons, together, strict=True):
        assert made.document() == listen(store, address, model=toy.model, examples=3).document()


def test_what_is_given_each_hearing_keeps_the_samples(store, toy, detectors):
    heard = []
    (made,) = cards(store, [detectors[0][0]], model=toy.model, each=heard.append)
    assert {each.row for each in heard} == {example.row for example in made.examples}
    assert all(len(each.samples) == 16000 for each in heard)
    assert all(len(example.heard.samples) == 0 for example in made.examples)
    assert all(len(example.heard.activation) for example in made.examples)


def test_without_the_model_the_sounds_are_there_and_the_card_says_why(store):
    made = listen(store, "0.3", examples=2)
    assert "a name that finds no model here" in made.notes[0]
    assert all(len(example.heard.samples) for example in made.examples)


def test_another_model_is_refused(store):
    with pytest.raises(OtoscopeError, match="the same weights and front end"):
        listen(store, "0.3", model=oto.planted(seed=5).model)


def test_without_sound_no_model_is_asked_for(store):
    made = listen(store, "0.3", sound=False)
    assert made.notes == ()
    assert all(example.heard is None and example.problem == "" for example in made.examples)


def test_a_saved_selection_is_named(toy, tmp_path, detectors):
    store = oto.record(toy.model, toy.task, tmp_path / "toy.zarr")
    chosen = oto.select(store, "tone", preset="aape", share=toy.share, permutations=0, twins=False)
    chosen.save(store.results / chosen.folder)
    address, category = detectors[0]
    made = listen(store, address, sound=False)
    assert made.found.to_dict("records") == [
        {
            "label": "tone",
            "preset": "aape",
            "category": category,
            "probability": pytest.approx(
                float(
                    oto.firing_probability(store, "tone").sel(
                        layer=address[0], unit=address[1], category=category
                    )
                )
            ),
            "entropy": made.profiles[0].entropy,
        }
    ]
    assert f"Chosen for {category} (tone, by aape)." in made.sentences


def test_what_is_saved(card, tmp_path):
    written = card.save(tmp_path / "it")
    names = {path.name for path in written}
    assert {"card.json", "card.png", "card.html"} < names
    assert sorted(names) == sorted(path.name for path in (tmp_path / "it").iterdir())
    document = json.loads((tmp_path / "it" / "card.json").read_text())
    assert document["neuron"] == [card.layer, card.unit]
    sounds = sorted(path for path in written if path.suffix == ".wav")
    assert len(sounds) == 2 * len(card.examples)
    first = card.examples[0]
    stem = f"01-share-{first.clip.removesuffix('.wav')}"
    whole, rate = soundfile.read(tmp_path / "it" / f"{stem}.wav")
    assert rate == 16000
    assert np.abs(whole - first.heard.samples).max() < 1e-4
    excerpt, _ = soundfile.read(tmp_path / "it" / f"{stem}-excerpt.wav")
    start, stop = first.heard.excerpt
    assert len(excerpt) == pytest.approx((stop - start) * rate, abs=1)
    card.save(tmp_path / "it")
    assert len(list((tmp_path / "it").iterdir())) == len(names)


def test_bad_questions(store):
    with pytest.raises(UsageError, match=r"not of the form LAYER\.UNIT"):
        listen(store, "seven")
    with pytest.raises(UsageError, match="no layer 9"):
        listen(store, "9.0")
    with pytest.raises(UsageError, match="examples is 0"):
        listen(store, "0.0", examples=0)


def test_percent():
    assert percent(0.005) == "0.5\N{NO-BREAK SPACE}%"
    assert percent(1.0) == "100\N{NO-BREAK SPACE}%"


def test_a_labeling_that_cannot_be_used_is_named_and_the_rest_stands(toy, tmp_path):
    store = oto.record(toy.model, toy.task, tmp_path / "toy.zarr", limit=2)
    made = listen(store, "0.3", sound=False)
    assert made.profiles == ()
    assert made.notes[0].startswith("tone is left out: labeling 'tone'")
    assert isinstance(made.nearest, pd.DataFrame)
