"""Neurons and the classes that they were selected for, from whatever selected them."""

from collections.abc import Iterable

import pandas as pd

from otoscope.errors import UsageError
from otoscope.neurons.selection import Selection

__all__ = ["Pairs", "pairs_of"]

Pairs = Selection | pd.DataFrame | Iterable[tuple[int, int, str]]
"""(neuron, class) pairs: a selection, a table with columns layer, unit and category, or triples."""


def pairs_of(pairs: Pairs) -> pd.DataFrame:
    """The table of (neuron, class) pairs, columns layer, unit and category, each pair once.

    >>> pairs_of([(0, 3, "cat"), (0, 3, "cat")]).to_dict("records")
    [{'layer': 0, 'unit': 3, 'category': 'cat'}]
    """
    table = pairs.table if isinstance(pairs, Selection) else pairs
    columns = ["layer", "unit", "category"]
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(list(table), columns=columns)
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise UsageError(
            f"the table of pairs has no column {', '.join(missing)}; expected layer, unit and category"
        )
    kinds = {"layer": "int64", "unit": "int64", "category": "str"}
    return frame[columns].drop_duplicates().reset_index(drop=True).astype(kinds)
