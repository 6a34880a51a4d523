"""Matrix regression: known answers, laws, a slow second version, its level."""

import numpy as np
import pandas as pd
import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.meaning.distances import acoustic_distance, taxonomy_distance
from otoscope.neurons.meaning.mrqap import MatrixRegression, mrqap
from otoscope.tasks import Labeling


def far(points):
    return np.sqrt(((points[:, None] - points) ** 2).sum(axis=-1))


def symmetric(random, classes):
    noise = random.standard_normal((classes, classes))
    return noise + noise.T


def slow_t(y, columns):
    """t of the last column, by the textbook."""
    x = np.column_stack([np.ones(len(y)), *columns])
    b = np.linalg.solve(x.T @ x, x.T @ y)
    left = y - x @ b
    cov = left @ left / (len(y) - x.shape[1]) * np.linalg.inv(x.T @ x)
    return b[-1] / np.sqrt(cov[-1, -1])


def slow_p(y, x, others, permutations, seed):
    k = len(y)
    upper = np.triu_indices(k, 1)
    z = np.column_stack([np.ones(len(upper[0])), *(each[upper] for each in others)])
    residual = np.zeros((k, k))
    residual[upper] = x[upper] - z @ np.linalg.lstsq(z, x[upper], rcond=None)[0]
    residual += residual.T
    observed = slow_t(y[upper], [*(each[upper] for each in others), x[upper]])
    random = np.random.default_rng(seed)
    count = 0
    for _ in range(permutations):
        order = random.permutation(k)
        permuted = residual[np.ix_(order, order)]
        count += abs(slow_t(y[upper], [*(e[upper] for e in others), permuted[upper]])) >= abs(observed)
    return observed, (1 + count) / (1 + permutations)


def test_coefficients_by_hand():
    place, kind = np.arange(8.0), np.array([0, 1, 1, 0, 1, 0, 0, 1])
    a, b = abs(place[:, None] - place), (kind[:, None] != kind).astype(float)
    found = mrqap(1 + 2 * a - 3 * b, {"a": a, "b": b}, permutations=99)
    assert found.table["coefficient"].tolist() == pytest.approx([2, -3])
    assert found.r2 == pytest.approx(1)
    upper = np.triu_indices(8, 1)
    y = (1 + 2 * a - 3 * b)[upper]
    assert found.table["beta"].tolist() == pytest.approx(
        [2 * a[upper].std() / y.std(), -3 * b[upper].std() / y.std()]
    )


def test_agrees_with_the_slow_version():
    random = np.random.default_rng(1)
    a, b = symmetric(random, 8), far(random.standard_normal((8, 2)))
    y = 0.4 * a + 0.3 * b + symmetric(random, 8)
    found = mrqap(y, {"a": a, "b": b}, permutations=60, seed=3).table.set_index("predictor")
    for name, x, other in (("a", a, b), ("b", b, a)):
        t, p = slow_p(y, x, [other], 60, 3)
        assert found.loc[name, "t"] == pytest.approx(t)
        assert found.loc[name, "p"] == pytest.approx(p)


def test_agrees_with_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    random = np.random.default_rng(2)
    a, b, y = (symmetric(random, 9) for _ in range(3))
    upper = np.triu_indices(9, 1)
    fit = api.OLS(y[upper], api.add_constant(np.column_stack([a[upper], b[upper]]))).fit()
    found = mrqap(y, {"a": a, "b": b}, permutations=5)
    np.testing.assert_allclose(found.table["coefficient"], fit.params[1:])
    np.testing.assert_allclose(found.table["t"], fit.tvalues[1:])
    assert found.r2 == pytest.approx(fit.rsquared)


def test_one_predictor_is_mantel():
    random = np.random.default_rng(0)
    x, y = far(random.standard_normal((7, 2))), symmetric(random, 7)
    upper = np.triu_indices(7, 1)
    found = mrqap(y, {"x": x}, permutations=99, seed=5)
    r = np.corrcoef(x[upper], y[upper])[0, 1]
    draws = np.random.default_rng(5)
    orders = [draws.permutation(7) for _ in range(99)]
    rs = [np.corrcoef(x[np.ix_(o, o)][upper], y[upper])[0, 1] for o in orders]
    assert found.table["beta"][0] == pytest.approx(r)
    assert found.table["p"][0] == pytest.approx((1 + np.sum(np.abs(rs) >= abs(r))) / 100)


