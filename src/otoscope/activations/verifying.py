"""Hold a store's files against their checksums, and record anew what is no longer as it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.activations.layout import Layout, specs
from otoscope.activations.plan import Plan
from otoscope.activations.seals import CHECKSUMS, sealed
from otoscope.errors import OtoscopeError
from otoscope.files import facts_of, read_json, read_parquet
from otoscope.tasks.base import RESERVED, Task
from otoscope.tasks.pinning import EXPECTED
from otoscope.threads import in_threads

if TYPE_CHECKING:
    from otoscope.models.base import AudioModel

__all__ = ["Verification", "verify"]


@dataclass(frozen=True)
class Verification:
    """What became of a store since it was recorded.

    Attributes:
        path: its folder.
        files: how many were read.
        size: bytes read.
        missing: shards that are not recorded yet.
        damaged: files that are not as they were written. Columns: file, shard (-1 for none), problem.
        mended: whether what was damaged has been recorded anew, and all is as it was written.
        notes: what could not be checked, one sentence each.
    """

    path: Path
    files: int
    size: int
    missing: tuple[int, ...]
    damaged: pd.DataFrame
    mended: bool = False
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged now."""
        return self.mended or self.damaged.empty

    def document(self) -> dict[str, Any]:
        """This as a document that JSON can hold."""
        return {
            "store": str(self.path),
            "files": self.files,
            "bytes": self.size,
            "missing": list(self.missing),
            "damaged": self.damaged.to_dict("records"),
            "mended": self.mended,
            "whole": self.whole,
            "notes": list(self.notes),
        }


def verify(
    store: str | os.PathLike[str],
    *,
    repair: bool = False,
    model: AudioModel | None = None,
    tick: Callable[[int], object] = lambda _: None,
) -> Verification:
    """Read every file of a store, and find those whose content is not what was written.

    Args:
        store: its folder; it need not be complete.
        repair: record damaged shards anew, and only these, from the clips' paths; what else is damaged is
            made again. The clips must be the very files that were recorded.
        model: for a repair, the model, where its name does not find it.
        tick: called with the number of files just read.

    Returns:
        What was found, and whether it is mended.

    Raises:
        OtoscopeError: no store, or its plan is damaged; in a repair, a clip that is another now, or the model
            is not found; what is made anew differs from what was recorded, as on another kind of processor.
    """
    layout = Layout(store)
    plan = _plan(layout)
    found = _checked(layout, plan, tick)
    if not repair or found.damaged.empty:
        return found
    _repair(layout, plan, found, model)
    after = _checked(layout, plan, lambda _: None)
    if not after.damaged.empty:
        raise OtoscopeError(
            f"{layout.path} is recorded anew where it was damaged, and {after.damaged['file'].iloc[0]} "
            f"{after.damaged['problem'].iloc[0]} still; is something else writing to it?"
        )
    return Verification(
        layout.path, found.files, found.size, after.missing, found.damaged, mended=True, notes=found.notes
    )


def _plan(layout: Layout) -> Plan:
    if not layout.plan.is_file():
        raise OtoscopeError(f"{layout.path} has no plan.json; expected a store that `otoscope record` made")
    try:
        plan = Plan.from_document(read_json(layout.plan))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OtoscopeError(
            f"{layout.plan} is damaged ({type(error).__name__}: {error}); nothing else tells how the store "
            "was made; try a copy of it, or recording anew"
        ) from None
    receipts = [_receipt(layout, shard) for shard in range(len(plan.shards))]
    if (written := [each for each in receipts if each]) and all(
        each.get("plan") != plan.digest for each in written
    ):
        raise OtoscopeError(
            f"{layout.plan} is damaged: no receipt is of this plan; try a copy of it, or recording anew"
        )
    return plan


def _receipt(layout: Layout, shard: int) -> dict[str, Any] | None:
    """A shard's receipt, whatever became of its files; None if there is none, {} if it cannot be read."""
    try:
        receipt = read_json(layout.receipts / f"{shard:05d}.json")
    except FileNotFoundError:
        return None
    except OtoscopeError:
        return {}
    return receipt if isinstance(receipt, dict) and isinstance(receipt.get("files"), dict) else {}


def _checked(layout: Layout, plan: Plan, tick: Callable[[int], object]) -> Verification:
    """Read all files that somebody kept a checksum of; those of shards by the receipts that are good."""
    notes: tuple[str, ...] = ()
    damaged: list[_Damage] = []
    try:
        kept = sealed(layout)
    except OtoscopeError:
        kept = {}
        damaged.append((CHECKSUMS, -1, "is damaged"))
    whole = _compared(layout, [(name, _shard_of(name), facts) for name, facts in (kept or {}).items()], tick)
    damaged += whole.damaged
    suspect = {shard for _, shard, _ in damaged}
    receipts = {shard: _receipt(layout, shard) for shard in range(len(plan.shards)) if shard not in suspect}
    missing = tuple(shard for shard, receipt in receipts.items() if receipt is None)
    files: list[_File] = []
    for shard, receipt in receipts.items():
        if receipt is not None and receipt.get("plan") != plan.digest:
            damaged.append((f"receipts/{shard:05d}.json", shard, "is no receipt of this plan"))
        elif receipt is not None:
            files += [(name, shard, facts) for name, facts in receipt["files"].items()]
            files += [(name, shard, None) for name in _strangers(layout, plan, shard, receipt["files"])]
    shards = _compared(layout, files, tick)
    damaged += shards.damaged
    if not missing and layout.clips.name not in {name for name, _, _ in damaged}:
        damaged += _crossed(layout, receipts)
    if kept is None and not missing:
        notes = (f"{CHECKSUMS} is not there: only shards, plan and the table of clips were checked",)
    table = pd.DataFrame(sorted(damaged), columns=["file", "shard", "problem"])
    read = whole.files + shards.files
    return Verification(layout.path, read, whole.size + shards.size, missing, table, notes=notes)


