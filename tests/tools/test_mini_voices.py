"""The spoken tasks of tools/mini: balance, held-out voices and texts, and that both can be heard."""

import importlib
import itertools
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

TOOLS = Path(__file__).parents[2] / "tools" / "mini"
ESPEAK = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
FLITE = pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")


@pytest.fixture(scope="module", autouse=True)
def on_path():
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


def tool(name):
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def voices(on_path):
    """All clips of the task `voices`: their table and their samples."""
    rows, samples = zip(*tool("task_voices").clips(), strict=True)
    return pd.DataFrame(list(rows)), np.stack(samples)


@pytest.fixture(scope="module")
def manners(on_path):
    """A female and a male voice of every base in all manners: their table and their samples."""
    task = tool("task_manners")
    some = [v for v in task.voices() if v.place == 0]
    rows, samples = zip(*(task.clip(v, m) for v in some for m in task.MANNERS), strict=True)
    return pd.DataFrame(list(rows)), np.stack(samples)


def pitch(x):
    """Median pitch in Hz of a clip."""
    found = tool("psola").contour(x, 60, 450)
    return np.median(found.hz[found.voiced])


def whole(samples):
    """Every clip has its length, is finite, in full scale, and loud in more than half of its frames."""
    assert samples.shape[1:] == (32_000,)
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 0.95 + 1e-6
    frames = samples.reshape(len(samples), -1, 400).std(2)
    return (frames > 0.05 * frames.max(1, keepdims=True)).mean(1).min() > 0.5


@ESPEAK
def test_voices_are_balanced_over_classes_and_folds(voices):
    table, samples = voices
    assert len(table) == 720
    assert table["clip"].is_unique
    assert whole(samples)
    assert set(table.groupby(["fold", "gender", "language"]).size()) == {15}
    assert (table.groupby("voice")["fold"].nunique() == 1).all()
    assert table.groupby("gender")["voice"].nunique().to_dict() == {"female": 24, "male": 24}
    speakers = table[table["speaker"] != ""]
    assert (speakers["speaker"] == speakers["voice"]).all()
    assert speakers.drop_duplicates("speaker")["gender"].value_counts().to_dict() == {
        "female": 12,
        "male": 12,
    }
    assert set(speakers.groupby(["speaker", "speaker_fold", "language"]).size()) == {1}
    assert set(table["language"]) == set(tool("task_voices").TAXONOMY)
    once = table[table["speaker"] == ""]
    assert set(once.groupby("speaker_fold")["voice"].nunique()) == {6}


@ESPEAK
def test_what_is_said_tells_the_take_and_nothing_of_gender(voices):
    table, _ = voices
    said = table.assign(sentence=table["text"].str.rstrip(".").str.split(". ", regex=False)).explode(
        "sentence"
    )
    assert (said.groupby("sentence")["speaker_fold"].nunique() == 1).all()
    assert said["sentence"].nunique() == 6 * 12
    by_gender = pd.crosstab(table["text"], table["gender"])
    assert (by_gender["female"] == by_gender["male"]).all()


@ESPEAK
def test_every_voice_is_heard_in_every_language(voices):
    # espeak-ng passes over a variant that it does not find (or, for fr-fr, over any), without an error.
    speak, variants = tool("speech").speak, tool("variants")
    two = [people[0] for people in tool("task_voices").voices().values()]
    before = os.environ.get("ESPEAK_DATA_PATH")
    with variants.installed(two):
        for language in tool("task_voices").TAXONOMY:
            code = tool("task_voices").SPOKEN.get(language, language)
            woman, man, default = (speak("25", code, v, 50, 160) for v in (two[0].name, two[1].name, "none"))
            assert not any(
                len(a) == len(b) and np.allclose(a, b)
                for a, b in itertools.combinations((woman, man, default), 2)
            )
    assert os.environ.get("ESPEAK_DATA_PATH") == before


@ESPEAK
def test_no_voice_is_one_of_training_or_near_another():
    data = tool("variants").espeak_data() / "voices" / "!v"
    trained = tool("sources").TRAINING_VOICES
    files = {v.name: v.file for people in tool("task_voices").voices().values() for v in people}
    assert not set(files) & set(trained)

    def formants(file):
        """Frequency, strength and width of the first five formants, in percent (100 where left out)."""
        found = np.full((6, 3), 100.0)
        for number, values in re.findall(r"^formant\s+([1-5])\s+(.+)$", file, re.M):
            values = [float(v) for v in values.split()[:3]]
            found[int(number), : len(values)] = values
        return found[1:].ravel()

    own = np.array([formants(file) for file in files.values()])
    others = np.array([formants((data / name).read_text(errors="replace")) for name in trained])
    between = np.linalg.norm(own[:, None] - own, axis=2) + 1e3 * np.eye(len(own))
    assert between.min() > 20
    assert np.linalg.norm(own[:, None] - others, axis=2).min() > 20