def test_classes_may_come_in_any_order():
    random = np.random.default_rng(4)
    names = list("abcdefgh")
    y, x = (pd.DataFrame(symmetric(random, 8), names, names) for _ in range(2))
    order = random.permutation(names)
    pd.testing.assert_frame_equal(mrqap(y, {"x": x}).table, mrqap(y, {"x": x.loc[order, order]}).table)


def test_what_drives_it_is_told_from_what_goes_along():
    random = np.random.default_rng(0)
    points = random.standard_normal((20, 3))
    acoustic = far(points)
    semantic = (points[:, 0] > 0)[:, None] != (points[:, 0] > 0)
    y = -acoustic + 0.3 * symmetric(random, 20)
    found = mrqap(y, {"acoustic": acoustic, "semantic": semantic.astype(float)}).table.set_index("predictor")
    alone = mrqap(y, {"semantic": semantic.astype(float)}).table
    assert found.loc["acoustic", "p"] < 0.01
    assert alone["p"][0] < 0.05 < found.loc["semantic", "p"]


def test_level_on_random_matrices():
    p = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        place = random.standard_normal((10, 2))
        both = 0.7 * far(place) + 0.3 * far(random.standard_normal((10, 2)))
        y = far(random.standard_normal((10, 2)))  # cells of one row depend on each other, as in real ones
        p.append(mrqap(y, {"a": far(place), "b": both}, permutations=199, seed=seed).table["p"].to_numpy())
    for level, most in ((0.05, 21), (0.1, 33)):  # 99.9 % binomial points of 200
        assert (np.array(p) <= level).sum(axis=0).max() <= most


def test_it_is_kept_and_read_again(tmp_path):
    random = np.random.default_rng(0)
    found = mrqap(symmetric(random, 6), {"x": symmetric(random, 6)}, permutations=20)
    found.save(tmp_path)
    assert MatrixRegression.load(tmp_path).document() == found.document()
    assert "R2" in found._repr_html_()
    with pytest.raises(OtoscopeError, match=r"holds no mrqap.json"):
        MatrixRegression.load(tmp_path / "none")


def test_errors():
    random = np.random.default_rng(0)
    y, x = symmetric(random, 6), symmetric(random, 6)
    with pytest.raises(OtoscopeError, match="of 5 classes; expected 6"):
        mrqap(y[:5, :5], {"x": x[:5, :5]})
    with pytest.raises(UsageError, match="not symmetric"):
        mrqap(y, {"x": random.standard_normal((6, 6))})
    with pytest.raises(UsageError, match=r"shape \(5, 5\); expected \(6, 6\)"):
        mrqap(y, {"x": x[:5, :5]})
    with pytest.raises(OtoscopeError, match="a, b say the same"):
        mrqap(y, {"a": x, "b": 2 * x + 1})
    with pytest.raises(OtoscopeError, match="'x' is 1 for all pairs"):
        mrqap(y, {"x": np.ones((6, 6))})
    with pytest.raises(UsageError, match="0 predictors"):
        mrqap(y, {})
    y[2, 3] = np.nan
    with pytest.raises(UsageError, match=r"'y': cell \[2, 3\] is nan"):
        mrqap(y, {"x": x})
    names, others = list("abcdef"), list("abcdeg")
    with pytest.raises(UsageError, match=r"differ in \['f', 'g'\]"):
        mrqap(pd.DataFrame(x, names, names), {"x": pd.DataFrame(x, others, others)})


def test_distances():
    table = pd.DataFrame({"clip": list("abcd"), "f0": [1.0, 1.0, np.nan, np.nan], "db": [0.0, 0, 2, 2]})
    member = np.repeat(np.eye(2, dtype=bool), 2, axis=0)
    assert acoustic_distance(table, member, ("x", "y")).loc["x", "y"] == 2  # by loudness only: y has no pitch
    with pytest.raises(UsageError, match="a row for each of 2 clips"):
        acoustic_distance(table, member[:2], ("x", "y"))
    with pytest.raises(UsageError, match="no broader class for a, b"):
        taxonomy_distance(Labeling("l", "l", ("a", "b")))
