"""VoxForge: read speech in six languages."""

import re
from pathlib import Path

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.beside import beside
from otoscope.tasks.cells import class_names, some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import need_columns, read_lines, read_table
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["FAMILIES", "VoxForge"]

FAMILIES = {
    **dict.fromkeys(("de", "en"), "Germanic"),
    **dict.fromkeys(("es", "fr", "it"), "Romance"),
    "ru": "Slavic",
}
"""The family of each language."""

_TABLE = "voxforge.csv"
_URLS = "voxforge_urls.txt"
_URL = re.compile(r".*/([^/]+)/Trunk/(?:.*/)?([^/]+)\.tgz")
_FILE = re.compile(r"(?:.*/)?([^/]+/(?:wav/[^/]+\.wav|flac/[^/]+\.flac))", re.DOTALL)


class VoxForge(Reader):
    """176,428 recordings of sentences that volunteers read, sent in as 13,837 archives.

    "language" has the families of the languages as taxonomy. Its groups are the users: what stands before
    the first hyphen of the archive's name. Of an anonymous archive nobody knows the speaker, so that each
    counts as a user of its own: one person may stand behind several. Most users sent few archives, so that
    there is no labeling "speaker".

    The sound does not tell the language. It is looked up in EVAR's `voxforge.csv`, which decides what the
    clips are and holds the split as well; else in `voxforge_urls.txt`, from which the archives were loaded;
    else it is the nearest folder above the archive that is called de, en, es, fr, it or ru. Without EVAR's
    table there is no split. EVAR's split is one by archive, not by user: users with several archives may lie
    in more than one part of it, which a warning counts. Either file may lie beside the archives or one
    folder above.

    Recordings that the table does not name are left out with a warning; those that it names and the disk
    lacks stay, so that `otoscope tasks check` names them. Without the table, FLAC files are clips as well,
    and recordings of unknown language stay without a label.
    """

    name = "voxforge:DIR"
    about = "VoxForge: read speech in 6 languages, as EVAR and TFDS load it"
    needs = "the unpacked archives, and EVAR's voxforge.csv or TFDS's voxforge_urls.txt"
    layout = (
        "voxforge/\n"
        "  voxforge.csv                    (or voxforge_urls.txt, or a folder for each language)\n"
        "  {user}-{date}-{id}/wav/*.wav ...\n"
        "  {user}-{date}-{id}/etc/..."
    )
    labelings = {"language": 6}
    splits = "train, valid and test by archive (EVAR)"
    clips = 176428
    evar_seconds = 5.8
    obtain = (
        "get the sound with download_voxforge.py of https://github.com/nttcslab/eval-audio-repr, whose "
        "evar/metadata/voxforge.csv has the labels; the list of the archives with their languages is "
        "https://storage.googleapis.com/tfds-data/downloads/voxforge/voxforge_urls.txt"
    )
    citation = "K. MacLean. VoxForge. http://www.voxforge.org, 2018."
    licence = "GPL, as it is usually stated"

    def load(self, request: Request) -> Task:
        """Read VoxForge from a folder with its unpacked archives."""
        root = self.find(request.place, _TABLE, _URLS, *FAMILIES)
        tree = _asked(root, request.place)
        files = _files(tree)
        if where := beside(root, _TABLE):
            clips = _of_table(tree, files, where)
        else:
            clips = _of_files(tree, files, beside(root, _URLS))
        if not any(name in tree for name in clips.pop("name")):
            raise self.refuse(request.place, "holds none of the recordings")
        unknown = clips["clip"][clips["language"].isna()]
        if len(unknown) == len(clips):
            raise self.refuse(request.place, "tells the language of none of the recordings")
        if len(unknown):
            warn(f"{tree.place}: {len(unknown)} clips of unknown language: {some(unknown)}")
        split = "split" if "split" in clips else None
        if split:
            _tell_of_users(tree, clips)
        languages = class_names(clips["language"], multilabel=False)
        families = {language: FAMILIES[language] for language in languages if language in FAMILIES}
        labeling = Labeling("language", "language", languages, False, "user", split, families)
        return Task("voxforge", clips, (labeling,))


def _asked(root: Tree, place: str) -> Tree:
    """The part of the tree that the user named: the file with the labels may lie one folder above it."""
    asked = Path(place).expanduser().absolute()
    above = str(asked.parent) == root.place and (_TABLE in root or _URLS in root)
    return root.below(asked.name) if above else root


