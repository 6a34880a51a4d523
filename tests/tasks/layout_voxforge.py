"""VoxForge: five archives in three languages, two of them by one user, with three sources of the language."""

from layout_case import Evar, Layout

ARCHIVES = (  # sorted; archive, language, part of EVAR's split, user
    ("anonymous-20080504-fyh", "ru", "train", "anonymous-20080504-fyh"),
    ("anonymous-20080725-dey", "es", "train", "anonymous-20080725-dey"),
    ("carlos-20090801-xyz", "es", "valid", "carlos"),
    ("ralf-20070726-de1", "de", "train", "ralf"),
    ("ralf-20070803-de9", "de", "test", "ralf"),
)
ROWS = [
    (f"{archive}/wav/{name}.wav", language, split, user)
    for archive, language, split, user in ARCHIVES
    for name in ("a0405", "it-0001")
]
TABLE = ["file_name,label,split", *(",".join(row[:3]) for row in ROWS)]
URLS = [
    f"http://www.voxforge.org/downloads/{language}/Trunk/Audio/Main/16kHz_16bit/{archive}.tgz"
    for archive, language, *_ in ARCHIVES
]


def sounds(root, wav, folder=""):
    for clip, language, *_ in ROWS:
        wav(root / folder.format(language) / clip)
    for archive, language, *_ in ARCHIVES:
        etc = root / folder.format(language) / archive / "etc"
        etc.mkdir()
        (etc / "PROMPTS").write_text("it-0001 ONE")
        (etc.parent / "wav" / "._a0405.wav").write_bytes(bytes(211))
    return root


def table(root, wav):
    sounds(root / "voxforge", wav)
    (root / "voxforge" / "voxforge.csv").write_text("\n".join(TABLE) + "\n")
    return root / "voxforge"


def urls(root, wav):
    sounds(root / "voxforge", wav)
    (root / "voxforge" / "voxforge_urls.txt").write_text("\n".join(URLS) + "\n")
    return root / "voxforge"


def folders(root, wav):
    sounds(root / "voxforge", wav, "downloads/{}/Trunk")
    return root / "voxforge"


def layout(build, broken, split):
    return Layout(
        build,
        clips={
            "clip": [row[0] for row in ROWS],
            "language": [row[1] for row in ROWS],
            "user": [row[3] for row in ROWS],
            **({"split": [row[2] for row in ROWS]} if split else {}),
        },
        classes={"language": ("de", "es", "ru")},
        groups={"language": "user"},
        splits={"language": "split"} if split else {},
        broken=broken,
        evar=[
            Evar(
                "voxforge",
                "language",
                [{"file_name": row[0], "label": row[1], "split": row[2]} for row in ROWS],
                "voxforge",
            )
        ]
        if split
        else [],
        crossing=frozenset({"language"}),  # the split is by archive (datasets.md): "ralf" is in two parts
    )


LOOKED = r"looked for voxforge\.csv or voxforge_urls\.txt or de or en or es or fr or it or ru there.* found "
LAYOUTS = {
    "voxforge": layout(table, {"voxforge.csv": LOOKED + "anonymous-20080504-fyh"}, split=True),
    "voxforge/urls": layout(urls, {"voxforge_urls.txt": LOOKED + "anonymous-20080504-fyh"}, split=False),
    "voxforge/folders": layout(folders, {"downloads": LOOKED + "nothing"}, split=False),
}
