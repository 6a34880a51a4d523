"""EVAR's cropping and padding."""

import numpy as np
import pandas as pd
import pytest

from otoscope import audio
from otoscope.errors import UsageError
from otoscope.tasks import Labeling, Task, load_task
from otoscope.tasks.own.evar import SECONDS
from otoscope.tasks.registry import available

RATE = 8000
UNIT = 0.1
LONG = 2000  # samples of the clips; the unit has 800


def ramp(path, samples):
    """Every sample tells where it is."""
    audio.write(path, np.arange(samples) / 2**15, RATE)
    return str(path)


@pytest.fixture
def make(tmp_path):
    """A task of clips of so many samples, whose parts are given."""

    def build(parts, samples=LONG, column="split"):
        names = [f"{n}.wav" for n in range(len(parts))]
        paths = [ramp(tmp_path / name, samples) for name in names]
        clips = pd.DataFrame({"clip": names, "path": paths, "pet": "cat", column: parts})
        return Task("pets", clips, (Labeling("pet", "pet", ("cat",), split=column),))

    return build


def starts(task):
    return [round(float(task.read(row, RATE).samples[0]) * 2**15) for row in range(len(task))]


def test_lengths_are_cut_to_whole_samples_as_evar_cuts_them():
    for task, rate, samples in (
        ("fsd50k", 16000, 122_172),
        ("fsd50k", 32000, 244_345),
        ("fsd50k", 48000, 366_518),
        ("vc1", 16000, 131_200),
        ("vc1", 32000, 262_400),
        ("vc1", 48000, 393_599),
        ("vocalsound", 16000, 66_880),
        ("voxforge", 48000, 278_400),
    ):
        assert audio.Crop(SECONDS[task], truncated=True).samples(rate) == samples
    assert audio.Crop(SECONDS["vc1"]).samples(48000) == 393_600


def test_our_readers_and_evars_table_agree_on_lengths():
    for reader in available():
        for prefix in set(reader.prefixes) & set(SECONDS):
            assert reader.evar_seconds == SECONDS[prefix]


def test_test_clips_give_their_beginning_and_others_a_stretch_drawn_from_their_name(make):
    task = make(["train", "valid"] * 30 + ["test"] * 20).with_evar_lengths(UNIT)
    found = starts(task)
    assert found[60:] == [0] * 20
    assert all(0 <= start <= LONG - 800 - 1 for start in found)
    assert len(set(found[:60])) > 50
    assert 400 < np.mean(found[:60]) < 800  # uniform over 0 to 1199
    assert starts(task) == found
    for row in range(len(task)):
        assert task.read(row, RATE).real == len(task.read(row, RATE).samples) == 800


def test_order_neighbours_and_labelings_do_not_matter(make):
    task = make(["train"] * 6).with_evar_lengths(UNIT)
    found = starts(task)
    known = dict(zip(task.clips["clip"], found, strict=True))
    part = task.head(3)
    assert starts(part) == [known[clip] for clip in part.clips["clip"]]
    assert starts(task.only([])) == found
    turned = make(["train"] * 6)
    turned = Task("pets", turned.clips[::-1], turned.labelings).with_evar_lengths(UNIT)
    assert starts(turned) == found[::-1]


def test_the_stretch_is_the_same_at_any_rate(make):
    task = make(["train"] * 4).with_evar_lengths(UNIT)
    for row in range(4):
        low, high = (task.read(row, rate).samples[::step] for rate, step in ((RATE, 1), (2 * RATE, 2)))
        np.testing.assert_allclose(low[100:-100], high[100:-100], atol=2 / 2**15)


@pytest.mark.parametrize("samples", [300, 800])
def test_short_clips_get_zeros_at_the_end_and_equal_ones_stay(make, samples):
    waveform = make(["train", "test"], samples).with_evar_lengths(UNIT).read(0, RATE)
    assert waveform.real == samples
    np.testing.assert_allclose(waveform.samples[:samples] * 2**15, np.arange(samples), atol=1e-3)
    assert (waveform.samples[samples:] == 0).all()
    assert len(waveform.samples) == 800


def test_in_folds_every_clip_gives_its_beginning(make):
    assert starts(make([1, 2, 3], column="fold").with_evar_lengths(UNIT)) == [0, 0, 0]


def test_clips_of_no_part_give_their_beginning(make):
    task = make(["train", None])
    task = Task("pets", task.clips.assign(pet=["cat", None]), task.labelings)
    assert starts(task.with_evar_lengths(UNIT))[1] == 0


def test_the_first_labeling_with_a_named_split_decides(make):
    task = make(["train", "train"])
    folds = task.clips.assign(fold=[1, 2], whose="me")
    labelings = (Labeling("whose", "whose", ("me",), split="fold"), *task.labelings)
    assert 0 not in starts(Task("pets", folds, labelings).with_evar_lengths(UNIT))


def test_the_fingerprint_tells_evars_lengths_from_others(make):
    task = make(["train", "test"])
    same = Task("pets", task.clips, task.labelings, seconds=UNIT)
    evar = task.with_evar_lengths(UNIT)
    assert len({task.fingerprint, same.fingerprint, evar.fingerprint}) == 3
    assert task.with_evar_lengths(UNIT).fingerprint == evar.fingerprint


def test_fingerprints_of_other_tasks_are_as_they_were():
    clips = pd.DataFrame({"clip": ["a", "b"], "path": ["a", "b"], "pet": ["cat", "dog"]})
    task = Task("pets", clips, (Labeling.of(clips, "pet"),), seconds=1.5)
    assert task.fingerprint.startswith("543f85cc26611791")


def test_an_official_layout_takes_evars_length(layout):
    with pytest.warns(UserWarning, match="clips, where"):
        task = load_task(f"esc50:{layout('esc50')}", evar_lengths=True)
    assert (task.seconds, task.evar_lengths) == (5.0, True)
    assert len(task.read(0, 48000).samples) == 240_000


def test_what_cannot_be_asked_for(sounds, make):
    with pytest.raises(UsageError, match=r"EVAR knows no length for folder:.*try seconds"):
        load_task(f"folder:{sounds}", evar_lengths=True)
    with pytest.raises(UsageError, match="seconds is 2 and EVAR's lengths are asked for; expected one"):
        load_task(f"folder:{sounds}", seconds=2, evar_lengths=True)
    task = make(["train", "test"])
    with pytest.raises(UsageError, match="evar_lengths needs a length and a column 'evar_place'"):
        Task("pets", task.clips, task.labelings, seconds=1, evar_lengths=True)
