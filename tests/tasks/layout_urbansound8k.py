"""UrbanSound8K: ten folds of two clips in the formats of the real ones; a source in two folds."""

import numpy as np
import pandas as pd
import soundfile
from layout_case import Evar, Layout

# Their order by id is not the alphabet's.
CLASSES = {9: "street_music", 1: "car_horn"}
FORMATS = (  # sample rate, channels, container, sample format
    (44100, 2, "WAV", "PCM_16"),
    (22050, 1, "WAV", "PCM_16"),
    (48000, 2, "WAV", "PCM_24"),
    (96000, 1, "WAVEX", "PCM_24"),  # WAVE_FORMAT_EXTENSIBLE
    (44100, 1, "WAV", "FLOAT"),
)
SHARED = 77751  # a source in two folds, as five are in the real table


def source(fold):
    return SHARED if fold in (3, 4) else 100000 + fold


def rows():
    for fold in range(1, 11):
        for number, (target, name) in enumerate(CLASSES.items()):
            salience = 1 + (fold + number) % 2
            file = f"{source(fold)}-{target}-{fold}-0.wav"
            yield file, source(fold), 61.5, 61.6, salience, fold, target, name


COLUMNS = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]
ROWS = list(rows())
NAMES = [f"audio/fold{row[5]}/{row[0]}" for row in ROWS]


def sound(path, number):
    rate, channels, container, sample = FORMATS[number % len(FORMATS)]
    seconds = 0.05 if number == 7 else 0.1
    wave = 0.3 * np.sin(np.arange(round(seconds * rate)) * (0.05 + 0.01 * number))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate, sample, format=container)


def build(root, wav):
    root = root / "UrbanSound8K"
    for number, name in enumerate(NAMES):
        sound(root / name, number)
    (root / "audio" / ".DS_Store").write_bytes(b"")
    (root / "audio" / "fold1" / ".DS_Store").write_bytes(b"")
    (root / "audio" / "fold1" / f"._{ROWS[0][0]}").write_bytes(bytes(211))
    wav(root / "audio" / "fold2" / "copy of a slice.wav")  # in no table
    (root / "metadata").mkdir()
    pd.DataFrame(ROWS, columns=COLUMNS).to_csv(root / "metadata" / "UrbanSound8K.csv", index=False)
    (root / "UrbanSound8K_README.txt").write_text("5 = enginge_idling")
    (root / "FREESOUNDCREDITS.txt").write_text("")
    return root


LAYOUTS = {
    "urbansound8k": Layout(
        build,
        clips={
            "clip": NAMES,
            "fold": [fold for fold in range(1, 11) for _ in range(2)],
            "class": ["street_music", "car_horn"] * 10,
            "salience": ["background", "foreground", "foreground", "background"] * 5,
            "source": [str(source(fold)) for fold in range(1, 11) for _ in range(2)],
        },
        classes={"class": ("car_horn", "street_music"), "salience": ("foreground", "background")},
        groups={"class": "source", "salience": "source"},
        splits={"class": "fold", "salience": "fold"},
        broken={
            "metadata/UrbanSound8K.csv": r"looked for metadata/UrbanSound8K\.csv there.* and found "
            r"FREESOUNDCREDITS\.txt, UrbanSound8K_README\.txt, audio, metadata",
            "audio": r"names audio/fold1/100001-9-1-0\.wav.* and none of its files is there",
        },
        evar=[
            Evar(
                "us8k",
                "class",
                [
                    {"file_name": name, "label": row[7], "fold": row[5]}
                    for name, row in zip(NAMES, ROWS, strict=True)
                ],
                "us8k",
            )
        ],
        # datasets.md counts five sources that lie in more than one fold of the official table.
        crossing=frozenset({"class", "salience"}),
    ),
}
