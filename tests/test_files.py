"""Files that are whole or not there."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from otoscope.files import read_json, replacing, slug, to_json, write_json, write_table


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "note.txt"
    target.write_text("old")

    def fail() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_json_is_strict(tmp_path: Path) -> None:
    document = {"a": np.arange(2), "b": np.float32("nan"), 3: (1, float("inf")), "p": tmp_path}
    assert json.loads(to_json(document)) == {"a": [0, 1], "b": None, "3": [1, None], "p": str(tmp_path)}
    write_json(tmp_path / "new" / "d.json", document)
    assert read_json(tmp_path / "new" / "d.json")["a"] == [0, 1]


def test_a_table_is_written_twice(tmp_path: Path) -> None:
    table = pd.DataFrame({"layer": [1], "category": ["a,b"]})
    write_table(tmp_path / "v1.2", table)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "v1.2.parquet"), table)
    assert (tmp_path / "v1.2.csv").read_text() == 'layer,category\n1,"a,b"\n'


@pytest.mark.parametrize(
    ("spec", "name"), [("mini:ssl", "mini-ssl"), ("mini:random@3", "mini-random-3"), ("a/b c", "a-b-c")]
)
def test_slug(spec: str, name: str) -> None:
    assert slug(spec) == name
