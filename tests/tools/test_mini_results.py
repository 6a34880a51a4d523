"""The documentation's tables from a study: what was refused or has no value is a dash, never an error."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "mini"))

from results import summary


def test_a_row_holds_what_there_is_and_dashes_for_the_rest() -> None:
    chance = {"neurons": {"mean": 2.4}, "coverage": {"mean": 0.5}, "depth": {"mean": 0.01, "p": 0.02}}
    probe = {"interval": [0.4, 0.8]}
    start = {"task": "mini:events", "label": "event", "model": "mini:ssl"}
    found = {"neurons": 92, "coverage": 0.75, "depth": 0.1, "chance": chance}
    none = {"neurons": 0, "coverage": 0.0, "depth": None, "chance": None}
    lines = summary(
        [
            start | found | {"probe": probe, "probe_accuracy": 0.6},
            start | none | {"probe": None, "probe_accuracy": None},
            start | {"refused": "too few groups", "probe": None, "probe_accuracy": None},
        ]
    ).splitlines()[2:]
    head = "| mini:events, event | mini:ssl | "
    assert lines == [
        head + "92 (2) | 0.75 (0.50) | 0.100 (0.010) | 0.020 | 0.60 (0.40 to 0.80) |",
        head + "0 (-) | 0.00 (-) | - (-) | no test | - |",
        head + "- (-) | - (-) | - (-) | no test | - |",
    ]
