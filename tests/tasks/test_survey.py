"""survey: what it says of files whose defects we made, and a manifest that brings the same task back."""

import tarfile
import threading
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from otoscope import audio
from otoscope.activations.reading import reading
from otoscope.errors import UsageError
from otoscope.tasks import Labeling, Task, TaskError, check, load_task, survey

RATE = 16000


@pytest.fixture
def make(tmp_path):
    """A task of sounds given by their samples: make({"a.wav": samples}, pet=[...], fold=[...])."""

    def build(sounds, labelings=None, **columns):
        folder = tmp_path / "sounds"
        folder.mkdir(exist_ok=True)
        for name, samples in sounds.items():
            soundfile.write(folder / name, samples, RATE, subtype="FLOAT" if name.endswith("wav") else None)
        clips = pd.DataFrame(
            {"clip": list(sounds), "path": [str(folder / name) for name in sounds], **columns}
        )
        return Task("toy", clips, labelings or ())

    return build


def noise(seed, seconds=0.5, channels=1):
    samples = 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * RATE), channels))
    return samples[:, 0] if channels == 1 else samples


def four(make, **columns):
    return make({f"{number}.wav": noise(number) for number in range(4)}, **columns)


# ------------------------------------------------------------------------------------------------- the files


def test_headers_and_hashes(make):
    task = make(
        {"a.wav": noise(0), "b.flac": noise(1, 0.25, channels=2), "c.ogg": noise(2), "d.mp3": noise(3)}
    )
    files = survey(task).files
    assert list(files.columns) == [
        *("clip", "path", "sha256", "format", "sample_rate", "channels", "seconds", "problem")
    ]
    assert list(files["format"]) == ["WAV", "FLAC", "OGG", "MP3"]
    assert list(files["channels"]) == [1, 2, 1, 1]
    assert set(files["sample_rate"]) == {RATE}
    assert list(files["seconds"][:3]) == [0.5, 0.25, 0.5]
    assert list(files["sha256"]) == [sha256(Path(path).read_bytes()).hexdigest() for path in files["path"]]
    assert set(files["problem"]) == {""}


def test_deep_hears_peak_clipping_and_silence(make):
    clipped = noise(0)
    clipped[:80] = [1.0, -1.0] * 40  # 80 of 8,000
    quiet = np.full(800, 5e-5)
    stereo = np.stack([noise(1), np.zeros(8000)], axis=1)
    stereo[5] = (0.25, -0.75)
    loud = 32768 * noise(2)
    task = make({"a.wav": clipped, "b.wav": np.zeros(800), "c.wav": quiet, "d.wav": stereo, "e.wav": loud})
    found = survey(task, deep=True)
    files = found.files
    assert files["peak"][:4].tolist() == pytest.approx([1, 0, 5e-5, 0.75])
    assert files["clipped"][:4].tolist() == pytest.approx([0.01, 0, 0, 0])
    assert files["silent"].tolist() == [False, True, True, False, False]
    assert not found.problems
    text = "\n".join(found.notes)
    assert "1 clip (a.wav) is clipped: over 0.1% of the samples are at full scale (0.99997)" in text
    assert "1 clip (b.wav) is silent: every sample is 0" in text
    assert "1 clip (c.wav) is silent: no sample reaches -80 dB" in text
    assert "1 clip (e.wav) is far beyond full scale, up to 1" in text


def test_one_peak_at_full_scale_is_no_clipping(make):
    samples = noise(0)
    samples[3] = 1.0
    assert not any("clipped" in note for note in survey(make({"a.wav": samples}), deep=True).notes)


def test_deep_finds_what_headers_cannot_tell(make):
    broken = noise(0)
    broken[[7, 9]] = np.nan, np.inf
    task = make({"a.wav": broken, "b.mp3": noise(1, 5.0), "c.wav": noise(2)})
    path = Path(task.clips["path"][1])
    path.write_bytes(path.read_bytes()[:-2000])
    assert survey(task).usable >= 2
    files = survey(task, deep=True).files
    assert "sample 7 is not a number or infinite (2 of 8000 are)" in files["problem"][0]
    assert files["problem"][2] == ""
    for number, told in enumerate(files["problem"]):
        if told:
            with pytest.raises(Exception, match=r"a number|truncated") as raised:
                task.decode(number)
            assert str(raised.value) == told


def test_problems_are_those_of_check_and_of_every_clip(make, tmp_path):
    task = four(make)
    paths = [Path(path) for path in task.clips["path"]]
    paths[0].unlink()
    paths[1].write_bytes(b"")
    paths[2].write_bytes(paths[2].read_bytes()[:-100])
    found = survey(task, deep=True)
    with pytest.raises(TaskError) as refused:
        check(task)
    assert str(refused.value).split("\n  - ")[1:] == list(found.problems)
    assert [bool(problem) for problem in found.files["problem"]] == [True, True, True, False]
    assert found.usable == 1
    assert [row["clip"] for row in found.document()["bad"]] == ["0.wav", "1.wav", "2.wav"]