def _files(tree: Tree) -> dict[str, str]:
    """Where each recording lies in the tree, by {archive}/wav/{file}; of two called alike, the first."""
    files: dict[str, str] = {}
    strange, twice = [], []
    # What the tree left out counts too: the path of a link that leads out of the folder is refused.
    for name in (*tree.audio, *tree.left_out):
        match = _FILE.fullmatch(name)
        if match and files.setdefault(match[1], name) != name:
            twice.append(name)
        elif not match and name in tree:
            strange.append(name)
    if strange:
        warn(f"{tree.place}: left out {len(strange)} audio files in no {{archive}}/wav/: {some(strange)}")
    if twice:
        warn(f"{tree.place}: {len(twice)} clips lie there twice, and are read once: without {some(twice)}")
    return files


def _of_table(tree: Tree, files: dict[str, str], where: str) -> pd.DataFrame:
    """The clips that EVAR's table names."""
    table = read_table(where)
    need_columns(table, ("file_name", "label", "split"), where)
    empty = table.index[table["file_name"].isna()]
    if len(empty):
        raise TaskError(f"{where}: row {empty[0]} has no file_name; try getting the table again")
    keys = ["/".join(name.split("/")[-3:]) for name in table["file_name"]]
    unlisted = sorted(files.keys() - set(keys))
    if unlisted:
        warn(f"{tree.place}: left out {len(unlisted)} clips that {_TABLE} does not name: {some(unlisted)}")
    parts = table["split"].where(table["split"].isin(["train", "valid", "test"]))
    without = table["file_name"][parts.isna()]
    if len(without):
        warn(f"{where}: {len(without)} rows name no part of the split: {some(without)}")
    names = [files.get(key, name) for key, name in zip(keys, table["file_name"], strict=True)]
    return pd.DataFrame(
        {
            "clip": table["file_name"],
            "path": [tree.path(name) for name in names],
            "name": names,
            "language": table["label"],
            "user": [_user(key) for key in keys],
            "split": parts,
        }
    )


def _of_files(tree: Tree, files: dict[str, str], where: str | None) -> pd.DataFrame:
    """All recordings there, with the language by the list of archives, or else by the folders above them."""
    listed = _languages(where) if where else {}
    rows = [
        {
            "clip": clip,
            "path": tree.path(name),
            "name": name,
            "language": listed.get(clip.partition("/")[0]) or _folder(name),
            "user": _user(clip),
        }
        for clip, name in sorted(files.items())
    ]
    return pd.DataFrame(rows, columns=["clip", "path", "name", "language", "user"])


def _languages(where: str) -> dict[str, str | None]:
    """The language of each archive in the list; None for one that is listed in several."""
    languages: dict[str, str | None] = {}
    for line in read_lines(where):
        match = _URL.fullmatch(line)
        if not match:
            raise TaskError(
                f"{where}: the line {line!r} names no archive; expected lines like "
                "{host}/downloads/{language}/Trunk/.../{archive}.tgz; try getting the list again"
            )
        language, archive = match[1], match[2]
        if languages.setdefault(archive, language) != language:
            languages[archive] = None
    return languages


def _folder(name: str) -> str | None:
    """The nearest folder above a recording's archive that is called like a language."""
    above = name.split("/")[:-3]
    return next((folder for folder in reversed(above) if folder in FAMILIES), None)


def _user(clip: str) -> str:
    """Who sent in a clip, by its archive's name.

    >>> _user("ralf-20070801-de1/wav/de1-01.wav"), _user("anonymous-20080101-abc/wav/a.wav")
    ('ralf', 'anonymous-20080101-abc')
    """
    archive = clip.partition("/")[0]
    user = archive.partition("-")[0]
    return archive if user.casefold() == "anonymous" else user


def _tell_of_users(tree: Tree, clips: pd.DataFrame) -> None:
    parts = clips.groupby("user")["split"].nunique()
    crossing = list(parts.index[parts > 1])
    if crossing:
        n = int(clips["user"].isin(crossing).sum())
        warn(
            f"{tree.place}: {len(crossing)} users have clips in more than one part of the split "
            f"({some(crossing)}: {n} clips); EVAR's split is kept"
        )
