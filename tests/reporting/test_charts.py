"""Charts: their data, and labels that stay text whatever they hold."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from otoscope.reporting.charts import CHANGES, HEAT, OBSERVED, SERIES, chart, escaped, scripts
from otoscope.reporting.page import copy_assets
from otoscope.reporting.site import Site

ASSETS = Path(__file__).parents[2] / "src/otoscope/reporting/assets"
LABELS = ["<script>alert(1)</script>", '<a href="javascript:alert(1)">x</a>', "$x$", "R&amp;B"]


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, (), "today")


def test_no_label_is_markup_wherever_it_stands():
    figure = {
        "traces": [{"name": LABELS[0], "text": LABELS, "customdata": [[LABELS[1], 2]]}],
        "layout": {"xaxis": {"ticktext": tuple(LABELS)}, "annotations": [{"text": LABELS[1]}]},
    }
    written = json.dumps(escaped(figure))
    assert "<" not in written
    assert ">" not in written
    assert "R&amp;amp;B" in written  # shown as it is called, not as "R&B"
    assert "$x$" in written


def test_templates_keep_the_markup_that_we_write():
    template = "%{customdata[0]}<br>%{y}<extra></extra>"
    assert escaped({"hovertemplate": template, "texttemplate": "<b>%{z}</b>"}) == {
        "hovertemplate": template,
        "texttemplate": "<b>%{z}</b>",
    }


def test_numbers_and_colours_stay_as_they_are():
    figure = {"z": np.array([[1.5, 2]]), "colorscale": HEAT, "marker": {"color": OBSERVED}, "show": None}
    assert escaped(figure) == {**figure, "z": [[1.5, 2.0]]}


def test_a_chart_is_a_data_script_of_its_own(site):
    made = chart(site, "by layer", [{"y": [1, np.nan], "name": LABELS[0]}], {}, caption="c", alt="a")
    text = (site.folder / made.data).read_text(encoding="utf-8")
    assert text.startswith('otoscope.data["by layer"] = {"traces":[{"y":[1,null],')
    assert made.name == "by layer"
    assert "<" not in text


def test_scripts_come_after_their_data(site):
    one, two = (chart(site, name, [], {}, caption="c", alt="a") for name in ("one", "two"))
    assert scripts([one, two])[:2] == ("data/one.js", "data/two.js")
    assert scripts([one])[1:] == scripts([one, two])[2:]
    assert scripts([]) == ()
    copy_assets(site.folder)
    assert all((site.folder / path).is_file() for path in scripts([one, two]))


def test_the_style_sheet_knows_every_colour_that_charts_name():
    style = (ASSETS / "style.css").read_text(encoding="utf-8")
    for colour in (OBSERVED, *SERIES, *(shade for _, shade in (*HEAT, *CHANGES))):
        assert f"{colour.removeprefix('var(').removesuffix(')')}:" in style


def test_scripts_that_are_not_ours_are_those_that_were_pinned(tmp_path):
    place = Path(__file__).parents[2] / "tools/vendor.py"
    spec = importlib.util.spec_from_file_location("vendor", place)
    vendor = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(vendor)
    assert vendor.wrong(vendor.PAGES) == vendor.wrong(vendor.TESTS) == []
    assert [line.split(":")[0].rpartition("/")[2] for line in vendor.wrong(vendor.PAGES, tmp_path)][:2] == [
        "plotly-cartesian.min.js",
        "plotly-cartesian.LICENSE.txt",
    ]
    licence = (ASSETS / "vendor/plotly-cartesian.LICENSE.txt").read_text(encoding="utf-8")
    assert licence.startswith("MIT License")
