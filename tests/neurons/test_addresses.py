from types import SimpleNamespace

import pytest

from otoscope.errors import UsageError
from otoscope.neurons.addresses import flat_index, format_address, parse_address, positions

LAYERS = [SimpleNamespace(units=3), SimpleNamespace(units=5)]


@pytest.mark.parametrize("address", [(0, 0), (7, 1157), (7, 10), (11, 3071)])
def test_an_address_reads_back(address):
    assert parse_address(format_address(*address)) == address


@pytest.mark.parametrize("text", ["", "7", "7.", ".7", "7.1.2", "-1.2", "7,1", "a.b", "7.1e3", "٣.٤"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageError, match=r"is not of the form LAYER\.UNIT.*7\.1157"):
        parse_address(text)


def test_the_flat_index_runs_through_all_neurons_in_order():
    layer, unit = positions(LAYERS)
    assert [flat_index(LAYERS, *each) for each in zip(layer.tolist(), unit.tolist(), strict=True)] == list(
        range(8)
    )


def test_an_unknown_neuron_is_named_with_what_there_is():
    with pytest.raises(UsageError, match=r"neuron 2\.0: no layer 2; expected 0 to 1"):
        flat_index(LAYERS, 2, 0)
    with pytest.raises(UsageError, match=r"neuron 1\.5: no unit 5; layer 1 has units 0 to 4"):
        flat_index(LAYERS, 1, 5)
