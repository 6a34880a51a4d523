"""Data sets of the library `datasets` as `save_to_disk` writes them: with split and classes, and without."""

import numpy as np
from layout_case import Layout

PETS = ("dog", "cat", "ant")  # an order that is not the alphabet's; no clip is of an ant
TAGS = ("loud", "far", "near")
SPLITS = {"train": 6, "validation": 3, "test.other": 3}
SPEAKERS = {"train": ("ann", "bob"), "validation": ("cy",), "test.other": ("di",)}


def dataset(files, columns, kinds):
    """A data set with the sound of files inside, made without torchcodec."""
    import datasets

    sounds = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
    made = datasets.Dataset.from_dict({"audio": sounds, **columns})
    return made.cast(datasets.Features({**made.features, "audio": datasets.Audio(), **kinds}))


def split(root, wav):
    import datasets

    parts = {}
    kinds = {"pet": datasets.ClassLabel(names=PETS), "tags": datasets.List(datasets.ClassLabel(names=TAGS))}
    for name, count in SPLITS.items():
        suffixes = [".flac" if row % 2 else ".wav" for row in range(count)]
        files = [wav(root / "sources" / f"{name}-{row}{suffix}", 8000) for row, suffix in enumerate(suffixes)]
        columns = {
            "pet": [row % 3 if row % 3 < 2 else -1 for row in range(count)],
            "tags": [[[0], [1, 0], []][row % 3] for row in range(count)],
            "speaker": [SPEAKERS[name][row % len(SPEAKERS[name])] for row in range(count)],
            "level": np.linspace(0, 1, count),
        }
        parts[name] = dataset(files, columns, kinds)
    datasets.DatasetDict(parts).save_to_disk(
        root / "pets", num_shards={"train": 2, "validation": 1, "test.other": 1}
    )
    return root / "pets"


def single(root, wav):
    """No split, and files of one name."""
    files = [wav(root / "sources" / str(row) / "a.wav") for row in range(4)]
    dataset(files, {"mood": ["calm", "glad", "calm", "glad"]}, {}).save_to_disk(root / "moods")
    return root / "moods"


ROWS = [(name, row) for name, count in SPLITS.items() for row in range(count)]

LAYOUTS = {
    "hf": Layout(
        split,
        clips={
            "clip": [f"{name}-{row}{'.flac' if row % 2 else '.wav'}" for name, row in ROWS],
            "pet": [("dog", "cat", None)[row % 3] for _, row in ROWS],
            "tags": [(["loud"], ["far", "loud"], [])[row % 3] for _, row in ROWS],
            "speaker": [SPEAKERS[name][row % len(SPEAKERS[name])] for name, row in ROWS],
            "split": ["train"] * 6 + ["valid"] * 3 + ["test"] * 3,
        },
        classes={"pet": ("dog", "cat"), "tags": ("loud", "far")},
        groups={"pet": "speaker", "tags": "speaker"},
        splits={"pet": "split", "tags": "split"},
        needs="datasets",
    ),
    "hf/single": Layout(
        single,
        clips={"clip": ["0", "1", "2", "3"], "mood": ["calm", "glad", "calm", "glad"]},
        classes={"mood": ("calm", "glad")},
        needs="datasets",
    ),
}
