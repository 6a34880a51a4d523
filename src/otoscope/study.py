"""A study: models by tasks, recorded beside their twins, dissected and ablated into one folder, and a report.

The miniature study of `otoscope demo` is one of these.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.files import slug, write_json, write_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from otoscope.activations import Store
    from otoscope.activations.twins import Twin
    from otoscope.interventions import Ablation, ProbeScore
    from otoscope.interventions.controls.drawing import Match
    from otoscope.interventions.targets import Learning, Maker, Target
    from otoscope.models import AudioModel
    from otoscope.neurons import Selection
    from otoscope.neurons.evidence.gathering import Evidence


@dataclass(frozen=True)
class Study:
    """What to run.

    Attributes:
        models: specs that `load_model` takes.
        tasks: specs that `load_task` takes; every labeling of each is dissected.
        ablations: (model, labeling) pairs whose class-specific neurons are switched off.
        each_class: hold each class's neurons against control sets of their own; by default only all of a
            labeling's together, and the classes against one another.
        gains: of all of them together, for the curve of dose and response.
        matched: kinds of control sets.
        permutations: label permutations behind every chance level and the tests of sharing.
        twins: untrained twins recorded beside each trained model.
        shuffled: twins with the trained weights shuffled, likewise.
        splits: how often the groups are split in halves, for the stability.
        bootstrap: draws of groups behind the intervals of held-out effects.
        neurons: at most so many have a page in the report.
        seed: seed of permutations, halves, probe splits and control draws.
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    ablations: tuple[tuple[str, str], ...] = ()
    each_class: bool = False
    gains: tuple[float, ...] = (0.0, 0.5)
    matched: "tuple[Match, ...]" = ("displacement",)
    permutations: int = 100
    twins: int = 2
    shuffled: int = 1
    splits: int = 3
    bootstrap: int = 200
    neurons: int = 100
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
    gains=(0.0, 0.5, 2.0),
    matched=("layer", "displacement", "neighbour"),
)
"""The whole miniature: every class of every labeling is ablated, on every model."""


@dataclass(frozen=True)
class Dissection:
    """One labeling as one model hears it: its class-specific neurons, how they fare, and what a probe reads.

    Attributes:
        model: spec of the model.
        task: spec of the task.
        evidence: what `specific` and `aape` select, and how it fares against every baseline.
        probe: what a linear classifier reads.
    """

    model: str
    task: str
    evidence: "Evidence"
    probe: "ProbeScore"

    @property
    def specific(self) -> "Selection | None":
        """What `specific` selects; None where it refuses the labeling."""
        return self.evidence.selections.get("specific")

    @property
    def selection(self) -> "Selection":
        """What the paper's filters (`aape`) select."""
        return self.evidence.selections["aape"]

    def document(self) -> dict[str, Any]:
        """The words of `select --json` for `aape`; within, those for `specific`, or why it is refused."""
        refused = self.evidence.table.set_index("preset")["refused"].get("specific", "")
        return {
            "model": self.model,
            "task": self.task,
            **self.selection.document(),
            "specific": {"refused": refused} if self.specific is None else self.specific.document(),
            "evidence": self.evidence.document(),
            "probe_accuracy": self.probe.accuracy,
            "probe": self.probe.document(),
        }


def _row(dissection: Dissection) -> dict[str, Any]:
    """What the summary says of one labeling, each count beside its chance level and its twins."""
    row: dict[str, Any] = {"task": dissection.task, "label": dissection.selection.label}
    row["model"] = dissection.model
    table = dissection.evidence.table.set_index("preset")
    for preset, selection in (("specific", dissection.specific), ("aape", dissection.selection)):
        document = {} if selection is None else selection.document()
        chance = document.get("chance") or {}
        for measure in ("neurons", "coverage", "depth"):
            row[f"{preset}_{measure}"] = document.get(measure)
            row[f"{preset}_{measure}_chance"] = (chance.get(measure) or {}).get("mean")
        for kind in ("random", "shuffled"):
            counts = selection.twins.of(kind, "neurons") if selection and selection.twins else []
            row[f"{preset}_twins_{kind}"] = " ".join(f"{count:.0f}" for count in counts)
        for measure in ("held_out", "held_out_twins_most", "beyond_twins_low", "stability"):
            row[f"{preset}_{measure}"] = table[measure].get(preset)
    row["refused"] = table["refused"].get("specific", "")
    chance = dissection.selection.chance
    row["aape_depth_p"] = None if chance is None else chance.depth.p
    return row | {"probe_accuracy": dissection.probe.accuracy}


