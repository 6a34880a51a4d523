"""The page "Evidence" is what its tool makes of the committed table, and so are the README's claims."""

import importlib.util
from pathlib import Path

import pytest

from otoscope.errors import OtoscopeError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("docs_evidence", ROOT / "tools" / "docs_evidence.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_tool_writes(tool):
    assert tool.PAGE.read_text(encoding="utf-8") == tool.page(tool.read())


def test_the_readme_s_claims_are_those_of_the_table(tool):
    readme = tool.README.read_text(encoding="utf-8")
    if tool.BEGIN not in readme:
        pytest.skip("the README has no place for claims")
    assert tool.with_claims(readme, tool.read()) == readme


def test_claims_take_the_place_of_older_ones_and_of_nothing_else(tool):
    written = tool.with_claims(f"before\n{tool.BEGIN}\nold\n{tool.END}\nafter\n", tool.read())
    assert written.startswith(f"before\n{tool.BEGIN}\n- ")
    assert written.endswith(f"{tool.END}\nafter\n")
    assert "old\n" not in written


def test_a_readme_without_the_marks_is_refused(tool):
    with pytest.raises(OtoscopeError, match="lacks the lines"):
        tool.with_claims("nothing", tool.read())


def test_every_verdict_follows_from_its_row(tool):
    row = {"preset": "specific", "refused": "", "neurons": 9, "neurons_p": 0.01, "depth_p": float("nan")}
    row |= {"twins_most": 3, "beyond_twins_low": 0.01, "held_out_low": 0.4}
    row |= {"stability": float("nan"), "stability_chance_most": float("nan")}
    assert tool.verdict(row) == "permuted labels, twins; not: unseen clips; open: other halves"
    assert tool.verdict(row | {"preset": "aape", "twins_most": 9, "stability": 0.3}) == (
        "twins; not: unseen clips; open: permuted labels, other halves"
    )
