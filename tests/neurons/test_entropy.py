import numpy as np
import pytest
import xarray as xr

from otoscope.errors import UsageError
from otoscope.neurons import entropy


def table(rows, **coords):
    values = np.array(rows, dtype=float)[None]
    return xr.DataArray(values, dims=("layer", "unit", "category"), coords=coords)


def test_entropy_on_paper():
    h = entropy(
        table(
            [
                [0.3, 0.3, 0.3, 0.3],  # uniform
                [0.0, 0.7, 0.0, 0.0],  # one-hot
                [0.2, 0.2, 0.0, 0.0],  # two classes
                [0.0, 0.0, 0.0, 0.0],  # dead
                [0.6, 0.2, 0.0, 0.0],
            ]
        )
    )
    assert h.dims == ("layer", "unit")
    paper = [np.log(4), 0, np.log(2), np.nan, -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))]
    np.testing.assert_allclose(h.to_numpy()[0], paper, atol=1e-15)
    assert not np.signbit(h.to_numpy()[0, 1])  # no -0 in tables


def test_entropy_keeps_coordinates_and_does_not_mind_the_order_of_dimensions():
    p = table([[0.1, 0.4], [0.5, 0.2]], layer=[3], unit=[8, 9], category=["a", "b"])
    assert entropy(p).identical(entropy(p.transpose("category", "unit", "layer")))
    assert entropy(p)["unit"].to_numpy().tolist() == [8, 9]


def test_scale_does_not_matter():
    p = table([[0.1, 0.4, 0.2]])
    np.testing.assert_allclose(entropy(p), entropy(p / 3), atol=1e-14)


@pytest.mark.parametrize(
    ("p", "message"),
    [
        (table([[0.1, 1.2]]), r"p of neuron 0\.0 for class number 1 is 1\.2; expected 0 to 1"),
        (table([[0.1, np.nan]]), r"is nan; expected 0 to 1"),
        (table([[0.1]]), "1 class; expected two or more"),
        (table([[0.1, 0.2]]).rename(unit="neuron"), r"expected layer, unit and category"),
        (table([[0.1, 0.2]], unit=["first"]), "coordinate unit holds .*expected whole numbers"),
    ],
)
def test_what_is_no_table_of_probabilities_is_refused(p, message):
    with pytest.raises(UsageError, match=message):
        entropy(p)
