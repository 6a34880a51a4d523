"""Targets from files that list neurons.

JSON          a list of [layer, unit] pairs, or an object of such lists by the target's name
YAML          the same, or a configuration of EVAR's steering experiments: `int_neurons`, a list of
              [layer, unit] pairs, and `int_gain`, what they are multiplied by
CSV, Parquet  a row a neuron, columns `layer` and `unit`, and `target` or `category` if there are several
              lists: a selection's own table (`neurons.csv`) is such a file

Layers and units count from 0. A list without a name has the file's. A list whose name is a class of the
labeling, or several joined by "+", is taken for theirs.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pyarrow.lib import ArrowException

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.changes import Address
from otoscope.interventions.changes.base import check_addresses
from otoscope.interventions.targets.target import Learning, Maker, Target, classes_of_name, ordered

__all__ = ["from_file"]

SUFFIXES = (".json", ".yaml", ".yml", ".csv", ".parquet")

Lists = Mapping[str, Sequence[Address]]
"""Neurons by the name of their target."""


def from_file(path: str | Path, *, level: float | None = None) -> Maker:
    """The neurons that a file lists; see `otoscope.interventions.targets.files` for the formats.

    Args:
        path: the file, read at once.
        level: see `Target`; by default `int_gain` where the file has it, else 0.

    Raises:
        UsageError: no such file, or one of another kind.
        OtoscopeError: a file that does not hold neurons; when it is called, one that the model does not have.
    """
    path = Path(path)
    lists, gain = _read(path)
    at = level if level is not None else gain

    def make(learning: Learning) -> list[Target]:
        try:
            check_addresses((each for one in lists.values() for each in one), learning.store.layers)
        except UsageError as error:
            model = learning.store.info["model"]["name"]
            raise OtoscopeError(
                f"{path}: {error}; expected neurons of {model!r}, the model of this recording; are layers "
                "and units counted from 0, and is the list of this model?"
            ) from error
        return [
            Target(name, classes_of_name(name, learning.labeling), ordered(neurons), at)
            for name, neurons in lists.items()
        ]

    return make


def _read(path: Path) -> tuple[Lists, float]:
    """The lists of a file, and the gain that it asks for."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is no list of neurons by its name; expected one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UsageError(f"{path} is not a file; expected a list of neurons; is the path right?")
    try:
        if path.suffix.lower() in (".csv", ".parquet"):
            return _of_table(path, _table(path)), 0.0
        return _of_document(path, _document(path))
    except (yaml.YAMLError, ArrowException, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        problem = " ".join(str(error).split())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        problem = str(error)
    raise OtoscopeError(f"{path} cannot be read: {problem}; expected a {path.suffix[1:].upper()} file")


def _document(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)


def _table(path: Path) -> pd.DataFrame:
    if path.suffix.lower() == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype=str, keep_default_na=False)  # a class may be called "NA"


def _of_document(path: Path, document: Any) -> tuple[Lists, float]:
    if isinstance(document, list):
        return {path.stem: _addresses(path, "", document)}, 0.0
    if not isinstance(document, dict) or not document:
        raise OtoscopeError(
            f"{path} holds {_shown(document)}; expected a list of [layer, unit] pairs, such lists by name, "
            "or int_neurons as in EVAR's configurations"
        )
    if "int_neurons" not in document:
        return {str(name): _addresses(path, str(name), listed) for name, listed in document.items()}, 0.0
    gain = document.get("int_gain", 0.0)
    if isinstance(gain, bool) or not isinstance(gain, (int, float)):
        raise OtoscopeError(f"{path}: int_gain is {gain!r}; expected a number, 0.0 for off")
    return {path.stem: _addresses(path, "int_neurons", document["int_neurons"])}, float(gain)


def _of_table(path: Path, table: pd.DataFrame) -> Lists:
    if missing := [name for name in ("layer", "unit") if name not in table.columns]:
        there = ", ".join(map(str, table.columns)) or "none"
        raise OtoscopeError(
            f"{path} has no column {' or '.join(missing)}; it has {there}; expected layer and unit, and "
            "target or category if there are several lists"
        )
    rows = [[_number(value) for value in row] for row in table[["layer", "unit"]].to_numpy(object).tolist()]
    by = next((name for name in ("target", "category") if name in table.columns), None)
    if by is None or not rows:
        return {path.stem: _addresses(path, "", rows)}
    names = table[by].astype(str).tolist()
    return {
        name: _addresses(path, name, [row for row, of in zip(rows, names, strict=True) if of == name])
        for name in dict.fromkeys(names)
    }


def _number(value: Any) -> Any:
    """What a cell of a table holds, as a whole number where it is one."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


def _addresses(path: Path, name: str, listed: Any) -> list[Address]:
    """A list of [layer, unit] pairs, checked."""
    where = f"{path}: {name}" if name else str(path)
    if not isinstance(listed, list) or not listed:
        raise OtoscopeError(
            f"{where} holds {_shown(listed)}; expected a list of [layer, unit] pairs, at least one"
        )
    for number, entry in enumerate(listed, start=1):
        right = isinstance(entry, list) and len(entry) == 2 and all(type(each) is int for each in entry)
        if not right or min(entry) < 0:
            raise OtoscopeError(
                f"{where}: entry {number} is {_shown(entry)}; expected [layer, unit], two whole numbers from "
                "0, for example [7, 1157]"
            )
    return [(layer, unit) for layer, unit in listed]


def _shown(value: Any) -> str:
    """A value of the file as a message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
