"""Which clips a probe learns from and which it is judged on.

A data set's own split is used where it has one. Otherwise the clips are dealt into folds, stratified by
class where a clip has one, and clips of one group (the same speaker, say) never stand on both sides: a probe
that recognises the speaker would pass for one that recognises the emotion.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from otoscope.errors import OtoscopeError, UsageError
from otoscope.tasks.labeling import Labeling

FOLDS = 5
"""Folds where the data set has no split of its own; fewer where a class has fewer groups."""

_DEALERS: dict[tuple[bool, bool], Any] = {  # multi-label, and with groups
    (False, False): StratifiedKFold,
    (False, True): StratifiedGroupKFold,
    (True, False): KFold,
    (True, True): GroupKFold,
}
_NAMES = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}


@dataclass(frozen=True)
class Fold:
    """Row numbers of the clips to learn from, to stop training by (may be empty) and to judge on."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    @property
    def learning(self) -> np.ndarray:
        """Row numbers of all clips outside the test set, in order."""
        return np.sort(np.concatenate([self.train, self.valid]))


@dataclass(frozen=True)
class Splits:
    """Folds, and a sentence that says how they were made."""

    folds: tuple[Fold, ...]
    description: str


def truth_of(labeling: Labeling, clips: pd.DataFrame) -> np.ndarray:
    """What a probe is to say of each clip.

    Returns:
        The class as an index into `labeling.classes`, -1 where a clip has no label: shape (clips,). Of a
        multi-label labeling which classes a clip bears, bool: shape (clips, classes).

    Raises:
        OtoscopeError: the labeling has a single class: there is nothing to tell apart.
    """
    if len(labeling.classes) < 2:
        raise OtoscopeError(
            f"labeling {labeling.name!r} has {len(labeling.classes)} class; expected at least 2"
        )
    member = labeling.membership(clips)
    if labeling.multilabel:
        return member
    return np.where(member.any(axis=1), member.argmax(axis=1), -1)


def make_splits(labeling: Labeling, clips: pd.DataFrame, usable: np.ndarray, *, seed: int = 0) -> Splits:
    """Deal clips into folds of training, validation and test clips.

    In this order: by the labeling's split column, which holds train, valid and test or the numbers of folds;
    else by folds that keep its groups whole; else by folds of clips. The folds are stratified by class, which
    has no meaning for a multi-label labeling: there they are dealt at random. Clips whose split is missing
    are not used. A fold in which no training clip has some class of its test set is refused.

    Args:
        labeling: single-label or multi-label.
        clips: the table of clips, as the task or the store has it.
        usable: which clips may be used, shape (clips,); those without a label are left out anyway.
        seed: of the dealing; a split column leaves nothing to chance.

    Raises:
        OtoscopeError: a split column with other values, or a class that cannot be both learnt and tested.
    """
    truth_of(labeling, clips)  # refuses what has nothing to tell apart
    member = labeling.membership(clips)
    rows = np.flatnonzero(usable & member.any(axis=1))
    groups = labeling.groups(clips)
    if labeling.split is not None:
        splits = _by_column(labeling.split, clips, rows)
        splits = Splits(splits.folds, splits.description + _leak(labeling, splits.folds, groups))
    else:
        splits = _by_chance(labeling, member, rows, groups, seed)
    for fold in splits.folds:
        unseen = member[fold.test].any(axis=0) & ~member[fold.train].any(axis=0)
        if unseen.any():
            names = ", ".join(repr(labeling.classes[k]) for k in np.flatnonzero(unseen))
            raise OtoscopeError(
                f"labeling {labeling.name!r}, {splits.description}: {names} occurs in test and not in "
                "training; expected every class on both sides: add clips, or use another split"
            )
    return splits


def thinned(fold: Fold, truth: np.ndarray, groups: np.ndarray | None, clips: int, *, seed: int = 0) -> Fold:
    """The same fold with at most so many test clips: of all classes alike, and of as many groups as can be.

    Args:
        fold: as `make_splits` deals them.
        truth: of every clip, as `truth_of` gives it.
        groups: of every clip, or None where each stands for itself.
        clips: the most test clips.
        seed: of the draw.

    Raises:
        UsageError: fewer clips than the test set has classes.
    """
    if len(fold.test) <= clips:
        return fold
    member = truth if truth.ndim == 2 else truth[:, None] == np.arange(truth.max() + 1)
    place, kind = np.nonzero(member[fold.test])
    if clips < len(np.unique(kind)):
        raise UsageError(
            f"clips is {clips}; expected at least {len(np.unique(kind))}, one of each class in the test set"
        )
    unit = fold.test if groups is None else groups[fold.test]
    drawn = pd.DataFrame({"place": place, "kind": kind, "unit": unit[place]}).sample(
        frac=1, random_state=seed
    )
    drawn["round"] = drawn.groupby(["kind", "unit"]).cumcount()  # every group's first clip before any second
    drawn = drawn.sort_values("round", kind="stable")
    drawn["turn"] = drawn.groupby("kind").cumcount()
    taken = drawn.groupby("place", sort=False)["turn"].min().sort_values(kind="stable").index[:clips]
    return replace(fold, test=fold.test[np.sort(taken)])


