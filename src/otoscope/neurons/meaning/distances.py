"""How far classes are from one another: in what they sound like, and in what they mean."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.tasks import Labeling

__all__ = ["acoustic_distance", "distance_file", "taxonomy_distance"]


def acoustic_distance(
    descriptors: pd.DataFrame, membership: NDArray[np.bool_], classes: tuple[str, ...]
) -> pd.DataFrame:
    """Root mean square difference of the classes' mean descriptors, each in standard deviations over clips.

    Args:
        descriptors: one row a clip; columns that do not hold numbers are left out, and so are missing values.
        membership: which clip bears which class. Shape (clips, classes).
        classes: their names.

    Returns:
        Class by class, 0 on the diagonal. A descriptor that a class has no value of (the pitch of noises)
        does not count for its distances; NaN where two classes have none in common.

    Raises:
        UsageError: not one row for each clip, or no descriptor.

    >>> table = pd.DataFrame({"loudness_db": [0.0, 0.0, 2.0, 2.0]})
    >>> member = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=bool)
    >>> acoustic_distance(table, member, ("a", "b")).loc["a", "b"]
    np.float64(2.0)
    """
    numbers = descriptors.select_dtypes("number")
    if len(numbers) != len(membership) or not numbers.shape[1]:
        raise UsageError(
            f"descriptors have {numbers.shape[1]} columns of numbers and {len(numbers)} rows; "
            f"expected at least one and a row for each of {len(membership)} clips"
        )
    values = numbers.to_numpy(dtype=np.float64)
    centred = values - _mean(values)
    spread = np.sqrt(_mean(centred**2))
    z = np.divide(centred, spread, out=np.full_like(centred, np.nan), where=spread > 0)
    means = np.concatenate([_mean(z[member]) for member in membership.T])
    squares = (means[:, None] - means) ** 2
    known = np.isfinite(squares).sum(axis=2)
    total = np.nansum(squares, axis=2)
    far = np.sqrt(np.divide(total, known, out=np.full(total.shape, np.nan), where=known > 0))
    return pd.DataFrame(far, index=list(classes), columns=list(classes))


def taxonomy_distance(labeling: Labeling) -> pd.DataFrame:
    """0 for two classes of the same broader class, 1 for two of different ones.

    Raises:
        UsageError: the labeling has no taxonomy, or none for some class.

    >>> broad = {"cat": "fur", "dog": "fur", "carp": "fin"}
    >>> pets = Labeling("pet", "pet", tuple(broad), taxonomy=broad)
    >>> taxonomy_distance(pets).loc["cat"].tolist()
    [0.0, 0.0, 1.0]
    """
    known = labeling.taxonomy or {}
    missing = [name for name in labeling.classes if name not in known]
    if missing:
        raise UsageError(
            f"labeling {labeling.name!r} has no broader class for {', '.join(missing)}; expected a taxonomy "
            "of all classes; try a matrix of your own, class by class"
        )
    broad = np.array([known[name] for name in labeling.classes])
    return pd.DataFrame(
        (broad[:, None] != broad).astype(float), index=list(labeling.classes), columns=list(labeling.classes)
    )


def distance_file(path: str | Path) -> pd.DataFrame:
    """A distance between classes from a CSV file: a square with the names of the classes on two sides.

    Raises:
        UsageError: no such file, or something else in it.
    """
    try:
        table = pd.read_csv(path, index_col=0)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a table of distances: {error}") from error
    table.index, table.columns = table.index.map(str), table.columns.map(str)
    numbers = all(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)
    if not numbers or sorted(table.index) != sorted(table.columns) or not table.index.is_unique:
        raise UsageError(
            f"{path} holds {table.shape[0]} rows and {table.shape[1]} columns; expected numbers, the "
            "same classes on both sides, each once: a,b / a,0,1 / b,1,0"
        )
    return table


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each column over its numbers, NaN where there are none. Shape (1, columns)."""
    known = np.isfinite(values).sum(axis=0, keepdims=True)
    total = np.nansum(values, axis=0, keepdims=True)
    mean: NDArray[np.float64] = np.divide(total, known, out=np.full(total.shape, np.nan), where=known > 0)
    return mean
