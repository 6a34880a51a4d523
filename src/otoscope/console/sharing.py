"""What is printed of the neurons that classes share."""

from typing import TYPE_CHECKING

import pandas as pd

from otoscope.console.printing import MANY, Lines, count, figure, table_of

if TYPE_CHECKING:
    from otoscope.neurons import Sharing
    from otoscope.neurons.sharing.profiles import ProfileCorrelation


def sharing_lines(sharing: "Sharing", profiles: "ProfileCorrelation | None" = None) -> Lines:
    """Shared neurons beside what permuted labels give, class by class, and the profiles of all neurons."""
    if sharing.tests is None:
        yield (
            "no count is shown without what permuted labels give; --permutations 200 adds it (not for the "
            "preset specific); the counts themselves are saved"
        )
        return
    yield (
        "neurons shared / mean with permuted labels"
        + (" (diagonal: neurons of the class)" if sharing.within else "")
        + "; * more than chance (q <= 0.05)"
    )
    yield from _matrix(_cells(sharing))
    yield sharing.tests.note
    if profiles is not None:
        yield ""
        yield "correlation of the profiles of all neurons, corrected for reliability; * q <= 0.05"
        stars = profiles.marks.map(lambda passed: "*" if passed else "")
        yield from _matrix(profiles.corrected.map(lambda value: figure(value, "{:.2f}")) + stars)
        yield profiles.note


def _cells(sharing: "Sharing") -> pd.DataFrame:
    """What stands in the cells: "12/8.3*"."""
    cells = sharing.shared.map("{:d}".format)
    assert sharing.tests is not None
    for row in sharing.tests.pairs.table.to_dict("records"):
        one, other = row["category_a"], row["category_b"]
        star = "*" if sharing.marks.loc[one, other] else ""
        cells.loc[one, other] = f"{row['shared']}/{row['expected']:.1f}{star}"
        if sharing.within:
            cells.loc[other, one] = cells.loc[one, other]
    return cells


def _matrix(cells: pd.DataFrame) -> Lines:
    """A class-by-class table, its longer side downwards; of a large one its first rows and columns."""
    cells = cells.T if cells.shape[1] > cells.shape[0] else cells
    some = cells.iloc[: 2 * MANY, :MANY]
    table = table_of("", *(str(column) for column in some.columns))
    for name, row in some.iterrows():
        table.add_row(str(name), *row)
    yield table
    if some.shape != cells.shape:
        rows, columns = cells.shape
        yield f"of {count(rows, 'class', 'classes')} x {columns}; --json and the saved tables have them all"
