"""A study: models by tasks, recorded, dissected, probed and ablated into one folder, ending in a report.

The miniature study of `otoscope demo` is one of these.
"""

from collections.abc import Callable
from dataclasses import dataclass
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


def run(
    study: Study,
    out: str | Path,
    *,
    limit: int | None = None,
    say: Callable[[str], None] = lambda _: None,
    progress: bool = False,
) -> StudyResult:
    """Run a study into one folder: `stores/`, `report/`, `study.json` and `summary.parquet`/`.csv`.

    Recordings that an earlier run finished are kept, so that a study that was stopped goes on where it was.

    Args:
        study: what to run.
        out: the folder.
        limit: record this many clips of each task only, to try things out.
        say: called with one line as each step begins.
        progress: show a progress bar while recording and ablating.

    Raises:
        OtoscopeError: from any step, by its own message.
    """
    from otoscope.models import load_model
    from otoscope.reporting import report
    from otoscope.tasks import load_task

    folder = Path(out)
    tasks = {spec: load_task(spec) for spec in study.tasks}
    dissections: list[Dissection] = []
    ablations: list[Ablation] = []
    stores: list[Store] = []
    for spec in study.models:
        model = load_model(spec)
        for heard, task in tasks.items():
            say(f"{spec} listens to {heard}")
            place = folder / "stores" / f"{slug(spec)}-{slug(heard)}.zarr"
            store = _record(model, task, place, limit, progress)
            stores.append(store)
            for label in store.labelings:
                dissections.append(_dissect(store, label, study, spec, heard))
                if (spec, label) in study.ablations:
                    say(f"{spec} with the class-specific neurons of {label} off")
                    ablations.append(_ablate(store, label, model, study, progress))
    say("writing the report")
    page = report(stores, folder / "report")
    result = StudyResult(tuple(dissections), tuple(ablations), page)
    write_json(folder / "study.json", result.document())
    write_table(folder / "summary", result.table)
    return result


def _record(model: "AudioModel", task: "Task", place: Path, limit: int | None, progress: bool) -> "Store":
    from otoscope.activations import record

    return record(model, task, place, limit=limit, progress=progress)


def _dissect(store: "Store", label: str, study: Study, model: str, task: str) -> Dissection:
    from otoscope.interventions import probe_accuracy
    from otoscope.neurons import select, share

    selection = select(store, label, permutations=study.permutations, seed=study.seed)
    selection.save(store.results / f"select-{slug(label)}")
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
