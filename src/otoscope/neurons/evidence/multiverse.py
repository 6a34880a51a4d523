"""Multiverse: how each finding of the filters fares over the choices that the paper leaves open.

Firing probabilities, true and permuted, are computed once for each set of clips, of counted positions and
pooling; the filters then run over the whole grid of thresholds on each table.

Entropy divided by log(classes) is no choice here: it orders the neurons as the entropy itself does, so that
every selection is the same, and the depth is divided by one number with true and with permuted labels.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope import __version__
from otoscope.activations.twins import record_words
from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.addresses import positions
from otoscope.neurons.chance import LEAST_DISTINCT, Spread, ignored_groups, permuted_tables
from otoscope.neurons.designs import Design, DesignName, design_of
from otoscope.neurons.evidence.apart import KINDS, CountedToo, counted_apart
from otoscope.neurons.evidence.grid import Grid, Quantiles
from otoscope.neurons.evidence.multiverse_result import CHANCED, CHOICES, Multiverse
from otoscope.neurons.evidence.size_bias import equalised, rank_correlation, size_bias
from otoscope.neurons.filters import PRESETS, Kept, apply_filters, filters_for
from otoscope.neurons.probability import (
    LabelledClips,
    Pooling,
    Recording,
    class_probabilities,
    labelled_clips,
)
from otoscope.neurons.selection import source_of

__all__ = ["equalised", "multiverse", "size_bias"]

_TIE = 1e-12  # nats by which depths that are equal on paper may differ

Masks = Mapping[str, NDArray[np.bool_] | None]


@dataclass(frozen=True)
class _Part:
    """One set of clips, and what may be permuted in it."""

    name: str
    clips: LabelledClips
    design: Design | None

    @property
    def testable(self) -> bool:
        """Whether there are enough distinct permutations for a test."""
        if self.design is None:
            return False
        return isinstance(self.design.distinct, str) or self.design.distinct >= LEAST_DISTINCT


def multiverse(
    store: Recording,
    label: str,
    *,
    response: Sequence[float] = (0.05, 0.9, 0.95),
    share: Sequence[float] = (0.005, 0.01, 0.02),
    assignment: Sequence[float] = (0.9, 0.95, 0.99),
    quantiles: Sequence[Quantiles] = ("global", "layer"),
    pooling: Sequence[Pooling] = ("token", "clip"),
    clips: Masks | None = None,
    permutations: int = 20,
    design: DesignName | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Multiverse:
    """Select with every combination of choices, with true and with permuted labels.

    Where the recording counts special positions or padding apart (`otoscope record --special --padding`),
    whether they count as tokens is a choice as well.

    Args:
        store: a recording.
        label: name of one of its labelings.
        response: quantiles of the response filter, each in [0, 1]; the two readings of the paper, 0.05 and
            0.95, and one between.
        share: shares of the neurons that the selectivity filter keeps, each in [0, 1].
        assignment: quantiles of the assignment filter, each in [0, 1].
        quantiles: "global", over all neurons, "layer", within each layer (as is then the share), or both.
        pooling: "token", "clip" or both.
        clips: which clips to use, masks of shape (clips,) by name, None for all: {"all": None, "train": ...}
            for example; the presets and the paper's reading are marked in the first. By default all, and
            those of the labeling's part "train" if it has one with every class in it.
        permutations: of every combination; 0 for none. The p of 20 can just reach 1/21.
        design: which labels may change places, as in `select`.
        seed: of the permutations, the same for every combination.
        progress: told what is being done, a line at a time.

    Raises:
        UsageError: no value for a choice, one that is given twice or out of range, or an unknown labeling,
            pooling or design.
        OtoscopeError: what `select` refuses: a class without a clip, fewer than two classes, or a labeling
            that is neither nested nor crossed where `design` does not say which to take.

    >>> from otoscope import world
    >>> found = multiverse(world(), "class", pooling=["token"], assignment=[0.95], permutations=2)
    >>> found.choices["response"], found.choices["quantiles"], len(found.table)
    ([0.05, 0.9, 0.95], ['global', 'layer'], 36)
    """
    if permutations < 0:
        raise UsageError(f"permutations is {permutations}; expected 0 or more, for example 20")
    masks = _masks(store, label) if clips is None else dict(clips)
    _check({"clips": list(masks), "quantiles": quantiles, "pooling": pooling, "response": response,
            "share": share, "assignment": assignment})  # fmt: skip
    grid = Grid(quantiles, response, share, assignment)
    parts = [_part(store, label, name, mask, design if permutations else None, permutations)
             for name, mask in masks.items()]  # fmt: skip
    counted, notes = _counted(store)
    reading = _reading(store, parts[0].clips)
    tables: list[pd.DataFrame] = []
    drawn: list[pd.DataFrame] = []
    for part, kinds, pool in product(parts, counted, pooling):
        if progress:
            progress(f"{part.name} clips, {pool} pooling{''.join(f', with {kind}' for kind in kinds)}")
        found, permuted = _over_grid(
            CountedToo.of(store, kinds) if kinds else store, part, grid, pool, reading, permutations, seed
        )
        made: dict[str, Any] = {
            "clips": part.name,
            **{kind: kind in kinds for kind in KINDS},
            "pooling": pool,
        }
        permuted["combination"] += sum(len(table) for table in tables)
        tables.append(found.assign(**made))
        drawn.append(permuted)
    table = pd.concat(tables, ignore_index=True)
    table["preset"] = _presets(table, store, next(iter(masks)))
    findings = [name for name in table.columns if name not in (*CHOICES, "preset")]
    return Multiverse(
        label=label,
        table=table[[*CHOICES, "preset", *findings]],
        permuted=pd.concat(drawn, ignore_index=True),
        permutations=permutations,
        notes=(*notes, *_designs(parts), *_SAME),
        provenance={"otoscope": __version__, "recording": source_of(store.info), "seed": seed},
    )


_SAME = (
    "Entropy divided by log(classes) is no combination of its own: every selection and every p is the same.",
    "The assignment threshold moves neurons and coverage; the depth is the same with each.",
)


def _check(choices: Mapping[str, Sequence[Any]]) -> None:
    for name, values in choices.items():
        if not len(values):
            raise UsageError(f"{name} has no value; expected one or more to choose from")
        if len(set(values)) < len(values):
            raise UsageError(f"{name} is {list(values)}; expected each value once")


def _masks(store: Recording, label: str) -> Masks:
    """All clips; and those to train on, where every class is among them."""
    labeling = store.labeling(label)
    try:
        train = labeling.in_split(store.clips, "train")
        labelled_clips(store, label, train)
    except OtoscopeError:
        return {"all": None}
    return {"all": None, "train": train}


def _part(
    store: Recording,
    label: str,
    name: str,
    mask: NDArray[np.bool_] | None,
    design: DesignName | None,
    permutations: int,
) -> _Part:
    chosen = labelled_clips(store, label, mask)
    made = design_of(chosen.membership, chosen.groups, name=design, label=label) if permutations else None
    return _Part(name, chosen, made)


def _counted(store: Recording) -> tuple[list[tuple[str, ...]], list[str]]:
    """The sets of positions that may count too, and what is to be said of those that cannot."""
    apart = counted_apart(store)
    missing = [kind for kind in KINDS if kind not in apart]
    there = [kind for kind in apart if CountedToo.of(store, [kind]).added.any()]
    notes = [f"No clip has {kind} positions at which a neuron fires, so they are no choice."
             for kind in apart if kind not in there]  # fmt: skip
    if missing:
        notes.append(
            f"Whether {' and '.join(missing)} positions count is left out, since the recording does not "
            f"count them apart; a new one would: {_command(store, KINDS)}"
        )
    if there:
        notes.append(
            f"How many {' or '.join(there)} positions a clip has is taken to be the most that any neuron "
            "fired at."
        )
    subsets = chain.from_iterable(combinations(there, size) for size in range(len(there) + 1))
    return list(subsets), notes


def _command(store: Recording, kinds: Sequence[str]) -> str:
    words = record_words(store.info)
    more = [f"--{kind}" for kind in kinds if f"--{kind}" not in words]
    return shlex.join([*words, *more, "--out", "NEW.zarr"])


def _reading(store: Recording, clips: LabelledClips) -> NDArray[np.int64]:
    """The class-specific neurons of the paper's reading: `aape`, tokens only."""
    p = class_probabilities(store, clips, "token")
    return apply_filters(p, filters_for("aape", _task(store))).specific


