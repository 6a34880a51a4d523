"""Sounds of one's own, EVAR's table with a root, and the miniature, for the contract of all readers."""

from layout_case import Layout

EMOTIONS = ("ANG", "HAP", "SAD")


def sounds(root, wav):
    """Two classes; every suffix, several rates, and what a computer leaves behind."""
    root = root / "sounds"
    for name, rate, channels in (("a.wav", 8000, 1), ("b.flac", 44100, 2), ("deep/c.ogg", 48000, 1)):
        wav(root / "dog barks" / name, rate, channels=channels)
        wav(root / "cat" / name, rate, channels=channels)
    wav(root / "cat" / "d.MP3", 32000)
    (root / "cat" / "._a.wav").write_bytes(bytes(211))
    (root / "cat" / ".DS_Store").write_bytes(b"")
    wav(root / ".trash" / "a.wav")
    return root


def table(root, wav):
    """A table with speakers and a split, beside its flat folder of audio."""
    root = root / "tables"
    lines = ["file_name,label,speaker_id,split"]
    for actor, split in (("1002", "train"), ("1003", "train"), ("1009", "valid"), ("1001", "test")):
        for emotion in EMOTIONS:
            name = f"{actor}_DFA_{emotion}_XX.wav"
            wav(root / "flat" / name)
            lines.append(f"{name},{emotion},{actor},{split}")
    (root / "clips.csv").write_text("\n".join(lines) + "\n")
    return root


def nothing(root, _wav):
    (root / "nowhere").mkdir()
    return root / "nowhere"


CATS = ["cat/a.wav", "cat/b.flac", "cat/d.MP3", "cat/deep/c.ogg"]
DOGS = ["dog barks/a.wav", "dog barks/b.flac", "dog barks/deep/c.ogg"]

LAYOUTS = {
    "folder": Layout(
        sounds,
        clips={"clip": CATS + DOGS, "class": ["cat"] * 4 + ["dog barks"] * 3},
        classes={"class": ("cat", "dog barks")},
    ),
    "manifest": Layout(
        table,
        clips={"label": list(EMOTIONS) * 4, "split": ["train"] * 6 + ["valid"] * 3 + ["test"] * 3},
        classes={"label": EMOTIONS},
        groups={"label": "speaker_id"},
        splits={"label": "split"},
        spec="manifest:{root}/clips.csv@{root}/flat",
    ),
    "mini": Layout(
        nothing,
        clips={},
        classes={
            "language": ("de", "en", "es", "fr", "it", "nl"),
            "gender": ("female", "male"),
            "speaker": (),
        },
        spec="mini:voices",
    ),
}
