"""ESC-50: five folds of three classes, a clip each, whose order by target is not the alphabet's."""

import pandas as pd
from layout_case import Evar, Layout

CLASSES = ((0, "dog", True), (1, "rooster", True), (12, "crackling_fire", False))
ROWS = [
    (f"{fold}-{100000 + fold}-A-{target}.wav", fold, target, category, ten, 100000 + fold, "A")
    for fold in range(1, 6)
    for target, category, ten in CLASSES
]
COLUMNS = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]


def build(root, wav):
    root = root / "ESC-50-master"
    for name, *_ in ROWS:
        wav(root / "audio" / name, 44100)
    (root / "meta").mkdir()
    pd.DataFrame(ROWS, columns=COLUMNS).to_csv(root / "meta" / "esc50.csv", index=False)
    (root / "README.md").write_text("ESC-50")
    return root


LAYOUTS = {
    "esc50": Layout(
        build,
        clips={
            "clip": [f"audio/{row[0]}" for row in ROWS],
            "fold": [row[1] for row in ROWS],
            "category": [row[3] for row in ROWS],
            "esc10": [row[3] if row[4] else None for row in ROWS],
            "source": [f"{row[5]}-{row[2]}" for row in ROWS],
        },
        classes={"category": ("dog", "rooster", "crackling_fire"), "esc10": ("dog", "rooster")},
        groups={"category": "source", "esc10": "source"},
        splits={"category": "fold", "esc10": "fold"},
        broken={"meta/esc50.csv": r"looked for meta/esc50\.csv there.* and found README\.md, audio, meta"},
        evar=[
            Evar(
                "esc50",
                "category",
                [{"file_name": f"audio/{row[0]}", "fold": row[1], "label": row[3]} for row in ROWS],
                "esc50",
            )
        ],
    ),
}
