"""Where things lie in a store, and how a shard gets there: its arrays first, its receipt last.

    x.zarr/
      plan.json          which clips form which batch of which shard
      zarr.json          a Zarr 3 group with the arrays fired, mean, peak, peak_token, tokens, embedding
                         (grid_tokens, where layers have grids of tokens of their own; fired_rows, where
                         firing was counted by frequency row)
      clips.parquet      the task's table; once all is recorded, with tokens, sha256 and problem
      receipts/00012.json  shard 12 is done: checksums of its files, hashes of its clips
      runs/*.json        who recorded, when, where, with which versions
      checksums.json     of all these, once all is recorded
      locks/             while it is recorded: what is held, by whatever process
      labels/*.parquet   labelings that it was given later
      results/           what was found out about it later

A shard counts as done by its receipt and never by the presence of its files: a killed process leaves files
half written, and Zarr writes none for a block of zeros.
"""

import math
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr
from numpy.typing import NDArray

from otoscope.activations.locks import lock, waiting_lock
from otoscope.activations.plan import Plan
from otoscope.errors import OtoscopeError
from otoscope.files import abandoned, columns_of, facts_of, is_local, path_of, read_json, write_json

__all__ = ["ArraySpec", "Layout", "blank", "specs"]

_UNITS = 256  # neurons of an inner chunk: one neuron of all clips is read in some 15 ms
# Neurons of a file. Zarr needs a file twice in memory to write it, and glibc keeps for each thread what it
# once had: with all 36,864 neurons of a ViT-B in one file, a recording would grow by some 90 MB at its first
# shard.
_FILE = 2048
_ENCODERS = 8


