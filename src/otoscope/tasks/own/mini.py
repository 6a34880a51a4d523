"""The embedded miniature: three small rendered tasks that travel with the package.

`mini:events` (what sounds), `mini:notes` (octave and instrument family) and `mini:voices` (language, gender
and speaker) are 908 clips of 2 s. `tools/mini/` renders them, from voices, instruments, texts and seeds that
the embedded models never heard in training.
"""

import zipfile
from importlib.resources import files

import pandas as pd

from otoscope.errors import UsageError
from otoscope.tasks.base import Task
from otoscope.tasks.labeling import Labeling
from otoscope.tasks.reader import Reader, Request

__all__ = ["NAMES", "Mini", "archive", "load"]

NAMES = ("events", "notes", "voices")
"""The tasks of the miniature."""

SECONDS = 2.0
LICENCE = "Apache-2.0; rendered with espeak-ng and FluidR3 GM (MIT, Frank Wen), neither of them included"


class Mini(Reader):
    """Three small rendered tasks of 2 s clips that travel with the package.

    `mini:events` says what sounds (event), `mini:notes` which note (octave, family), `mini:voices` who speaks
    (language, gender, speaker). The embedded models never heard their voices, instruments, texts and seeds.
    """

    name = "mini:events|notes|voices"
    about = "the embedded miniature: sound events, notes of instruments, voices"
    needs = "nothing: it comes with the package"
    splits = "folds"
    licence = LICENCE

    def load(self, request: Request) -> Task:
        """Read a task of the miniature from the package."""
        return load(request.place)


def archive() -> str:
    """The path of the zip that holds clips and tables.

    Raises:
        UsageError: the package is installed in a form without files on disk.
    """
    path = files("otoscope.tasks") / "data" / "mini.zip"
    if not path.is_file():
        raise UsageError(
            f"{path}: the embedded miniature is not there; try installing otoscope again, "
            "or rendering it with tools/mini/render_tasks.py"
        )
    return str(path)


def load(name: str) -> Task:
    """One of the tasks of the embedded miniature.

    Args:
        name: "events", "notes" or "voices".

    Returns:
        The task. Its clips lie in the package's zip and are read from there, nothing is unpacked.

    Raises:
        UsageError: another name.

    >>> load("voices")
    Task('mini-voices', 288 clips, labelings: language (6), gender (2), speaker (16))
    """
    if name not in NAMES:
        raise UsageError(f"mini:{name} is not a task; expected mini:{', mini:'.join(NAMES)}")
    path = archive()
    with zipfile.ZipFile(path) as container, container.open(f"{name}.csv") as table:
        clips = pd.read_csv(table)
    clips.insert(1, "path", [f"zip://{clip}::{path}" for clip in clips["clip"]])
    return Task(f"mini-{name}", clips, _labelings(name, clips), seconds=SECONDS, licence=LICENCE)


def _labelings(name: str, clips: pd.DataFrame) -> tuple[Labeling, ...]:
    """The questions of a task, each with the groups that its folds keep apart.

    They were fixed before the embedded models were trained.
    """
    if name == "events":
        return (Labeling.of(clips, "event", group="recipe", split="fold"),)
    if name == "notes":
        return (
            Labeling.of(clips, "octave", group="instrument", split="fold"),
            Labeling.of(clips, "family", group="instrument", split="fold"),
        )
    return (
        Labeling.of(clips, "language", group="speaker", split="fold"),
        Labeling.of(clips, "gender", group="speaker", split="fold"),
        # A speaker cannot be kept apart from itself: its folds keep apart what is said.
        Labeling.of(clips, "speaker", split="speaker_fold"),
    )
