"""Targets chosen on other clips: the gender neurons of one data set, switched off in another."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from otoscope.activations.store import Store
from otoscope.errors import OtoscopeError
from otoscope.interventions.targets.target import Learning, Maker, Target

__all__ = ["from_store"]


def from_store(other: Store, label: str, maker: Maker) -> Maker:
    """Choose neurons in another recording of the same model.

    All its clips are looked at, save those of files that are also here, outside the learning clips: so it may
    be a recording of the same data set, or this very one under another labeling. Targets say where they are
    from, "gender:female@voxceleb1", and keep their classes where the labeling here has classes of these
    names.

    Args:
        other: the recording to choose in.
        label: one of its labelings.
        maker: chooses the targets there.

    Raises:
        UsageError: no such labeling.
        OtoscopeError: when it is called: a recording of another model, or without a clip to look at.
    """
    labeling = other.labeling(label)

    def make(learning: Learning) -> list[Target]:
        _check_same_model(other, learning.store)
        targets = maker(Learning(other, labeling, _rows(other, learning), learning.seed))
        return [_from(target, learning, f"{label}:{{}}@{other.info['task']['name']}") for target in targets]

    return make


def _from(target: Target, learning: Learning, words: str) -> Target:
    """A target of the other recording as it is here."""
    known = set(target.categories) <= set(learning.labeling.classes)
    return replace(
        target,
        name=words.format(target.name),
        categories=target.categories if known else (),
        of=words.format(target.of) if target.of else "",
    )


def _rows(other: Store, learning: Learning) -> NDArray[np.int64]:
    """The clips to look at: those of files that are not among the clips here, the learning clips excepted."""
    hidden = set(learning.store.clips.loc[~learning.mask, "sha256"])
    rows = np.flatnonzero((other.tokens > 0) & ~other.clips["sha256"].isin(hidden).to_numpy())
    if not len(rows):
        raise OtoscopeError(
            f"{other.path} holds no clip that is not a test clip here; expected other clips to choose "
            "neurons on; try another recording"
        )
    return rows


def _check_same_model(other: Store, here: Store) -> None:
    there, own = other.info["model"], here.info["model"]
    if there["fingerprint"] != own["fingerprint"]:
        raise OtoscopeError(
            f"{other.path} was recorded with {there['name']!r} (fingerprint {there['fingerprint'][:12]}), "
            f"{here.path} with {own['name']!r} ({own['fingerprint'][:12]}); expected the same weights and "
            "front end: a neuron of one model is no neuron of another; record both with one model"
        )
