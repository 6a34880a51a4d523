"""Tables of zeros and ones, shuffled with both margins fixed: checkerboard swaps.

    . 1        1 .
    1 .   ->   . 1      two classes, two neurons: no class and no neuron gains or loses any

Two of the table's ones are drawn and swapped if that makes a table; if not, the table stays for this step.
Every table has as many proposals as any other, so all tables of these margins are equally likely in the end.

The shuffled tables do not start from the observed one, but from a hub that as many steps reach from it. Steps
can be taken backwards with the same probability: the observed table is then one of those that lie so far from
the hub, and a p-value holds however many steps are taken.

Source: Besag and Clifford 1989, Generalized Monte Carlo significance tests.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["swap_randomised"]

_STEPS = 10  # proposals for every one in the table: each is drawn 20 times
_BYTES = 64_000_000  # of tables in hand at a time
_DRAWN = 500_000  # random numbers drawn at a time


def swap_randomised(
    incidence: NDArray[np.bool_], permutations: int, seed: int = 0, steps: int | None = None
) -> Iterator[NDArray[np.bool_]]:
    """Yield tables with the row and column sums of `incidence`, each as likely as any other.

    Args:
        incidence: which class has which neuron. Shape (classes, neurons).
        permutations: how many tables.
        seed: equal seeds give equal tables.
        steps: swaps proposed for each table; by default ten for every one in it.

    Yields:
        Some of the tables. Shape (tables, classes, neurons).

    >>> import numpy as np
    >>> tables = next(swap_randomised(np.eye(2, dtype=bool), 50))
    >>> sorted({table[0].tolist().index(True) for table in tables})
    [0, 1]
    """
    random = np.random.default_rng(seed)
    steps = _STEPS * int(incidence.sum()) if steps is None else steps
    hub = _swapped(incidence[None], steps, random)
    batch = max(_BYTES // max(incidence.size, 1), 1)
    for start in range(0, permutations, batch):
        yield _swapped(np.repeat(hub, min(batch, permutations - start), axis=0), steps, random)


def _swapped(tables: NDArray[np.bool_], steps: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Equal tables, each after swaps of its own. Shape (tables, classes, neurons)."""
    many, _, width = tables.shape
    row, column = np.nonzero(tables[0])
    ones = len(row)
    if not ones:
        return tables.copy()
    cells = tables.reshape(many, -1).copy().ravel()
    base = np.arange(many) * tables[0].size
    # Flat: the ones of a table lie together. A row start and a column add up to a cell.
    rows = np.tile(row * width, many)
    columns = np.tile(column, many)
    slot = np.arange(many) * ones
    chunk = max(_DRAWN // (2 * many), 1)
    for start in range(0, steps, chunk):
        for first, second in random.integers(ones, size=(min(chunk, steps - start), 2, many)) + slot:
            top, bottom = base + rows[first], base + rows[second]
            left, right = columns[first], columns[second]
            free = np.flatnonzero(~(cells[top + right] | cells[bottom + left]))
            top, bottom, left, right = top[free], bottom[free], left[free], right[free]
            cells[top + left] = cells[bottom + right] = False
            cells[top + right] = cells[bottom + left] = True
            columns[first[free]], columns[second[free]] = right, left
    return cells.reshape(tables.shape)
