import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from otoscope.errors import OtoscopeError
from otoscope.neurons import Filters, Selection, Sharing, share

mpl.use("Agg")


def selection(sets, label="kind", fingerprint="f"):
    rows = [(0, unit, name, 0.5, 0.1) for name, units in sets.items() for unit in units]
    return Selection(
        label=label,
        classes=tuple(sets),
        preset="aape",
        filters=Filters(),
        table=pd.DataFrame(rows, columns=["layer", "unit", "category", "probability", "entropy"]),
        layers=1,
        depth=0.5,
        chance=None,
        provenance={"recording": {"model": {"name": f"model {fingerprint}", "fingerprint": fingerprint}}},
    )


A = {"a": [0, 1, 2, 3], "b": [2, 3], "c": []}


def test_sharing_within_on_paper():
    found = share(selection(A))
    assert found.shared.to_numpy().tolist() == [[4, 2, 0], [2, 2, 0], [0, 0, 0]]
    nan = np.nan
    assert np.array_equal(found.jaccard, [[1, 0.5, 0], [0.5, 1, 0], [0, 0, nan]], equal_nan=True)
    assert np.array_equal(found.overlap, [[1, 1, nan], [1, 1, nan], [nan, nan, nan]], equal_nan=True)
    assert found.within
    assert found.table[["category_a", "category_b"]].to_numpy().tolist() == [
        ["a", "b"],
        ["a", "c"],
        ["b", "c"],
    ]


def test_sharing_across_on_paper():
    found = share(selection(A), selection({"x": [3, 4], "y": [9]}, label="other"))
    assert found.shared.loc["a", "x"] == 1
    assert found.jaccard.loc["a", "x"] == 1 / 5
    assert found.overlap.loc["b", "x"] == 1 / 2
    assert found.jaccard.loc["a", "y"] == 0.0
    assert (found.labels, found.shared.index.name, found.shared.columns.name) == (
        ("kind", "other"),
        "kind",
        "other",
    )
    assert len(found.table) == 6


def test_equal_addresses_in_two_selections_of_the_same_labeling_are_shared():
    found = share(selection(A), selection(A))
    assert not found.within
    assert np.array_equal(found.shared, share(selection(A)).shared)


@pytest.mark.parametrize("other", [None, {"x": [3, 4], "y": [9]}, {"x": [], "y": []}])
def test_save_and_load_give_the_same(tmp_path, other):
    found = share(selection(A), None if other is None else selection(other, label="other"))
    found.save(tmp_path)
    again = Sharing.load(tmp_path)
    for name in ("shared", "jaccard", "overlap", "table"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(found, name))
    assert again.document() == found.document()
    assert (again.within, again.labels) == (found.within, found.labels)


def test_no_neurons_at_all():
    assert share(selection({"a": [], "b": []})).shared.to_numpy().tolist() == [[0, 0], [0, 0]]


def test_neurons_of_different_models_are_not_compared():
    with pytest.raises(
        OtoscopeError, match=r"different models \(model f and model g\); expected the same model"
    ):
        share(selection(A), selection(A, fingerprint="g"))


def test_a_folder_without_a_sharing_is_named(tmp_path):
    with pytest.raises(OtoscopeError, match=r"holds no sharing\.json"):
        Sharing.load(tmp_path)


def test_pictures_and_html():
    found = share(selection({"<b>": [1], "c": [1]}))
    assert found.plot().get_xlabel() == "kind"
    assert found.plot(measure="overlap").get_ylabel() == "kind"
    assert "<b>" not in found._repr_html_()
    assert repr(found) == "Sharing(kind, within: 2 x 2 classes)"