def _by_column(column: str, clips: pd.DataFrame, rows: np.ndarray) -> Splits:
    values = clips[column].iloc[rows]
    rows, values = rows[values.notna().to_numpy()], values[values.notna()]
    words = values.astype(str).str.strip().str.lower()
    if words.isin(list(_NAMES)).all():
        part = words.map(_NAMES).to_numpy()
        fold = Fold(*(rows[part == name] for name in ("train", "valid", "test")))
        if not len(fold.train) or not len(fold.test):
            raise OtoscopeError(
                f"split column {column!r} gives {len(fold.train)} usable train clips and {len(fold.test)} "
                "test clips; expected some of each"
            )
        sizes = f"{len(fold.train)} train, {len(fold.valid)} valid, {len(fold.test)} test clips"
        return Splits((fold,), f"the data set's split (column {column!r}: {sizes})")
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    if np.isnan(numbers).any():
        wrong = values.iloc[int(np.flatnonzero(np.isnan(numbers))[0])]
        raise OtoscopeError(
            f"split column {column!r} holds {wrong!r}; expected train, valid and test throughout, or the "
            "numbers of folds"
        )
    names = np.unique(numbers)
    if len(names) < 2:
        raise OtoscopeError(
            f"split column {column!r} has the single fold {names[0]:g}; expected at least 2 folds"
        )
    folds = tuple(_fold(rows, np.flatnonzero(numbers == name)) for name in names)
    return Splits(folds, f"the data set's {len(folds)} folds (column {column!r})")


def _by_chance(
    labeling: Labeling, member: np.ndarray, rows: np.ndarray, groups: np.ndarray | None, seed: int
) -> Splits:
    unit = rows if groups is None else groups[rows]
    # A class can be in no more test folds than it has groups (clips, where there are none).
    clip, k = np.nonzero(member[rows])
    counts = pd.DataFrame({"k": k, "g": unit[clip]}).groupby("k")["g"].nunique()
    if len(counts) < 2:
        raise OtoscopeError(
            f"labeling {labeling.name!r} has usable clips of {len(counts)} class{'es' * (len(counts) != 1)}; "
            "expected at least 2 classes to tell apart"
        )
    if int(counts.min()) < 2:
        few = ", ".join(repr(labeling.classes[int(k)]) for k in counts.index[counts < 2])
        what = "clip" if groups is None else f"group of the column {labeling.group!r}"
        raise OtoscopeError(
            f"labeling {labeling.name!r} has one {what} only for {few}; expected 2 or more for every class, "
            "so that it can be learnt and tested: add clips, or leave the class out"
        )
    # Folds that are not stratified need not be as few as the rarest class's groups, but as all groups.
    n_folds = min(FOLDS, len(np.unique(unit)) if labeling.multilabel else int(counts.min()))
    dealer = _DEALERS[labeling.multilabel, groups is not None](n_folds, shuffle=True, random_state=seed)
    index = None if labeling.multilabel else member[rows].argmax(axis=1)
    dealt = dealer.split(rows, index, None if groups is None else unit)
    folds = tuple(_fold(rows, test) for _, test in dealt)
    how = "at random" if labeling.multilabel else "stratified by class"
    kept = "" if groups is None else f", clips of one {labeling.group} kept together"
    return Splits(folds, f"{n_folds} folds {how}{kept} (seed {seed})")


def _fold(rows: np.ndarray, test: np.ndarray) -> Fold:
    return Fold(np.delete(rows, test), rows[:0], rows[test])


def _leak(labeling: Labeling, folds: tuple[Fold, ...], groups: np.ndarray | None) -> str:
    """Say so where a published split has clips of one group on both sides; it is used all the same."""
    if groups is None:
        return ""
    shared = max(len(np.intersect1d(groups[fold.learning], groups[fold.test])) for fold in folds)
    return f"; up to {shared} groups of {labeling.group!r} lie on both sides" if shared else ""
