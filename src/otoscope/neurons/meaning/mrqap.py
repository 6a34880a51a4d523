"""Regress a class-by-class matrix on others, with a test that holds: MRQAP by double semi-partialling.

The cells of such a matrix are not independent: each class has its part in K - 1 of them. So it is classes
that are permuted. For each predictor: what the other predictors leave of it is permuted, rows and columns
alike, and the regression is fitted again with that in its place; compared are the t values of its
coefficient. With one predictor it is the Mantel test.

Source: Dekker, Krackhardt and Snijders 2007, Psychometrika 72; Mantel 1967.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import path_of, read_saved, write_result, write_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LEAST_CLASSES", "MatrixRegression", "mrqap"]

LEAST_CLASSES = 6
"""With fewer classes there are too few permutations, and too few cells, for a regression to say anything."""

_TIE = 1e-9
_BATCH = 2_000_000  # permuted cells in hand at a time

Matrix = pd.DataFrame | NDArray[Any]


@dataclass(frozen=True, eq=False)
class MatrixRegression:
    """A matrix explained by others.

    Attributes:
        table: one row a predictor, columns `predictor`, `coefficient` (in units of y for one of the
            predictor), `beta` (both standardised; with one predictor their correlation), `t`, and `p`: (1 +
            permutations with at least this |t|) / (1 + permutations), two-sided.
        r2: share of the variance of the cells that all predictors explain together, in [0, 1].
        classes: the classes.
        permutations: how many were drawn.
        seed: of the permutations.
    """

    table: pd.DataFrame
    r2: float
    classes: tuple[str, ...]
    permutations: int
    seed: int

    def document(self) -> dict[str, Any]:
        """The findings as JSON holds them."""
        return {
            "predictors": self.table.to_dict("records"),
            "r2": self.r2,
            "classes": list(self.classes),
            "permutations": self.permutations,
            "seed": self.seed,
        }

    def save(self, folder: str | Path) -> None:
        """Write `mrqap.json`, and the table `mrqap` as Parquet and CSV."""
        write_table(path_of(folder) / "mrqap", self.table)
        write_result(path_of(folder) / "mrqap.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "MatrixRegression":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        document = read_saved(folder, "mrqap.json")
        table = pd.DataFrame(document.pop("predictors"))
        return cls(**{**document, "table": table, "classes": tuple(document["classes"])})

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The standardised coefficients, with their p."""
        from otoscope import plots

        return plots.regression(self.table, ax=ax)

    def __repr__(self) -> str:
        said = ", ".join(
            f"{row.predictor} {row.beta:+.2f} (p {row.p:.3f})" for row in self.table.itertuples()
        )
        return f"MatrixRegression({len(self.classes)} classes: {said}; R2 {self.r2:.2f})"

    def _repr_html_(self) -> str:
        note = f"{len(self.classes)} classes, R2 {self.r2:.2f}, {self.permutations} permutations of classes"
        return f"{self.table.to_html(index=False, float_format='{:.3f}'.format)}<p>{note}</p>"


def mrqap(
    y: Matrix, predictors: Mapping[str, Matrix], *, permutations: int = 1000, seed: int = 0
) -> MatrixRegression:
    """Explain how alike classes are by how alike they sound, and by what they mean.

    Args:
        y: class by class, symmetric: shared neurons, or a correlation of profiles. The diagonal is not used.
        predictors: named matrices of the same classes, symmetric, for example an acoustic and a semantic
            dissimilarity. Data frames are put into the order of the classes of `y`.
        permutations: how many to draw.
        seed: of the permutations.

    Raises:
        UsageError: no predictor, fewer than one permutation, or a matrix of another shape, of other classes,
            not symmetric or with cells that are not finite.
        OtoscopeError: fewer than 6 classes, a matrix whose cells are all the same, or predictors that say the
            same.

    >>> place = np.arange(7.0)
    >>> far = abs(place[:, None] - place)
    >>> mrqap(-far, {"place": far}, permutations=99).table[["coefficient", "beta"]].round(3).values.tolist()
    [[-1.0, -1.0]]
    """
    if not predictors or permutations < 1:
        raise UsageError(
            f"{len(predictors)} predictors and {permutations} permutations; expected one or more of each"
        )
    classes = tuple(map(str, y.index)) if isinstance(y, pd.DataFrame) else tuple(map(str, range(len(y))))
    if len(classes) < LEAST_CLASSES:
        raise OtoscopeError(
            f"matrices of {len(classes)} classes; expected {LEAST_CLASSES} or more for a matrix regression; "
            "try a labeling of more classes"
        )
    names, square = list(predictors), [_square(name, each, y) for name, each in predictors.items()]
    upper = np.triu_indices(len(classes), k=1)
    cells = _square("y", y, y)[upper]
    design = np.stack([each[upper] for each in square], axis=1)
    _check_rank(names, design, cells)
    ones = np.ones((len(cells), 1))
    full = np.hstack([ones, design])
    coefficients = np.linalg.lstsq(full, cells, rcond=None)[0]
    left = cells - full @ coefficients
    random = np.random.default_rng(seed)
    orders = np.stack([random.permutation(len(classes)) for _ in range(permutations)])
    rows = []
    for number, name in enumerate(names):
        others = np.linalg.qr(np.hstack([ones, np.delete(design, number, axis=1)]))[0]
        t, p = _tested(cells, square[number], others, upper, orders, len(cells) - full.shape[1])
        beta = coefficients[number + 1] * design[:, number].std() / cells.std()
        rows.append(
            {"predictor": name, "coefficient": coefficients[number + 1], "beta": beta, "t": t, "p": p}
        )
    r2 = 1 - float(left @ left) / float(np.sum((cells - cells.mean()) ** 2))
    return MatrixRegression(pd.DataFrame(rows), r2, classes, permutations, seed)


