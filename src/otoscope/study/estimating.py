"""What a study would need: what is missing, what its tasks hold, and how long and how large it would be."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from otoscope.study.plan import Study
from otoscope.study.sizes import TaskSize, size_of
from otoscope.study.speeds import Speeds, measured
from otoscope.tasks.registry import readers

__all__ = ["DryRun", "TaskEstimate", "dry_run"]

_BYTES = 12  # a neuron on a clip: fired, mean, peak and peak_token, before compression
_TESTED = 0.25  # share of the clips that probes are tested on
_EXPERIMENTS = 6  # of a labeling, where its classes are not known
_BATCH = 16


@dataclass(frozen=True)
class TaskEstimate:
    """What a task holds, and what it would cost; None where nothing is known.

    Attributes:
        name: of the task in the study.
        clips: number of clips.
        hours: of sound, as models hear it.
        source: how both are known.
        record_s: seconds that one process records for, all models and twins, and describes the clips.
        analyse_s: seconds that it dissects, compares and ablates for.
        disk_bytes: size of the recordings, at most.
    """

    name: str
    clips: int | None
    hours: float | None
    source: str
    record_s: float | None
    analyse_s: float | None
    disk_bytes: float | None


@dataclass(frozen=True)
class DryRun:
    """What a study would need.

    Attributes:
        missing: what is not there, a sentence each; empty if the study can run.
        tasks: each task.
        memory_bytes: of one process, about.
        sentences: what the estimates rest on, and their sums.
    """

    missing: tuple[str, ...]
    tasks: tuple[TaskEstimate, ...]
    memory_bytes: float | None
    sentences: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """All of it as JSON holds it, with the sums."""
        return {
            "missing": list(self.missing),
            "tasks": [asdict(each) for each in self.tasks],
            "estimates": {
                name: self.total(name) for name in ("clips", "hours", "record_s", "analyse_s", "disk_bytes")
            }
            | {"memory_bytes": self.memory_bytes},
            "sentences": list(self.sentences),
        }

    def total(self, name: str) -> float | None:
        """The sum of a figure over the tasks of which it is known; None if it is known of none."""
        known = [value for each in self.tasks if (value := getattr(each, name)) is not None]
        return sum(known) if known else None


def dry_run(
    plan: Study,
    *,
    limit: int | None = None,
    device: str = "cpu",
    say: Callable[[str], None] = lambda _: None,
) -> DryRun:
    """Say what is missing of a study, and estimate its time, disk and memory on this machine.

    Nothing is recorded. Models hear a few seconds of noise, and a planted recording is dissected.

    Args:
        plan: the study; its paths need not be filled in.
        limit: as for `run`.
        device: where the models would run.
        say: called with a line as each step begins.
    """
    missing = [_unfilled(plan, name) for name in plan.missing]
    sizes = {}
    for name in plan.tasks:
        say(f"looking at {name}")
        sizes[name], wrong = size_of(plan, name, limit)
        missing += wrong
    speeds = measured(plan, [each.seconds for each in sizes.values() if each.seconds], device, say)
    missing += speeds.missing
    tasks = tuple(_estimate(plan, name, size, speeds) for name, size in sizes.items())
    memory = speeds.memory(1 + plan.twins + plan.shuffled, _BATCH)
    return DryRun(tuple(missing), tasks, memory, tuple(_sentences(tasks, memory, speeds)))


def _unfilled(plan: Study, path: str) -> str:
    """That a path is not filled in, and what a task expects there."""
    said = f"paths.{path} is not filled in"
    for entry in plan.tasks.values():
        reader = readers().get(entry.spec.partition(":")[0])
        if f"{{{path}}}" in entry.spec and reader and reader.needs:
            return f"{said}; expected {reader.needs}; {reader.obtain}".rstrip("; ")
    return f"{said}; see the comment beside it in the study file"


def _estimate(plan: Study, name: str, size: TaskSize, speeds: Speeds) -> TaskEstimate:
    """Passes of models over clips, and of statistics over neurons, at the speeds that were measured."""
    if not size.clips or not size.seconds:
        return TaskEstimate(name, size.clips, None, size.source, None, None, None)
    record = analyse = disk = 0.0
    for model, entry in plan.models.items():
        learned = entry.role != "untrained"
        copies = 1 + (plan.twins + plan.shuffled if learned else 0)
        neurons = speeds.neurons[model]
        clip_s = speeds.clip_s(model, size.seconds)
        record += size.clips * copies * clip_s
        disk += size.clips * copies * neurons * _BYTES
        analyse += size.clips * neurons * copies * size.labelings * speeds.dissect_s
        analyse += clip_s * _heard_again(plan, model, name, size)
    if plan.acoustics:
        record += size.clips * size.seconds * speeds.describe_s
    hours = size.clips * size.seconds / 3600
    return TaskEstimate(name, size.clips, hours, size.source, record, analyse, disk)


def _heard_again(plan: Study, model: str, task: str, size: TaskSize) -> float:
    """How many clips are heard again for the ablations of a task, each time that it is."""
    tested, heard = (size.clips or 0) * _TESTED, 0.0
    for entry in plan.ablations:
        if entry.model not in (None, model) or entry.task not in (None, task):
            continue
        labelings = 1 if entry.labeling else size.labelings
        controls = len(entry.matched) * entry.controls
        conditions = labelings * len(entry.gains) * (1 + controls)
        if not (entry.classes or entry.neurons):
            classes = size.classes or _EXPERIMENTS * labelings
            conditions += classes * {"skip": 0, "switch": 1, "control": 1 + controls}[entry.each_class]
        heard += conditions * min(tested, entry.clips or tested)
    return heard


def _sentences(tasks: tuple[TaskEstimate, ...], memory: float | None, speeds: Speeds) -> list[str]:
    known = [each for each in tasks if each.record_s is not None]
    said = [*speeds.sentences]
    said += [f"{each.name}: {each.source}" for each in tasks]
    if known:
        record, analyse, disk = (
            sum(getattr(each, name) or 0 for each in known)
            for name in ("record_s", "analyse_s", "disk_bytes")
        )
        said.append(
            f"estimates for one process: {_hours(record)} of recording, {_hours(analyse)} of analysis; "
            f"recordings of at most {disk / 1e9:.1f} GB"
            + ("" if memory is None else f"; about {memory / 1e9:.1f} GB of memory a process")
        )
        said.append(
            "they scale what was measured here on a few clips; analysis may take half or twice as long"
        )
    return said


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
