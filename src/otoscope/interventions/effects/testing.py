"""Refuse to switch off the neurons of a class that no test clip bears."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError
from otoscope.interventions.targets.target import Target

__all__ = ["check_tested"]


def check_tested(
    targets: Sequence[Target],
    truth: NDArray[np.int64] | NDArray[np.bool_],
    classes: Sequence[str],
    splits_description: str,
) -> None:
    """Check that every class whose neurons are switched has test clips.

    Args:
        targets: what is to be switched.
        truth: of the test clips, as in `Heard`.
        classes: the vocabulary.
        splits_description: which clips are in test, in words.

    Raises:
        OtoscopeError: one has none; or, of a multi-label labeling, all test clips bear it.
    """
    member = truth if truth.ndim == 2 else truth[:, None] == np.arange(len(classes))
    borne = dict(zip(classes, member.sum(axis=0).tolist(), strict=True))
    for target in targets:
        for name in target.categories:
            if borne[name] == 0 or (truth.ndim == 2 and borne[name] == len(truth)):
                which = "no test clip is of class" if borne[name] == 0 else "every test clip bears class"
                raise OtoscopeError(
                    f"{which} {name!r}, whose neurons are to be switched ({splits_description}); expected "
                    "test clips of the class, and of others: try another seed or split, add clips, or name "
                    "other classes"
                )