def test_segments_are_read_with_their_file_once(make, monkeypatch):
    samples = np.concatenate([np.zeros(RATE), noise(0, 1.0), np.ones(RATE)])
    one = make({"long.wav": samples}).clips["path"][0]
    clips = pd.DataFrame(
        {
            "clip": ["silence", "noise", "full", "beyond", "backwards", "rest"],
            "path": one,
            "start": [0.0, 1.0, 2.0, 2.5, 2.0, 2.0],
            "stop": [1.0, 2.0, 3.0, 9.0, 1.0, None],
        }
    )
    opened = []
    content = audio.content
    monkeypatch.setattr(audio, "content", lambda name: opened.append(name) or content(name))
    files = survey(Task("parts", clips, ()), deep=True).files.set_index("clip")
    assert opened == [one]
    assert files["peak"][["silence", "full", "rest"]].tolist() == [0, 1, 1]
    assert 0.2 < files["peak"]["noise"] < 1
    assert files["clipped"][["silence", "full", "rest"]].tolist() == [0, 1, 1]
    assert files["seconds"][["silence", "rest"]].tolist() == [1, 1]
    assert "lasts 3.000 s" in files["problem"]["beyond"]
    assert "has a part from 2.0 to 1.0 s" in files["problem"]["backwards"]
    assert (files["problem"] != "").sum() == 2


def test_problems_are_told_by_kind_and_file_whatever_their_figures(make):
    sounds = {f"{number}.wav": noise(number) for number in range(3)}
    for number, samples in enumerate(sounds.values()):
        samples[number:10] = np.nan
    task = make(sounds)
    path = task.clips["path"][0]
    parts = [{"clip": f"part{n}", "path": path, "start": 0.0, "stop": 10.0 + n} for n in range(3)]
    task = Task("toy", pd.concat([task.clips, pd.DataFrame(parts)]), ())
    finite, long = survey(task, deep=True).problems
    assert finite.startswith("3 files: sample N is not a number or infinite (N of N are) (")
    assert long.startswith("1 file: lasts 0.500 s, but start 0.0 and stop 10.0 were asked for (")


def test_a_file_longer_than_a_block_is_heard_to_its_end(make):
    samples = np.zeros(600_000)
    samples[-1] = 0.5
    assert survey(make({"a.wav": samples}), deep=True).files["peak"][0] == 0.5


def test_every_clip_is_ticked_and_limit_leaves_labels_alone(make):
    task = four(make, labelings=None, pet=["cat", "cat", "dog", "dog"])
    task = replace(task, labelings=(Labeling.of(task.clips, "pet"),))
    ticks = []
    found = survey(task, limit=2, tick=ticks.append)
    assert sum(ticks) == len(found.files) == 2
    assert not found.problems  # of each class one clip was looked at, but two are there


def test_nothing_is_left_running(make):
    before = threading.active_count()

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        survey(four(make), tick=stop)
    assert threading.active_count() == before


# ------------------------------------------------------------------------------------------------- the notes


def labelled(make, **columns):
    task = four(make, **columns)
    settings = {role: role for role in ("group", "split") if role in columns}
    return replace(task, labelings=(Labeling.of(task.clips, "pet", **settings),))


def test_a_plain_task_has_nothing_to_note(make):
    assert survey(labelled(make, pet=["cat", "dog"] * 2), deep=True).notes == ()


def test_mixed_rates_and_channels_and_lengths(make, tmp_path):
    task = make({"a.wav": noise(0), "b.wav": noise(1, 0.1, channels=2)})
    soundfile.write(tmp_path / "c.wav", np.zeros(61 * 8000), 8000)
    clips = pd.concat([task.clips, pd.DataFrame({"clip": ["c.wav"], "path": [str(tmp_path / "c.wav")]})])
    task = Task("toy", clips, ())
    text = "\n".join(survey(task).notes)
    assert "2 sample rates: 16,000 Hz (2), 8,000 Hz (1)" in text
    assert "channels (clips): 1 (2), 2 (1)" in text
    assert "1 clip (b.wav) is shorter than 0.2 s" in text
    assert "1 clip (c.wav) is longer than 60 s" in text
    text = "\n".join(survey(replace(task, seconds=1.0)).notes)
    assert "2 clips (a.wav, b.wav) are shorter than 1 s, and padded with zeros" in text
    assert "1 clip (c.wav) is longer than 1 s, and cropped" in text


