"""Data scripts: JSON that nothing in it can end, each under a name of its own."""

import json

import numpy as np
import pytest

from otoscope.reporting.shelf import Shelf, script_json

NASTY = "</script><!-- & \u2028\u2029 日本 \" ' \\"


def test_a_script_holds_what_was_put_in():
    document = {"label": NASTY, "n": np.arange(3), "one": np.float32(0.5), "deep": [(1, True, None)]}
    text = script_json(document)
    assert json.loads(text) == {"label": NASTY, "n": [0, 1, 2], "one": 0.5, "deep": [[1, True, None]]}


@pytest.mark.parametrize("sign", ["<", ">", "&", "\u2028", "\u2029"])
def test_nothing_in_it_ends_the_script(sign):
    assert sign not in script_json({NASTY: [NASTY]})


def test_what_is_not_finite_is_missing():
    assert script_json([np.nan, float("inf"), np.array([1.0, np.nan])]) == "[null,null,[1.0,null]]"


def test_names_that_look_alike_get_files_of_their_own(tmp_path):
    shelf = Shelf(tmp_path)
    paths = [shelf.add(name, {}) for name in ("a/b", "a b", "../../etc", NASTY)]
    assert len(set(paths)) == 4
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == sorted(
        path.removeprefix("data/") for path in paths
    )
    assert (tmp_path / paths[1]).read_text(encoding="utf-8") == 'otoscope.data["a b"] = {};\n'


def test_a_name_stands_for_one_document(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.add("a", {})
    with pytest.raises(AssertionError, match="'a' twice"):
        shelf.add("a", {})
