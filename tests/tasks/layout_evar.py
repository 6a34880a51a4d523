"""EVAR's repository with a table and its folder of prepared sound, for the contract of all readers."""

from layout_case import Layout

EMOTIONS = ("ANG", "HAP", "SAD")
ACTORS = (("1002", "train"), ("1003", "train"), ("1009", "valid"), ("1001", "test"))
ROWS = [
    (f"{actor}_DFA_{emotion}_XX.wav", emotion, actor, split)
    for actor, split in ACTORS
    for emotion in EMOTIONS
]


def build(root, wav):
    root = root / "eval-audio-repr"
    lines = ["file_name,label,speaker_id,split", *map(",".join, ROWS), "1003_TAI_ANG_XX.wav,ANG,1003,"]
    for name, *_ in ROWS:
        wav(root / "work" / "16k" / "cremad" / name)
    (root / "evar" / "metadata").mkdir(parents=True)
    (root / "evar" / "metadata" / "cremad.csv").write_text("\n".join(lines) + "\n")
    return root


LAYOUTS = {
    "evar": Layout(
        build,
        clips={
            "clip": [row[0] for row in ROWS],
            "label": [row[1] for row in ROWS],
            "speaker_id": [row[2] for row in ROWS],
            "split": [row[3] for row in ROWS],
        },
        classes={"label": EMOTIONS},
        groups={"label": "speaker_id"},
        splits={"label": "split"},
        spec="evar:{root}/evar/metadata/cremad.csv",
    ),
}
