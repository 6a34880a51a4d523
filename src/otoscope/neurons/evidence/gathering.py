"""Everything that says whether the selections of a labeling are to be believed, gathered in one result."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope import __version__
from otoscope.descriptors import describe
from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.baselines import twins_missing
from otoscope.neurons.chance import LEAST_DISTINCT, Spread
from otoscope.neurons.designs import Design, DesignName, design_of
from otoscope.neurons.evidence.both_ways import half_masks
from otoscope.neurons.evidence.evidence_result import BEST, Evidence
from otoscope.neurons.evidence.power import power
from otoscope.neurons.evidence.relabelling import only, permuted
from otoscope.neurons.evidence.size_bias import size_bias
from otoscope.neurons.evidence.stability import stability
from otoscope.neurons.evidence.surviving import sentences
from otoscope.neurons.evidence.unseen import Unseen, unseen
from otoscope.neurons.meaning.follows import follows
from otoscope.neurons.probability import LabelledClips, Recording, labelled_clips
from otoscope.neurons.selecting import select
from otoscope.neurons.selection import Selection, source_of

__all__ = ["Evidence", "evidence"]

_RELABELLED = 19  # permutations behind the agreement of halves: the fewest for a p of 0.05

_DESIGNS = {
    "ungrouped": "labels are permuted between clips, which come in no groups",
    "nested": "a group has one label, so that labels are permuted between groups",
    "crossed": "labels vary within groups, so that they are permuted within groups",
}

_DESCRIBED = ("neurons", "coverage", "depth")

_FIGURES = (
    *(f"{name}{end}" for name in _DESCRIBED for end in ("", "_chance", "_low", "_high")),
    "depth_p", "excess", "excess_p", "twins_random", "twins_shuffled", "twins_most", "held_out",
    "held_out_low", "held_out_high", "held_out_twins", "held_out_twins_most", "beyond_twins_low",
    "stability", "stability_chance", "stability_chance_most", "follows", "size_bias",
)  # fmt: skip


def evidence(
    store: Recording,
    label: str,
    *,
    presets: Sequence[str] = ("specific", "aape"),
    permutations: int = 100,
    seed: int = 0,
    design: DesignName | None = None,
    clips: NDArray[np.bool_] | None = None,
    splits: int = 5,
    bootstrap: int = 1000,
    progress: Callable[[str], object] | None = None,
) -> Evidence:
    """Hold the selections of a labeling against permuted labels, twins, unseen clips and other halves.

    Args:
        store: the recording.
        label: name of one of its labelings.
        presets: what selects neurons, see `select`. One that refuses the labeling keeps its row, with the
            reason.
        permutations: of the labels, behind the chance level of each selection.
        seed: of everything random.
        design: "ungrouped", "nested" or "crossed"; by default what the labeling and its groups show.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.
        splits: how often to split the groups for stability.
        bootstrap: how often to draw whole groups again for the intervals; 0 for none.
        progress: told a line about each step, if given.

    Raises:
        UsageError: an unknown labeling, preset or design, a number out of its range.
        OtoscopeError: a class without a clip, or with clips in one half only for want of groups; a labeling
            that is neither nested nor crossed where `design` does not say; or every preset refuses it.
    """
    if not presets or permutations < 1 or splits < 1 or bootstrap < 0:
        raise UsageError(
            f"presets {list(presets)}, permutations {permutations}, splits {splits}, bootstrap {bootstrap}; "
            "expected one preset or more, 1 permutation and 1 split or more, and a bootstrap of 0 or more"
        )
    say = progress or _silent
    names = tuple(dict.fromkeys(presets))
    source = store if clips is None else only(store, label, clips)
    chosen = labelled_clips(source, label)
    made = design_of(chosen.membership, chosen.groups, name=design, label=label)
    half_masks(chosen, seed)  # says which class is in one half only, before any work is done
    choose = partial(_choose, label=label, seed=seed, design=design)
    selections, refused = _selections(source, label, names, permutations, seed, design, say)
    ran = tuple(selections)
    measured = unseen(source, label, ran, choose, bootstrap=bootstrap, seed=seed, say=say)
    followed, notes = _followed(store, source, label, seed, design, say)
    rows: list[dict[str, Any]] = [{"preset": name, "refused": refused.get(name, "")} for name in names]
    for row in rows:
        if row["refused"]:
            continue
        name, found = row["preset"], selections[row["preset"]]
        say(f"other halves: {name}")
        row |= _counts(found) | measured.figures(name)
        row |= _stability(source, chosen, made, partial(choose, preset=name), splits, seed)
        row |= {"follows": _follow(found, followed), "size_bias": size_bias(found.by_category, source, label)}
    table = pd.DataFrame(rows, columns=["preset", "refused", *_FIGURES])
    table = table.astype({"preset": "str", "refused": "str", **dict.fromkeys(_FIGURES, "float64")})
    effects = measured.table()
    told, why = _power(source, label, seed, design)
    return Evidence(
        label=label,
        classes=chosen.classes,
        design=made.name,
        distinct=made.distinct,
        groups=None if chosen.groups is None else len(np.unique(chosen.groups)),
        table=table,
        effects=effects,
        selections=selections,
        power=told,
        notes=(*_notes(source, chosen, made, selections, measured), *notes, *why),
        sentences=sentences(table, effects, measured.figures(BEST)),
        provenance={
            "otoscope": __version__,
            "recording": source_of(store.info),
            "clips": len(chosen.rows),
            "settings": {
                "permutations": permutations, "splits": splits, "bootstrap": bootstrap, "seed": seed
            },
        },
    )  # fmt: skip


def _silent(line: str) -> None:
    del line


def _choose(
    store: Recording,
    preset: str,
    mask: NDArray[np.bool_],
    label: str,
    seed: int,
    design: DesignName | None,
) -> Selection:
    """Neurons alone, without chance level and twins."""
    return select(
        store, label, preset=preset, clips=mask, permutations=0, seed=seed, design=design, twins=False
    )


def _selections(
    store: Recording,
    label: str,
    presets: Sequence[str],
    permutations: int,
    seed: int,
    design: DesignName | None,
    say: Callable[[str], object],
) -> tuple[dict[str, Selection], dict[str, str]]:
    """The selections with their chance levels and twins, and why others are refused.

    Raises:
        OtoscopeError: all are.
    """
    found: dict[str, Selection] = {}
    refused: dict[str, str] = {}
    for name in presets:
        say(f"selecting by {name}, with {permutations:,} permutations and in the twins")
        try:
            found[name] = select(
                store, label, preset=name, permutations=permutations, seed=seed, design=design
            )
        except UsageError:
            raise
        except OtoscopeError as error:
            refused[name] = str(error)
    if not found:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        raise OtoscopeError(f"every preset refuses labeling {label!r}: {reasons}")
    return found, refused


def _counts(selection: Selection) -> dict[str, float]:
    """What was selected, beside its distribution under permutation and the twins."""
    row: dict[str, Any] = {
        "neurons": len(selection.neurons),
        "coverage": selection.coverage,
        "depth": selection.depth,
    }
    chance = selection.chance
    if chance is not None:
        for name in _DESCRIBED:
            spread: Spread = getattr(chance, name)
            row |= {f"{name}_chance": spread.mean, f"{name}_low": spread.low, f"{name}_high": spread.high}
        row |= {"depth_p": chance.depth.p, "excess": chance.found_excess, "excess_p": chance.excess.p}
    if selection.twins is not None and len(selection.twins.table):
        counts = selection.twins.table.groupby("kind")["neurons"].mean()
        row |= {f"twins_{kind}": counts.get(kind, np.nan) for kind in ("random", "shuffled")}
        row["twins_most"] = selection.twins.table["neurons"].max()
    return row


def _stability(
    store: Recording,
    chosen: LabelledClips,
    design: Design,
    choose: Callable[..., Selection],
    splits: int,
    seed: int,
) -> dict[str, float]:
    """Agreement of complementary halves, and the same under permuted labels; none where halves are too few.

    How alike random sets would be says little: neurons that fire seldom are chosen again whatever the labels.
    """
    label = chosen.labeling.name

    def agreement(recording: Recording, times: int, number: int) -> float:
        found = stability(
            recording, label, lambda mask: choose(recording, mask=mask), splits=times, seed=number
        ).table
        pairs = found[found["category"] != ""].groupby("split")[["first", "second", "shared"]].sum()
        either = pairs["first"] + pairs["second"] - pairs["shared"]
        return float((pairs["shared"] / either.where(either > 0)).mean())

    random = np.random.default_rng([seed, 3])
    chance = []
    try:
        found = agreement(store, splits, seed)
        for number in range(_RELABELLED):
            again = agreement(permuted(store, chosen, design, random), 1, seed + 1 + number)
            chance.append(0.0 if np.isnan(again) else again)
    except OtoscopeError as error:
        if isinstance(error, UsageError):
            raise
        return {}  # the same reason as on unseen clips, which a note tells
    return {
        "stability": found,
        "stability_chance": float(np.mean(chance)),
        "stability_chance_most": max(chance),
    }


def _followed(
    store: Recording,
    source: Recording,
    label: str,
    seed: int,
    design: DesignName | None,
    say: Callable[[str], object],
) -> tuple[set[tuple[int, int]] | None, tuple[str, ...]]:
    """The neurons that follow a descriptor; None, and a note, where none have been measured."""
    path = getattr(store, "path", None)
    if path is None or not (Path(path) / "descriptors.parquet").is_file():
        return None, ("Acoustics are not told: otoscope describe measures the descriptors of the clips.",)
    say("acoustic descriptors")
    try:
        described: Any = store
        table = follows(source, describe(described), label, seed=seed, design=design).table
    except OtoscopeError as error:
        return None, (f"Acoustics are not told: {error}.",)
    flagged = table[table["follows"] != ""]
    return set(zip(flagged["layer"], flagged["unit"], strict=True)), ()


def _follow(selection: Selection, followed: set[tuple[int, int]] | None) -> float:
    if followed is None:
        return np.nan
    return sum(each in followed for each in zip(*map(selection.neurons.get, ("layer", "unit")), strict=True))


def _power(
    store: Recording, label: str, seed: int, design: DesignName | None
) -> tuple[Mapping[str, Any] | None, tuple[str, ...]]:
    try:
        return power(store, label, seed=seed, design=design).document(), ()
    except OtoscopeError as error:
        return None, (f"Power is not told: {error}.",)


def _notes(
    store: Recording,
    chosen: LabelledClips,
    design: Design,
    selections: Mapping[str, Selection],
    measured: Unseen,
) -> list[str]:
    said = [f"The design is {design.name}: {_DESIGNS[design.name]}; {design.distinct} distinct permutations."]
    if isinstance(design.distinct, int) and design.distinct < LEAST_DISTINCT:
        said.append(f"Fewer than {LEAST_DISTINCT} distinct permutations: depth and excess are not tested.")
    if design.name == "ungrouped" and chosen.groups is not None:
        said[0] = said[0].replace(", which come in no groups", " although these come in groups")
    if missing := twins_missing(store):
        said.append(f"{missing[0].upper()}{missing[1:]}.")
    for name, selection in selections.items():
        for category, reason in ((selection.test or {}).get("refused") or {}).items():
            said.append(f"{name} does not test class {category!r}: {reason}.")
    said += measured.notes
    few = [name for name, told in zip(measured.classes, measured.varied, strict=True) if not told]
    if few:
        said.append(f"No interval of {', '.join(map(repr, few))}: one group of it in a half.")
    return said
