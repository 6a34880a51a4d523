"""Every page, on a projector and on a phone, light and dark: it opens clean, fits, and passes axe-core."""

from pathlib import Path

import pytest

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
PAGES = ("index", "layers", "sharing", "impact", "evidence", "neurons", "compare", "methods")
LOOKS = [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]


def violations(page):
    """What axe-core finds wrong, in words."""
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; })")
    page.evaluate(AXE)
    found = page.evaluate(
        "tags => axe.run(document, {preload: false, runOnly: tags, resultTypes: ['violations']})", TAGS
    )
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"][:3]
    ]


def a_neuron(folder, number=1):
    return sorted((folder / "neurons" / str(number)).glob("*.html"))[0]


@pytest.mark.parametrize("size, theme", LOOKS)
@pytest.mark.parametrize("name", [*PAGES, "a neuron"])
def test_opens_clean_fits_and_can_be_used_by_all(site, visit, tell, name, size, theme):
    page = visit(a_neuron(site) if name == "a neuron" else site / f"{name}.html", size, theme)
    assert page.locator("h1").count() == 1
    assert tell.overflow(page) <= 0
    assert violations(page) == []
    assert tell.overflow(page) <= 0  # with everything unfolded, too


@pytest.mark.parametrize("name", [*PAGES, "a neuron"])
def test_fits_a_small_phone(site, visit, tell, name):
    page = visit(a_neuron(site) if name == "a neuron" else site / f"{name}.html", (360, 740))
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; })")
    assert tell.overflow(page) <= 0
