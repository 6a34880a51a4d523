"""A linear probe beside the training, so that one sees whether the encoder learns anything of use."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from pandas.api.types import is_integer_dtype
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, StratifiedGroupKFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from otoscope.models.base import Chunk
from otoscope.models.m2d import M2D
from otoscope.pretraining.config import ConfigError
from otoscope.tasks import Labeling, Task, load_task

FOLDS = 3
PENALTY = 0.01  # scikit-learn's C; strong, since there are more features than clips
ITERATIONS = 50  # enough for a monitor, which need not be exact to the last digit
BATCH = 64

Folds = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]


@dataclass(frozen=True)
class _Question:
    task: str
    label: str
    targets: npt.NDArray[np.int64]
    folds: Folds


class Monitor:
    """Probes a model on every single-label labeling of some tasks.

    Clips that share a group are kept together: by the folds that a labeling brings, else by drawn ones.
    Nothing in the training depends on what the monitor says.

    Args:
        specs: tasks, as `load_task` takes them.
        seconds: clips are cropped or padded to this length where the task does not say its own.
        model: the encoder being trained, as an `AudioModel`; it sees what `measure` finds it to be by then.
    """

    def __init__(self, specs: tuple[str, ...], seconds: float, model: M2D) -> None:
        self._model = model
        self._chunks: dict[str, list[list[Chunk]]] = {}
        self._questions: list[_Question] = []
        for spec in specs:
            task = load_task(spec)
            if task.seconds is None:  # batches need clips of one length
                task = load_task(spec, seconds=seconds)
            self._chunks[spec] = list(_prepared(task, model))
            self._questions += [
                _question(spec, task, labeling) for labeling in task.labelings if not labeling.multilabel
            ]

    def measure(self) -> list[dict[str, str | float]]:
        """The cross-validated accuracy of a logistic probe: rows of `task, label, accuracy`."""
        self._model.vit.eval()
        embedded = {spec: self._embed(batches) for spec, batches in self._chunks.items()}
        return [
            {"task": asked.task, "label": asked.label, "accuracy": accuracy(embedded[asked.task], asked)}
            for asked in self._questions
        ]

    @torch.no_grad()
    def _embed(self, batches: list[list[Chunk]]) -> npt.NDArray[np.float32]:
        parts = [
            self._model.embedding(batch, [self._model.forward(chunk) for chunk in batch]) for batch in batches
        ]
        return torch.cat(parts).float().cpu().numpy()


def accuracy(embedding: npt.NDArray[np.float32], asked: _Question) -> float:
    """The share of clips that a standardised, regularised logistic regression gets right, out of fold."""
    right = np.zeros(len(embedding), dtype=bool)
    for training, test in asked.folds:
        scaler = StandardScaler().fit(embedding[training])
        seen, unseen = scaler.transform(embedding[training]), scaler.transform(embedding[test])
        # The penalty does not care about rotations: the training clips' own axes, fewer than the features,
        # hold all there is to fit.
        axes = np.linalg.svd(seen, full_matrices=False)[2].T
        probe = LogisticRegression(C=PENALTY, max_iter=ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            probe.fit(seen @ axes, asked.targets[training])
        right[test] = probe.predict(unseen @ axes) == asked.targets[test]
    return float(right[np.concatenate([test for _, test in asked.folds])].mean())


def _question(spec: str, task: Task, labeling: Labeling) -> _Question:
    membership = labeling.membership(task.clips)
    labelled = np.flatnonzero(membership.any(1))
    targets = membership.argmax(1).astype(np.int64)
    groups = labeling.groups(task.clips)
    split = None if labeling.split is None else task.clips[labeling.split].iloc[labelled]
    if split is not None and is_integer_dtype(split):
        folds = PredefinedSplit(split.to_numpy()).split()
    elif groups is not None:
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(
            labelled, targets[labelled], groups[labelled]
        )
    else:
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(labelled, targets[labelled])
    try:
        numbers = [(labelled[training], labelled[test]) for training, test in folds]
    except ValueError as error:  # scikit-learn's word for classes or groups that cannot be split
        raise ConfigError(f"probe.tasks: {labeling.name!r} of {spec} cannot be probed: {error}") from error
    return _Question(spec, labeling.name, targets, numbers)


def _prepared(task: Task, model: M2D) -> Iterator[list[Chunk]]:
    waveforms = [task.read(i, model.sample_rate) for i in range(len(task.clips))]
    for start in range(0, len(waveforms), BATCH):
        yield model.prepare(waveforms[start : start + BATCH])
