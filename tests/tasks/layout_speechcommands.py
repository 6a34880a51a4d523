"""Speech Commands: three words by three speakers, a speaker for each part of the split, and a noise."""

from functools import partial

from layout_case import Evar, Layout

SPEAKERS = {"0a7c2a8d": "valid", "16db1582": "test", "c1b7c224": "train"}  # sorted
WORDS = {"0.01": ("bed", "cat", "zero"), "0.02": ("backward", "cat", "visual")}


def rows(version):
    return [
        (f"{word}/{speaker}_nohash_0.wav", word, speaker, split)
        for word in WORDS[version]
        for speaker, split in SPEAKERS.items()
    ]


def build(root, wav, version, folder):
    root = root / folder
    for at, (name, *_) in enumerate(rows(version)):
        wav(root / name, seconds=0.06 if at == 4 else 0.1)
    (root / "cat" / "._0a7c2a8d_nohash_0.wav").write_bytes(bytes(211))
    wav(root / "_background_noise_" / "running_tap.wav", seconds=0.5)
    for name, part in (("validation_list.txt", "valid"), ("testing_list.txt", "test")):
        (root / name).write_text("".join(f"{row[0]}\n" for row in rows(version) if row[3] == part))
    for name in ("README.md", "LICENSE"):
        (root / name).write_text(name)
    return root


def layout(version, folder, evar):
    found = rows(version)
    return Layout(
        partial(build, version=version, folder=folder),
        clips={
            "clip": [row[0] for row in found],
            "word": [row[1] for row in found],
            "speaker": [row[2] for row in found],
            "repeated_speaker": [row[2] for row in found],
            "split": [row[3] for row in found],
        },
        classes={"word": WORDS[version], "speaker": tuple(SPEAKERS)},
        groups={"word": "speaker"},
        splits={"word": "split"},
        broken={
            "validation_list.txt": r"looked for validation_list\.txt or .* and found LICENSE, README",
            "testing_list.txt": r"testing_list\.txt: does not exist",
        },
        evar=[
            Evar(
                evar,
                "word",
                [{"file_name": row[0], "label": row[1], "split": row[3]} for row in found],
                evar,
            )
        ],
    )


LAYOUTS = {
    "speechcommands1": layout("0.01", "speech_commands", "spcv1"),
    "speechcommands2": layout("0.02", "words", "spcv2"),
    "speechcommands2/torchaudio": layout("0.02", "SpeechCommands/speech_commands_v0.02", "spcv2"),
}
