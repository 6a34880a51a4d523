"""Meaning or acoustics: what of a labeling's neurons, and of what classes share, follows from the sound.

    all neurons      which descriptor each follows within classes                 `follows`
    chosen neurons   class selectivity before and after the descriptors           `explained`
    classes          shared neurons on acoustic distance, taxonomy and others     `sharing_on_sound`
    rows             the frequencies that the chosen neurons listen to            `listens_to`

A step that the labeling does not allow is left out, and a note says why.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.addresses import flat_index
from otoscope.neurons.baselines import beside, twins_missing
from otoscope.neurons.designs import DesignName
from otoscope.neurons.meaning.account import Acoustics
from otoscope.neurons.meaning.choosing import chosen_neurons
from otoscope.neurons.meaning.explained import EXPLAINED, explained
from otoscope.neurons.meaning.following import descriptor_values, rank_correlations
from otoscope.neurons.meaning.follows import follows
from otoscope.neurons.meaning.result import Follows
from otoscope.neurons.meaning.rows import listens_to
from otoscope.neurons.meaning.sharing import sharing_on_sound
from otoscope.neurons.probability import labelled_clips

__all__ = ["acoustics"]

T = TypeVar("T")

_OF_CLASSES = 1000  # permutations of the matrix regression, at least: they cost nothing
_ROWS = ("low_hz", "high_hz", "selectivity", "reliability")


def acoustics(
    store: Any,
    label: str,
    descriptors: pd.DataFrame | None = None,
    *,
    neurons: Sequence[tuple[int, int]] | None = None,
    preset: str | None = None,
    distances: Mapping[str, pd.DataFrame] | None = None,
    permutations: int = 100,
    alpha: float = 0.05,
    seed: int = 0,
    design: DesignName | None = None,
    progress: Callable[[str], object] | None = None,
) -> Acoustics:
    """What of a labeling's neurons, and of what its classes share, follows from how the clips sound.

    Args:
        store: a recording.
        label: name of a labeling.
        descriptors: one row a clip of the recording; by default what `describe` has measured of the store,
            or measures now.
        neurons: (layer, unit) of those to look at one by one.
        preset: what selects them otherwise; by default "specific", and "aape" where it finds none.
        distances: named class-by-class matrices of one's own, such as distances of text embeddings.
        permutations: behind each test of neurons, at least 1 / alpha - 1.
        alpha: chance of flagging any neuron where none follows anything.
        seed: of everything random.
        design: "ungrouped", "nested" or "crossed"; by default what the labeling and its groups show.
        progress: is told what is being done.

    Raises:
        UsageError: an unknown neuron or preset, too few permutations, descriptors that do not fit.
        OtoscopeError: no clip of a class has descriptors.
    """
    say = progress or (lambda _: None)
    table = _measured(store) if descriptors is None else descriptors
    clips, known, notes = _described(store, table, label)
    chosen, chosen_by, more = chosen_neurons(
        store, label, neurons=neurons, preset=preset, clips=clips, seed=seed
    )
    notes += more
    options: dict[str, Any] = {"permutations": permutations, "seed": seed, "design": design, "clips": clips}
    say("correlating neurons with descriptors")
    followed = _or_note(notes, lambda: follows(store, table, label, alpha=alpha, **options))
    twins = _in_twins(store, table, label, alpha=alpha, say=say, **options) if followed else None
    notes += [missing] if (missing := twins_missing(store)) else []
    used = labelled_clips(store, label, clips)
    rho = rank_correlations(store, table, used.rows) if followed is None else followed.correlations
    found = _followed(store, chosen, rho, followed)
    found[list(EXPLAINED)] = np.nan
    if (used.membership.sum(axis=1) > 1).any():
        notes.append("clips have several classes, so that selectivity cannot be told before and after")
    elif len(found):
        say(f"regressing the descriptors out of {len(found)} neurons")
        pairs = list(zip(found["layer"], found["unit"], strict=True))
        selectivity = _or_note(notes, lambda: explained(store, table, label, pairs, **options))
        if selectivity is not None:
            found[list(EXPLAINED)] = selectivity[list(EXPLAINED)].to_numpy()
    if len(getattr(store, "rows", ())):
        say("looking at firing by frequency row")
        heard = listens_to(store, clips, seed=seed)
        found[list(_ROWS)] = heard[list(_ROWS)].to_numpy()[_flat(store, found)]
    shared = _or_note(
        notes,
        lambda: sharing_on_sound(
            store,
            table,
            label,
            distances=distances,
            permutations=max(_OF_CLASSES, permutations),
            seed=seed,
            clips=clips,
        ),
    )
    notes += [] if shared is None else shared[1]
    regression = None if shared is None else shared[0]
    own = rho.iloc[_flat(store, found)].reset_index(drop=True)
    return Acoustics(
        label, chosen_by, found, own, followed, twins, regression, known, tuple(dict.fromkeys(notes))
    )


def _measured(store: Any) -> pd.DataFrame:
    from otoscope.descriptors import describe  # decoders and process pools: only where sound is read

    return describe(store)


def _or_note(notes: list[str], step: Callable[[], T]) -> T | None:
    """What a step gives; None, and a note with the reason, where the recording does not allow it."""
    try:
        return step()
    except OtoscopeError as error:
        if isinstance(error, UsageError):
            raise
        notes.append(str(error))
        return None


def _in_twins(
    store: Any,
    descriptors: pd.DataFrame,
    label: str,
    *,
    say: Callable[[str], object],
    **options: Any,
) -> pd.DataFrame:
    """How many neurons follow a descriptor in each twin of the recording."""
    rows = []
    for twin, recording in beside(store):
        say(f"the same in twin {twin.name}")
        flags = follows(recording, descriptors, label, **options).table["follows"]
        rows.append((twin.name, int((flags != "").sum()), len(flags)))
    return pd.DataFrame(rows, columns=["twin", "following", "neurons"])


def _described(
    store: Any, descriptors: pd.DataFrame, label: str
) -> tuple[NDArray[np.bool_] | None, pd.DataFrame, list[str]]:
    """The clips that have descriptors (None: all labelled ones), of how many each is known, and notes."""
    rows = labelled_clips(store, label).rows
    names, values = descriptor_values(store, descriptors, rows)
    there = np.isfinite(values)
    some = there.any(axis=1)
    clips = np.zeros(len(store.tokens), dtype=bool)
    clips[rows[some]] = True
    constant = [len(np.unique(column[np.isfinite(column)])) < 2 for column in values.T]
    known = pd.DataFrame({"descriptor": names, "clips": there.sum(axis=0), "constant": constant})
    notes = []
    if not some.all():
        notes.append(f"{(~some).sum()} of {len(rows)} clips have no descriptors and are left out")
    lacking = known[(known["clips"] < some.sum()) & (known["clips"] > 0)]
    for count, part in lacking.groupby("clips"):
        notes.append(f"{_named(part['descriptor'])}: known of {count} of {some.sum()} clips")
    if len(unused := known[known["constant"]]):
        notes.append(f"{_named(unused['descriptor'])}: the same on all clips, or known of none, and not used")
    return (None if some.all() else clips), known, notes


def _named(names: "pd.Series[str]") -> str:
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} descriptors ({names.iloc[0]}, ...)"


def _flat(store: Any, found: pd.DataFrame) -> NDArray[np.int64]:
    pairs = zip(found["layer"], found["unit"], strict=True)
    return np.array([flat_index(store.layers, layer, unit) for layer, unit in pairs], dtype=np.int64)


def _followed(store: Any, chosen: pd.DataFrame, rho: pd.DataFrame, followed: Follows | None) -> pd.DataFrame:
    """The chosen neurons with the descriptor that each goes along with most."""
    flat = _flat(store, chosen)
    columns = ["descriptor", "rho", "within", "p", "follows"]
    if followed is not None:
        return chosen.join(followed.table[columns].iloc[flat].set_index(chosen.index))
    own = rho.to_numpy()[flat]
    size = np.where(np.isfinite(own), np.abs(own), -1.0)
    best, known = size.argmax(axis=1), size.max(axis=1, initial=-1.0) >= 0
    at = np.arange(len(flat)), best
    names = np.where(known, np.array(rho.columns, dtype=object)[best], "")
    return chosen.assign(descriptor=names, rho=own[at], within=np.nan, p=np.nan, follows="")
