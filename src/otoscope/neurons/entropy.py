"""How selective a neuron is: the entropy of its firing probabilities over the classes."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from otoscope.errors import UsageError

__all__ = ["class_entropy", "entropy"]


def class_entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy of each neuron's firing probability, normalised over the classes (AAPE).

    A neuron that fires for one class only scores 0; one that fires equally often for every class scores
    log(classes).

    Args:
        p: firing probabilities in [0, 1]. Shape (classes, neurons).

    Returns:
        Entropy in nats. Shape (neurons,). NaN for a neuron that never fires: it has no distribution.

    Source: reference method after Tang et al. 2024, arXiv:2402.16438.

    >>> class_entropy(np.array([[0.2, 0.2, 0.0], [0.2, 0.0, 0.0]])).round(4).tolist()
    [0.6931, 0.0, nan]
    """
    total = p.sum(axis=0)
    share = np.divide(p, total, out=np.full(p.shape, np.nan), where=total > 0)
    # A silent class adds 0 log 0, which counts as 0. A dead neuron stays NaN: scored 0, it would pass for the
    # most selective neuron of all. Near one-hot, rounding can leave a sum just below 0.
    found: NDArray[np.float64] = -np.sum(share * np.log(np.where(share > 0, share, 1.0)), axis=0)
    return np.where(found <= 0, 0.0, found)


def entropy(p: xr.DataArray) -> xr.DataArray:
    """Activation probability entropy (AAPE) of every neuron.

    Args:
        p: firing probabilities with the dimensions layer, unit and category, as `firing_probability` returns
            them.

    Returns:
        Dimensions (layer, unit), in nats, 0 to log(classes). Low: fires for few classes. NaN where a neuron
        never fires (or, in a model with layers of different width, does not exist).

    Raises:
        UsageError: other dimensions, or a value outside [0, 1].
    """
    values = checked(p).transpose("category", "layer", "unit")
    classes, layers, units = values.shape
    flat = class_entropy(values.to_numpy().reshape(classes, -1))
    return xr.DataArray(
        flat.reshape(layers, units),
        dims=("layer", "unit"),
        coords={name: p.coords[name] for name in ("layer", "unit") if name in p.coords},
        name="entropy",
        attrs={"units": "nats", "classes": classes},
    )


def checked(p: xr.DataArray) -> xr.DataArray:
    """The table, if it is one of probabilities; a neuron whose values are all NaN does not exist.

    Raises:
        UsageError: other dimensions, fewer than two classes, layers or units that are not whole numbers, a
            value outside [0, 1], or one that is missing.
    """
    if set(p.dims) != {"layer", "unit", "category"}:
        raise UsageError(f"the table has dimensions {p.dims}; expected layer, unit and category")
    if p.sizes["category"] < 2:
        raise UsageError(f"the table has {p.sizes['category']} class; expected two or more")
    for name in ("layer", "unit"):
        if p[name].dtype.kind not in "iu" or (p[name] < 0).any():
            raise UsageError(
                f"the table's coordinate {name} holds {p[name].to_numpy()[:3]} ...; expected whole numbers"
            )
    values = p.transpose("layer", "unit", "category").to_numpy()
    absent = np.isnan(values).all(axis=2, keepdims=True)
    wrong = np.argwhere(~(((values >= 0) & (values <= 1)) | absent))
    if len(wrong):
        layer, unit, category = wrong[0]
        raise UsageError(
            f"p of neuron {layer}.{unit} for class number {category} is {values[layer, unit, category]:g}; "
            "expected 0 to 1"
        )
    return p
