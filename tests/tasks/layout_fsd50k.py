"""FSD50K: clips of both sets with one to three labels each, quoted where there are several."""

import json

from layout_case import Evar, Layout

# id, labels, split of the development set, uploader
DEV = [
    ("64760", "Hi-hat", "train", "ann"),
    ("16399", "Bathtub_(filling_or_washing),Liquid", "train", "ann"),
    ("83298", "Hi-hat,Tick-tock,Liquid", "train", "bob"),  # one of the twelve that are too long
    ("7", "Tick-tock", "train", "bob"),
    ("395883", "Bathtub_(filling_or_washing),Liquid", "val", "bob"),  # in train and valid
]
EVAL = [
    ("37199", "Hi-hat", "", "cyd"),
    ("175151", "Tick-tock,Liquid", "", "dee"),
]
MIDS = {
    "Tick-tock": "/m/07qjznl",
    "Liquid": "/m/04k94",
    "Bathtub_(filling_or_washing)": "/m/03dnzn",
    "Hi-hat": "/m/03qtq",
    "Owl": "/m/09d5_",  # of no clip here
}
NAMES = [f"FSD50K.dev_audio/{row[0]}.wav" for row in DEV] + [
    f"FSD50K.eval_audio/{row[0]}.wav" for row in EVAL
]
SPLIT = ["train"] * 4 + ["valid"] + ["test"] * 2


def quoted(names):
    return f'"{names}"' if "," in names else names


def line(clip, labels, split):
    mids = ",".join(MIDS[label] for label in labels.split(","))
    return ",".join([clip, quoted(labels), quoted(mids), *([split] if split else [])])


def build(root, wav):
    root = root / "FSD50K"
    for name in NAMES:
        wav(root / name, 44100)
    truth = root / "FSD50K.ground_truth"
    truth.mkdir()
    for part, header, rows in (("dev", "fname,labels,mids,split", DEV), ("eval", "fname,labels,mids", EVAL)):
        (truth / f"{part}.csv").write_text("\n".join([header, *(line(*row[:3]) for row in rows)]) + "\n")
    words = [f"{number},{name},{mid}" for number, (name, mid) in enumerate(MIDS.items())]
    (truth / "vocabulary.csv").write_text("\n".join(words) + "\n")
    (root / "FSD50K.metadata").mkdir()
    for part, rows in (("dev", DEV), ("eval", EVAL)):
        about = {row[0]: {"title": "a, b", "license": "CC0", "uploader": row[3]} for row in rows}
        (root / "FSD50K.metadata" / f"{part}_clips_info_FSD50K.json").write_text(json.dumps(about))
    (root / "FSD50K.doc").mkdir()
    (root / "FSD50K.doc" / "README.md").write_text("FSD50K")
    return root


LAYOUTS = {
    "fsd50k": Layout(
        build,
        clips={
            "clip": NAMES,
            "split": SPLIT,
            "label": [row[1].split(",") for row in DEV + EVAL],
            "uploader": [row[3] for row in DEV + EVAL],
        },
        classes={"label": ("Tick-tock", "Liquid", "Bathtub_(filling_or_washing)", "Hi-hat")},
        groups={"label": "uploader"},
        splits={"label": "split"},
        broken={
            "FSD50K.ground_truth": r"looked for FSD50K\.ground_truth/dev\.csv there.* and found FSD50K\.dev",
            "FSD50K.ground_truth/eval.csv": r"eval\.csv: does not exist",
            "FSD50K.ground_truth/vocabulary.csv": r"vocabulary\.csv: does not exist",
        },
        evar=[
            Evar(
                "fsd50k",
                "label",
                [
                    {"file_name": name, "label": row[1], "split": split}
                    for name, row, split in zip(NAMES, DEV + EVAL, SPLIT, strict=True)
                ],
                "fsd50k",
            )
        ],
        # datasets.md says that development and evaluation set share no uploader; of train and valid it does
        # not say so.
        crossing=frozenset({"label"}),
    ),
}
