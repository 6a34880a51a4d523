"""CREMA-D: acted emotions in speech."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request, told
from otoscope.tasks.tables import integers, look_up, need_columns, read_table
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["EXCLUDED", "TEST", "VALID", "CremaD"]

VALID = frozenset({"1009", "1011", "1022", "1034", "1039", "1047", "1066", "1070", "1082"})
"""Speakers of EVAR's valid split."""

TEST = frozenset(
    {
        *("1001", "1004", "1017", "1019", "1020", "1025", "1026", "1029", "1033", "1035"),
        *("1042", "1044", "1050", "1053", "1056", "1058", "1060", "1069", "1083"),
    }
)
"""Speakers of EVAR's test split."""

EXCLUDED = {
    "1006_TIE_NEU_XX": "the very file 1006_TIE_HAP_XX",
    "1013_WSI_DIS_XX": "the very file 1013_WSI_SAD_XX",
    "1017_IWW_FEA_XX": "the very file 1017_IWW_ANG_XX",
    "1040_ITH_SAD_XX": "not in EVAR's list",
    "1040_ITH_SAD_X": "not in EVAR's list",  # how 1040_ITH_SAD_XX was called for years
}
"""Names of the clips that EVAR leaves out, and why."""

_FOLDER = "AudioWAV"
_DEMOGRAPHICS = "VideoDemographics.csv"
_ABOUT_ACTORS = {"gender": "Sex", "age": "Age", "race": "Race", "ethnicity": "Ethnicity"}  # its columns
_LEVELS = ("LO", "MD", "HI")
# {actor}_{sentence}_{emotion}_{level}; the level of one file has one letter in older copies.
_NAME = re.compile(r"(\d{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(XX?|LO|MD|HI)\.wav")


class CremaD(Reader):
    """Twelve sentences spoken by 91 actors in six acted emotions: the 7,438 clips of EVAR.

    "emotion" and "sentence" come from the files' names, and so does "level", how strong the emotion is, which
    is told for one sentence only (LO, MD, HI). "gender", "age" (in decades), "race" and "ethnicity" come from
    the table of the actors; race "Unknown" is no label. All of them have the speaker as group, and EVAR's
    split, whose speakers are 63, 9 and 19. "speaker" has neither group nor split. Emotions are those that the
    actor meant; what raters heard (processedResults/) is another set of labels, and not read.

    DIR is the clone, its AudioWAV, or a folder that holds the WAV files side by side; the table of the actors
    lies there or one folder above.

    Left out, with a warning, are EVAR's four exceptions: one of each of three pairs of files that are the
    same to the byte and bear two emotions, and 1040_ITH_SAD_XX, once called 1040_ITH_SAD_X.
    1076_MTI_SAD_XX is silent, and in, as it is in EVAR.
    """

    name = "cremad:DIR"
    about = "CREMA-D: acted emotions in speech, with what is known of the 91 actors"
    needs = "the clone, with AudioWAV/ and VideoDemographics.csv"
    layout = "CREMA-D/\n  AudioWAV/1001_DFA_ANG_XX.wav ...\n  VideoDemographics.csv"
    labelings = {
        "emotion": 6,
        "gender": 2,
        "age": 6,
        "race": 3,
        "ethnicity": 2,
        "sentence": 12,
        "level": 3,
        "speaker": 91,
    }
    splits = "train, valid and test by speaker (EVAR)"
    clips = 7438
    evar_seconds = 2.5
    obtain = (
        "get it with `git clone https://github.com/CheyneyComputerScience/CREMA-D`, Git LFS installed "
        "(a ZIP download holds pointers in place of the sound)"
    )
    citation = (
        "H. Cao et al. CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset. "
        "IEEE Transactions on Affective Computing 5(4), 2014."
    )
    licence = "Open Database License 1.0, Database Contents License 1.0"

    def load(self, request: Request) -> Task:
        """Read CREMA-D from its clone, or from a folder with its WAV files."""
        tree, folder = self._sound(request.place)
        clips = _clips(tree.below(folder))
        about = ("emotion", *self._actors(clips, tree, folder, request.labels), "sentence")
        labelings = [Labeling.of(clips, name, group="speaker", split="split") for name in about]
        if levels := tuple(level for level in _LEVELS if level in set(clips["level"])):
            labelings.append(Labeling("level", "level", levels, group="speaker", split="split"))
        return Task("cremad", clips, (*labelings, Labeling.of(clips, "speaker")))

    def _sound(self, place: str) -> tuple[Tree, str]:
        """The files, and the folder among them that holds the clips, "" for the place itself."""
        tree = Tree.at(place)
        folder = _holds_clips(tree)
        if folder is not None:
            return told(tree), folder
        tree = self.find(place, _FOLDER, "1001_DFA_ANG_XX.wav")
        folder = _holds_clips(tree)
        if folder is not None:
            return tree, folder
        tree.path(_FOLDER)  # refuses a link that leads elsewhere
        raise self.refuse(place, f"{_FOLDER} holds no WAV files named like 1001_DFA_ANG_XX.wav")

    def _actors(self, clips: pd.DataFrame, tree: Tree, folder: str, wanted: Sequence[str]) -> list[str]:
        """Add what is known of the actors to the clips; the names of the columns."""
        where = _demographics(tree, folder)
        if not where:
            problem = (
                f"{tree.place}: no {_DEMOGRAPHICS} there or in the folder above, so there is no labeling"
            )
            if asked := [name for name in _ABOUT_ACTORS if name in wanted]:
                raise TaskError(f"{problem} {asked[0]!r}; {self.obtain}")
            warn(f"{problem} {', '.join(_ABOUT_ACTORS)}")
            return []
        table = read_table(where)
        need_columns(table, ("ActorID", *_ABOUT_ACTORS.values()), where)
        table["Age"] = integers(table["Age"].dropna(), where).map(lambda years: f"{years // 10}0s")
        actors = clips["speaker"]
        for name, column in _ABOUT_ACTORS.items():
            clips[name] = look_up(actors, table, "ActorID", column, where)
            actors = actors.where(actors.isin(table["ActorID"]))  # an unknown one is told once
        clips["race"] = clips["race"].mask(clips["race"] == "Unknown")
        return [name for name in _ABOUT_ACTORS if clips[name].notna().any()]


