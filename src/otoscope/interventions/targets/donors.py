"""Which clip gives each test clip the activations that are patched into it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.running import Donors
from otoscope.interventions.targets.target import Target

__all__ = ["draw_donors"]


def draw_donors(
    how: str,
    targets: Sequence[Target],
    truth: NDArray[Any],
    learning: NDArray[np.int64],
    test: NDArray[np.int64],
    seed: int,
    *,
    classes: Sequence[str],
) -> Donors | None:
    """Draw for each test clip a learning clip, for every source of activations.

    Args:
        how: "resample": any learning clip, from the source "any"; "patch": one that bears one of a target's
            classes, from a source named by these, joined by "+". Anything else needs no donors.
        targets: whose classes count.
        truth: of every clip the number of its class, shape (clips,), or which classes it bears, shape
            (clips, classes).
        learning: row numbers of the clips to draw from.
        test: row numbers of the clips that are given activations.
        seed: of the draw; a source has the same donors whatever other sources there are.
        classes: their names.

    Raises:
        UsageError: "patch" with a target that has no classes.
        OtoscopeError: "patch" with classes that no learning clip bears.
    """
    if how == "resample":
        allowed = {"any": learning}
    elif how == "patch":
        allowed = {
            "+".join(target.categories): _bearing(target, truth, learning, classes) for target in targets
        }
    else:
        return None
    return {source: _drawn(source, rows, test, seed) for source, rows in allowed.items()}


def _bearing(
    target: Target, truth: NDArray[Any], learning: NDArray[np.int64], classes: Sequence[str]
) -> NDArray[np.int64]:
    """The learning clips that bear one of the target's classes."""
    if not target.categories:
        raise UsageError(
            f"target {target.name!r} has no classes, so there are no clips to patch its activations from; "
            "expected neurons of a class; try how='resample', which takes any clip"
        )
    numbers = [list(classes).index(name) for name in target.categories]
    known = truth[learning]
    bears = np.isin(known, numbers) if known.ndim == 1 else known[:, numbers].any(axis=1)
    if not bears.any():
        raise OtoscopeError(
            f"target {target.name!r}: no clip outside the test set is of its classes; expected one or more "
            "to patch activations from; try another split"
        )
    return learning[bears]


def _drawn(source: str, rows: NDArray[np.int64], test: NDArray[np.int64], seed: int) -> dict[int, int]:
    random = np.random.default_rng([seed, *source.encode()])
    return dict(zip(test.tolist(), random.choice(rows, len(test)).tolist(), strict=True))
