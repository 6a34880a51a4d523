"""Surge: a preset of each part of EVAR's split by three keys, with macOS stubs."""

from layout_case import Evar, Layout

PRESETS = {
    "surge-patches-3rdparty-Argitoth-Drums-Kick-velocity64": ("3rdparty", "Drums", "valid"),
    "surge-patches-factory-Winds-Flute-1-velocity64": ("factory", "Winds", "test"),
    "surge-patches-factory-Winds-Oboe-velocity64": ("factory", "Winds", "train"),
}
NOTES = {"021": (0, "A"), "060": (4, "C"), "108": (8, "C")}
ROWS = [(preset, note) for preset in PRESETS for note in NOTES]
TABLE = "dataset_surge_tone_splits.csv"


def build(root, wav):
    root = root / "downloads"
    for preset, note in ROWS:
        wav(root / "surge" / preset / f"{note}.ogg", 44100)
        (root / "surge" / preset / f"._{note}.ogg").write_bytes(bytes(211))
    (root / "surge" / ".DS_Store").write_bytes(b"")
    lines = ["tone,split", *(f"{preset},{facts[2]}" for preset, facts in PRESETS.items())]
    (root / TABLE).write_text("\r\n".join(lines) + "\r\n")
    return root


def without_split(root, wav):
    root = build(root, wav)
    (root / TABLE).unlink()
    return root


CLIPS = {
    "clip": [f"{preset}/{note}.ogg" for preset, note in ROWS],
    "preset": [preset for preset, _ in ROWS],
    "pitch": [int(note) for _, note in ROWS],
    "octave": [NOTES[note][0] for _, note in ROWS],
    "chroma": [NOTES[note][1] for _, note in ROWS],
    "bank": [PRESETS[preset][0] for preset, _ in ROWS],
    "category": [PRESETS[preset][1] for preset, _ in ROWS],
}
CLASSES = {
    "pitch": ("21", "60", "108"),
    "octave": ("0", "4", "8"),
    "chroma": ("C", "A"),
    "category": ("Drums", "Winds"),
    "bank": ("3rdparty", "factory"),
    "preset": tuple(PRESETS),
}
NEAR = ("pitch", "octave", "chroma", "category", "bank")
BROKEN = {"surge": "looked for folders like surge-patches-factory-Winds-Flute-1-velocity64 .* and found "}

LAYOUTS = {
    "surge": Layout(
        build,
        clips=CLIPS | {"split": [PRESETS[preset][2] for preset, _ in ROWS]},
        classes=CLASSES,
        groups=dict.fromkeys(NEAR, "preset"),
        splits=dict.fromkeys(NEAR, "split"),
        broken=BROKEN,
        evar=[
            Evar(
                "surge",
                "pitch",
                [
                    {"file_name": f"{preset}/{note}.ogg", "label": note, "split": PRESETS[preset][2]}
                    for preset, note in ROWS
                ],
                "surge",
                "surge/{}".format,
            )
        ],
    ),
    "surge/without the split": Layout(
        without_split, clips=CLIPS, classes=CLASSES, groups=dict.fromkeys(NEAR, "preset"), broken=BROKEN
    ),
}
