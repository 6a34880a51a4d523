"""A study: models by tasks, recorded, dissected, probed and ablated into one folder, ending in a report.

The miniature study of `otoscope demo` is one of these.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.files import slug, write_json, write_table

if TYPE_CHECKING:
    from otoscope.activations import Store
    from otoscope.interventions import Ablation, ProbeScore
    from otoscope.models import AudioModel
    from otoscope.neurons import Selection
    from otoscope.tasks import Task


@dataclass(frozen=True)
class Study:
    """What to run.

    Attributes:
        models: specs that `load_model` takes.
        tasks: specs that `load_task` takes; every labeling of each is dissected.
        ablations: (model, labeling) pairs whose class-specific neurons are switched off.
        each_class: switch off each class's neurons by themselves, an experiment a class; by default all of a
            labeling's at once.
        permutations: label permutations behind every chance level.
        seed: seed of permutations, probe splits and control draws.
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    ablations: tuple[tuple[str, str], ...] = ()
    each_class: bool = False
    permutations: int = 100
    seed: int = 0


MINI_MODELS = ("mini:ssl", "mini:supervised", "mini:random")
MINI_TASKS = ("mini:events", "mini:notes", "mini:voices")
MINI_LABELS = ("event", "octave", "family", "language", "gender", "speaker")

DEMO = Study(
    MINI_MODELS, MINI_TASKS, ablations=tuple(("mini:ssl", label) for label in ("event", "family", "language"))
)
"""The miniature in short: one labeling a task is ablated, on the self-supervised model."""

FULL = Study(
    MINI_MODELS,
    MINI_TASKS,
    ablations=tuple((model, label) for model in MINI_MODELS for label in MINI_LABELS),
    each_class=True,
)
"""The whole miniature: every class of every labeling is ablated, on every model."""


@dataclass(frozen=True)
class Dissection:
    """One labeling as one model hears it: its class-specific neurons, and what a probe can read."""

    model: str
    task: str
    selection: "Selection"
    probe: "ProbeScore"

    def document(self) -> dict[str, Any]:
        """The words of `select --json`, with the model, the task and the probe's accuracy."""
        return {
            "model": self.model,
            "task": self.task,
            **self.selection.document(),
            "probe_accuracy": self.probe.accuracy,
            "probe": self.probe.document(),
        }


@dataclass(frozen=True)
class StudyResult:
    """What a study found, and where its report lies."""

    dissections: tuple[Dissection, ...]
    ablations: tuple["Ablation", ...]
    report: Path

    @property
    def table(self) -> pd.DataFrame:
        """One row per task, labeling and model: what was found, beside chance, and the probe's accuracy."""
        rows = []
        for dissection in self.dissections:
            document = dissection.document()
            chance = document["chance"]
            rows.append(
                {
                    "task": dissection.task,
                    "label": document["label"],
                    "model": dissection.model,
                    "neurons": document["neurons"],
                    "neurons_chance": chance["neurons"]["mean"],
                    "coverage": document["coverage"],
                    "coverage_chance": chance["coverage"]["mean"],
                    "depth": document["depth"],
                    "depth_chance": chance["depth"]["mean"],
                    "depth_p": chance["depth"]["p"],
                    "probe_accuracy": dissection.probe.accuracy,
                }
            )
        order = [list(dict.fromkeys(row[key] for row in rows)) for key in ("task", "label", "model")]
        return pd.DataFrame(rows).sort_values(
            ["task", "label", "model"],
            key=lambda column: column.map(order[["task", "label", "model"].index(str(column.name))].index),
            ignore_index=True,
        )

    def document(self) -> dict[str, Any]:
        """One JSON document: `results`, `ablations` and the path of the `report`."""
        return {
            "results": [dissection.document() for dissection in self.dissections],
            "ablations": [ablation.document() for ablation in self.ablations],
            "report": str(self.report),
        }


@dataclass(frozen=True)
class _Heard:
    # One model on one task: where its store lies, and what was found out about it.
    store: Path
    dissections: tuple[Dissection, ...]
    ablations: tuple["Ablation", ...]


