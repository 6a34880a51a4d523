"""From what a table's cell holds to the names of classes."""

import datetime

import numpy as np
import pandas as pd
import pytest

from otoscope.tasks.cells import class_names, texts

COLUMNS = {
    "text": (pd.Series(["b,a", "c", "b,a", None, ""], dtype="str"), [["b,a"], ["c"], ["b,a"], [], []]),
    "whole": (pd.Series([60, 9, 60]), [["60"], ["9"], ["60"]]),
    "holes": (pd.Series([60.0, None, 9.5, -0.0]), [["60"], [], ["9.5"], ["0"]]),
    "single": (pd.Series([0.1, 60], dtype=np.float32), [["0.10000000149011612"], ["60"]]),
    "nullable": (pd.Series([60, None], dtype="Int64"), [["60"], []]),
    "yes": (pd.Series([True, False, True]), [["True"], ["False"], ["True"]]),
    "mixed": (pd.Series([1, True, 1.0, "1"], dtype=object), [["1"], ["True"], ["1"], ["1"]]),
    "category": (pd.Series(["b", None, "a"], dtype="category"), [["b"], [], ["a"]]),
    "days": (pd.to_datetime(pd.Series([datetime.date(2026, 1, 2)])), [["2026-01-02 00:00:00"]]),
}


@pytest.mark.parametrize("kind", list(COLUMNS))
def test_a_column_of_any_type_says_what_its_cells_say(kind):
    column, expected = COLUMNS[kind]
    assert texts(column, multilabel=False) == expected
    assert texts(column.astype(object), multilabel=False) == expected
    assert texts(column[:0], multilabel=False) == []


def test_labels_of_a_cell_are_cut_once_for_all_rows_alike():
    column = pd.Series(["b, a,b", None, "b, a,b"], dtype="str")
    assert texts(column, multilabel=True) == [["b", "a"], [], ["b", "a"]]
    assert class_names(column, multilabel=True) == ("a", "b")
