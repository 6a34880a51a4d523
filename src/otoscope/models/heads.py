"""The classifier that a model was trained with: what it says of a clip's embedding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from otoscope.models.base import AudioModel
from otoscope.models.checkpoints import Checkpoint, CheckpointError, fit, read_checkpoint, require

__all__ = ["Head", "WithHead", "has_evar_head", "head_of", "read_evar_head"]

# EVAR's classifier on a model that it fine-tuned.
_NORM, _MLP, _LINEAR = "module.head.norm.", "module.head.mlp.mlp.", "module.head.mlp.mlp.0."


@dataclass(frozen=True, eq=False)
class Head:
    """A model's own classifier.

    Attributes:
        module: from embeddings, shape (clips, embedding_size), to logits, shape (clips, outputs), in float64.
        size: number of outputs.
        classes: their names; None where the model's files have none.

    >>> head = Head(nn.Linear(2, 3).double(), 3, ("a", "b", "c"))
    >>> head.logits(np.zeros((4, 2))).shape
    (4, 3)
    """

    module: nn.Module
    size: int
    classes: tuple[str, ...] | None = None

    def logits(self, embedding: NDArray[np.floating]) -> NDArray[np.float64]:
        """One value a class, before softmax or sigmoid. Shape (clips, classes)."""
        with torch.inference_mode():
            given = torch.from_numpy(np.ascontiguousarray(embedding, dtype=np.float64))
            return np.asarray(self.module(given).numpy())


class WithHead:
    """A model that may have been trained with a classifier, which is read when it is first asked for.

    It is no part of the encoder: the model's weights and fingerprint are the same with it and without.
    """

    read_head: Callable[[], Head | None] | None = None
    """Reads it from the model's files; set by what loads trained weights."""

    @cached_property
    def head(self) -> Head | None:
        """The classifier; None where there is none.

        Raises:
            OtoscopeError: it cannot be read.
        """
        return None if self.read_head is None else self.read_head()


def head_of(model: AudioModel) -> Head | None:
    """A model's own classifier; None for models that have or show none."""
    head: Head | None = getattr(model, "head", None)
    return head


def has_evar_head(checkpoint: Checkpoint) -> bool:
    """Whether a weight file has a classifier of EVAR's."""
    return f"{_LINEAR}weight" in checkpoint.tensors


def read_evar_head(path: str | Path, embedding_size: int, allow: Sequence[str] = ()) -> Head:
    """The classifier that EVAR's fine-tuning put on an M2D: a batch norm and a linear map, without names.

    EVAR numbers classes by the alphabetical order of their labels. A head on flat features, which are the
    mean over the rows of the embedding, is spread over the rows.

    Args:
        path: of the weight file.
        embedding_size: of the model.
        allow: see `read_checkpoint`.

    Raises:
        CheckpointError: it cannot be read, is incomplete, has hidden layers or is for another embedding.
    """
    tensors = read_checkpoint(path, allow).tensors
    if deeper := [key for key in tensors if key.startswith(_MLP) and not key.startswith(_LINEAR)]:
        raise CheckpointError(
            Path(path), f"has a classifier of several layers ({deeper[0]}); expected a linear one"
        )
    ranks = {f"{_NORM}running_mean": 1, f"{_NORM}running_var": 1, f"{_LINEAR}weight": 2, f"{_LINEAR}bias": 1}
    require(tensors, ranks, path, "EVAR's linear classifier")
    size, width = tensors[f"{_LINEAR}weight"].shape
    rows, rest = divmod(embedding_size, width)
    if rest:
        raise CheckpointError(
            Path(path), f"has a classifier of {width} features; expected {embedding_size}, or those of a row"
        )
    names = {"0.running_mean": f"{_NORM}running_mean", "0.running_var": f"{_NORM}running_var"}
    spread = {name: tensors[key].repeat(rows) for name, key in names.items()}
    spread["0.num_batches_tracked"] = torch.tensor(0)
    spread["1.weight"] = tensors[f"{_LINEAR}weight"].float().repeat(1, rows) / rows
    spread["1.bias"] = tensors[f"{_LINEAR}bias"]
    module = fit(partial(_evar_classifier, embedding_size, size), spread, path)
    return Head(module.double(), size)


def _evar_classifier(width: int, size: int) -> nn.Module:
    return nn.Sequential(nn.BatchNorm1d(width, affine=False), nn.Linear(width, size))