@ESPEAK
def test_voices_repeat_and_women_speak_higher(voices):
    table, samples = voices
    again = list(itertools.islice(tool("task_voices").clips(), 30))
    np.testing.assert_array_equal(samples[:30], [x for _, x in again])
    assert [row for row, _ in again] == table[:30].to_dict("records")
    few = table[(table["language"] == "it") & (table["speaker_fold"] == 1)].index
    heard = table.loc[few].assign(hz=[pitch(samples[i]) for i in few]).groupby("gender")["hz"].median()
    assert heard["female"] > 1.3 * heard["male"]


def test_no_sentence_shares_three_words_with_training_or_with_the_other_task():
    texts, sources = tool("texts"), tool("sources")
    assert not sources.shared_phrases()

    def runs(text):
        words = re.findall(r"[^\W\d_]+", text.lower())
        return set(zip(words, words[1:], words[2:], strict=False))

    own = set().union(*map(runs, texts.MANNERS))
    assert not own & set().union(*map(runs, texts.TRAINING.values()))
    assert not own & set().union(*(runs(s) for said in texts.HELD_OUT.values() for s in said))
    assert len(texts.MANNERS) == 12
    assert all(len(texts.HELD_OUT[language]) == 12 for language in ("de", "en-us", "nl", "es", "fr-fr", "it"))


def test_manners_are_balanced_over_genders_folds_and_sentences():
    task = tool("task_manners")
    voices = task.voices()
    table = pd.DataFrame(
        [
            {"gender": v.gender, "base": v.base, "voice": v.name, "manner": m, "text": task.sentence(v, m)}
            for v in voices
            for m in task.MANNERS
        ]
    )
    assert len(table) == 288
    assert set(table.groupby(["base", "gender"])["voice"].nunique()) == {6}
    assert set(table.groupby(["base", "manner", "text"]).size()) == {1}
    assert set(table.groupby(["gender", "manner", "text"]).size()) == {2}
    assert table["text"].nunique() == 12
    assert sorted(task.TAXONOMY.values()) == ["high"] * 3 + ["low"] * 3


@FLITE
def test_manners_move_pitch_and_loudness_as_intended(manners):
    table, samples = manners
    assert whole(samples)
    assert (table.groupby("base")["fold"].nunique() == 1).all()
    level = 20 * np.log10(samples.std(1))
    heard = (
        table.assign(hz=[pitch(x) for x in samples], level=level).groupby("manner")[["hz", "level"]].mean()
    )
    assert heard.loc["sad", "hz"] < heard.loc["neutral", "hz"] < heard.loc["afraid", "hz"]
    assert heard.loc["calm", "hz"] < heard.loc["glad", "hz"]
    assert heard["level"].idxmax() == "angry"
    assert heard["level"].idxmin() == "sad"
    assert -36.1 < level.min() < level.max() < -13.9


@FLITE
def test_a_voice_has_the_pitch_that_it_was_given_and_repeats(manners):
    table, samples = manners
    task = tool("task_manners")
    given = {v.name: v.hz for v in task.voices()}
    neutral = table[table["manner"] == "neutral"]
    ratio = [pitch(samples[i]) / given[voice] for i, voice in neutral["voice"].items()]
    # A clip strays by 1.3 semitones, and 2 s of a sentence may lie under or over its median.
    assert np.abs(12 * np.log2(ratio)).max() < 6
    assert np.abs(np.median(12 * np.log2(ratio))) < 2
    first = task.voices()[0]
    for manner in ("angry", "sad"):
        row, x = task.clip(first, manner)
        index = table.index[table["clip"] == row["clip"]][0]
        np.testing.assert_array_equal(x, samples[index])


def test_respeaking_moves_the_pitch_of_a_pulse_train_and_keeps_its_formant():
    psola, dsp = tool("psola"), tool("dsp")
    x = np.zeros(32_000)
    x[::128] = 1.0  # 125 Hz
    x = dsp.resonator(x, 800.0, 0.02)
    own = psola.contour(x, 80, 200)
    assert np.median(own.hz) == pytest.approx(125, rel=0.01)

    def peak(y):
        f, power = tool("psola").signal.welch(y, 16_000, nperseg=512)
        smooth = np.convolve(power, np.ones(9), "same")
        return f[np.argmax(smooth)]

    for hz, formants in ((160.0, 1.0), (160.0, 1.2), (110.0, 0.9)):
        y = psola.respeak(x, own, np.full(len(x), hz), formants, 0.0, np.random.default_rng(0))[4_000:-4_000]
        assert np.median(psola.contour(y, 80, 250).hz) == pytest.approx(hz, rel=0.01)
        assert peak(y) == pytest.approx(800 * formants, abs=90)