def run(
    study: Study,
    out: str | Path,
    *,
    limit: int | None = None,
    workers: int = 1,
    say: Callable[[str], None] = lambda _: None,
    progress: bool = False,
) -> StudyResult:
    """Run a study into one folder: `stores/`, `report/`, `study.json` and `summary.parquet`/`.csv`.

    Recordings that an earlier run finished are kept, so that a study that was stopped goes on where it was.

    Args:
        study: what to run.
        out: the folder.
        limit: record this many clips of each task only, to try things out.
        workers: processes that share the pairs of models and tasks, each with its share of the cores.
        say: called with one line as each step ends.
        progress: show a progress bar while recording and ablating; with one worker only.

    Raises:
        OtoscopeError: from any step, by its own message.
    """
    from otoscope.reporting import report

    folder = Path(out)
    pairs = [(model, task) for model in study.models for task in study.tasks]
    hear = partial(_hear, study, folder, limit, progress and workers == 1)
    heard = []
    with _crew(min(workers, len(pairs))) as spread:
        for (model, task), one in zip(pairs, spread(hear, pairs), strict=True):
            heard.append(one)
            say(f"{model} has heard {task} ({len(heard)} of {len(pairs)})")
    say("writing the report")
    result = StudyResult(
        tuple(each for one in heard for each in one.dissections),
        tuple(each for one in heard for each in one.ablations),
        report([one.store for one in heard], folder / "report"),
    )
    write_json(folder / "study.json", result.document())
    write_table(folder / "summary", result.table)
    return result


@contextmanager
def _crew(workers: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Yield a `map` that keeps the order: over processes, which are gone afterwards, or in this one."""
    if workers == 1:
        yield map
        return
    # One thread a process where there are as many as cores: small matrices gain little from a second one.
    # The numerical libraries read this when a process first loads them.
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = before or str(max(1, (os.cpu_count() or 1) // workers))
    try:
        with multiprocessing.get_context("spawn").Pool(workers, initializer=_leave_ctrl_c) as pool:
            yield partial(pool.imap, chunksize=1)
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]


def _leave_ctrl_c() -> None:
    """Ctrl-C is for the process that started the others; it ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _hear(study: Study, folder: Path, limit: int | None, progress: bool, pair: tuple[str, str]) -> _Heard:
    """Record, dissect and ablate one model on one task."""
    from otoscope.models import load_model
    from otoscope.tasks import load_task

    spec, heard = pair
    model = load_model(spec)
    place = folder / "stores" / f"{slug(spec)}-{slug(heard)}.zarr"
    store = _record(model, load_task(heard), place, limit, progress)
    return _Heard(
        place,
        tuple(_dissect(store, label, study, spec, heard) for label in store.labelings),
        tuple(
            _ablate(store, label, model, study, progress)
            for label in store.labelings
            if (spec, label) in study.ablations
        ),
    )


def _record(model: "AudioModel", task: "Task", place: Path, limit: int | None, progress: bool) -> "Store":
    from otoscope.activations import record

    return record(model, task, place, limit=limit, progress=progress)


def _dissect(store: "Store", label: str, study: Study, model: str, task: str) -> Dissection:
    from otoscope.interventions import probe_accuracy
    from otoscope.neurons import select, share

    selection = select(store, label, preset="aape", permutations=study.permutations, seed=study.seed)
    selection.save(store.results / selection.folder)
    share(selection).save(store.results / f"share-{slug(label)}")
    probe = probe_accuracy(store, label, seed=study.seed)
    write_json(store.results / f"probe-{slug(label)}.json", probe.document())
    return Dissection(model, task, selection, probe)


def _ablate(store: "Store", label: str, model: "AudioModel", study: Study, progress: bool) -> "Ablation":
    from otoscope.interventions import ablate

    together = None if study.each_class else store.labeling(label).classes
    ablation = ablate(store, label, categories=together, model=model, seed=study.seed, progress=progress)
    ablation.save(store.results / f"ablate-{slug(label)}")
    return ablation
