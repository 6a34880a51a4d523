"""Lists of neurons in files: every format, and what is wrong with a file."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.targets import from_file
from otoscope.neurons import select
from otoscope.tasks import Labeling

A, B = [[0, 3], [1, 5]], [[0, 10]]
NEURONS_OF = {"a": ((0, 3), (1, 5)), "b": ((0, 10),)}

EVAR = """\
audio_repr: ar_m2d.AR_M2D_Steering_Neurons
weight_file: external/m2d/checkpoint-300.pth
dur_frames:  # None for no desired number of frames
# Neuron intervention
int_gain: 0.5
int_neurons: [ [1, 5], [0, 3], [0, 10] ]
"""


def neurons(targets):
    return {target.name: target.neurons for target in targets}


def test_one_list_is_named_by_its_file(tmp_path, paper):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(A))
    (target,) = from_file(path)(paper)
    assert (target.name, target.categories, target.neurons) == ("mine", (), NEURONS_OF["a"])
    assert target.level == 0


@pytest.mark.parametrize("suffix", ["json", "yaml", "csv", "parquet"])
def test_lists_by_name_have_the_classes_that_they_name(tmp_path, paper, suffix):
    path = tmp_path / f"lists.{suffix}"
    lists = {"a": A, "b": B, "a+c": B, "other": B}
    rows = pd.DataFrame(
        [(name, layer, unit) for name, listed in lists.items() for layer, unit in listed],
        columns=["target", "layer", "unit"],
    )
    if suffix == "csv":
        rows.to_csv(path, index=False)
    elif suffix == "parquet":
        rows.to_parquet(path)
    else:
        path.write_text(json.dumps(lists))  # which is YAML too
    found = from_file(path, level=2)(paper)
    assert neurons(found) == NEURONS_OF | {"a+c": NEURONS_OF["b"], "other": NEURONS_OF["b"]}
    assert [target.categories for target in found] == [("a",), ("b",), ("a", "c"), ()]
    assert {target.level for target in found} == {2}


def test_a_table_without_names_is_one_list(tmp_path, paper):
    path = tmp_path / "mine.csv"
    path.write_text("layer,unit,score\n0,3,0.1\n1,5,0.2\n")
    assert neurons(from_file(path)(paper)) == {"mine": NEURONS_OF["a"]}


@pytest.mark.parametrize("name", ["neurons.csv", "neurons.parquet"])
def test_a_saved_selection_is_read_back(tmp_path, store, learning, name):
    chosen = select(store, "tone", preset="aape", permutations=0, twins=False)
    chosen.save(tmp_path)
    found = from_file(tmp_path / name)(learning)
    assert {target.name: set(target.neurons) for target in found} == {
        category: found for category, found in chosen.sets().items() if found
    }
    assert all(target.categories == (target.name,) for target in found)


def test_class_names_are_text_whatever_they_look_like(tmp_path, paper):
    path = tmp_path / "lists.csv"
    path.write_text("layer,unit,category\n0,3,60\n0,3,NA\n")
    odd = replace(paper, labeling=Labeling("kind", "kind", ("60", "NA")))
    assert [target.categories for target in from_file(path)(odd)] == [("60",), ("NA",)]


def test_a_configuration_of_evar_brings_its_gain(tmp_path, paper):
    path = tmp_path / "m2d_abl.yaml"
    path.write_text(EVAR)
    (target,) = from_file(path)(paper)
    assert (target.name, target.neurons, target.level) == ("m2d_abl", ((0, 3), (0, 10), (1, 5)), 0.5)
    (target,) = from_file(path, level=0.0)(paper)
    assert target.level == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "x.json",
            "[[0, 3], [1]]",
            r"x\.json: entry 2 is \[1\]; expected \[layer, unit\], two whole numbers",
        ),
        ("x.json", '{"a": [[0, 1.5]]}', r"x\.json: a: entry 1 is \[0, 1\.5\]; expected"),
        ("x.json", '{"a": [[0, true]]}', r"entry 1 is \[0, True\]"),
        ("x.json", '{"a": [[0, -1]]}', r"entry 1 is \[0, -1\]"),
        ("x.json", '{"a": []}', r"x\.json: a holds \[\]; expected a list of \[layer, unit\] pairs, at least"),
        ("x.json", "[]", r"x\.json holds \[\]"),
        ("x.json", "7", r"x\.json holds 7; expected a list of \[layer, unit\] pairs, such lists by name"),
        ("x.json", "[[0, 1]", r"x\.json cannot be read: .*; expected a JSON file"),
        ("x.yaml", "a: [", r"x\.yaml cannot be read: .*; expected a YAML file"),
        ("x.yaml", "", r"x\.yaml holds None; expected"),
        ("x.yaml", "int_neurons: 3", r"x\.yaml: int_neurons holds 3; expected"),
        ("x.yaml", "int_neurons: [[0, 1]]\nint_gain: off", r"x\.yaml: int_gain is False; expected a number"),
        ("x.csv", "layer,neuron\n0,1\n", r"x\.csv has no column unit; it has layer, neuron; expected layer"),
        ("x.csv", "layer,unit\n0,1.5\n", r"x\.csv: entry 1 is \[0, '1\.5'\]; expected"),
        ("x.csv", "layer,unit,target\n0,1,b\n0,,b\n", r"x\.csv: b: entry 2 is \[0, ''\]; expected"),
        ("x.csv", "layer,unit\n", r"x\.csv holds \[\]; expected a list"),
        ("x.csv", "", r"x\.csv cannot be read"),
        ("x.parquet", "no", r"x\.parquet cannot be read: .*; expected a PARQUET file"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(OtoscopeError, match=message):
        from_file(tmp_path / name)


def test_a_file_that_is_not_there_or_of_another_kind_or_model(tmp_path, paper):
    with pytest.raises(UsageError, match=r"none\.json is not a file; expected a list of neurons"):
        from_file(tmp_path / "none.json")
    with pytest.raises(
        UsageError, match=r"list\.txt is no list of neurons by its name; expected one of \.json"
    ):
        from_file(tmp_path / "list.txt")
    path = tmp_path / "mine.json"
    path.write_text("[[0, 100]]")
    with pytest.raises(OtoscopeError, match=r"mine\.json: neuron 0\.100: no unit 100; .* counted from 0"):
        from_file(path)(paper)
