"""The neighbour control: the published lists, and what they leave open."""

import pytest

from otoscope.errors import OtoscopeError
from otoscope.interventions.controls.neighbour import neighbours
from otoscope.models.base import Layer

BASE = [Layer(str(number), 3072) for number in range(12)]
PUBLISHED = {
    "anger-happiness": "0: 1, 112, 793; 3: 382, 741, 755, 1959, 2097, 2233; 5: 1430, 2471; 6: 1196; "
    "7: 638, 1157, 2499; 8: 386, 2554; 9: 347; 10: 393, 2120, 2369, 2663",
    "jazz-classical": "3: 2540; 4: 270, 827; 5: 1521, 2462; 6: 907, 2415, 2852; 7: 540, 763, 2466, 2756; "
    "8: 193, 348, 690, 1315, 1669, 2804; 9: 328, 596, 660, 1720; 10: 1521, 1861, 2798; 11: 1030",
}


@pytest.mark.parametrize(("name", "size"), [("anger-happiness", 22), ("jazz-classical", 26)])
def test_of_the_published_lists_every_unit_moves_by_one(name, size):
    target = [
        (int(layer), int(unit))
        for layer, units in (part.split(":") for part in PUBLISHED[name].split(";"))
        for unit in units.split(",")
    ]
    assert len(target) == size
    assert neighbours(target, BASE) == [(layer, unit + 1) for layer, unit in target]


def test_what_is_taken_is_passed_over_and_the_last_unit_is_followed_by_the_first():
    layers = [Layer("0", 6), Layer("1", 4)]
    assert neighbours([(0, 0), (0, 1), (0, 5)], layers) == [(0, 2), (0, 3), (0, 4)]
    assert neighbours([(1, 3), (0, 5)], layers) == [(0, 0), (1, 0)]


def test_a_layer_without_enough_neighbours_is_refused():
    with pytest.raises(
        OtoscopeError, match=r"layer 0 \(a\) has 3 units, 2 of them in the target: 1 are left"
    ):
        neighbours([(0, 0), (0, 1)], [Layer("a", 3)])
