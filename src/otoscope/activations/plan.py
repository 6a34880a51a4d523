"""Which clips form which batch of which shard, settled before the first is heard.

A matrix product rounds differently in another batch, and a count may then differ where a pre-activation is
within rounding of zero. So the batches are part of the record: made once from the clips' lengths, stored as
`plan.json`, and followed by whoever records a shard, on however many workers and after whatever interruption.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope import audio
from otoscope.activations.patience import patiently
from otoscope.activations.rows import bands_of
from otoscope.errors import OtoscopeError
from otoscope.provenance import versions
from otoscope.tasks.base import Labeling, Task
from otoscope.threads import in_threads

if TYPE_CHECKING:
    from otoscope.models.base import AudioModel

__all__ = ["SHARD", "Plan", "Settings", "differences", "make_plan", "scan"]

SHARD = 256
"""Clips of a shard: the unit of work, and the rows of one file on disk."""

_FORMAT = 1


@dataclass(frozen=True)
class Settings:
    """What may change a recording's numbers beside model and task.

    Attributes:
        batch_size: clips of a batch, at most.
        threads: threads of one worker's arithmetic; a sum split over other threads may round differently.
        device: kind of device, "cpu", "cuda" or "mps".
        special: whether firing at special positions (CLS) is counted apart.
        padding: whether firing at padding is counted apart.
        dtype: what the model computes in, "float32" or "bfloat16".
        rows: whether firing is also counted by frequency row of the grid of tokens.
    """

    batch_size: int
    threads: int
    device: str
    special: bool = False
    padding: bool = False
    dtype: str = "float32"  # as in the plans of versions that knew nothing else
    rows: bool = False


@dataclass(frozen=True)
class Plan:
    """A recording, settled: of which model on which task, in which batches.

    Attributes:
        model: name, fingerprint, sample_rate, embedding_size, layers, a list of (name, units), grids, the
            grid of tokens of each layer, and rows, each grid's frequency rows, where they are counted.
        task: name, fingerprint, clips (their number), seconds, citation, licence, the labelings'
            documents, and evar_lengths where the length is EVAR's.
        settings: what else may change the numbers.
        versions: of otoscope, Python and the libraries that made the plan.
        counter: type of the counts on disk, "uint16" or, for clips of more than 65,535 tokens, "uint32".
        shard_clips: clips of a shard, 256.
        shards: for each shard its batches, each a list of clip numbers of equal model length.
        problems: clips that no batch holds, with the reason.
    """

    model: dict[str, Any]
    task: dict[str, Any]
    settings: Settings
    versions: dict[str, str]
    counter: str
    shard_clips: int
    shards: list[list[list[int]]]
    problems: dict[int, str]

    @property
    def clips(self) -> int:
        """Number of clips, those with problems included."""
        return int(self.task["clips"])

    @property
    def units(self) -> list[int]:
        """Units of each layer."""
        return [int(units) for _, units in self.model["layers"]]

    @property
    def layer_grids(self) -> list[int]:
        """The grid of tokens of each layer; all 0 in most models."""
        return [int(grid) for grid in self.model.get("grids", [0] * len(self.units))]

    @property
    def grids(self) -> int:
        """Number of grids of tokens."""
        return max(self.layer_grids) + 1

    @property
    def rows_counted(self) -> int:
        """Frequency rows of the grid that has most; 0 where firing is not counted by row."""
        return max((len(bands) for bands in self.model.get("rows", [])), default=0)

    @property
    def neurons(self) -> int:
        """Number of neurons of the model."""
        return sum(self.units)

    @property
    def labelings(self) -> dict[str, Labeling]:
        """The task's labelings by name."""
        made = [Labeling.from_document(document) for document in self.task["labelings"]]
        return {labeling.name: labeling for labeling in made}

    @property
    def digest(self) -> str:
        """SHA-256 of the plan as a document."""
        return hashlib.sha256(json.dumps(self.document(), sort_keys=True).encode()).hexdigest()

    def rows(self, shard: int) -> range:
        """The clips of a shard."""
        return range(shard * self.shard_clips, min((shard + 1) * self.shard_clips, self.clips))

    def document(self) -> dict[str, Any]:
        """This plan as a document that JSON can hold."""
        problems = {str(clip): reason for clip, reason in self.problems.items()}
        return {"format": _FORMAT, **asdict(self), "problems": problems}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Plan":
        """A plan from its document.

        Raises:
            OtoscopeError: the document is of a later format than this version knows.
        """
        if document.get("format") != _FORMAT:
            raise OtoscopeError(
                f"the plan has format {document.get('format')!r}; this version reads format {_FORMAT}; "
                "try a newer otoscope, or record anew"
            )
        fields = {key: value for key, value in document.items() if key != "format"}
        fields["settings"] = Settings(**fields["settings"])
        fields["problems"] = {int(clip): reason for clip, reason in fields["problems"].items()}
        return cls(**fields)


