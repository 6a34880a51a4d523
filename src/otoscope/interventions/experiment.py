"""Hear the test clips under every condition: resumable, condition by condition and batch by batch."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from otoscope import __version__
from otoscope.activations.progress import counting
from otoscope.activations.store import Store
from otoscope.errors import OtoscopeError
from otoscope.files import replacing, to_json
from otoscope.interventions.outcomes import Arrays, Judge, dataset_of
from otoscope.interventions.running import Batch, Changes, Donors, embed, read_batches
from otoscope.models.base import AudioModel

__all__ = ["Condition", "hear"]

TOLERANCE = 1e-2
"""How far, relative to its length, a clip's embedding may lie from the one that was recorded."""

SAVE_EVERY_S = 20.0
"""Outcomes are written to the cache so often, and less often where writing takes long."""

_CLIP = {"displacement": 1, "margin": 2, "cross_entropy": 2, "predicted": 2, "logit": 2}
"""Which axis of an outcome is the clips; the first is the conditions."""


@dataclass(frozen=True, eq=False)
class Condition:
    """One way in which the test clips are heard.

    Attributes:
        target: name of the target that it belongs to; "" for the unmodified model.
        kind: "intact", "target", or how the control set was matched: "layer", "rate", "displacement",
            "neighbour", "directions" or "components".
        draw: number of the control set, from 1; 0 for what is no control.
        changes: what is changed.
    """

    target: str
    kind: str
    draw: int
    changes: Changes

    @cached_property
    def key(self) -> str:
        """The same for conditions that change the same."""
        words = to_json([change.words() for change in self.changes])
        return hashlib.sha256(words.encode()).hexdigest()[:24]


def hear(
    model: AudioModel,
    store: Store,
    rows: Sequence[int],
    conditions: Sequence[Condition],
    judge: Judge,
    *,
    classes: Sequence[str],
    batch_size: int = 16,
    donors: Donors | None = None,
    cache: Path | None = None,
    progress: bool = False,
) -> xr.Dataset:
    """What becomes of every test clip under every condition.

    Args:
        model: the recorded model.
        store: its recording, whose clips can still be read.
        rows: row numbers of the test clips.
        conditions: the first is the unmodified model. Those that change the same are heard once.
        judge: says what is kept.
        classes: the vocabulary, for a multi-label labeling's dimension `category`.
        batch_size: clips in a forward pass.
        donors: for every `source` of a `Patch`, which clip gives each clip its activations.
        cache: a folder where outcomes are kept as they come, so that the same call goes on where it was
            stopped, and one with more conditions hears those only; nothing is kept by default.
        progress: show a progress bar on stderr.

    Returns:
        See `dataset_of`; the conditions in the order given, the clips in that of `rows`.

    Raises:
        OtoscopeError: a clip that is not as it was recorded, or can no longer be read.
    """
    places = {int(row): place for place, row in enumerate(rows)}
    different = {condition.key: condition.changes for condition in conditions}
    kept = _Kept(cache, list(different), _about(model, store, rows, judge, batch_size, donors))
    todo = [row for row, place in places.items() if not kept.done[: len(different), place].all()]
    clips, recorded = store.clips, store.embedding

    def wanted(batch: Batch) -> list[int]:
        done = kept.done[: len(different), [places[row] for row in batch.rows]].all(axis=1)
        return [0, *(int(number) for number in np.flatnonzero(~done) if number)]  # 0: the clean pass

    batches = read_batches(model, clips, todo, task=store.info["task"], batch_size=batch_size, donors=donors)
    total, before = len(different) * len(places), int(kept.done[: len(different)].sum())
    with counting("ablating", total, before, shown=progress) as advance:
        try:
            for batch, numbers, embeddings in embed(model, batches, list(different.values()), wanted):
                if numbers[0] == 0:
                    clean = embeddings[0]
                    _check_same(clips, recorded, batch, clean)
                at = [places[row] for row in batch.rows]
                advance(kept.add(numbers, at, judge(embeddings, clean, batch.rows)))
        finally:
            kept.save()  # also what a run that was stopped has heard
    arrays = {name: values[: len(different)] for name, values in kept.arrays.items()}
    heard = dataset_of(arrays, judge.probes, list(places), classes)
    number = {key: place for place, key in enumerate(different)}
    return heard.isel(condition=[number[condition.key] for condition in conditions])