def test_the_same_content_within_and_across_classes_and_parts(make):
    task = labelled(make, pet=["cat", "dog", "cat", "dog"], split=["train", "train", "test", "test"])
    paths = [Path(path) for path in task.clips["path"]]
    paths[2].write_bytes(paths[0].read_bytes())
    assert survey(task).notes == (
        "2 clips are only one sound, the same to the bit: 0.wav = 2.wav",
        "labeling 'pet': 1 set of clips with the same content, in several parts of the split: 0.wav = 2.wav",
    )
    paths[1].write_bytes(paths[0].read_bytes())
    text = "\n".join(survey(task).notes)
    assert "0.wav = 1.wav = 2.wav" in text
    assert "'pet': 1 set of clips with the same content, but not the same label: 0.wav = 1.wav" in text
    assert "'pet': 1 set of clips with the same content, in several parts of the split" in text


def test_of_many_clips_with_the_same_content_a_few_are_named(make):
    table = make({f"{number}.wav": noise(0) for number in range(9)}, pet=["cat"] * 5 + ["dog"] * 4)
    task = replace(table, labelings=(Labeling.of(table.clips, "pet"),))
    everywhere, unlike = survey(task).notes
    assert everywhere.endswith(": 0.wav = 1.wav = 2.wav = 3.wav = 5 more")
    assert unlike.endswith(": 0.wav = 1.wav = 2.wav = 3.wav = 5 more")


def test_parts_of_one_file_are_not_the_same_content(make):
    path = make({"a.wav": noise(0)}).clips["path"][0]
    clips = pd.DataFrame({"clip": ["a", "b"], "path": path, "start": [0.0, 0.2], "stop": [0.2, 0.4]})
    assert not any("content" in note for note in survey(Task("parts", clips, ())).notes)


def test_groups_that_leak_and_classes_that_lack(make):
    task = labelled(
        make,
        pet=["cat", "cat", "dog", "dog"],
        group=["ann", "bob", "bob", "bob"],
        split=["train", "train", "test", "test"],
    )
    text = "\n".join(survey(task).notes)
    assert "1 of 2 groups by group lie in several parts of the split (bob)" in text
    assert "part 'test' of the split has no clip of cat" in text
    assert "part 'train' of the split has no clip of dog" in text
    assert "1 class with a single group by group: dog" in text


def test_counts_by_labeling_and_part(make):
    task = labelled(make, pet=["cat", "cat", "dog", None], split=["valid", "train", "test", "test"])
    counts = survey(task).counts["pet"]
    assert list(counts.columns) == ["all", "train", "valid", "test"]
    assert counts.loc["cat"].tolist() == [2, 1, 1, 0]
    assert counts.loc["dog"].tolist() == [1, 0, 0, 1]
    document = survey(task).document()["labelings"]["pet"]
    assert document["clips"] == 3
    assert document["classes"]["cat"] == {"all": 2, "train": 1, "valid": 1, "test": 0}


# ---------------------------------------------------------------------------------------------- the manifest


@pytest.fixture
def rich(make):
    """All that a manifest must keep: two labelings, a taxonomy, groups, a split, lengths, terms."""
    task = four(make, pet=["cat", "cat", "dog", "dog"], who=["b", "a", "b", "a"], fold=[2, 1, 2, 1])
    pet = Labeling("pet", "pet", ("dog", "cat"), False, "who", "fold", {"dog": "canine", "cat": "feline"})
    task = replace(task, labelings=(pet, Labeling.of(task.clips, "who")))
    return replace(task, name="my pets", seconds=0.4, citation="A. Person. Pets.", licence="CC0")


def same(loaded, task):
    assert loaded.fingerprint == task.fingerprint
    for name in ("name", "seconds", "citation", "licence", "labelings", "evar_lengths"):
        assert getattr(loaded, name) == getattr(task, name), name


def test_a_manifest_brings_the_same_task_back(rich, tmp_path):
    spec = survey(rich).write_manifest(tmp_path / "elsewhere" / "pets.parquet")
    assert spec == f"manifest:{tmp_path}/elsewhere/pets.parquet"
    loaded = load_task(spec)
    same(loaded, rich)
    assert list(loaded.clips["path"]) == list(rich.clips["path"])
    assert list(loaded.clips["expected_sha256"]) == list(survey(rich).files["sha256"])
    again = survey(loaded)
    assert again.problems == ()
    pd.testing.assert_frame_equal(again.manifest(), survey(rich).manifest(), check_like=True)


def test_a_manifest_follows_its_files(rich, tmp_path):
    survey(rich).write_manifest(tmp_path / "pets.parquet")
    (tmp_path / "sounds").rename(tmp_path / "moved")
    loaded = load_task(f"manifest:{tmp_path}/pets.parquet@{tmp_path}/moved")
    same(loaded, rich)
    assert survey(loaded).problems == ()