def scan(
    models: Sequence["AudioModel"], task: Task, tick: Callable[[int], object] = lambda _: None
) -> list[tuple[list[int], dict[int, str]]]:
    """Read every clip's header, once for all models.

    Args:
        models: each says whether a clip is long enough.
        task: the clips.
        tick: called with the number of clips just read.

    Returns:
        For each model the samples of each clip at the model's rate (0 for one with a problem), and the
        problems by clip number.
    """
    scanned: list[tuple[list[int], dict[int, str]]] = [([], {}) for _ in models]
    looked = in_threads(lambda clip: _look(models, task, clip), range(len(task.clips)))
    for clip, looks in enumerate(looked):
        for (samples, problems), (number, problem) in zip(scanned, looks, strict=True):
            samples.append(number)
            if problem:
                problems[clip] = problem
        tick(1)
    return scanned


def make_plan(
    model: "AudioModel", task: Task, settings: Settings, samples: Sequence[int], problems: dict[int, str]
) -> Plan:
    """Settle a recording from what `scan` found.

    Raises:
        UsageError: firing was to be counted by row, and the model's tokens are not in rows.
    """
    lengths = [model.length(n) if n else 0 for n in samples]
    shards = [
        batches(lengths[start : start + SHARD], settings.batch_size, start)
        for start in range(0, len(lengths), SHARD)
    ]
    longest = max(samples, default=0)
    positions = len(model.token_grid(longest)) if longest else 0
    return Plan(
        model={
            "name": model.name,
            "fingerprint": model.fingerprint,
            "sample_rate": model.sample_rate,
            "embedding_size": model.embedding_size,
            "layers": [[layer.name, layer.units] for layer in model.layers],
            "grids": [layer.grid for layer in model.layers],
            **({"rows": bands_of(model, longest)} if settings.rows else {}),
        },
        task={
            "name": task.name,
            "fingerprint": task.fingerprint,
            "clips": len(task.clips),
            "seconds": task.seconds,
            "citation": task.citation,
            "licence": task.licence,
            "labelings": [labeling.document() for labeling in task.labelings],
            **({"evar_lengths": True} if task.evar_lengths else {}),
            "options": list(task.options),
        },
        settings=settings,
        versions=versions(),
        counter="uint16" if positions <= np.iinfo(np.uint16).max else "uint32",
        shard_clips=SHARD,
        shards=shards,
        problems=problems,
    )


def batches(lengths: Sequence[int], batch_size: int, start: int = 0) -> list[list[int]]:
    """Cut clips into batches of equal length, in order of each length's first clip; length 0 is left out.

    >>> batches([5, 7, 5, 0, 5], batch_size=2)
    [[0, 2], [4], [1]]
    """
    alike: dict[int, list[int]] = {}
    for clip, length in enumerate(lengths, start):
        if length:
            alike.setdefault(length, []).append(clip)
    return [
        group[first : first + batch_size]
        for group in alike.values()
        for first in range(0, len(group), batch_size)
    ]


def differences(stored: Plan, model: "AudioModel", task: Task, settings: Settings) -> list[str]:
    """What would have to agree for a recording to be continued, and does not; one sentence each."""
    found = []
    for what, had, given in (
        ("model", stored.model, {"name": model.name, "fingerprint": model.fingerprint}),
        ("task", stored.task, {"name": task.name, "fingerprint": task.fingerprint}),
    ):
        if had["fingerprint"] != given["fingerprint"]:
            found.append(
                f"{what}: the store has {had['name']!r} ({had['fingerprint'][:12]}), "
                f"you gave {given['name']!r} ({given['fingerprint'][:12]})"
            )
    layers = [[layer.name, layer.units] for layer in model.layers]
    if stored.model["layers"] != layers:
        found.append(f"layers: the store has {stored.model['layers'][0]} first, you gave {layers[0]} first")
    for name, given in asdict(settings).items():
        had = getattr(stored.settings, name)
        if had != given:
            found.append(f"{name}: the store has {had}, you gave {given}")
    return found


def agreed(stored: Plan, settings: Settings, *, batch_size: int | None, threads: int | None) -> Settings:
    """Settings with the store's batch size and threads where none were asked for."""
    return replace(
        settings,
        batch_size=stored.settings.batch_size if batch_size is None else batch_size,
        threads=stored.settings.threads if threads is None else threads,
    )


def _look(models: Sequence["AudioModel"], task: Task, clip: int) -> list[tuple[int, str]]:
    """Samples of a clip by its header for each model, or 0 and what is wrong with it."""
    path = task.clips["path"].iloc[clip]
    try:
        header = patiently(lambda: audio.header(path))
    except audio.UnreachableError:
        raise
    except audio.AudioError as error:
        return [(0, str(error))] * len(models)
    looks = []
    for model in models:
        try:
            samples = _samples(task, clip, header, model.sample_rate)
            model.length(samples)
            looks.append((samples, ""))
        except OtoscopeError as error:
            looks.append((0, f"{path}: {error}"))
    return looks


def _samples(task: Task, clip: int, header: audio.Header, sample_rate: int) -> int:
    if crop := task.crop(clip):
        return crop.samples(sample_rate)
    row = task.clips.iloc[clip]
    start, stop = (None if pd.isna(row.get(key)) else float(row[key]) for key in ("start", "stop"))
    last = header.seconds if stop is None else min(stop, header.seconds)
    # Never 0, which stands for a problem: the model says what is too short.
    return max(1, round((last - (start or 0.0)) * sample_rate))