def _tested(
    cells: NDArray[np.float64],
    matrix: NDArray[np.float64],
    others: NDArray[np.float64],
    upper: tuple[NDArray[np.intp], NDArray[np.intp]],
    orders: NDArray[np.int64],
    freedom: int,
) -> tuple[float, float]:
    """T of a predictor beside the others (orthonormal columns, (cells, m)), and its p."""
    left = matrix[upper] - others @ (others.T @ matrix[upper])
    residual = np.zeros_like(matrix)
    residual[upper] = left
    residual += residual.T
    y = cells - others @ (others.T @ cells)
    t = float(_t(left[None], y, others, freedom)[0])
    extreme = 0
    size = max(_BATCH // len(cells), 1)
    for start in range(0, len(orders), size):
        part = orders[start : start + size]
        permuted = residual[part[:, upper[0]], part[:, upper[1]]]
        extreme += int(np.sum(np.abs(_t(permuted, y, others, freedom)) >= abs(t) * (1 - _TIE)))
    return t, (1 + extreme) / (1 + len(orders))


def _t(
    x: NDArray[np.float64], y: NDArray[np.float64], others: NDArray[np.float64], freedom: int
) -> NDArray[np.float64]:
    """T of each row of x in the regression of y on it and the others (Frisch-Waugh); y has none of them."""
    x = x - (x @ others) @ others.T
    r = (x @ y) / np.sqrt(np.maximum((x * x).sum(axis=1) * (y @ y), 1e-300))
    t: NDArray[np.float64] = r * np.sqrt(freedom / np.maximum(1 - r * r, 1e-15))
    return t


def _square(name: str, matrix: Matrix, y: Matrix) -> NDArray[np.float64]:
    """A matrix as numbers, in the order of the classes of y."""
    if isinstance(matrix, pd.DataFrame) and isinstance(y, pd.DataFrame):
        order = list(y.index)
        if set(matrix.index) != set(order) or set(matrix.columns) != set(order):
            strangers = sorted(map(str, set(order).symmetric_difference([*matrix.index, *matrix.columns])))
            raise UsageError(f"matrix {name!r} is not of the classes of y: they differ in {strangers}")
        matrix = matrix.loc[order, order]
    values = np.asarray(matrix, dtype=np.float64)
    if values.shape != (len(y), len(y)):
        raise UsageError(
            f"matrix {name!r} has shape {values.shape}; expected {(len(y), len(y))}, class by class"
        )
    beside = ~np.eye(len(values), dtype=bool)
    wrong = np.argwhere(beside & ~np.isfinite(values))
    if len(wrong):
        a, b = wrong[0]
        raise UsageError(
            f"matrix {name!r}: cell [{a}, {b}] is {values[a, b]}; expected finite cells beside the diagonal; "
            "try leaving out the classes without neurons"
        )
    values = np.where(beside, values, 0.0)
    if not np.allclose(values, values.T, rtol=1e-6, atol=1e-12):
        raise UsageError(
            f"matrix {name!r} is not symmetric; expected a matrix within one labeling, each pair alike twice"
        )
    return values


def _check_rank(names: list[str], design: NDArray[np.float64], cells: NDArray[np.float64]) -> None:
    for name, values in zip([*names, "y"], [*design.T, cells], strict=True):
        if np.ptp(values) <= 1e-12 * max(1.0, np.abs(values).max()):
            raise OtoscopeError(
                f"matrix {name!r} is {values[0]:g} for all pairs of classes; expected variation"
            )
    scaled = (design - design.mean(axis=0)) / design.std(axis=0)
    if np.linalg.matrix_rank(scaled, tol=1e-6 * np.sqrt(len(design))) < len(names):
        raise OtoscopeError(
            f"the predictors {', '.join(names)} say the same (one follows from the others); "
            "expected different ones; try leaving one out"
        )