_File = tuple[str, int, dict[str, Any] | None]  # its name, its shard, and its size and checksum
_Damage = tuple[str, int, str]


@dataclass(frozen=True)
class _Compared:
    """What came of reading some files."""

    files: int
    size: int
    damaged: list[_Damage]


def _compared(layout: Layout, files: Sequence[_File], tick: Callable[[int], object]) -> _Compared:
    """Hold files against their checksums."""
    damaged, size = [], 0
    found = in_threads(lambda file: _problem(layout.path / file[0], file[2]), files)
    for (name, shard, _), (problem, read) in zip(files, found, strict=True):
        size += read
        if problem:
            damaged.append((name, shard, problem))
        tick(1)
    return _Compared(len(files), size, damaged)


def _strangers(layout: Layout, plan: Plan, shard: int, known: dict[str, Any]) -> Iterator[str]:
    """Files of a shard that are in no receipt: all in them was blank when it was recorded."""
    for spec in specs(plan):
        for _, file in layout.files_of(spec, shard):
            name = file.relative_to(layout.path).as_posix()
            if name not in known and file.exists():
                yield name


def _shard_of(name: str) -> int:
    """The shard that a file is the receipt of, or -1."""
    folder, _, file = name.partition("/")
    return int(file.removesuffix(".json")) if folder == "receipts" else -1


def _problem(file: Path, facts: dict[str, Any] | None) -> tuple[str, int]:
    """What is wrong with a file, or "", and how many bytes of it were read."""
    if facts is None:
        return "is in no receipt", 0
    try:
        found = facts_of(file)
    except FileNotFoundError:
        return "is missing", 0
    except OSError as error:
        return f"cannot be read: {error.strerror or error}", 0
    if found["bytes"] != facts.get("bytes"):
        return f"has {found['bytes']} bytes in place of {facts.get('bytes')}", found["bytes"]
    return ("" if found == facts else "has another content than was written"), found["bytes"]


def _crossed(layout: Layout, receipts: dict[int, dict[str, Any] | None]) -> Iterator[_Damage]:
    """What the table of clips and the receipts say differently of the clips' files."""
    try:
        hashes = read_parquet(layout.clips, columns=["sha256"])["sha256"].tolist()
    except Exception as error:  # whatever the library raises of bytes that are no table
        yield layout.clips.name, -1, f"cannot be read: {type(error).__name__}"
        return
    for shard, receipt in receipts.items():
        if any(hashes[int(clip)] != sha256 for clip, sha256 in (receipt or {}).get("clips", {}).items()):
            yield f"receipts/{shard:05d}.json", shard, "tells of other clips than clips.parquet"


def _repair(layout: Layout, plan: Plan, found: Verification, model: AudioModel | None) -> None:
    """Take away what is damaged, and let the recording complete what is then missing."""
    from otoscope.activations.again import require_model
    from otoscope.activations.recording import record

    recorded = require_model(layout.path, plan.model, model, plan.settings.device, plan.settings.dtype)
    names = set(found.damaged["file"])
    task = _task(layout, plan, damaged=layout.clips.name in names)
    shards = {shard for shard in found.damaged["shard"] if shard >= 0}
    before = {shard: _receipt(layout, shard) for shard in shards if f"receipts/{shard:05d}.json" not in names}
    with layout.locked():
        for name, shard in zip(found.damaged["file"], found.damaged["shard"], strict=True):
            (layout.path / name).unlink(missing_ok=True)
            if shard >= 0:
                (layout.receipts / f"{shard:05d}.json").unlink(missing_ok=True)
        layout.create(plan)
    settings = plan.settings
    record(
        recorded, task, layout.path, batch_size=settings.batch_size, threads=settings.threads,
        on_bad_audio="skip", special=settings.special, padding=settings.padding, rows=settings.rows,
    )  # fmt: skip
    for shard, receipt in before.items():
        now = _receipt(layout, shard)
        if receipt and now and now["files"] != receipt["files"]:
            raise OtoscopeError(
                f"{layout.path}: shard {shard} is recorded anew and differs from what was recorded; expected "
                "the same on a machine of the same kind; the store is whole again, but not of one kind; try "
                "recording it anew"
            )


def _task(layout: Layout, plan: Plan, *, damaged: bool) -> Task:
    """The task as it was recorded, each clip with the hash that its file must have."""
    if damaged:
        raise OtoscopeError(
            f"{layout.clips} is damaged, which says where the clips lie; try removing that file, then the "
            "same record command again, which writes it anew, and then this one"
        )
    clips = read_parquet(layout.clips)
    if "sha256" in clips:
        clips = clips.assign(**{EXPECTED: clips["sha256"].replace("", None)})
    task = Task(
        plan.task["name"],
        clips.drop(columns=list(RESERVED), errors="ignore"),
        tuple(plan.labelings.values()),
        seconds=plan.task["seconds"],
        citation=plan.task["citation"],
        licence=plan.task["licence"],
        evar_lengths=plan.task.get("evar_lengths", False),
        options=tuple(plan.task.get("options", ())),
    )
    if task.fingerprint != plan.task["fingerprint"]:
        raise OtoscopeError(
            f"{layout.clips} is of another task than the plan; expected the table that was recorded; try "
            "removing that file and the same record command again"
        )
    return task