def _task(store: Recording) -> str:
    return str(store.info.get("task", {}).get("name", ""))


def _over_grid(
    store: Recording,
    part: _Part,
    grid: Grid,
    pooling: Pooling,
    reading: NDArray[np.int64],
    permutations: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The findings at each point of the grid, one row each; and the permuted ones, one row each and draw."""
    upper = 2 * positions(store.layers)[0] >= len(store.layers)
    kept = list(grid.kept(class_probabilities(store, part.clips, pooling), store.layers))
    sizes = part.clips.membership.sum(axis=0)
    rows = [
        {**point._asdict(), **_chanced(each, upper), **_described(each, sizes, reading)}
        for point, each in zip(grid.points, kept, strict=True)
    ]
    table = pd.DataFrame(rows)
    draws = np.empty((permutations, len(kept), len(CHANCED)))
    if part.design is not None:
        tables = permuted_tables(store, part.clips, part.design, pooling, permutations, seed)
        for draw, p in zip(draws, tables, strict=True):
            draw[:] = [list(_chanced(each, upper).values()) for each in grid.kept(p, store.layers)]
    for number, name in enumerate(CHANCED):
        spreads = [Spread.of(draws[:, row, number]) for row in range(len(kept))]
        for suffix, key in (("", "mean"), ("_low", "low"), ("_high", "high")):
            table[f"chance_{name}{suffix}"] = np.array([getattr(each, key) for each in spreads], dtype=float)
    depth = table["depth"].to_numpy()
    at_least = (draws[:, :, list(CHANCED).index("depth")] >= depth - _TIE).sum(axis=0)
    tested = part.testable & ~np.isnan(depth)
    table["p"] = np.where(tested, (1 + at_least) / (1 + permutations), np.nan)
    draw, row = np.divmod(np.arange(permutations * len(kept)), len(kept))
    permuted = pd.DataFrame(draws.reshape(-1, len(CHANCED)), columns=list(CHANCED))
    permuted.insert(0, "combination", row)
    permuted.insert(1, "permutation", draw)
    return table, permuted


def _chanced(kept: Kept, upper: NDArray[np.bool_]) -> dict[str, float]:
    """The findings that are also computed under permuted labels, as `CHANCED` lists them."""
    specific = kept.specific
    return {
        "neurons": len(specific),
        "coverage": kept.coverage,
        "depth": kept.depth,
        "upper": float(upper[specific].mean()) if len(specific) else float("nan"),
    }


def _described(kept: Kept, sizes: NDArray[np.int64], reading: NDArray[np.int64]) -> dict[str, float]:
    """Class size bias, and agreement with the paper's reading."""
    either = np.union1d(kept.specific, reading)
    shared = np.intersect1d(kept.specific, reading, assume_unique=True)
    return {
        "size_bias": rank_correlation(sizes, kept.assigned.sum(axis=1)),
        "agreement": len(shared) / len(either) if len(either) else float("nan"),
    }


def _presets(table: pd.DataFrame, store: Recording, clips: str) -> "pd.Series[str]":
    """The names of the presets that each combination is: on the first set of clips, tokens only."""
    plain = (table["clips"] == clips) & ~table["special"] & ~table["padding"]
    plain &= (table["pooling"] == "token") & (table["quantiles"] == "global")
    names = [""] * len(table)
    for name in PRESETS:
        filters = filters_for(name, _task(store))
        here = plain.to_numpy(copy=True)
        for threshold in ("response", "share", "assignment"):
            here &= table[threshold].to_numpy() == getattr(filters, threshold)
        for row in np.flatnonzero(here):
            names[row] = f"{names[row]}, {name}" if names[row] else name
    return pd.Series(names, index=table.index, dtype="str")


def _designs(parts: Sequence[_Part]) -> list[str]:
    """What may be permuted in each set of clips, and what is not tested or to be held against it."""
    notes = []
    for part in parts:
        if part.design is None:
            continue
        said = f"Clips {part.name}: {len(part.clips.rows)}, {part.design.name} design, " + (
            f"{part.design.distinct} distinct permutations."
        )
        if not part.testable:
            said += f" A test needs {LEAST_DISTINCT}: none is made."
        notes.append(" ".join(filter(None, [said, ignored_groups(part.clips, part.design)])))
    return notes
