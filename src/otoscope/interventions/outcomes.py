"""What becomes of every test clip under every condition, as every probe judges it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from otoscope.interventions.probes.fitted import Fitted

__all__ = ["Arrays", "Judge", "dataset_of", "margins"]

Arrays = dict[str, NDArray[np.float32]]

_LEAST_SPREAD = 1e-12  # of an embedding's value over clips, below which it is constant


@dataclass(frozen=True, eq=False)
class Judge:
    """Turns embeddings into what is kept of them.

    Attributes:
        probes: the trained probes.
        truth: of every clip of the store, the number of its class, -1 for none: shape (clips,); for a
            multi-label labeling which classes it bears, bool: shape (clips, classes).
        spread: standard deviation of each value of the embedding over the clips that the probes learnt from.
            Shape (embedding_size,).
    """

    probes: Sequence[Fitted]
    truth: NDArray[np.int64] | NDArray[np.bool_]
    spread: NDArray[np.float64]

    def __call__(
        self, embeddings: NDArray[np.float32], clean: NDArray[np.float32], rows: Sequence[int]
    ) -> Arrays:
        """What is kept of some conditions' embeddings of some clips.

        Args:
            embeddings: shape (conditions, clips, embedding_size).
            clean: those of the unmodified model. Shape (clips, embedding_size).
            rows: the clips' row numbers.

        Returns:
            `displacement`, how far the standardised embedding moves: shape (conditions, clips). Of a
            single-label labeling `margin`, `cross_entropy` and `predicted`, of shape (conditions, probes,
            clips); of a multi-label one `logit`, of shape (conditions, probes, clips, classes).
        """
        moved = (embeddings - clean) / np.where(self.spread > _LEAST_SPREAD, self.spread, np.inf)
        kept: Arrays = {"displacement": np.linalg.norm(moved, axis=2).astype(np.float32)}
        flat = embeddings.reshape(-1, embeddings.shape[2])
        logits = np.stack(
            [probe.logits(flat).reshape(*embeddings.shape[:2], -1) for probe in self.probes], axis=1
        )
        if self.truth.ndim == 2:
            return kept | {"logit": logits.astype(np.float32)}
        truth = np.broadcast_to(self.truth[list(rows)].astype(np.int64), logits.shape[:-1])
        return kept | {
            "margin": margins(logits, truth).astype(np.float32),
            "cross_entropy": _cross_entropy(logits, truth).astype(np.float32),
            "predicted": logits.argmax(axis=-1).astype(np.float32),
        }


def margins(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far the true class leads: its logit minus the largest other one; negative where it does not lead.

    Args:
        logits: shape (..., classes).
        truth: number of the true class. Shape (...).

    >>> margins(np.array([[2.0, 0.5, -1.0]]), np.array([0]))
    array([1.5])
    """
    own = np.take_along_axis(logits, truth[..., None], axis=-1)[..., 0]
    others = logits.copy()
    np.put_along_axis(others, truth[..., None], -np.inf, axis=-1)
    return np.asarray(own - others.max(axis=-1))


def _cross_entropy(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Minus the logarithm of the probability that the softmax gives to the true class (nats)."""
    own = np.take_along_axis(logits, truth[..., None], axis=-1)[..., 0]
    return np.asarray(np.logaddexp.reduce(logits, axis=-1) - own)


def dataset_of(
    arrays: Arrays, probes: Sequence[Fitted], rows: Sequence[int], classes: Sequence[str]
) -> xr.Dataset:
    """Label what `Judge` keeps: dimensions condition, probe, clip (coordinate: row number) and category."""
    dims = {
        "displacement": ("condition", "clip"),
        **dict.fromkeys(("margin", "cross_entropy", "predicted"), ("condition", "probe", "clip")),
        "logit": ("condition", "probe", "clip", "category"),
    }
    coords = {
        "clip": list(rows),
        "probe": [f"{probe.name}@{probe.seed}" for probe in probes],
    }
    if "logit" in arrays:
        coords["category"] = list(classes)
    return xr.Dataset({name: (dims[name], values) for name, values in arrays.items()}, coords=coords)
