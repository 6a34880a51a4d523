"""The embedded miniature: seven small rendered tasks that travel with the package.

Each is one of the paper's data sets in small: `mini:events` and `mini:effects` (what sounds, made in two
independent ways), `mini:notes` (sampled instruments) and `mini:synth` (a synthesiser), `mini:voices` (who
speaks which language) and `mini:manners` (in which manner), `mini:genres` (styles of music). `tools/mini/`
renders them, from voices, instruments, texts and seeds that the embedded models never heard in training.
"""

import zipfile
from dataclasses import dataclass, replace
from importlib.resources import files

import pandas as pd

from otoscope.errors import UsageError
from otoscope.tasks.base import Task
from otoscope.tasks.labeling import Labeling
from otoscope.tasks.reader import Reader, Request

__all__ = ["NAMES", "Mini", "archive", "load"]

LICENCE = (
    "Apache-2.0; clips of mini:notes whose soundfont is OPL-3_FM_128M: CC-BY-SA-4.0 (Zandro Reveille); "
    "rendered, see the data card beside the audio"
)


@dataclass(frozen=True)
class _Question:
    # A labeling: its column, what its folds keep apart, the column of broader classes, the order of classes.
    column: str
    group: str | None
    split: str = "fold"
    broader: str | None = None
    order: tuple[str, ...] = ()

    def labeling(self, clips: pd.DataFrame) -> Labeling:
        known = clips.dropna(subset=self.column)
        taxonomy = dict(zip(known[self.column], known[self.broader], strict=True)) if self.broader else None
        found = Labeling.of(clips, self.column, group=self.group, split=self.split, taxonomy=taxonomy)
        return replace(found, classes=self.order) if self.order else found


# Fixed before the embedded models were trained.
_QUESTIONS: dict[str, tuple[_Question, ...]] = {
    "events": (_Question("event", "recipe", broader="event_kind"),),
    "effects": (_Question("event", "recipe", broader="event_kind"),),
    "notes": (
        _Question("octave", "instrument"),
        _Question("family", "instrument", broader="excitation"),
        _Question("velocity", "instrument", order=("soft", "medium", "loud")),
    ),
    "synth": (
        _Question("octave", "preset"),
        # A preset cannot be kept apart from itself: its folds keep notes apart, and a speaker's what is said.
        _Question("preset", None, split="note_fold", broader="synthesis"),
    ),
    "voices": (
        _Question("language", "voice", broader="branch"),
        _Question("gender", "voice"),
        _Question("speaker", None, split="speaker_fold"),
    ),
    "manners": (_Question("manner", "voice", broader="arousal"), _Question("gender", "voice")),
    "genres": (_Question("genre", "piece"),),
}
_SECONDS = {"genres": 4.0}

NAMES = tuple(_QUESTIONS)
"""The tasks of the miniature."""


class Mini(Reader):
    """Seven small rendered tasks that travel with the package, clips of 2 s (genres: 4 s).

    `mini:events` and `mini:effects` say what sounds (event), `mini:notes` which note (octave, family,
    velocity), `mini:synth` likewise of a synthesiser (octave, preset), `mini:voices` who speaks (language,
    gender, speaker), `mini:manners` in which manner (manner, gender), `mini:genres` which style (genre). The
    embedded models never heard their voices, instruments, texts and seeds.
    """

    name = f"mini:{'|'.join(NAMES)}"
    about = "the embedded miniature: sounds, notes, voices and music, rendered"
    needs = "nothing: it comes with the package"
    splits = "folds"
    licence = LICENCE

    def load(self, request: Request) -> Task:
        """Read a task of the miniature from the package."""
        return load(request.place)


def archive(name: str) -> str:
    """The path of the zip that holds clips and table of a task.

    Raises:
        UsageError: the package is installed in a form without files on disk.
    """
    path = files("otoscope.tasks") / "data" / "mini" / f"{name}.zip"
    if not path.is_file():
        raise UsageError(
            f"{path}: the embedded miniature is not there; try installing otoscope again, "
            "or rendering it with tools/mini/render_tasks.py"
        )
    return str(path)


def load(name: str) -> Task:
    """One of the tasks of the embedded miniature.

    Args:
        name: one of `NAMES`.

    Returns:
        The task. Its clips lie in the package's zip and are read from there, nothing is unpacked.

    Raises:
        UsageError: another name.

    >>> load("manners")
    Task('mini-manners', 288 clips, labelings: manner (6), gender (2))
    """
    if name not in NAMES:
        raise UsageError(f"mini:{name} is not a task; expected mini:{', mini:'.join(NAMES)}")
    path = archive(name)
    with zipfile.ZipFile(path) as container, container.open(f"{name}.csv") as table:
        clips = pd.read_csv(table)
    clips.insert(1, "path", [f"zip://{clip}::{path}" for clip in clips["clip"]])
    labelings = tuple(question.labeling(clips) for question in _QUESTIONS[name])
    return Task(f"mini-{name}", clips, labelings, seconds=_SECONDS.get(name, 2.0), licence=LICENCE)