class _Kept:
    """Outcomes of conditions and clips, as far as they are known, in memory and in a file of a folder.

    A file is of one experiment, by whose hash it is named. It also keeps the conditions that are not asked
    for this time.

    Args:
        folder: None keeps them in memory only.
        keys: of the conditions asked for, which come first.
        about: all that outcomes depend on beside the conditions.
    """

    def __init__(self, folder: Path | None, keys: Sequence[str], about: Mapping[str, Any]) -> None:
        name = hashlib.sha256(to_json(about).encode()).hexdigest()[:16]
        self._path = None if folder is None else folder / f"outcomes-{name}.npz"
        known = _read(self._path) if self._path is not None and self._path.is_file() else {}
        rows = {str(key): row for row, key in enumerate(known.get("keys", ()))}
        self._keys = list(dict.fromkeys([*keys, *rows]))
        self.arrays: Arrays = {}
        self.done = np.zeros((len(self._keys), about["clips"]), dtype=bool)
        self._pause, self._saved = SAVE_EVERY_S, time.monotonic()
        own = [place for place, key in enumerate(self._keys) if key in rows]
        if own:
            theirs = [rows[self._keys[place]] for place in own]
            self._allocate({name: values for name, values in known.items() if name in _CLIP})
            for name, values in self.arrays.items():
                values[own] = known[name][theirs]
            self.done[own] = known["done"][theirs]

    def add(self, numbers: Sequence[int], at: Sequence[int], arrays: Arrays) -> int:
        """Put in what became of some clips under some conditions; how many of these pairs are new."""
        self._allocate(arrays)
        pairs = np.ix_(numbers, at)
        for name, values in arrays.items():
            np.moveaxis(self.arrays[name], _CLIP[name], 1)[pairs] = np.moveaxis(values, _CLIP[name], 1)
        new = int((~self.done[pairs]).sum())
        self.done[pairs] = True
        if time.monotonic() - self._saved > self._pause:
            self.save()
        return new

    def save(self) -> None:
        """Write all that is known."""
        if self._path is None or not self.arrays:
            return
        start = time.monotonic()
        known: dict[str, Any] = {"keys": self._keys, "done": self.done, **self.arrays}
        with replacing(self._path) as temporary:
            np.savez(temporary, **known)
        self._saved = time.monotonic()
        self._pause = max(SAVE_EVERY_S, 20 * (self._saved - start))

    def _allocate(self, like: Arrays) -> None:
        """Make room for all conditions and clips, once."""
        for name, values in like.items():
            if name not in self.arrays:
                shape = list(values.shape)
                shape[0], shape[_CLIP[name]] = self.done.shape
                self.arrays[name] = np.full(shape, np.nan, dtype=np.float32)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            known = {name: file[name] for name in file.files}
        return {"keys": known["keys"], "done": known["done"], **known}
    except (ValueError, EOFError, BadZipFile, TypeError, KeyError) as error:
        raise OtoscopeError(
            f"{path} cannot be read ({error}); expected outcomes that `otoscope ablate` kept; was it cut "
            "short or changed? try removing it: what it held is heard again"
        ) from None


def _about(
    model: AudioModel,
    store: Store,
    rows: Sequence[int],
    judge: Judge,
    batch_size: int,
    donors: Donors | None,
) -> dict[str, Any]:
    """All that outcomes depend on beside the conditions."""
    clips = store.clips
    given = {source: sorted(giver.items()) for source, giver in (donors or {}).items()}
    return {
        "otoscope": __version__,
        "model": model.fingerprint,
        "computed": [str(model.device), str(model.dtype)],
        "task": store.info["task"],
        "clips": len(rows),
        "rows": _hash(
            np.asarray(rows), *(clips[name].astype(str).to_numpy(str) for name in ("clip", "path"))
        ),
        "probes": [_hash(probe.logits(_some(judge.spread))) for probe in judge.probes],
        "truth": _hash(judge.truth),
        "batch_size": batch_size,
        "donors": _hash(np.frombuffer(to_json(given).encode(), dtype=np.uint8)),
    }


def _some(spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Some embeddings, the same for the same spread, by which probes are told apart."""
    return np.random.default_rng(0).normal(size=(8, len(spread))) * spread


def _hash(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _check_same(
    clips: pd.DataFrame, recorded: NDArray[np.float32], batch: Batch, embedding: NDArray[np.float32]
) -> None:
    """Refuse clips that differ from what was recorded: the probe has learnt from the latter."""
    before = recorded[list(batch.rows)]
    apart = np.linalg.norm(embedding - before, axis=1)
    far = np.flatnonzero(apart > TOLERANCE * np.linalg.norm(before, axis=1))
    if len(far):
        raise OtoscopeError(
            f"{clips['path'].iloc[batch.rows[int(far[0])]]}: the intact model's embedding of this clip is "
            "not the one that was recorded; expected the same audio: put the same file back, or record again"
        )