@dataclass(frozen=True)
class StudyResult:
    """What a study found, and where its report lies."""

    dissections: tuple[Dissection, ...]
    ablations: tuple["Ablation", ...]
    report: Path

    @property
    def table(self) -> pd.DataFrame:
        """One row per task, labeling and model: what was found, beside chance and twins, and the probe."""
        rows = [_row(dissection) for dissection in self.dissections]
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
    shown = progress and workers == 1
    record, hear = (partial(step, study, folder, limit, shown) for step in (_record, _hear))
    heard = []
    with _crew(min(workers, len(pairs))) as spread:
        for position, task in enumerate(spread(record, study.tasks), start=1):
            say(f"recorded {task} ({position} of {len(study.tasks)})")
        for (model, task), one in zip(pairs, spread(hear, pairs), strict=True):
            heard.append(one)
            say(f"{model} has heard {task} ({len(heard)} of {len(pairs)})")
    say("writing the report")
    result = StudyResult(
        tuple(each for one in heard for each in one.dissections),
        tuple(each for one in heard for each in one.ablations),
        report([one.store for one in heard], folder / "report", neurons=study.neurons, progress=progress),
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


def _record(study: Study, folder: Path, limit: int | None, progress: bool, task: str) -> str:
    """Record all models and their twins over one reading of a task; an untrained model has no twins."""
    from otoscope.activations import record_all, with_twins
    from otoscope.activations.twins import unlearned
    from otoscope.models import load_model
    from otoscope.tasks import load_task

    models: list[AudioModel] = []
    places: list[Path] = []
    for spec in study.models:
        model = load_model(spec)
        twins, shuffled = (0, 0) if unlearned(model.name) else (study.twins, study.shuffled)
        family = with_twins([model], [_place(folder, spec, task)], twins, shuffled=shuffled)
        models += family[0]
        places += family[1]
    record_all(models, load_task(task), places, limit=limit, progress=progress)
    return task


def _place(folder: Path, model: str, task: str) -> Path:
    return folder / "stores" / f"{slug(model)}-{slug(task)}.zarr"


def _hear(study: Study, folder: Path, limit: int | None, progress: bool, pair: tuple[str, str]) -> _Heard:
    """Dissect and ablate one model on one task, from its recording."""
    from otoscope.activations import open_store
    from otoscope.models import load_model

    del limit  # the recording has it
    spec, task = pair
    place = _place(folder, spec, task)
    store = open_store(place)
    held: Any = _Held(store)
    ablated = [label for label in store.labelings if (spec, label) in study.ablations]
    model = load_model(spec) if ablated else None
    return _Heard(
        place,
        tuple(_dissect(held, label, study, spec, task) for label in store.labelings),
        tuple(each for label in ablated for each in _ablate(store, label, model, study, progress)),
    )


class _Held:
    """A small store, or a twin of one, whose counts are read once and then held; the rest is its own."""

    def __init__(self, source: "Store | Twin") -> None:
        self._source: Any = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def counts(self, neurons: slice) -> "NDArray[Any]":
        return self._fired[:, neurons]

    def open(self) -> "_Held":
        return self._opened

    @cached_property
    def twins(self) -> "tuple[_Held, ...]":
        return tuple(map(_Held, self._source.twins))

    @cached_property
    def _fired(self) -> "NDArray[Any]":
        fired: NDArray[Any] = self._source.counts(slice(None))
        return fired

    @cached_property
    def _opened(self) -> "_Held":
        return _Held(self._source.open())


def _dissect(store: Any, label: str, study: Study, model: str, task: str) -> Dissection:
    from otoscope.interventions import probe_accuracy
    from otoscope.neurons import sharing_test
    from otoscope.neurons.evidence.gathering import evidence

    found = evidence(
        store,
        label,
        presets=("specific", "aape"),
        permutations=study.permutations,
        splits=study.splits,
        bootstrap=study.bootstrap,
        seed=study.seed,
    )
    found.save(store.results / found.folder)
    for selection in found.selections.values():
        selection.save(store.results / selection.folder)
    shared = sharing_test(store, label, permutations=study.permutations, seed=study.seed)
    shared.save(store.results / f"share-{slug(label)}")
    probe = probe_accuracy(store, label, seed=study.seed)
    write_json(store.results / f"probe-{slug(label)}.json", probe.document())
    return Dissection(model, task, found, probe)


def _ablate(
    store: "Store", label: str, model: "AudioModel | None", study: Study, progress: bool
) -> "Iterator[Ablation]":
    """All classes' neurons together, over some gains and beside controls; then class by class."""
    from otoscope.interventions import ablate
    from otoscope.interventions.targets import class_neurons

    gains = [word for gain in study.gains for word in ("--gain", f"{gain:g}")]
    designs: list[tuple[list[str], Maker, tuple[Match, ...]]] = [
        (["--all", *gains], partial(_all_over_gains, study.gains), study.matched),
        ([], class_neurons(), study.matched if study.each_class else ()),
    ]
    for options, targets, matched in designs:
        place = store.results / f"ablate-{slug(' '.join([label, *options]))}"
        ablation = ablate(
            store,
            label,
            targets=targets,
            matched=matched,
            model=model,
            seed=study.seed,
            cache=place / "outcomes",
            progress=progress,
        )
        ablation.settings["options"] = options
        ablation.save(place)
        yield ablation


def _all_over_gains(gains: tuple[float, ...], learning: "Learning") -> "list[Target]":
    """All classes' neurons switched off, and over some gains."""
    from otoscope.interventions.targets import all_neurons, gains_of

    off = all_neurons()
    return [*off(learning), *gains_of(off, gains)(learning)]
