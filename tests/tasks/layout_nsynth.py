"""NSynth: thirteen notes; train lacks some labels of the others, and valid and test share an instrument."""

import json

from layout_case import Evar, Layout

FAMILIES = ("bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string")
FAMILIES += ("synth_lead", "vocal")
SOURCES = ("acoustic", "electronic", "synthetic")
QUALITIES = ("bright", "dark", "distortion", "fast_decay", "long_release", "multiphonic")
QUALITIES += ("nonlinear_env", "percussive", "reverb", "tempo-synced")

# Split, family, source, instrument, pitch, velocity, qualities.
NOTES = [
    ("train", "bass", "synthetic", 33, 36, 25, "dark,tempo-synced"),
    ("train", "bass", "synthetic", 33, 60, 127, "dark,distortion"),
    ("train", "brass", "acoustic", 6, 36, 127, ""),
    ("train", "brass", "acoustic", 6, 100, 25, "bright"),
    ("train", "synth_lead", "synthetic", 11, 60, 25, "bright"),
    ("train", "synth_lead", "synthetic", 11, 100, 127, ""),
    ("valid", "bass", "synthetic", 9, 36, 50, "tempo-synced"),
    ("valid", "bass", "synthetic", 9, 60, 127, ""),
    ("test", "bass", "synthetic", 9, 10, 25, "distortion"),
    ("test", "brass", "acoustic", 46, 100, 25, ""),
    ("test", "brass", "acoustic", 46, 100, 127, ""),
    ("test", "mallet", "acoustic", 56, 110, 127, ""),
    ("test", "mallet", "acoustic", 56, 112, 127, ""),
]


def instrument(note):
    return f"{note[1]}_{note[2]}_{note[3]:03}"


def name(note):
    return f"{instrument(note)}-{note[4]:03}-{note[5]:03}"


FILES = [f"nsynth-{note[0]}/audio/{name(note)}.wav" for note in NOTES]


def entry(number, note):
    _, family, source, _, pitch, velocity, qualities = note
    chosen = qualities.split(",") if qualities else []
    return {
        "note": number,
        "note_str": name(note),
        "instrument": sorted({instrument(one) for one in NOTES}).index(instrument(note)),
        "instrument_str": instrument(note),
        "pitch": pitch,
        "velocity": velocity,
        "sample_rate": 16000,
        "qualities": [int(quality in chosen) for quality in QUALITIES],
        "qualities_str": chosen,
        "instrument_family": FAMILIES.index(family),
        "instrument_family_str": family,
        "instrument_source": SOURCES.index(source),
        "instrument_source_str": source,
    }


def build(root, wav):
    root = root / "nsynth"
    for file in FILES:
        wav(root / file)
    wav(root / "nsynth-train" / "audio" / "vocal_acoustic_000-060-100.wav")  # in no examples.json
    for split in ("train", "valid", "test"):
        notes = {name(note): entry(i, note) for i, note in enumerate(NOTES) if note[0] == split}
        shuffled = dict(reversed(notes.items()))
        (root / f"nsynth-{split}" / "examples.json").write_text(json.dumps(shuffled, indent=1))
    return root


def evar(task, labeling, field):
    rows = [
        {"file_name": file, "label": note[field], "split": note[0]}
        for file, note in zip(FILES, NOTES, strict=True)
    ]
    return Evar(task, labeling, rows, "nsynth")


NEAR = ("family", "source", "pitch", "octave", "chroma", "velocity", "quality")
LAYOUTS = {
    "nsynth": Layout(
        build,
        clips={
            "clip": FILES,
            "split": [note[0] for note in NOTES],
            "family": [None if note[1] == "mallet" else note[1] for note in NOTES],
            "source": [note[2] for note in NOTES],
            "pitch": [36, 60, 36, 100, 60, 100, 36, 60, None, 100, 100, None, None],
            "octave": [2, 4, 2, 7, 4, 7, 2, 4, None, 7, 7, None, None],
            "chroma": [*("C", "C", "C", "E", "C", "E"), *("C", "C"), *(None, "E", "E", None, "E")],
            "velocity": [25, 127, 127, 25, 25, 127, None, 127, 25, 25, 127, 127, 127],
            "quality": [note[6] or None for note in NOTES],
            "instrument": [instrument(note) for note in NOTES],
        },
        classes={
            "family": ("bass", "brass", "synth_lead"),
            "source": ("acoustic", "synthetic"),
            "pitch": ("36", "60", "100"),
            "octave": ("2", "4", "7"),
            "chroma": ("C", "E"),
            "velocity": ("25", "127"),
            "quality": ("bright", "dark", "distortion", "tempo-synced"),
            "instrument": (
                *("bass_synthetic_009", "bass_synthetic_033", "brass_acoustic_006", "brass_acoustic_046"),
                *("mallet_acoustic_056", "synth_lead_synthetic_011"),
            ),
        },
        groups=dict.fromkeys(NEAR, "instrument"),
        splits=dict.fromkeys(NEAR, "split"),
        broken={
            "nsynth-train/examples.json": r"there is no examples\.json in nsynth-train; expected",
            "nsynth-test/examples.json": r"there is no examples\.json in nsynth-test; expected",
        },
        evar=[
            evar("nsynth", "family", 1),
            evar("nspitch", "pitch", 4),
            evar("nsvelocity", "velocity", 5),
        ],
        crossing=frozenset(NEAR),  # instruments of train are in train only; valid and test share some
    ),
}