def _holds_clips(tree: Tree) -> str | None:
    """The folder with files named as CREMA-D names them: AudioWAV, else the one nearest to the top."""
    names = [name.rpartition("/") for name in (*tree.files, *tree.left_out)]
    folders = {folder for folder, _, file in names if _NAME.fullmatch(file)}
    return min(
        folders,
        key=lambda folder: (folder.rpartition("/")[2] != _FOLDER, folder.count("/"), folder),
        default=None,
    )


def _clips(tree: Tree) -> pd.DataFrame:
    """The table of the clips that lie side by side in a folder."""
    names = [name for name in sorted((*tree.files, *tree.left_out)) if "/" not in name]
    matches = {name: _NAME.fullmatch(name) for name in names if name.lower().endswith(".wav")}
    strangers = [name for name, match in matches.items() if not match]
    if strangers:
        raise TaskError(
            f"{tree.place}: {len(strangers)} WAV files are not named as CREMA-D names them "
            f"({some(strangers)}); expected names like 1001_DFA_ANG_XX.wav; try moving them elsewhere"
        )
    left_out = {name: EXCLUDED[name[:-4]] for name in matches if name[:-4] in EXCLUDED}
    if left_out:
        reasons = ", ".join(f"{name} ({why})" for name, why in left_out.items())
        warn(f"{tree.place}: left out {len(left_out)} clips, as EVAR does: {reasons}")
    rows = [
        {
            "clip": name,
            "path": tree.path(name),
            "emotion": match[3],
            "speaker": match[1],
            "sentence": match[2],
            "level": match[4] if match[4] in _LEVELS else None,
            "split": "valid" if match[1] in VALID else "test" if match[1] in TEST else "train",
        }
        for name, match in matches.items()
        if match and name not in left_out
    ]
    if not rows:
        raise TaskError(f"{tree.place}: holds no clips but those left out; expected more of CREMA-D's")
    return pd.DataFrame(rows)


def _demographics(tree: Tree, folder: str) -> str:
    """The path of the table of the actors, beside the clips or in the folder above; "" if there is none."""
    names = (*tree.files, *tree.left_out)
    for near in dict.fromkeys((folder, folder.rpartition("/")[0])):
        name = f"{near}/{_DEMOGRAPHICS}".lstrip("/")
        if name in names:
            return tree.path(name)
    above = Path(tree.place).expanduser().absolute().parent / _DEMOGRAPHICS
    return str(above) if not folder and above.is_file() else ""
