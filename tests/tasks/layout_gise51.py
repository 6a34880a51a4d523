"""GISE-51: isolated events in folders of classes, with and without a split above them; mixtures."""

import json

from layout_case import Layout

from otoscope import audio

MAP = {"Applause": 0, "Rattle_(instrument)": 32, "Zipper_(clothing)": 50}
EVENTS = [  # folder, file, class; one folder without what stands in parentheses
    ("Applause", "1.wav", "Applause"),
    ("Applause", "2.wav", "Applause"),
    ("Rattle_(instrument)", "3.wav", "Rattle_(instrument)"),
    ("Rattle_(instrument)", "4.wav", "Rattle_(instrument)"),
    ("Zipper", "1.wav", "Zipper_(clothing)"),
    ("Zipper", "2.wav", "Zipper_(clothing)"),
]
PARTS = [("train", "1"), ("train", "2"), ("val", "3"), ("eval", "4")]
SPLIT = {"train": "train", "val": "valid", "eval": "test"}
MIXTURES = [  # subset, stem, lines of its TXT, events
    (
        "eval",
        "soundscape_unimodal0_proc_0",
        [("0.1", "0.9", "Zipper_(clothing)"), ("2.0", "2.5", "Applause")],
    ),
    ("train", "soundscape_unimodal0_proc_0", [("0.0", "5.0", "Zipper_(clothing)")]),
    # The same label twice, and a name without what stands in parentheses.
    ("train", "soundscape_unimodal1_proc_1", [("0.5", "1.0", "Rattle"), ("3.0", "4.5", "Rattle")]),
    (
        "train_p2",
        "soundscape_unimodal1_proc_2",
        [("0", "1", "Applause"), ("1", "2", "Rattle_(instrument)"), ("2.5", "3.5", "Applause")],
    ),
    ("val", "soundscape_unimodal0_proc_0", [("1e-05", "5", "Applause")]),
]


def common(root, wav):
    (root / "meta").mkdir(parents=True)
    (root / "meta" / "lbl_map.json").write_text(json.dumps(MAP))
    wav(root / "noises" / "noise_1.wav")  # is no class
    return root


def isolated(root, wav):
    root = common(root / "GISE-51", wav)
    for folder, file, _ in EVENTS:
        wav(root / "isolated_events" / folder / file, 44100)
    (root / "isolated_events" / "Applause" / "._1.wav").write_bytes(bytes(211))
    return root


def parts(root, wav):
    root = common(root / "GISE-51", wav)
    for part, number in PARTS:
        for folder in ("Applause", "Zipper_(clothing)"):
            wav(root / "isolated_events" / part / folder / f"{number}.wav", 44100)
    return root


def mixtures(root, wav):
    root = common(root / "GISE-51", wav)
    for subset, stem, lines in MIXTURES:
        base = root / "mixtures_flac" / subset / stem
        wav(base.with_suffix(".wav"), 22050)
        sound = audio.read(base.with_suffix(".wav"), 22050)
        audio.write(base.with_suffix(".flac"), sound.samples[:, None], 22050)
        base.with_suffix(".wav").unlink()
        base.with_suffix(".txt").write_text("".join("\t".join(line) + "\n" for line in lines))
        base.with_suffix(".jams").write_text("{}")
    return root


LOOKED_FOR = r"looked for folders named after the classes .* and found meta, noises"
LAYOUTS = {
    "gise51/isolated": Layout(
        isolated,
        clips={
            "clip": [f"{folder}/{file}" for folder, file, _ in EVENTS],
            "event": [row[2] for row in EVENTS],
        },
        classes={"event": ("Applause", "Rattle_(instrument)", "Zipper_(clothing)")},
        broken={"isolated_events": LOOKED_FOR},
    ),
    "gise51/parts": Layout(
        parts,
        clips={
            "clip": [
                *("eval/Applause/4.wav", "eval/Zipper_(clothing)/4.wav"),
                *("train/Applause/1.wav", "train/Applause/2.wav"),
                *("train/Zipper_(clothing)/1.wav", "train/Zipper_(clothing)/2.wav"),
                *("val/Applause/3.wav", "val/Zipper_(clothing)/3.wav"),
            ],
            "event": [
                *("Applause", "Zipper_(clothing)"),
                *("Applause", "Applause", "Zipper_(clothing)", "Zipper_(clothing)"),
                *("Applause", "Zipper_(clothing)"),
            ],
            "split": ["test"] * 2 + ["train"] * 4 + ["valid"] * 2,
        },
        classes={"event": ("Applause", "Zipper_(clothing)")},
        splits={"event": "split"},
        broken={"isolated_events": LOOKED_FOR},
    ),
    "gise51/mixtures": Layout(
        mixtures,
        clips={
            "clip": [f"{subset}/{stem}.flac" for subset, stem, _ in MIXTURES],
            "event": [
                ["Zipper_(clothing)", "Applause"],
                ["Zipper_(clothing)"],
                ["Rattle_(instrument)"],
                ["Applause", "Rattle_(instrument)"],
                ["Applause"],
            ],
            "split": ["test", "train", "train", "train", "valid"],
        },
        classes={"event": ("Applause", "Rattle_(instrument)", "Zipper_(clothing)")},
        splits={"event": "split"},
        broken={"mixtures_flac": LOOKED_FOR},
    ),
}
