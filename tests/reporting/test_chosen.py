"""Which neurons have a page."""

from types import SimpleNamespace

import pandas as pd

from otoscope.reporting.chosen import chosen


def selection(rows, specific=False):
    table = pd.DataFrame(rows, columns=["layer", "unit", "category", "entropy"])
    return SimpleNamespace(
        filters=None if specific else object(), table=table.assign(p=0.01) if specific else table
    )


def recorded(number, *selections):
    return SimpleNamespace(number=number, selections=selections)


ONE = recorded(
    1,
    selection([(0, 1, "a", 0.5), (0, 2, "a", 0.1), (0, 3, "b", 0.9)]),
    selection([(1, 7, "a", 0.3), (0, 1, "b", 0.2)], specific=True),
)
TWO = recorded(2, selection([(0, 1, "a", 0.4)]))


def test_every_class_has_its_best_first_and_specific_goes_before_the_filters():
    assert chosen([ONE, TWO], 10) == [
        (1, 1, 7),  # specific, the best of a
        (1, 0, 1),  # specific, the best of b
        (1, 0, 2),  # the filters' best of a
        (1, 0, 3),
        (2, 0, 1),
    ]


def test_no_more_than_asked_for():
    assert chosen([ONE, TWO], 2) == [(1, 1, 7), (1, 0, 1)]
    assert chosen([ONE, TWO], 0) == []
    assert chosen([recorded(1)], 5) == []
