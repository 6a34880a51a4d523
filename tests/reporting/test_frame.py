"""The frame of every page: navigation, theme, and figures that show in either theme."""

import re
from types import SimpleNamespace

import pytest
from jinja2 import DictLoader

from otoscope.reporting import page as pages
from otoscope.reporting.page import POLICY, render
from otoscope.reporting.site import Page, Site

NAV = [("index", "Overview"), ("neurons", "Neurons"), ("methods", "Methods")]
EVIL = "<script>alert(1)</script>"
FIGURE = SimpleNamespace(
    light="figures/a.svg",
    dark="figures/a-dark.svg",
    pdf="figures/a.pdf",
    caption=f"{EVIL} 95 %",
    alt=f'"{EVIL}',
    width=900,
    height=300,
    wide=True,
)


@pytest.fixture
def rendered(tmp_path_factory, monkeypatch):
    """Render a page whose main part is a template given as text."""

    def make(main, name="neurons", live=False, **content):
        text = f'{{% extends "report/base.html.jinja" %}}{{% block main %}}{main}{{% endblock %}}'
        environment = pages._environment()
        monkeypatch.setitem(environment.loader.mapping, "trial", DictLoader({"page": text}))
        environment.cache.clear()
        site = Site(tmp_path_factory.mktemp("site"), (), "2026-11-23 04:00 UTC", live)
        return render(site, Page(name, EVIL, "trial/page", content, ("assets/charts.js",)), NAV)

    return make


def test_the_page_itself_is_marked_in_the_navigation(rendered):
    html = rendered("")
    assert re.findall(r'href="([^"]*)" aria-current="page"', html) == ["neurons.html"]
    assert html.index('href="#main"') < html.index("<nav")
    assert 'id="main"' in html


def test_a_neuron_s_page_lies_under_neurons_and_finds_its_way_back(rendered):
    html = rendered("", name="neurons/1/7.12")
    assert re.findall(r'href="([^"]*)" aria-current="true"', html) == ["../../neurons.html"]
    assert 'href="../../assets/style.css"' in html
    assert 'src="../../assets/charts.js"' in html


def test_nothing_in_the_page_runs_but_the_folder_s_scripts(rendered):
    html = rendered("{{ page.title }}")
    assert re.findall(r"<script([^>]*)>", html) == [' src="assets/theme.js"', ' src="assets/charts.js"']
    assert "&lt;script&gt;" in html
    assert "script-src 'self' file:;" in POLICY
    assert not re.search(r"\son\w+=", html)


def test_a_figure_shows_one_picture_a_theme_and_leads_to_its_files(rendered):
    html = rendered("{{ show.figure(it) }}", it=FIGURE)
    assert re.findall(r'<img class="on-(\w+)" src="([^"]*)"', html) == [
        ("light", "figures/a.svg"),
        ("dark", "figures/a-dark.svg"),
    ]
    assert re.findall(r'<a href="([^"]*)" download>(.*?)</a>', html) == [
        ("figures/a.pdf", "PDF"),
        ("figures/a.svg", "SVG"),
    ]
    assert EVIL not in html


@pytest.mark.parametrize("figure", [None, FIGURE])
def test_a_chart_has_its_words_and_its_print(rendered, figure):
    it = SimpleNamespace(name=EVIL, alt="what it shows", caption="c", height=300, figure=figure)
    html = rendered("{{ show.chart(it) }}", it=it)
    assert 'role="img" aria-label="what it shows" style="height: 300px"' in html
    assert ("The same for print" in html) == (figure is not None)
    assert EVIL not in html


def test_a_heading_without_words_is_none(rendered):
    it = SimpleNamespace(title="t", columns=("", "p"), rows=(("a", "1"),))
    html = rendered("{{ show.cells(it) }}", it=it)
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == ["p"]


def test_only_a_folder_is_said_to_be_one_that_can_be_passed_on(rendered):
    assert "the folder can be passed on" in rendered("")
    assert "the folder can be passed on" not in rendered("", live=True)
