"""The measures of a class, clip by clip: values whose mean over clips is the measure.

Whatever is done with means can then be done with any measure: average over seeds and control sets, weigh
groups.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otoscope.interventions.effects.average_precision import precision_shares

if TYPE_CHECKING:
    from otoscope.interventions.effects.collecting import Heard

__all__ = ["SHARES", "classes_tested", "measures_of", "member_of", "per_clip"]

SHARES = ("accuracy", "average_precision")
"""Measures in [0, 1], shown in percent; one of them there is of every labeling."""

_BOTH = ("margin", "cross_entropy")

Values = NDArray[np.float64]


def measures_of(multilabel: bool) -> tuple[str, ...]:
    """What is measured of each class.

    Single-label: `accuracy` (share of the class's clips that the probe names it for), `margin` (mean over
    them of the true class's logit minus the largest other one) and `cross_entropy` (mean, nats).

    Multi-label: `average_precision` (of the class's logit over all test clips), `margin` (mean logit of the
    clips that bear the class minus that of the others) and `cross_entropy` (binary, mean over all test clips,
    nats).
    """
    return ("average_precision" if multilabel else "accuracy", *_BOTH)


def member_of(heard: "Heard") -> NDArray[np.bool_]:
    """Which test clip bears which class. Shape (clips, classes)."""
    if heard.truth.ndim == 2:
        return heard.truth.astype(bool)
    return np.asarray(heard.truth[:, None] == np.arange(len(heard.classes)))


def classes_tested(heard: "Heard") -> list[int]:
    """The classes of which the test clips tell something: some bear them, and some do not."""
    member = member_of(heard)
    tested = member.any(axis=0)
    if heard.truth.ndim == 2:
        tested &= ~member.all(axis=0)
    return [int(k) for k in np.flatnonzero(tested)]


def per_clip(heard: "Heard", k: int) -> tuple[NDArray[np.int64], dict[str, Values]]:
    """The measures of a class, clip by clip.

    Args:
        heard: the experiment.
        k: number of a tested class.

    Returns:
        Which test clips have a part in them, and for each measure an array of shape (conditions, probes,
        these clips): its mean over clips is the measure. Of a mean over all clips and of a difference between
        two means or an average precision, a clip's value is the measure plus the number of clips times its
        derivative by the clip's weight.
    """
    if heard.truth.ndim == 2:
        return np.arange(len(heard.truth)), _by_bearing(heard, k)
    clips = np.flatnonzero(heard.truth == k)
    here = heard.outcomes.isel(clip=clips)
    order = ("condition", "probe", "clip")
    values = {name: here[name].transpose(*order).to_numpy().astype(np.float64) for name in _BOTH}
    return clips, {
        "accuracy": (here["predicted"].transpose(*order).to_numpy() == k).astype(np.float64),
        **values,
    }


def _by_bearing(heard: "Heard", k: int) -> dict[str, Values]:
    bears = np.asarray(heard.truth[:, k], dtype=bool)
    logit = heard.outcomes["logit"].transpose("condition", "probe", "clip", "category")[..., k].to_numpy()
    precision = precision_shares(logit.reshape(-1, logit.shape[-1]), bears).reshape(logit.shape)
    wide = np.where(np.isfinite(logit), logit, np.nan).astype(np.float64)
    return {
        "average_precision": precision,
        "margin": _difference(wide, bears),
        "cross_entropy": np.logaddexp(0.0, np.where(bears, -wide, wide)),
    }


def _difference(logit: Values, bears: NDArray[np.bool_]) -> Values:
    """What each clip adds to the mean logit of the bearers less that of the others."""
    inside = logit[..., bears].mean(axis=-1, keepdims=True)
    outside = logit[..., ~bears].mean(axis=-1, keepdims=True)
    clips = len(bears)
    part = np.where(
        bears, (logit - inside) * (clips / bears.sum()), (outside - logit) * (clips / (~bears).sum())
    )
    return np.asarray(inside - outside + part)
