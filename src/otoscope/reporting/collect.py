"""What the verbs have saved in stores, gathered for a report."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.activations import open_store
from otoscope.errors import UsageError
from otoscope.files import path_of, read_json
from otoscope.neurons import Sharing
from otoscope.neurons.saved import saved_selections

if TYPE_CHECKING:
    from otoscope.activations import Store
    from otoscope.interventions import Ablation
    from otoscope.neurons import Selection
    from otoscope.neurons.evidence.gathering import Evidence
    from otoscope.neurons.evidence.model_comparison import ModelComparison
    from otoscope.neurons.evidence.multiverse_result import Multiverse
    from otoscope.neurons.meaning.account import Acoustics
    from otoscope.neurons.selectors.comparison import Comparison


@dataclass(frozen=True)
class Recorded:
    """One store, and what has been found out about it.

    Attributes:
        number: its place in the report, from 1.
        store: the store itself.
        selections: every saved selection, also those within saved evidence; in a labeling `specific` first.
        sharings: every saved sharing, within a labeling or between two.
        ablations: every saved ablation.
        skipped: why a saved ablation is left out, and the command that makes it again, one sentence each.
        probes: by labeling, the document of the probe's score.
        evidence: by labeling, what was gathered of it.
        acoustics: by labeling, what follows from how the clips sound.
        multiverses: by labeling, every reading of the method.
        comparisons: by labeling, this model beside others.
        selectors: by labeling, selectors side by side.
    """

    number: int
    store: Store
    selections: tuple[Selection, ...]
    sharings: tuple[Sharing, ...]
    ablations: tuple[Ablation, ...]
    skipped: tuple[str, ...]
    probes: dict[str, dict[str, Any]]
    evidence: dict[str, Evidence]
    acoustics: dict[str, Acoustics]
    multiverses: dict[str, Multiverse]
    comparisons: dict[str, ModelComparison]
    selectors: dict[str, Comparison]

    @property
    def name(self) -> str:
        """The store's folder without the way to it: reports are passed on, and paths name people."""
        return Path(self.store.path).name

    @property
    def model(self) -> str:
        """Spec of the model that was recorded."""
        return str(self.store.info["model"]["name"])

    @property
    def task(self) -> str:
        """Name of the task that was recorded."""
        return str(self.store.info["task"]["name"])

    @property
    def found(self) -> list[str]:
        """The labelings that something was found out about, in the order of the task."""
        labels = [each.label for each in self.selections] + [each.label for each in self.ablations]
        labels += [*self.evidence, *self.probes, *self.acoustics, *self.multiverses]
        labels += [*self.comparisons, *self.selectors] + [
            sharing.labels[0] for sharing in self.sharings if sharing.within
        ]
        return sorted(dict.fromkeys(labels), key=_place(self.store))


def collect(stores: Sequence[Store | str | Path]) -> list[Recorded]:
    """Open stores and load every result that lies in them.

    Raises:
        UsageError: no store given.
        OtoscopeError: not a store, or a result that cannot be read.
    """
    if isinstance(stores, (str, Path)) or not hasattr(stores, "__len__"):
        raise UsageError(f"report takes a list of stores; given {stores!r}: put it into a list")
    if not stores:
        raise UsageError(
            "report needs at least one store; given none: name those that `otoscope record` made"
        )
    return [
        _collect(number, open_store(store) if isinstance(store, (str, Path)) else store)
        for number, store in enumerate(stores, start=1)
    ]


def _collect(number: int, store: Store) -> Recorded:
    results = path_of(store.results)
    ablations, skipped = _ablations(store, _folders(results, "ablate-"))
    gathered = _by_label(results, "evidence")
    return Recorded(
        number,
        store,
        saved_selections(results, {label: place for place, label in enumerate(store.labelings)}, gathered),
        tuple(map(Sharing.load, _folders(results, "share-"))),
        ablations,
        skipped,
        {document["label"]: document for document in map(read_json, sorted(results.glob("probe-*.json")))},
        gathered,
        *(_by_label(results, verb) for verb in ("acoustics", "multiverse", "compare", "selectors")),
    )


def _ablations(store: Store, folders: list[Path]) -> tuple[tuple[Ablation, ...], tuple[str, ...]]:
    """Those that can be read; of those not finished, or that an earlier version saved, why not."""
    if not folders:
        return (), ()
    from otoscope.interventions import Ablation  # loads torch: only where there is one to read
    from otoscope.interventions.effects.result import FRAMES

    loaded, skipped = [], []
    for folder in folders:
        names = {path.name for path in folder.iterdir()}
        if "ablation.json" in names and {f"{frame}.parquet" for frame in FRAMES} <= names:
            loaded.append(Ablation.load(folder))
        else:
            skipped.append(_again(store, folder))
    return tuple(loaded), tuple(skipped)


def _again(store: Store, folder: Path) -> str:
    """Why an ablation is left out, and how to make it again as far as is known how it was made."""
    place = folder / "ablation.json"
    document = read_json(place) if place.is_file() else {}
    why = "was saved by an earlier version of otoscope" if document else "is not finished"
    line = f"otoscope ablate {shlex.quote(path_of(store.path).name)}"
    if label := document.get("label"):
        line += f" --label {shlex.quote(label)}"
    options = shlex.join(document.get("options") or [])
    command = " ".join(filter(None, (line, options)))
    return f"The ablation in results/{folder.name} {why} and is left out. This makes it again: {command}"


_RESULTS = {
    "evidence": "otoscope.neurons.evidence.evidence_result:Evidence",
    "acoustics": "otoscope.neurons.meaning.account:Acoustics",
    "multiverse": "otoscope.neurons.evidence.multiverse_result:Multiverse",
    "compare": "otoscope.neurons.evidence.model_comparison:ModelComparison",
    "selectors": "otoscope.neurons.selectors.comparison:Comparison",
}
"""What the folders of a verb hold; loaded only where there is one to read."""


def _by_label(results: Path, verb: str) -> dict[str, Any]:
    """The saved results of a verb, by labeling."""
    folders = _folders(results, f"{verb}-")
    if not folders:
        return {}
    module, name = _RESULTS[verb].split(":")
    kind = getattr(import_module(module), name)
    return {each.label: each for each in map(kind.load, folders)}


def _folders(results: Path, prefix: str) -> list[Path]:
    return sorted(path for path in results.glob(f"{prefix}*") if path.is_dir())


def _place(store: Store) -> Callable[[str], int]:
    """Where a labeling stands in the order of the task's; last, if the task no longer has it."""
    order = list(store.labelings)
    return lambda label: order.index(label) if label in order else len(order)