@dataclass(frozen=True)
class ArraySpec:
    """One array of a store: its name, type and what a row holds.

    Attributes:
        name: as in the Zarr group.
        dtype: NumPy's name of the type.
        width: values a clip; None for one number a clip.
        columns: what the last axis counts ("neuron", "feature", "grid").
        rows: of an axis between these two, the frequency rows; 0 for none.
    """

    name: str
    dtype: str
    width: int | None
    columns: str = "neuron"
    rows: int = 0

    @property
    def inside(self) -> tuple[int, ...]:
        """Shape of what a clip has."""
        return (*([self.rows] if self.rows else []), *([self.width] if self.width else []))

    @property
    def columns_of_file(self) -> int:
        """Columns of one file: whole inner chunks, and no more than are written in little memory."""
        assert self.width is not None
        inner = min(_UNITS, self.width)
        return self.width if self.columns != "neuron" else min(_FILE, -(-self.width // inner) * inner)

    @property
    def fill(self) -> float:
        """What stands where nothing was recorded: 0 in counts, NaN in measurements."""
        return float("nan") if self.dtype == "float32" else 0


def specs(plan: Plan) -> list[ArraySpec]:
    """The arrays of a store."""
    counts, rows = ["fired", "peak_token"], plan.rows_counted
    counts += ["fired_special"] * plan.settings.special + ["fired_padding"] * plan.settings.padding
    return [
        *(ArraySpec(name, plan.counter, plan.neurons) for name in counts),
        ArraySpec("tokens", "uint32", None),
        *([ArraySpec("grid_tokens", "uint32", plan.grids, "grid")] if plan.grids > 1 else []),
        ArraySpec("embedding", "float32", int(plan.model["embedding_size"]), "feature"),
        # The largest come last, when the others are written and their memory is free.
        ArraySpec("mean", "float32", plan.neurons),
        ArraySpec("peak", "float32", plan.neurons),
        *([ArraySpec("fired_rows", plan.counter, plan.neurons, rows=rows)] if rows else []),
    ]


def blank(plan: Plan, shard: int) -> dict[str, NDArray[Any]]:
    """A shard's arrays in memory before anything is recorded."""
    rows = len(plan.rows(shard))
    arrays = {}
    for spec in specs(plan):
        # An anonymous mapping of its own: unlike what malloc gives, it returns to the system when it is let
        # go.
        memory = mmap.mmap(-1, rows * math.prod(spec.inside) * np.dtype(spec.dtype).itemsize)
        array = np.frombuffer(memory, dtype=spec.dtype).reshape(rows, *spec.inside)
        array[:] = spec.fill
        arrays[spec.name] = array
    return arrays


class Layout:
    """The files of one store.

    Args:
        path: the store's folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path_of(path)
        self.plan = self.path / "plan.json"
        self.clips = self.path / "clips.parquet"
        self.receipts = self.path / "receipts"
        self.runs = self.path / "runs"
        self.locks = self.path / "locks"
        self.labels = self.path / "labels"
        self.results = self.path / "results"

    @contextmanager
    def locked(self, tell: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Hold the store as a whole, as one does to settle its plan: made if need be, rid of leftovers.

        Waits until no other process holds it. Shards are recorded without, each under its own claim.

        Args:
            tell: called if that takes a while.

        Raises:
            OtoscopeError: the folder is something else than a store.
        """
        if self.path.is_file():
            raise OtoscopeError(f"{self.path} is a file; expected a folder for the store; try another name")
        self._require_store()
        if not self.local:  # no locks there; whoever settles the plan last, it is the same
            yield
            return
        new = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with waiting_lock(self.locks / "store", tell):
                for file in list(self._leftovers()):
                    file.unlink(missing_ok=True)
                yield
        finally:
            if new and not any(self.path.iterdir()):
                self.path.rmdir()

    @contextmanager
    def claimed(self, shard: int) -> Iterator[bool]:
        """Hold a shard to record it, rid of leftovers; False if another process holds it."""
        if not self.local:
            yield True
            return
        with lock(self.locks / f"{shard:05d}") as held:
            if held:
                for file in self.path.glob(f"*/c/{shard}.*.partial"):
                    file.unlink(missing_ok=True)
                for file in self.path.glob(f"*/c/{shard}/**/*.partial"):
                    file.unlink(missing_ok=True)
            yield held

    @property
    def local(self) -> bool:
        """Whether it lies on a disk, and not behind a URL."""
        return is_local(self.path)

    def group(self, mode: Literal["r", "r+", "a"]) -> zarr.Group:
        """The arrays."""
        place: Any = self.path
        if not self.local:
            place = zarr.storage.FsspecStore.from_url(str(self.path), read_only=mode == "r")
        return zarr.open_group(place, mode=mode, zarr_format=3)

    def create(self, plan: Plan) -> None:
        """Make the arrays that are not there yet; to be called while the store is locked."""
        group = self.group("a")
        for spec in specs(plan):
            if spec.name not in group:
                _create(group, spec, plan.clips, plan.shard_clips)
        for name, values in _addresses(plan.units).items():
            # Made in two steps, they may have been left without their values.
            if name not in group or not np.array_equal(np.asarray(group[name]), values):
                group.create_array(name, data=values, dimension_names=("neuron",), overwrite=True)

    def write(self, plan: Plan, shard: int, block: dict[str, NDArray[Any]]) -> dict[str, dict[str, Any]]:
        """Write a shard's arrays whole, and return size and checksum of each of its files.

        Takes each array out of the block as it is written, so that its memory serves to write the next.
        """
        # Encoding side by side costs memory a thread, but a GPU would wait for anything slower.
        side_by_side = 1 if plan.settings.device == "cpu" else _ENCODERS
        with zarr.config.set({"async.concurrency": side_by_side}):
            return self._write(plan, shard, block)

    def sign(self, shard: int, receipt: dict[str, Any]) -> None:
        """Write a shard's receipt: from now on it is done."""
        write_json(self._receipt(shard), receipt)

    def receipt(self, shard: int) -> dict[str, Any] | None:
        """A shard's receipt; None if the shard is not done, or a file that the receipt names is not whole."""
        try:
            receipt: dict[str, Any] = read_json(self._receipt(shard))
        except (FileNotFoundError, OtoscopeError):  # none, or cut short by a machine that went down
            return None
        for name, facts in receipt["files"].items():
            file = self.path / name
            if not file.exists() or file.stat().st_size != facts["bytes"]:
                return None
        return receipt

    def missing(self, plan: Plan) -> list[int]:
        """The shards that are not done."""
        return [shard for shard in range(len(plan.shards)) if self.receipt(shard) is None]

    def complete(self, plan: Plan) -> bool:
        """Whether every shard is done and the table of clips tells of it."""
        return self.clips.exists() and "tokens" in columns_of(self.clips) and not self.missing(plan)

    def bytes_each(self, plan: Plan) -> float:
        """Disk space of one clip: as the shards that are done take, or uncompressed while there is none."""
        done = {shard: receipt for shard in range(len(plan.shards)) if (receipt := self.receipt(shard))}
        if done:
            size = sum(facts["bytes"] for receipt in done.values() for facts in receipt["files"].values())
            return float(size / sum(len(plan.rows(shard)) for shard in done))
        return float(sum(np.dtype(spec.dtype).itemsize * math.prod(spec.inside) for spec in specs(plan)))

    def _require_store(self) -> None:
        """Refuse a folder with something else in it."""
        if not self.plan.exists() and self.path.is_dir():
            for file in self.path.iterdir():
                if ".partial" not in file.name and file != self.locks:
                    raise OtoscopeError(
                        f"{self.path} exists and is not a store: it has no plan.json; "
                        "expected a new or empty folder; try another name"
                    )

    def _leftovers(self) -> Iterator[Path]:
        """Temporary files, which a process that was killed leaves behind, but for those of shards."""
        for path in self.path.rglob("*.partial*"):
            inside = path.relative_to(self.path).parts
            of_shard = len(inside) > 2 and inside[1] == "c" and inside[0] not in ("layer", "unit")
            if inside[0] != self.results.name and not of_shard and abandoned(path):
                yield path

    def _write(self, plan: Plan, shard: int, block: dict[str, NDArray[Any]]) -> dict[str, dict[str, Any]]:
        group = self.group("r+")
        rows = slice(plan.rows(shard).start, plan.rows(shard).stop)
        files: dict[str, dict[str, Any]] = {}
        for spec in specs(plan):
            array, values = _array(group, spec.name), block.pop(spec.name)
            for part, file in self.files_of(spec, shard):
                # A file of an earlier attempt would survive a block of zeros, of which none is written.
                file.unlink(missing_ok=True)
                array[(rows, *part)] = values[(slice(None), *part)]
                if file.exists():
                    files[file.relative_to(self.path).as_posix()] = _settled(file)
        return files

    def _receipt(self, shard: int) -> Path:
        return self.receipts / f"{shard:05d}.json"

    def files_of(self, spec: ArraySpec, shard: int) -> Iterator[tuple[tuple[int | slice, ...], Path]]:
        """The files of one array's shard, and what each holds of the axes after that of clips."""
        place = self.path / spec.name / "c" / str(shard)
        if spec.width is None:
            yield (), place
            return
        for number, start in enumerate(range(0, spec.width, spec.columns_of_file)):
            columns = slice(start, min(start + spec.columns_of_file, spec.width))
            if not spec.rows:
                yield (columns,), place / str(number)
            for row in range(spec.rows):
                yield (row, columns), place / str(row) / str(number)


def _create(group: zarr.Group, spec: ArraySpec, clips: int, rows: int) -> None:
    common: dict[str, Any] = {"dtype": spec.dtype, "fill_value": spec.fill}
    if spec.width is None:
        group.create_array(spec.name, shape=(clips,), chunks=(rows,), dimension_names=("clip",), **common)
    elif spec.columns == "neuron":
        between = (1,) if spec.rows else ()  # a file for each row
        group.create_array(
            spec.name,
            shape=(clips, *spec.inside),
            chunks=(rows, *between, min(_UNITS, spec.width)),
            shards=(rows, *between, spec.columns_of_file),
            dimension_names=("clip", *(["row"] if spec.rows else []), "neuron"),
            attributes={"coordinates": "layer unit"},
            **common,
        )
    else:  # always read whole
        shape = (clips, spec.width)
        names = ("clip", spec.columns)
        group.create_array(spec.name, shape=shape, chunks=(rows, spec.width), dimension_names=names, **common)


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    array = group[name]
    assert isinstance(array, zarr.Array)
    return array


def _addresses(units: list[int]) -> dict[str, NDArray[Any]]:
    """Layer and unit of every neuron, in flat order."""
    return {
        "layer": np.repeat(np.arange(len(units), dtype=np.int32), units),
        "unit": np.concatenate([np.arange(n, dtype=np.int32) for n in units]),
    }


def _settled(file: Path) -> dict[str, Any]:
    """Size and checksum of a file, once it is on the disk and not only on its way there."""
    if is_local(file):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
    return facts_of(file)
