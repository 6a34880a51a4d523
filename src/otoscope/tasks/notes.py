"""What is worth knowing about a task's clips, but stops nothing: a sentence each."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.cells import class_names, some, texts
from otoscope.tasks.labeling import Labeling
from otoscope.tasks.looking import FULL_SCALE

__all__ = ["SILENT", "label_counts", "notes"]

SILENT = 1e-4
"""A clip whose samples all stay below this, -80 dB of full scale, is called silent."""

_CLIPPED = 1e-3  # share of samples at full scale: one peak, as normalising leaves it, is far less
_SHORT_S = 0.2  # two patches of 16 frames of 10 ms, hardly
_LONG_S = 60.0
_BEYOND = 10.0  # decoding lossy formats overshoots full scale by little; a wrong scale by far
_EQUAL = 4  # clips named of a set with the same content: silence may be there a thousand times
_ORDER = ("train", "valid", "test")


def notes(task: Task, files: pd.DataFrame) -> list[str]:
    """What is worth knowing.

    Args:
        task: its clips are those of `files`, in order.
        files: the table of a `Survey`.
    """
    good = (files["problem"] == "").to_numpy()
    used, clips = files[good], task.clips[good]
    found = [*_mixed(used), *_lengths(used, task.seconds), *_levels(used)]
    twins = _twins(used, clips)
    found += _alike(clips, twins)
    for labeling in task.labelings:
        found += [f"labeling {labeling.name!r}: {note}" for note in _of_labeling(labeling, clips, twins)]
    return found


def label_counts(clips: pd.DataFrame, labeling: Labeling) -> pd.DataFrame:
    """How many clips bear each class: a row a class, columns "all" and, if there is a split, its parts."""
    rows = labeling.labels(clips)
    borne = pd.Series(rows, index=range(len(rows)), dtype=object).explode().dropna()
    table = pd.DataFrame({"all": borne.value_counts().reindex(list(labeling.classes), fill_value=0)})
    if labeling.split is not None:
        for part in _parts(clips, labeling.split):
            within = borne[labeling.in_split(clips, part)[borne.index.to_numpy(dtype=int)]]
            table[part] = within.value_counts().reindex(list(labeling.classes), fill_value=0)
    return table.astype(int)


def _parts(clips: pd.DataFrame, split: str) -> list[str]:
    """The parts of a split: train, valid and test in this order, folds by number."""
    parts = class_names(clips[split], multilabel=False)
    return sorted(parts, key=lambda part: _ORDER.index(part) if part in _ORDER else len(_ORDER))


def _mixed(used: pd.DataFrame) -> Iterator[str]:
    rates = used["sample_rate"].value_counts()
    if len(rates) > 1:
        listed = some([f"{rate:,} Hz ({count:,})" for rate, count in rates.items()])
        yield f"{len(rates)} sample rates: {listed}; each clip is resampled to the model's"
    channels = used["channels"].value_counts()
    if len(channels) > 1 or (channels.index > 1).any():
        listed = some([f"{number} ({count:,})" for number, count in channels.items()])
        yield f"channels (clips): {listed}; they are averaged"


def _lengths(used: pd.DataFrame, seconds: float | None) -> Iterator[str]:
    length = used["seconds"]
    if seconds is not None:
        if (length < seconds).any():
            yield f"{_clips(used[length < seconds])} shorter than {seconds:g} s, and padded with zeros"
        if (length > seconds).any():
            yield f"{_clips(used[length > seconds])} longer than {seconds:g} s, and cropped"
        return
    if (length < _SHORT_S).any():
        yield f"{_clips(used[length < _SHORT_S])} shorter than {_SHORT_S:g} s"
    if (length > _LONG_S).any():
        yield f"{_clips(used[length > _LONG_S])} longer than {_LONG_S:g} s"


def _levels(used: pd.DataFrame) -> Iterator[str]:
    if "peak" not in used:
        return
    peak = used["peak"]
    clipped, beyond = used["clipped"] > _CLIPPED, peak > _BEYOND
    for which, what in (
        (peak == 0, "silent: every sample is 0"),
        (
            (peak > 0) & (peak < SILENT),
            f"silent: no sample reaches {20 * np.log10(SILENT):.0f} dB of full scale",
        ),
        (beyond, f"far beyond full scale, up to {peak.max():g}: are they written as they were meant?"),
        (
            clipped & ~beyond,
            f"clipped: over {_CLIPPED:.1%} of the samples are at full scale ({FULL_SCALE:.5f})",
        ),
    ):
        if which.any():
            yield f"{_clips(used[which])} {what}"


def _twins(used: pd.DataFrame, clips: pd.DataFrame) -> "pd.Series[int]":
    """A number for each set of clips with the same content, of those that are not alone."""
    bounds = [clips[name] for name in ("start", "stop") if name in clips]
    number = used.groupby([used["sha256"], *bounds], dropna=False, sort=False).ngroup()
    return number[number.duplicated(keep=False)]


def _alike(clips: pd.DataFrame, twins: "pd.Series[int]") -> Iterator[str]:
    if len(twins):
        sets = clips.loc[twins.index, "clip"].groupby(twins, sort=False).agg(_equal)
        sounds = "one sound" if len(sets) == 1 else f"{len(sets):,} sounds"
        yield f"{len(twins):,} clips are only {sounds}, the same to the bit: {some(sets, 3)}"


def _of_labeling(labeling: Labeling, clips: pd.DataFrame, twins: "pd.Series[int]") -> Iterator[str]:
    labels = pd.Series(list(map(tuple, labeling.labels(clips))), index=clips.index, dtype=object)
    labelled = labels.map(len) > 0
    pair = twins[labelled[twins.index]]
    unlike = _torn(labels.map(lambda row: "\t".join(sorted(row))), pair)
    if len(unlike):
        listed = some([_equal(clips.loc[rows, "clip"]) for rows in unlike], 3)
        yield f"{_sets(unlike)} of clips with the same content, but not the same label: {listed}"
    if labeling.split is not None:
        part = pd.Series([" ".join(row) for row in texts(clips[labeling.split], False)], index=clips.index)
        leaking = _torn(part, pair)
        if len(leaking):
            listed = some([_equal(clips.loc[rows, "clip"]) for rows in leaking], 3)
            yield f"{_sets(leaking)} of clips with the same content, in several parts of the split: {listed}"
        yield from _leaks(labeling, clips[labelled], part[labelled])
        yield from _absent(labeling, clips)
    if labeling.group is not None:
        yield from _few_groups(labeling, clips, labels)


def _torn(of: "pd.Series[str]", sets: "pd.Series[int]") -> list[list[int]]:
    """The rows of each set within which `of` is not the same."""
    if not len(sets):
        return []
    kinds = of[sets.index].groupby(sets).nunique()
    return [list(sets.index[sets == number]) for number in kinds.index[kinds > 1]]


def _leaks(labeling: Labeling, clips: pd.DataFrame, part: "pd.Series[str]") -> Iterator[str]:
    """Groups, and files cut into several clips, that lie in several parts of the split."""
    shared = [(labeling.group, "groups by {}")] if labeling.group else []
    if "start" in clips:
        shared.append(("path", "files with several clips"))
    for column, what in shared:
        parts = part[part != ""].groupby(clips[column], sort=False).nunique()
        torn = parts.index[parts > 1]
        if len(torn):
            yield (
                f"{len(torn):,} of {len(parts):,} {what.format(column)} lie in several parts of the split "
                f"({some(list(torn), 3)}): a test on one part profits from the others"
            )


def _absent(labeling: Labeling, clips: pd.DataFrame) -> Iterator[str]:
    counts = label_counts(clips, labeling)
    for part in counts.columns[1:]:
        absent = list(counts.index[(counts[part] == 0) & (counts["all"] > 0)])
        if absent:
            yield f"part {part!r} of the split has no clip of {some(absent)}"


def _few_groups(labeling: Labeling, clips: pd.DataFrame, labels: "pd.Series[Any]") -> Iterator[str]:
    assert labeling.group is not None
    borne = labels.explode().dropna()
    groups = clips.loc[borne.index, labeling.group].groupby(borne.to_numpy()).nunique()
    alone = [name for name in labeling.classes if groups.get(name) == 1]
    if alone:
        listed = some(alone)
        classes = "1 class" if len(alone) == 1 else f"{len(alone):,} classes"
        yield f"{classes} with a single group by {labeling.group}: {listed}"


def _clips(rows: pd.DataFrame) -> str:
    """How many clips, and a few names: "2 clips (a.wav, b.wav) are"."""
    listed = some(rows["clip"], 3)
    return f"1 clip ({listed}) is" if len(rows) == 1 else f"{len(rows):,} clips ({listed}) are"


def _equal(names: "pd.Series[str]") -> str:
    """Clips with the same content: "a.wav = b.wav"; of a large set the first few only."""
    shown = " = ".join(names[:_EQUAL])
    return shown if len(names) <= _EQUAL else f"{shown} = {len(names) - _EQUAL:,} more"


def _sets(rows: list[list[int]]) -> str:
    return "1 set" if len(rows) == 1 else f"{len(rows):,} sets"
