"""`cremad:DIR`: CREMA-D, twelve sentences spoken by 91 actors in six acted emotions.

DIR is the clone (`AudioWAV/` and `VideoDemographics.csv`), that `AudioWAV` itself, the folder that holds
either, or a flat folder of the WAV files. Three labelings of one table: "emotion" and "gender", whose clips
are grouped by speaker and split as EVAR splits them (63, 9 and 19 speakers), and "speaker", which has neither
group nor split.

The clips are the 7,438 of EVAR. Left out are its four exceptions: one of each pair of byte-identical files
that carry two emotions, and `1040_ITH_SAD_XX`, which went by the name `1040_ITH_SAD_X` for years.
`1076_MTI_SAD_XX`, which is silent, is in, as it is there.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import need_columns, read_table
from otoscope.tasks.telling import warn

__all__ = ["EXCLUDED", "TEST", "VALID", "CremaD", "load"]

VALID = frozenset({"1009", "1011", "1022", "1034", "1039", "1047", "1066", "1070", "1082"})
"""Speakers of EVAR's valid split."""

TEST = frozenset(
    {
        *("1001", "1004", "1017", "1019", "1020", "1025", "1026", "1029", "1033", "1035"),
        *("1042", "1044", "1050", "1053", "1056", "1058", "1060", "1069", "1083"),
    }
)
"""Speakers of EVAR's test split."""

EXCLUDED = frozenset(
    {"1006_TIE_NEU_XX", "1013_WSI_DIS_XX", "1017_IWW_FEA_XX", "1040_ITH_SAD_XX", "1040_ITH_SAD_X"}
)
"""Names of the clips that EVAR leaves out."""

_COLUMNS = ["clip", "path", "emotion", "speaker", "sentence", "level", "split"]
_DEMOGRAPHICS = "VideoDemographics.csv"
# {actor}_{sentence}_{emotion}_{level}; the level of one file has one letter in older copies.
_NAME = re.compile(r"(\d{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(XX?|LO|MD|HI)\.wav")
_OBTAIN = (
    "get it with `git clone https://github.com/CheyneyComputerScience/CREMA-D`, Git LFS installed "
    "(a ZIP download holds pointers in place of the sound)"
)


def load(place: str, labels: Sequence[str] = ()) -> Task:
    """Read CREMA-D from its official folder.

    Raises:
        TaskError: no such folder, no clips in it, WAV files named otherwise, or gender asked for where the
            table of the actors is not there.
    """
    folder = _audio_folder(place)
    files = [file for file in sorted(folder.glob("[!.]*")) if file.suffix == ".wav"]
    matches = {file: _NAME.fullmatch(file.name) for file in files}
    strangers = [file.name for file, match in matches.items() if not match]
    if strangers:
        raise TaskError(
            f"{folder}: {len(strangers)} WAV files are not named as CREMA-D names them ({some(strangers)}); "
            "expected names like 1001_DFA_ANG_XX.wav; try moving them elsewhere"
        )
    rows = [
        {
            "clip": file.name,
            "path": str(file),
            "emotion": match[3],
            "speaker": match[1],
            "sentence": match[2],
            "level": match[4],
            "split": "valid" if match[1] in VALID else "test" if match[1] in TEST else "train",
        }
        for file, match in matches.items()
        if match and file.stem not in EXCLUDED
    ]
    clips = pd.DataFrame(rows, columns=_COLUMNS)
    labelings = [Labeling.of(clips, "emotion", group="speaker", split="split")]
    if gender := _genders(folder, required="gender" in labels):
        unknown = sorted(set(clips["speaker"]) - set(gender))
        if unknown:
            raise TaskError(f"{_DEMOGRAPHICS} does not list the actors {some(unknown)}; {_OBTAIN}")
        clips["gender"] = clips["speaker"].map(gender)
        labelings.append(Labeling.of(clips, "gender", group="speaker", split="split"))
    labelings.append(Labeling.of(clips, "speaker"))
    return Task("cremad", clips, tuple(labelings)).only(labels)


def _audio_folder(place: str) -> Path:
    for folder in [
        child
        for base in [Path(place).expanduser(), *sorted(Path(place).expanduser().glob("*/"))]
        for child in (base / "AudioWAV", base)
    ]:
        if folder.is_dir() and any(_NAME.fullmatch(file.name) for file in folder.glob("*.wav")):
            return folder
    raise TaskError(
        f"{place}: holds neither AudioWAV/ nor WAV files named like 1001_DFA_ANG_XX.wav; "
        f"expected the official layout; {_OBTAIN}"
    )


def _genders(folder: Path, required: bool) -> dict[str, str]:
    """The sex of each actor, from the table beside the sound or in the folder above it."""
    for base in (folder, folder.absolute().parent):
        if (base / _DEMOGRAPHICS).is_file():
            table = read_table(base / _DEMOGRAPHICS)
            need_columns(table, ("ActorID", "Sex"), base / _DEMOGRAPHICS)
            return dict(zip(table["ActorID"], table["Sex"], strict=True))
    problem = f"{folder}: no {_DEMOGRAPHICS} there or in the folder above, so there is no labeling 'gender'"
    if required:
        raise TaskError(f"{problem}; {_OBTAIN}")
    warn(problem)
    return {}


class CremaD(Reader):
    """TODO."""

    name = "cremad:DIR"
    about = "CREMA-D: acted emotions in speech; emotion (6), gender (2), speaker (91)"
    needs = "the clone, with AudioWAV/ and VideoDemographics.csv"
    labelings = {"emotion": 6, "gender": 2, "speaker": 91}
    splits = "train, valid and test by speaker (EVAR)"
    clips = 7438
    evar_seconds = 2.5
    obtain = _OBTAIN
    citation = (
        "H. Cao et al. CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset. "
        "IEEE Transactions on Affective Computing 5(4), 2014."
    )
    licence = "Open Database License 1.0, Database Contents License 1.0"

    def load(self, request: Request) -> Task:
        """Read it."""
        return load(request.place, request.labels)
