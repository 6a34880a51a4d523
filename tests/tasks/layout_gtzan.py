"""GTZAN: three genres of four clips: train, valid, test, and one that the lists leave out; macOS stubs.

`jazz.00054`, of the train list, is cut off.
"""

from layout_case import Evar, Layout

NUMBERS = {
    "blues": {"train": 0, "valid": 1, "test": 2, "": 3},
    "hiphop": {"train": 0, "valid": 1, "test": 2, "": 3},
    "jazz": {"train": 54, "valid": 1, "test": 2, "": 3},
}
CLIPS = [
    (f"{genre}/{genre}.{numbers[split]:05}.wav", genre, split)
    for split in ("train", "valid", "test", "")
    for genre, numbers in NUMBERS.items()
]
LISTED = [clip for clip in CLIPS if clip[2]]


def build(root, wav):
    root = root / "gtzan"
    for name, genre, _ in CLIPS:
        wav(root / "genres" / name, 22050)
        (root / "genres" / genre / f"._{genre}.00000.wav").write_bytes(bytes(211))
    broken = root / "genres" / "jazz" / "jazz.00054.wav"
    broken.write_bytes(broken.read_bytes()[:-50])
    for split in ("train", "valid", "test"):
        names = [name for name, _, part in CLIPS if part == split]
        (root / f"{split}_filtered.txt").write_text("\n".join(names) + "\n")
    return root


LAYOUTS = {
    "gtzan": Layout(
        build,
        clips={
            "clip": [name for name, _, _ in LISTED],
            "split": [split for _, _, split in LISTED],
            "genre": [genre for _, genre, _ in LISTED],
        },
        classes={"genre": ("blues", "hiphop", "jazz")},
        splits={"genre": "split"},
        broken={
            "genres": r"none of the 9 listed files is there, such as genres/blues/blues\.00000\.wav; exp",
            "valid_filtered.txt": r"valid_filtered\.txt not there beside the other lists; get it from https:",
        },
        evar=[
            Evar(
                "gtzan",
                "genre",
                [{"file_name": name, "label": genre, "split": split} for name, genre, split in CLIPS],
                "gtzan",
                "genres/{}".format,
            )
        ],
    ),
}
