"""From what a user writes, `esc50:DIR`, to a task."""

from collections.abc import Sequence
from dataclasses import replace

from otoscope.errors import UsageError
from otoscope.tasks import cremad, esc50, folder, gtzan, manifest, mini
from otoscope.tasks.base import Task
from otoscope.tasks.reader import Reader, warn

__all__ = ["available", "load_task"]


def _load_mini(name: str, labels: Sequence[str]) -> Task:
    return mini.load(name).only(labels)


_MINI = "the embedded miniature: "
_READERS = (
    folder.READER,
    manifest.READER,
    esc50.READER,
    cremad.READER,
    gtzan.READER,
    Reader("mini:events", f"{_MINI}sound events", "nothing", ("event",), _load_mini),
    Reader("mini:notes", f"{_MINI}notes of instruments", "nothing", ("octave", "family"), _load_mini),
    Reader("mini:voices", f"{_MINI}voices", "nothing", ("language", "gender", "speaker"), _load_mini),
)


def available() -> list[Reader]:
    """Every reader there is: how to name its tasks, what it needs, its labelings, licence and citation.

    >>> [reader.prefix for reader in available()][:2]
    ['folder', 'manifest']
    """
    return list(_READERS)


def load_task(spec: str, seconds: float | None = None, labels: Sequence[str] = ()) -> Task:
    """Read a task: the table of its clips and what is asked of them. No sound is read yet.

    Args:
        spec: reader and place, such as "folder:sounds", "manifest:clips.csv@audio" or "cremad:/data/CREMA-D";
            `available` lists them.
        seconds: crop or zero-pad every clip to this length; by default clips stay whole.
        labels: the labelings to take, in this order (for a manifest: its label columns); all by default.

    Raises:
        UsageError: an unknown reader or labeling.
        TaskError: the data set is not there, or not as expected.
    """
    prefix, colon, place = spec.partition(":")
    reader = {reader.prefix: reader for reader in _READERS}.get(prefix)
    if reader is None or not colon or not place:
        names = ", ".join(reader.name for reader in _READERS)
        raise UsageError(f"no task is called {spec!r}; expected one of {names}")
    task = reader.load(place, labels)
    if reader.clips and len(task) != reader.clips:
        warn(f"{spec}: {len(task)} clips, where the whole data set gives {reader.clips}")
    return replace(
        task,
        seconds=task.seconds if seconds is None else seconds,
        citation=reader.citation or task.citation,
        licence=reader.licence or task.licence,
    )
