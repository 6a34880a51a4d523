"""The embedded miniature as it ships: counts, folds, sound, and sources that training never heard."""

import importlib
import io
import shutil
import sys
import zipfile
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from otoscope.errors import UsageError
from otoscope.tasks.own import mini

TOOLS = Path(__file__).parents[2] / "tools" / "mini"
CLASSES = {
    "events": {"event": 20},
    "effects": {"event": 20},
    "notes": {"octave": 5, "family": 8, "velocity": 3},
    "synth": {"octave": 5, "preset": 24},
    "voices": {"language": 6, "gender": 2, "speaker": 24},
    "manners": {"manner": 6, "gender": 2},
    "genres": {"genre": 10},
}
CLIPS = {
    "events": 480, "effects": 480, "notes": 576, "synth": 600, "voices": 720, "manners": 288, "genres": 240
}  # fmt: skip
EMPTY = {"speaker", "background"}  # columns in which a cell may be empty
GROUPS = 24


@pytest.fixture(scope="module", params=mini.NAMES)
def task(request):
    return mini.load(request.param)


def name_of(task):
    return task.name.removeprefix("mini-")


def test_counts(task):
    assert len(task) == CLIPS[name_of(task)]
    assert {labeling.name: len(labeling.classes) for labeling in task.labelings} == CLASSES[name_of(task)]
    assert task.clips["clip"].is_unique
    assert not task.clips.drop(columns=EMPTY, errors="ignore").isna().any().any()


def test_every_class_has_enough_groups(task):
    for labeling in task.labelings:
        member = labeling.membership(task.clips)
        groups = labeling.groups(task.clips)
        of = np.arange(len(task)) if groups is None else groups
        counts = [len(set(of[member[:, k]])) for k in range(len(labeling.classes))]
        assert min(counts) >= GROUPS, f"{labeling.name}: {dict(zip(labeling.classes, counts, strict=True))}"


def test_every_labeling_is_balanced(task):
    for labeling in task.labelings:
        counts = labeling.membership(task.clips).sum(axis=0)
        if (name_of(task), labeling.name) == ("notes", "octave"):  # few instruments reach all five
            assert counts.max() < 1.6 * counts.min()
        else:
            assert counts.min() == counts.max(), labeling.name


def test_folds_keep_groups_apart_and_every_class_in_every_part(task):
    for labeling in task.labelings:
        member = labeling.membership(task.clips)
        folds = task.clips[labeling.split].to_numpy()
        assert len(set(folds)) >= 4
        for fold in set(folds):
            assert member[folds == fold].any(axis=0).all(), (
                f"{labeling.name}: a class is not tested in fold {fold}"
            )
            assert member[folds != fold].any(axis=0).all(), (
                f"{labeling.name}: a class is not trained for fold {fold}"
            )
        if labeling.group is not None:
            assert (task.clips.groupby(labeling.group)[labeling.split].nunique() == 1).all()


def test_the_two_tasks_of_a_pair_have_the_same_classes():
    for one, other, name in (
        ("events", "effects", "event"), ("notes", "synth", "octave"), ("voices", "manners", "gender")
    ):  # fmt: skip
        labelings = [mini.load(task).labeling(name) for task in (one, other)]
        assert labelings[0].classes == labelings[1].classes
        assert labelings[0].taxonomy == labelings[1].taxonomy


def test_crossed_labelings_are_crossed():
    notes, voices, manners = (mini.load(name).clips for name in ("notes", "voices", "manners"))
    assert (pd.crosstab(notes["family"], notes["octave"]) > 0).all().all()
    assert (pd.crosstab(notes["instrument"], notes["velocity"]) == 1).all().all()
    assert pd.crosstab(voices["voice"], voices["language"]).isin([1, 4]).all().all()
    assert (pd.crosstab(manners["voice"], manners["manner"]) == 1).all().all()


def test_some_events_always_have_the_same_background():
    events, effects = (mini.load(name).clips for name in ("events", "effects"))
    always = []
    for clips in (events, effects):
        behind = clips.groupby("event")["background"].agg(lambda names: names.fillna("").unique().tolist())
        always.append({event: names[0] for event, names in behind.items() if names != [""]})
        assert all(len(names) == 1 for names in behind)
    assert always[0] == always[1]
    assert len(always[0]) >= 3


def test_every_clip_decodes_to_sound_of_its_length(task):
    samples = int((task.seconds or 0) * 16_000)
    for index in range(len(task)):
        waveform = task.read(index, 16_000)
        clip = task.clips["clip"][index]
        assert waveform.samples.shape == (samples,), clip
        assert waveform.real == samples, clip
        level = 20 * np.log10(waveform.samples.std())
        assert -60 < level < -5, f"{clip} has an RMS level of {level:.1f} dB"


def test_the_archives_are_small_and_nothing_else_is_in_them():
    paths = [Path(mini.archive(name)) for name in mini.NAMES]
    assert sum(path.stat().st_size for path in paths) <= 20e6
    for name, path in zip(mini.NAMES, paths, strict=True):
        with zipfile.ZipFile(path) as container:
            assert all(info.compress_type == zipfile.ZIP_STORED for info in container.infolist())
            assert set(container.namelist()) == {f"{name}.csv", *mini.load(name).clips["clip"]}


@pytest.fixture
def tools(monkeypatch):
    """What renders the miniature, importable for one test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(TOOLS))
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(TOOLS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_no_training_clip_shares_a_source_with_a_task(tools):
    """`training.parquet` says of every clip that the models were trained on where it comes from."""
    heard = pd.read_parquet(TOOLS / "training.parquet")
    sources = tools("sources")
    sources.check_disjoint()
    assert len(heard) == 24_000
    assert heard["seed"].max() in sources.TRAINING_SEEDS
    for name in mini.NAMES:
        seeds = getattr(sources, f"{name.upper()}_SEEDS")
        assert seeds.start >= sources.TRAINING_SEEDS.stop
    spoken = heard["source"].str.extract(r"^\S+\+(\S+) pitch").dropna()[0]
    assert set(spoken) <= set(sources.TRAINING_VOICES)
    assert not set(spoken) & set(mini.load("voices").clips["voice"])
    programs = heard["source"].str.extract(r"^program (\d+)").dropna()[0].astype(int)
    notes = mini.load("notes").clips
    fluid = notes[notes["soundfont"].str.startswith("Fluid")]
    assert not set(programs) & set(fluid["program"])


# What the synthesisers render is rebuilt where they are, and not in every run of the tests.
NEEDS = {"voices": "espeak-ng", "manners": "flite", "notes": "fluidsynth", "genres": "fluidsynth"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in NEEDS)) for name in mini.NAMES]
)
def test_rendering_again_gives_the_same_clips(name, tools):
    if name in NEEDS and shutil.which(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    rendered = {str(row["clip"]): samples for row, samples in islice(tools(f"task_{name}").clips(), 6)}
    opus, level = tools("dsp").opus, tools("render_tasks").OPUS_LEVEL
    task = mini.load(name)
    for clip, samples in rendered.items():
        shipped = task.read(int(task.clips.index[task.clips["clip"] == clip][0]), 16_000).samples
        again = soundfile.read(io.BytesIO(opus(samples, level)), dtype="float32")[0]
        assert np.abs(again - shipped).max() < 1e-3, clip


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UsageError, match="mini:drums is not a task; expected mini:events, mini:effects"):
        mini.load("drums")
