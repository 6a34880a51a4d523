"""Orders of classes for matrices: as the data set has them, by name, by broader class, or by likeness."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from otoscope.errors import UsageError

__all__ = ["OrderName", "dendrogram_order", "ordered"]

OrderName = Literal["data set", "alphabet", "taxonomy", "dendrogram"]


def ordered(
    classes: Sequence[str],
    order: OrderName | Sequence[str],
    *,
    jaccard: pd.DataFrame | None = None,
    taxonomy: Mapping[str, str] | None = None,
) -> list[str]:
    """Put classes in order.

    Args:
        classes: their names, as the data set orders them.
        order: "data set" keeps them; "alphabet" sorts by name; "taxonomy" puts those of one broader class
            beside each other, the broader classes as they first appear and those that have none last;
            "dendrogram" puts beside each other what shares neurons. Or the names themselves, in any order.
        jaccard: for "dendrogram": the Jaccard index of each pair. Shape (classes, classes).
        taxonomy: for "taxonomy": the broader class of each class (`Labeling.taxonomy`).

    Raises:
        UsageError: an unknown order, names that are not the classes, or an order without what it needs.

    >>> ordered(["dog", "rain", "cat"], "taxonomy", taxonomy={"dog": "animal", "cat": "animal"})
    ['dog', 'cat', 'rain']
    """
    names = list(classes)
    if not isinstance(order, str):
        if sorted(order) != sorted(names):
            raise UsageError(
                f"order names {list(order)}; expected each of the classes once: {', '.join(names)}"
            )
        return list(order)
    if order not in get_args(OrderName):
        raise UsageError(
            f"order {order!r} not found; expected one of {', '.join(get_args(OrderName))}, "
            "or the names of the classes"
        )
    if order == "alphabet":
        return sorted(names)
    if order == "taxonomy":
        return _by_broader(names, taxonomy)
    if order == "dendrogram":
        if jaccard is None:
            raise UsageError(
                "order 'dendrogram' needs the Jaccard index of every pair of classes; "
                "expected the same classes in rows and columns; try the order 'alphabet'"
            )
        return dendrogram_order(jaccard.loc[names, names])
    return names


def dendrogram_order(jaccard: pd.DataFrame) -> list[str]:
    """The leaves of a dendrogram: average linkage on 1 - Jaccard, with optimal leaf order.

    Args:
        jaccard: indices in [0, 1]; NaN, where neither class has a neuron, counts as 0. If it is not symmetric
            (two labelings), the mean of both directions is taken. Shape (classes, classes).

    Source: Bar-Joseph et al. 2001, Fast optimal leaf ordering for hierarchical clustering.
    """
    names = [str(name) for name in jaccard.index]
    if len(names) < 3:
        return names
    values = np.nan_to_num(jaccard.to_numpy(dtype=float, na_value=np.nan))
    distance = 1 - (values + values.T) / 2
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    return [names[leaf] for leaf in leaves_list(tree)]


def _by_broader(names: list[str], taxonomy: Mapping[str, str] | None) -> list[str]:
    if not taxonomy:
        raise UsageError(
            "order 'taxonomy' needs the broader class of each class, and none was given; expected "
            "taxonomy=store.labeling(NAME).taxonomy of a labeling that has one; try the order 'dendrogram'"
        )
    known = {broader: place for place, broader in reversed(list(enumerate(map(taxonomy.get, names))))}
    return sorted(names, key=lambda name: (name not in taxonomy, known[taxonomy.get(name)]))
