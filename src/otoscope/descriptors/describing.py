"""Describe all clips of a task or a store, in processes, and keep what was found beside the store."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from otoscope import audio
from otoscope.audio import Crop
from otoscope.descriptors.measures import SAMPLE_RATE, VERSION, columns, measure
from otoscope.descriptors.packaged import packaged, packaged_rows
from otoscope.engines import Engine, EngineName, Outcome, Tick, engine_of, require_done
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import path_of, read_parquet, replacing
from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.lengths import crop
from otoscope.tasks.pinning import EXPECTED
from otoscope.tasks.telling import warn

__all__ = ["Recorded", "Tick", "describe", "described", "descriptor_columns"]

_NAME = "descriptors.parquet"
_PIECE = 4  # clips that a worker takes at a time
_SAVE_S = 30.0  # a killed run loses no more than this
_KEYS = ("clip", "sha256", "part", "version")


class Recorded(Protocol):
    """What describing needs of a store."""

    @property
    def path(self) -> Path:
        """Its folder."""
        ...

    @property
    def clips(self) -> pd.DataFrame:
        """One row a clip, with `sha256` and `problem`."""
        ...

    @property
    def info(self) -> Mapping[str, Any]:
        """With the `task`: to what length clips are cropped."""
        ...


@dataclass(frozen=True)
class _Part:
    """One clip to describe: a part of a file, and the hash that the file must have ("" for any)."""

    clip: str
    path: str
    start: float | None
    stop: float | None
    crop: Crop | None
    sha256: str

    @property
    def key(self) -> tuple[str, str, str, int]:
        return self.clip, self.sha256, f"{self.start} {self.stop} {self.crop}", VERSION


def describe(
    task_or_store: Task | Recorded,
    *,
    workers: int = 1,
    engine: EngineName = "local",
    ray_address: str | None = None,
    tick: Tick | None = None,
) -> pd.DataFrame:
    """Acoustic descriptors of every clip, as the models hear it: mono, cropped as the task says.

    Of a store they are kept in its folder, as `descriptors.parquet`, with the hash of each clip's file and
    the version of the descriptors: what is there already is not measured again, and a run that was stopped
    goes on where it was. Those of the embedded miniature travel with the package. Padding is not described.

    Args:
        task_or_store: a task, or an opened store, whose clips are read again from their paths.
        workers: processes; the result is the same.
        engine: "local", or "ray" for workers on a Ray cluster, as for `record`.
        ray_address: of the cluster, as for `record`.
        tick: is called with the number of clips done since the last call.

    Returns:
        One row a clip, in the order of the clips: `clip`, `problem` ("" for a good one), and the descriptors,
        with their units in their names (see `otoscope.descriptors.measures`). A clip that cannot be read, or
        is another than was recorded, has NaN throughout, and a warning tells of it.

    Raises:
        UsageError: fewer than one worker.
        OtoscopeError: no clip can be read; or processes died at some clips again and again, which are named
            once the others are measured.
    """
    if workers < 1:
        raise UsageError(f"workers is {workers}; expected 1 or more")
    where = engine_of(engine, workers, address=ray_address)
    advance = tick or _silently
    _hash.cache_clear()  # a file may have changed since the last call
    parts, problems = _parts(task_or_store)
    cache = None if isinstance(task_or_store, Task) else path_of(task_or_store.path) / _NAME
    rows = packaged_rows(part.key for part in parts) | _kept(cache)
    left = [part for part in parts if part.key not in rows and part.clip not in problems]
    advance(len(parts) - len(left))
    saved = time.monotonic()
    try:
        for part, (values, problem) in _measured(left, where):
            if problem:
                problems[part.clip] = problem
            else:
                rows[part.key] = values
            advance(1)
            if time.monotonic() - saved > _SAVE_S:
                _keep(cache, parts, rows)
                saved = time.monotonic()
    finally:
        if left:
            _keep(cache, parts, rows)
    _tell(problems, len(parts))
    return _table(parts, rows, problems)


def described(store: Recorded) -> pd.DataFrame | None:
    """The descriptors of a store that need no measuring, as `describe` gives them; None if some do.

    They are those that `describe` has kept in the store, and those of the embedded miniature.
    """
    parts, problems = _parts(store)
    rows = packaged_rows(part.key for part in parts) | _kept(path_of(store.path) / _NAME)
    if not rows or any(part.key not in rows and part.clip not in problems for part in parts):
        return None
    return _table(parts, rows, problems)


def _silently(_: int) -> None:
    pass


def descriptor_columns(descriptors: pd.DataFrame) -> list[str]:
    """The columns of a table that are descriptors: those that hold numbers."""
    return [str(name) for name in descriptors.columns if pd.api.types.is_numeric_dtype(descriptors[name])]


def _parts(source: Task | Recorded) -> tuple[list[_Part], dict[str, str]]:
    """What to describe, and the clips that recording has left out already, with the reason."""
    clips = source.clips
    if isinstance(source, Task):
        seconds, evar, pinned, problems = source.seconds, source.evar_lengths, EXPECTED, {}
    else:
        task = source.info["task"]
        seconds, evar, pinned = task["seconds"], task.get("evar_lengths", False), "sha256"
        bad = clips[clips["problem"] != ""]
        problems = dict(zip(bad["clip"].astype(str), bad["problem"], strict=True))
    parts = []
    for _, row in clips.iterrows():
        start, stop = (None if pd.isna(row.get(key)) else float(row[key]) for key in ("start", "stop"))
        sha256 = row.get(pinned)
        known = sha256 if isinstance(sha256, str) else ""
        parts.append(_Part(str(row["clip"]), str(row["path"]), start, stop, crop(row, seconds, evar), known))
    return parts, problems


def _measured(parts: Sequence[_Part], engine: Engine) -> Iterator[tuple[_Part, tuple[dict[str, float], str]]]:
    """The descriptors of each part, or what is wrong with it, as they are there."""
    size = 1 if engine.workers == 1 else _PIECE
    pieces = [tuple(parts[start : start + size]) for start in range(0, len(parts), size)]
    lost = []
    for outcome in engine.run(_describe_piece, None, pieces, _silently):
        if outcome.failed:
            lost += [Outcome(part.clip, failed=outcome.failed) for part in outcome.task]
        else:
            yield from zip(outcome.task, outcome.value, strict=True)
    require_done(lost, "clips")


def _describe_piece(_: None, piece: Sequence[_Part], tick: Tick) -> list[tuple[dict[str, float], str]]:
    del tick  # the results themselves tell how far it is
    return [_described(part) for part in piece]


def _described(part: _Part) -> tuple[dict[str, float], str]:
    try:
        found = _hash(part.path)
        if part.sha256 and found != part.sha256:
            raise audio.altered(part.path, found, part.sha256)
        if (known := packaged(found, *part.key[2:])) is not None:
            return known, ""
        sound = audio.decode(part.path, start=part.start, stop=part.stop, crop=part.crop)
        heard = sound.at(SAMPLE_RATE)
        return measure(heard.samples[: heard.real]), ""
    except OtoscopeError as error:
        return {}, str(error)


@lru_cache(maxsize=64)  # a long recording may be the file of many clips
def _hash(path: str) -> str:
    return audio.content_hash(path)


def _kept(cache: Path | None) -> dict[tuple[Any, ...], dict[str, float]]:
    """The rows that an earlier run has kept, by their keys; none of another version of the descriptors."""
    if cache is None or not cache.is_file():
        return {}
    table = read_parquet(cache)
    if not {*_KEYS, *columns()} <= set(table.columns):
        return {}
    keys = table[list(_KEYS)].itertuples(index=False, name=None)
    values: Any = table[list(columns())].to_dict("records")
    return {key: row for key, row in zip(keys, values, strict=True) if key[1]}


def _keep(
    cache: Path | None, parts: Sequence[_Part], rows: Mapping[tuple[Any, ...], dict[str, float]]
) -> None:
    if cache is None:
        return
    done = [part.key for part in parts if part.key in rows]
    table = pd.DataFrame(
        [dict(zip(_KEYS, key, strict=True)) | rows[key] for key in done], columns=[*_KEYS, *columns()]
    )
    with replacing(cache) as temporary:
        table.to_parquet(temporary, index=False)


def _tell(problems: Mapping[str, str], clips: int) -> None:
    if not problems:
        return
    first = next(iter(problems.values()))
    if len(problems) == clips:
        raise OtoscopeError(f"none of {clips} clips can be described: {first}")
    warn(f"{len(problems)} of {clips} clips have no descriptors ({some(list(problems))}): {first}")


def _table(
    parts: Sequence[_Part], rows: Mapping[tuple[Any, ...], dict[str, float]], problems: Mapping[str, str]
) -> pd.DataFrame:
    blank = dict.fromkeys(columns(), float("nan"))
    return pd.DataFrame(
        [
            {"clip": part.clip, "problem": problems.get(part.clip, ""), **rows.get(part.key, blank)}
            for part in parts
        ]
    )
