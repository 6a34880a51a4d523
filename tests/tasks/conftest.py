"""Real files of 0.1 s for tiny copies of the official layouts."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from otoscope import audio

EMOTIONS = ("ANG", "HAP", "SAD")
ACTORS = {"1001": "Male", "1002": "Female", "1009": "Male"}
HERE = str(Path(__file__).parent)
if HERE not in sys.path:  # the layouts of the data sets are modules of their own
    sys.path.insert(0, HERE)


@pytest.fixture
def wav():
    """Write a tone; every call a different one, so that no two files are alike."""
    counter = iter(range(10_000))

    def write(path, rate=16000, seconds=0.1, channels=1):
        path.parent.mkdir(parents=True, exist_ok=True)
        wave = 0.3 * np.sin(np.arange(round(seconds * rate)) * (0.05 + 0.01 * next(counter)))
        audio.write(path, np.stack([wave] * channels, axis=1), rate)
        return path

    return write


@pytest.fixture
def layout(tmp_path, wav):
    """Make a data set's tiny copy: layout("esc50") returns its folder."""
    from test_contract import LAYOUTS

    return lambda name: LAYOUTS[name].build(tmp_path, wav)


@pytest.fixture
def sounds(tmp_path, wav):
    """Two classes of one's own; every suffix, several rates, and what a computer leaves behind."""
    root = tmp_path / "sounds"
    for name, rate, channels in (("a.wav", 8000, 1), ("b.flac", 44100, 2), ("deep/c.ogg", 48000, 1)):
        wav(root / "dog barks" / name, rate, channels=channels)
        wav(root / "cat" / name, rate, channels=channels)
    wav(root / "cat" / "d.MP3", 32000)
    (root / "cat" / "._a.wav").write_bytes(bytes(211))
    (root / "cat" / ".DS_Store").write_bytes(b"")
    wav(root / ".trash" / "a.wav")
    return root


@pytest.fixture
def esc50(tmp_path, wav):
    """Five folds of three classes, a clip each, whose order by target is not the alphabet's."""
    root = tmp_path / "ESC-50-master"
    rows = []
    for fold in range(1, 6):
        for target, category, ten in ((0, "dog", True), (1, "rooster", True), (12, "crackling_fire", False)):
            name = f"{fold}-{100000 + fold}-A-{target}.wav"
            wav(root / "audio" / name, 44100)
            rows.append((name, fold, target, category, ten, 100000 + fold, "A"))
    columns = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    (root / "meta").mkdir()
    pd.DataFrame(rows, columns=columns).to_csv(root / "meta" / "esc50.csv", index=False)
    (root / "README.md").write_text("ESC-50")
    return root


@pytest.fixture
def cremad(tmp_path, wav):
    """Three actors by three emotions, one with a level, and the clips that EVAR leaves out."""
    root = tmp_path / "CREMA-D"
    for actor in ACTORS:
        for emotion in EMOTIONS:
            wav(root / "AudioWAV" / f"{actor}_DFA_{emotion}_XX.wav")
    wav(root / "AudioWAV" / "1001_IEO_HAP_HI.wav")
    (root / "AudioWAV" / "._1001_IEO_HAP_HI.wav").write_bytes(bytes(211))
    table = ['"ActorID","Age","Sex","Race","Ethnicity"']
    table += [f'{actor},40,"{sex}","Unknown","Not Hispanic"' for actor, sex in ACTORS.items()]
    (root / "VideoDemographics.csv").write_text("\n".join(table) + "\n")
    return root


@pytest.fixture
def gtzan(tmp_path, wav):
    """Three genres of four clips: train, valid, test, and one that the lists leave out; with macOS stubs."""
    root = tmp_path / "gtzan"
    lists = {"train": [], "valid": [], "test": []}
    for genre in ("blues", "hiphop", "jazz"):
        for number, split in enumerate((*lists, None)):
            name = f"{genre}/{genre}.{number:05}.wav"
            wav(root / "genres" / name, 22050)
            (root / "genres" / genre / f"._{genre}.{number:05}.wav").write_bytes(bytes(211))
            if split:
                lists[split].append(name)
    for split, names in lists.items():
        (root / f"{split}_filtered.txt").write_text("\n".join(names) + "\n")
    return root


@pytest.fixture
def evar(tmp_path, wav):
    """EVAR's cremad.csv beside its flat audio folder; the last row is of no split."""
    root = tmp_path / "evar"
    rows = []
    for actor, split in (("1002", "train"), ("1003", "train"), ("1009", "valid"), ("1001", "test")):
        for emotion in EMOTIONS:
            name = f"{actor}_DFA_{emotion}_XX.wav"
            wav(root / "16k" / "cremad" / name)
            rows.append((name, emotion, actor, split))
    rows.append(("1003_TAI_ANG_XX.wav", "ANG", "1003", ""))
    table = pd.DataFrame(rows, columns=["file_name", "label", "speaker_id", "split"])
    table.to_csv(root / "cremad.csv", index=False)
    return root
