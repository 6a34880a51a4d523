"""WebDataset: two shards and one without labels of its own, with samples that miss a half."""

import io
import json
import tarfile

from layout_case import Layout

SAMPLES = {
    "train/000": {"a": ("dog", ["x", "y"], "p"), "deep/b": ("cat", ["x"], "q"), "c": ("dog", [], "p")},
    "train/001": {"a": ("cat", ["y"], "q"), "silent": ("cat", ["x"], "q")},
    "test/000": {"a": ("cat", ["x"], "r"), "b": ("dog", ["y", "x"], "r")},
}
LOUD = [(shard, key) for shard, samples in SAMPLES.items() for key in sorted(samples) if key != "silent"]
CLIPS = sorted(f"{shard}/{key}" for shard, key in LOUD)


def sample(clip):
    shard = clip[: clip.index("00") + 3]
    return SAMPLES[shard][clip.removeprefix(f"{shard}/")]


def add(archive, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def build(root, wav):
    root = root / "shards"
    for shard, samples in SAMPLES.items():
        (root / shard).parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(root / f"{shard}.tar", "w") as archive:
            for number, (key, (animal, tags, speaker)) in enumerate(samples.items()):
                suffix = ("wav", "flac", "mic.ogg")[number]
                if key != "silent":
                    sound = wav(root.parent / "aside" / f"{shard}-{number}.{suffix}")
                    add(archive, f"{key}.{suffix}", sound.read_bytes())
                    add(archive, f"._{key}.{suffix}".replace("._deep/", "deep/._"), bytes(211))
                document = {"animal": animal, "tags": tags, "speaker": speaker, "more": {"depth": 2}}
                add(archive, f"{key}.json", json.dumps(document).encode())
    return root


LAYOUTS = {
    "webdataset": Layout(
        build,
        clips={
            "clip": CLIPS,
            "animal": [sample(clip)[0] for clip in CLIPS],
            "tags": [sample(clip)[1] for clip in CLIPS],
            "speaker": [sample(clip)[2] for clip in CLIPS],
            "split": [clip.partition("/")[0] for clip in CLIPS],
        },
        classes={"animal": ("cat", "dog"), "tags": ("x", "y")},
        groups={"animal": "speaker", "tags": "speaker"},
        splits={"animal": "split", "tags": "split"},
    ),
}
