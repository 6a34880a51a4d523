"""Everything that says whether the selections of a labeling are to be believed, gathered in one result."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope import __version__
from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.designs import DesignName, design_of
from otoscope.neurons.evidence.beside_figures import follow, followed_of, notes_of, power_of, tests_of
from otoscope.neurons.evidence.both_ways import half_masks
from otoscope.neurons.evidence.evidence_result import BEST, Evidence
from otoscope.neurons.evidence.figures import FIGURES, agreement_of, counts_of
from otoscope.neurons.evidence.relabelling import only
from otoscope.neurons.evidence.size_bias import size_bias
from otoscope.neurons.evidence.surviving import sentences
from otoscope.neurons.evidence.unseen import unseen
from otoscope.neurons.probability import Recording, labelled_clips
from otoscope.neurons.selecting import select
from otoscope.neurons.selection import Selection, source_of

__all__ = ["Evidence", "evidence"]


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
        splits: how often to split the groups for stability; 0 for none.
        bootstrap: how often to draw whole groups again for the intervals; 0 for none.
        progress: told a line about each step, if given.

    Raises:
        UsageError: an unknown labeling, preset or design, a number out of its range.
        OtoscopeError: a class without a clip, or with clips in one half only for want of groups; a labeling
            that is neither nested nor crossed where `design` does not say; or every preset refuses it.
    """
    if not presets or permutations < 1 or splits < 0 or bootstrap < 0:
        raise UsageError(
            f"presets {list(presets)}, permutations {permutations}, splits {splits}, bootstrap {bootstrap}; "
            "expected one preset or more, 1 permutation or more, and splits and a bootstrap of 0 or more"
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
    followed, notes = followed_of(store, source, label, seed, design, say)
    rows: list[dict[str, Any]] = [{"preset": name, "refused": refused.get(name, "")} for name in names]
    for row in rows:
        if row["refused"]:
            continue
        name, found = row["preset"], selections[row["preset"]]
        say(f"other halves: {name}")
        row |= counts_of(found) | measured.figures(name)
        if splits:
            row |= agreement_of(source, chosen, made, partial(choose, preset=name), splits, seed)
        row |= {"follows": follow(found, followed), "size_bias": size_bias(found.by_category, source, label)}
    table = pd.DataFrame(rows, columns=["preset", "refused", *FIGURES])
    table = table.astype({"preset": "str", "refused": "str", **dict.fromkeys(FIGURES, "float64")})
    effects = measured.table()
    say("testing every neuron")
    tests, said = tests_of(source, label, permutations, seed, design)
    told, why = power_of(source, label, seed, design)
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
        tests=tests,
        notes=(*notes_of(source, chosen, made, selections, measured), *notes, *why, *(() if tests else said)),
        sentences=(*sentences(table, effects, measured.figures(BEST)), *(said if tests else ())),
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
