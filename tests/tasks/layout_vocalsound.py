"""VocalSound: four speakers by two sounds, a file without sound, and the author's paths in the lists."""

import json

import numpy as np
import soundfile
from layout_case import Evar, Layout

SPEAKERS = {  # gender, age, country, language, health, split
    "f0003": ("f", "18", "USA", "English", "no", "train"),
    "f0004": ("f", "26", "South Korea", "Korean", "no", "valid"),
    "m0011": ("m", "80", "USA", "English", "asthma, mild", "test"),
    "m0012": ("m", "48", "USA", "English", "no", "train"),
}
AGES = {"18": "18-25", "26": "26-48", "48": "26-48", "80": "49-80"}
SOUNDS = {
    "laughter": ("/m/01j3sz", "Laughter"),
    "sigh": ("/m/07plz5l", "Sigh"),
    "cough": ("/m/01b_21", "Cough"),
    "throatclearing": ("/m/0dl9sf8", "Throat clearing"),
    "sneeze": ("/m/01hsr_", "Sneeze"),
    "sniff": ("/m/07ppn3j", "Sniff"),
}
LISTS = {"train": "tr", "valid": "val", "test": "te"}
EMPTY = "f0003_1_cough.wav"
PARTS = ("train", "valid", "test")
ROWS = [  # as the lists have them
    (name, speaker, sound)
    for part in PARTS
    for speaker, facts in SPEAKERS.items()
    if facts[5] == part
    for name, sound in [
        (f"{speaker}_0_throatclearing.wav", "throatclearing"),
        *([(EMPTY, "cough")] if EMPTY.startswith(speaker) else []),
        (f"{speaker}_0_cough.wav", "cough"),
    ]
]


def build(root, wav, folder="audio_16k", end="", rate=16000):
    root = root / "vs_release"
    for name, *_ in ROWS:
        wav(root / folder / name, rate)
    soundfile.write(root / folder / EMPTY, np.zeros(0), rate)
    (root / "datafiles" / "subtest").mkdir(parents=True)
    for part, short in LISTS.items():
        data = [
            {"wav": f"/home/author/vs/{folder}/{name}", "labels": SOUNDS[sound][0], "spk_id": speaker}
            for name, speaker, sound in ROWS
            if SPEAKERS[speaker][5] == part
        ]
        (root / "datafiles" / f"{short}{end}.json").write_text(json.dumps({"data": data}))
    (root / "datafiles" / "subtest" / "te_age1.json").write_text(json.dumps({"data": []}))
    lines = [
        "index,mid,display_name",
        *(f'{n},{mid},"{name}"' for n, (mid, name) in enumerate(SOUNDS.values())),
    ]
    (root / "class_labels_indices_vs.csv").write_text("\n".join(lines) + "\n")
    (root / "meta").mkdir()
    meta = [[speaker, *facts[:5]] for speaker, facts in SPEAKERS.items()]
    quoted = [",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in meta]
    (root / "meta" / "all_meta.csv").write_text("\n".join(quoted) + "\n")
    (root / "readme.txt").write_text("VocalSound")
    return root


def build_44k(root, wav):
    return build(root, wav, "data_44k", "_rev", 44100)


NEAR = ("sound", "gender", "age", "country", "language", "health")
WHOLE = {
    "clips": {
        "clip": [name for name, *_ in ROWS],
        "sound": [SOUNDS[sound][1] for *_, sound in ROWS],
        "speaker": [speaker for _, speaker, _ in ROWS],
        "split": [SPEAKERS[speaker][5] for _, speaker, _ in ROWS],
        "gender": [SPEAKERS[speaker][0] for _, speaker, _ in ROWS],
        "age": [AGES[SPEAKERS[speaker][1]] for _, speaker, _ in ROWS],
        "country": [SPEAKERS[speaker][2] for _, speaker, _ in ROWS],
        "language": [SPEAKERS[speaker][3] for _, speaker, _ in ROWS],
        "health": [SPEAKERS[speaker][4] for _, speaker, _ in ROWS],
    },
    "classes": {
        "sound": ("Cough", "Throat clearing"),
        "gender": ("f", "m"),
        "age": ("18-25", "26-48", "49-80"),
        "country": ("South Korea", "USA"),
        "language": ("English", "Korean"),
        "health": ("asthma, mild", "no"),
        "speaker": tuple(SPEAKERS),
    },
    "groups": dict.fromkeys(NEAR, "speaker"),
    "splits": dict.fromkeys(NEAR, "split"),
}


def evar(folder):
    rows = [
        {
            "file_name": name,
            "label": SOUNDS[sound][1],
            "split": SPEAKERS[speaker][5],
            "spk_id": speaker,
            "sex": SPEAKERS[speaker][0],
        }
        for name, speaker, sound in ROWS
    ]
    return [Evar("vocalsound", "sound", rows, "vocalsound", f"{folder}/{{}}".format)]


LAYOUTS = {
    "vocalsound": Layout(
        build,
        broken={"audio_16k": r"none of the 9 listed files is there, such as f0003_0_throatclearing\.wav"},
        evar=evar("audio_16k"),
        **WHOLE,
    ),
    "vocalsound/44k": Layout(
        build_44k,
        broken={"data_44k": r"none of the 9 listed files is there, such as f0003_0_throatclearing\.wav"},
        evar=evar("data_44k"),
        **WHOLE,
    ),
}