def test_a_manifest_with_evar_lengths(rich, tmp_path):
    task = rich.with_evar_lengths(0.3)
    survey(task).write_manifest(tmp_path / "pets.parquet")
    same(load_task(f"manifest:{tmp_path}/pets.parquet"), task)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_manifest_of_an_archive(rich, tmp_path, kind):
    archive = tmp_path / f"pets.{kind}"
    paths = [Path(path) for path in rich.clips["path"]]
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as container:
            for path in paths:
                container.write(path, f"in/{path.name}")
    else:
        with tarfile.open(archive, "w") as container:
            for path in paths:
                container.add(path, f"in/{path.name}")
    urls = [f"{kind}://in/{path.name}::{archive}" for path in paths]
    task = replace(rich, clips=rich.clips.assign(path=urls))
    table = survey(task).manifest()
    assert table.attrs["otoscope"]["root"] == str(archive)
    assert list(table["path"]) == [f"in/{path.name}" for path in paths]
    survey(task).write_manifest(tmp_path / "pets.parquet")
    loaded = load_task(f"manifest:{tmp_path}/pets.parquet")
    same(loaded, task)
    assert list(loaded.clips["path"]) == urls


def test_paths_are_relative_to_what_they_have_in_common_and_urls_stay(make, tmp_path):
    task = make({"a.wav": noise(0)})
    (tmp_path / "sounds" / "deep").mkdir()
    soundfile.write(tmp_path / "sounds" / "deep" / "b.wav", noise(1), RATE)
    remote = f"file://{tmp_path}/sounds/a.wav"
    paths = [task.clips["path"][0], str(tmp_path / "sounds" / "deep" / "b.wav"), remote]
    table = survey(Task("toy", pd.DataFrame({"clip": ["a", "b", "c"], "path": paths}), ())).manifest()
    assert table.attrs["otoscope"]["root"] == str(tmp_path / "sounds")
    assert list(table["path"]) == ["a.wav", "deep/b.wav", remote]


def test_only_good_clips_are_written_down(rich, tmp_path):
    Path(rich.clips["path"][1]).write_bytes(b"")
    assert list(survey(rich).manifest()["clip"]) == ["0.wav", "2.wav", "3.wav"]
    for path in rich.clips["path"]:
        Path(path).write_bytes(b"")
    with pytest.raises(TaskError, match="no clip can be used"):
        survey(rich).manifest()


def test_csv_has_the_columns_and_other_suffixes_are_refused(rich, tmp_path):
    rich = replace(rich, clips=rich.clips.assign(tags=[["a", "b"], [], ["c"], ["a"]]))
    spec = survey(rich).write_manifest(tmp_path / "pets.csv")
    assert spec == f"manifest:{tmp_path}/pets.csv@{tmp_path}/sounds"
    loaded = load_task(spec, labels=["pet"])
    assert survey(loaded).problems == ()
    assert list(loaded.clips["expected_sha256"]) == list(survey(rich).files["sha256"])
    table = pd.read_csv(tmp_path / "pets.csv")
    assert {"clip", "path", "pet", "who", "fold", "sha256"} <= set(table)
    assert table["path"][0] == "0.wav"
    assert table["tags"][0] == "a,b"
    with pytest.raises(UsageError, match=r"end in \.parquet or \.csv"):
        survey(rich).write_manifest(tmp_path / "pets.txt")
    assert not list(tmp_path.glob(".pets*"))


def test_a_file_that_has_changed_is_a_problem_here_and_in_recording(rich, tmp_path):
    hashes = survey(rich).files["sha256"]
    task = replace(rich, clips=rich.clips.assign(expected_sha256=hashes))
    soundfile.write(task.clips["path"][2], noise(77), RATE, subtype="FLOAT")
    path = Path(task.clips["path"][2])
    message = (
        f"{path}: its content has changed since the manifest was written: sha256 "
        f"{sha256(path.read_bytes()).hexdigest()[:12]}..., expected {hashes[2][:12]}..."
    )
    found = survey(task)
    assert [problem.startswith(message) for problem in found.files["problem"]] == [False, False, True, False]
    assert found.problems[0].startswith("1 file: its content has changed since the manifest was written (")
    ((_, _, heard),) = reading(task, [RATE], [[[0, 1, 2, 3]]])
    assert [bool(each.problem) for each in heard] == [False, False, True, False]
    assert heard[2].problem == found.files["problem"][2]


def test_a_row_without_an_expected_hash_is_not_compared(rich):
    task = replace(rich, clips=rich.clips.assign(expected_sha256=[None, np.nan, None, None]))
    assert survey(task).problems == ()
