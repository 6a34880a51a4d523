"""VoxCeleb1: three speakers by two videos by two clips; one speaker of the official test set."""

from functools import partial

from layout_case import Evar, Layout

VIDEOS = (  # speaker, video, part of iden_split.txt
    ("id10001", "1zcIwhmdeo4", 1),
    ("id10001", "DtdEYdViWdw", 3),
    ("id10002", "0_laIeN-Q44", 2),
    ("id10002", "VMaXdHLz5Bk", 1),
    ("id10270", "5r0dWxy17C8", 3),
    ("id10270", "8jEAjG6SegY", 1),
)
META = (
    "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet",
    "id10001\tFirst_Speaker\tm\tIreland\tdev",
    "id10002\tSecond_Speaker\tm\tIreland\tdev",
    "id10270\tThird_Speaker\tf\tNew Zealand\ttest",
)
ROWS = [(speaker, video, f"0000{n}.wav", part) for speaker, video, part in VIDEOS for n in (1, 2)]
OF = {"id10001": ("m", "Ireland", "train"), "id10002": ("m", "Ireland", "train")}
OF["id10270"] = ("f", "New Zealand", "test")


def merged(speaker):
    return "wav"


def apart(speaker):
    return "test/wav" if speaker == "id10270" else "dev/wav"


def build(base, wav, folder, unpacked):
    root = base / unpacked
    for speaker, video, name, _ in ROWS:
        wav(root / folder(speaker) / speaker / video / name)
    (root / folder("id10001") / "id10001" / VIDEOS[0][1] / "._00001.wav").write_bytes(bytes(211))
    lines = [f"{part} {speaker}/{video}/{name}" for speaker, video, name, part in ROWS]
    (root / "iden_split.txt").write_text("\n".join(lines) + "\n")
    (root / "vox1_meta.csv").write_text("\n".join(META) + "\n")
    (root / "veri_test.txt").write_text("1 id10270/5r0dWxy17C8/00001.wav id10270/8jEAjG6SegY/00001.wav\n")
    return base / unpacked.partition("/")[0]


def layout(unpacked, folder, broken):
    return Layout(
        partial(build, folder=folder, unpacked=unpacked),
        clips={
            "clip": [f"wav/{speaker}/{video}/{name}" for speaker, video, name, _ in ROWS],
            "speaker": [row[0] for row in ROWS],
            "video": [f"{row[0]}/{row[1]}" for row in ROWS],
            "split": [("train", "valid", "test")[row[3] - 1] for row in ROWS],
            "gender": [OF[row[0]][0] for row in ROWS],
            "nationality": [OF[row[0]][1] for row in ROWS],
            "set": [OF[row[0]][2] for row in ROWS],
        },
        classes={
            "speaker": ("id10001", "id10002", "id10270"),
            "gender": ("f", "m"),
            "nationality": ("Ireland", "New Zealand"),
        },
        groups={"speaker": "video", "gender": "speaker", "nationality": "speaker"},
        splits={"speaker": "split", "gender": "set", "nationality": "set"},
        broken=broken,
        evar=[
            Evar(
                "vc1",
                "speaker",
                [
                    {
                        "file_name": f"wav/{speaker}/{video}/{name}",
                        "label": speaker,
                        "split": ("train", "valid", "test")[part - 1],
                    }
                    for speaker, video, name, part in ROWS
                ],
                "vc1",
                lambda clip: clip.replace("wav", unpacked.partition("/")[2] + folder(clip.split("/")[1]), 1),
            )
        ],
    )


LAYOUTS = {
    "voxceleb1": layout(
        "vox1", merged, {"wav": r"looked for wav or dev/wav or test/wav there.* found iden_spl"}
    ),
    "voxceleb1/apart": layout("data/vox1/", apart, {"vox1": "looked for wav or .* and found nothing"}),
}
