"""The embedded miniature as it ships: counts, folds, sound, and sources that training never heard."""

import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from otoscope.errors import UsageError
from otoscope.tasks.own import mini

TOOLS = Path(__file__).parents[2] / "tools" / "mini"
CLASSES = {
    "events": {"event": 12},
    "notes": {"octave": 5, "family": 8},
    "voices": {"language": 6, "gender": 2, "speaker": 16},
}
CLIPS = {"events": 300, "notes": 320, "voices": 288}


@pytest.fixture(scope="module", params=mini.NAMES)
def task(request):
    return mini.load(request.param)


def name_of(task):
    return task.name.removeprefix("mini-")


def test_counts(task):
    assert len(task) == CLIPS[name_of(task)]
    assert {labeling.name: len(labeling.classes) for labeling in task.labelings} == CLASSES[name_of(task)]
    assert task.clips["clip"].is_unique
    assert not task.clips.isna().any().any()


def test_every_labeling_is_balanced(task):
    for labeling in task.labelings:
        counts = labeling.membership(task.clips).sum(axis=0)
        if labeling.name == "octave":  # a contrabass has no octave 6
            assert counts.max() < 1.4 * counts.min()
        else:
            assert counts.min() == counts.max(), labeling.name


def test_folds_keep_groups_apart_and_every_class_in_every_part(task):
    for labeling in task.labelings:
        folds = task.clips[labeling.split].to_numpy()
        member = labeling.membership(task.clips)
        assert len(set(folds)) >= 3
        for fold in set(folds):
            assert member[folds == fold].any(axis=0).all(), (
                f"{labeling.name}: a class is not tested in fold {fold}"
            )
            assert member[folds != fold].any(axis=0).all(), (
                f"{labeling.name}: a class is not trained for fold {fold}"
            )
        if labeling.group is not None:
            assert (task.clips.groupby(labeling.group)[labeling.split].nunique() == 1).all()


def test_speakers_say_other_sentences_in_other_folds():
    clips = mini.load("voices").clips
    said = (
        clips["sentences"]
        .str.extract(r"(?P<language>\w+)-(?P<a>\d+)-(?P<b>\d+)")
        .assign(fold=clips["speaker_fold"])
    )
    said = pd.concat(
        [said[["language", one, "fold"]].set_axis(["language", "sentence", "fold"], axis=1) for one in "ab"]
    )
    assert (said.groupby(["language", "sentence"])["fold"].nunique() == 1).all()


def test_crossed_labelings_are_crossed():
    notes, voices = mini.load("notes").clips, mini.load("voices").clips
    assert (pd.crosstab(notes["family"], notes["octave"]) > 0).all().all()
    played = pd.crosstab(notes["instrument"], notes["octave"])
    assert (played.sum(axis=1) == 10).all()
    assert ((played == 2).sum(axis=1) == 5).sum() == 27  # five instruments lack the highest octaves
    assert (pd.crosstab(voices["speaker"], voices["language"]) == 3).all().all()


def test_every_clip_decodes_to_two_seconds_of_sound(task):
    for index in range(len(task)):
        waveform = task.read(index, 16_000)
        clip = task.clips["clip"][index]
        assert waveform.samples.shape == (32_000,), clip
        assert waveform.real == 32_000, clip
        level = 20 * np.log10(waveform.samples.std())
        assert -45 < level < -12, f"{clip} has an RMS level of {level:.1f} dB"


def test_the_pitch_in_the_table_is_the_lowest_that_sounds():
    task = mini.load("notes")
    # Without bells, whose strike tone is no partial of theirs, and most organs, whose high pipes alias.
    wanted = task.clips["family"].isin(["pipe", "mallet"]) & (task.clips["instrument"] != "tubular-bells")
    wanted |= (task.clips["instrument"] == "drawbar-organ") & (task.clips["octave"] <= 4)
    clips = task.clips[wanted]
    for index, clip in clips.iterrows():
        samples = task.read(int(index), 16_000).samples[2_400:9_600]
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 16))
        spectrum[: int(30 / 16_000 * (1 << 16))] = 0
        lowest = np.argmax(spectrum > 0.2 * spectrum.max())
        pitch = 69 + 12 * np.log2(lowest * 16_000 / (1 << 16) / 440)
        assert abs(pitch - clip["pitch"]) < 1, clip["clip"]
        assert clip["pitch"] // 12 - 1 == clip["octave"]


def test_the_package_is_small_and_nothing_else_is_in_it():
    path = Path(mini.archive())
    assert path.stat().st_size <= 8e6
    with zipfile.ZipFile(path) as container:
        names = set(container.namelist())
        assert all(info.compress_type == zipfile.ZIP_STORED for info in container.infolist())
    expected = {f"{name}.csv" for name in mini.NAMES} | {
        c for name in mini.NAMES for c in mini.load(name).clips["clip"]
    }
    assert names == expected


def test_sources_are_held_out_from_training(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import sources

    try:
        sources.check_disjoint()
        trained_voices = set(sources.TRAINING_VOICES)
        held_programs = {
            instrument for family in sources.TASK_PROGRAMS.values() for instrument in family.values()
        }
    finally:
        for module in ("sources", "texts"):
            sys.modules.pop(module, None)
    assert not trained_voices & set(mini.load("voices").clips["speaker"])
    assert set(mini.load("notes").clips["instrument"]) == held_programs


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(
        UsageError, match="mini:drums is not a task; expected mini:events, mini:notes, mini:voices"
    ):
        mini.load("drums")
