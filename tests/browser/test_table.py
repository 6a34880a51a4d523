"""The table of neurons: true orders, true counts, and few rows in the page however many there are."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import otoscope

ROWS = """() => [...document.querySelectorAll('#rows tbody tr:not(.gap)')]
    .map(row => [...row.cells].map(cell => cell.textContent))"""

SCROLL = """share => {
  const it = document.getElementById('rows');
  it.scrollTop = share * it.scrollHeight;
}"""
IN_VIEW = """() => {
  const box = document.getElementById('rows').getBoundingClientRect();
  const middle = (box.top + box.bottom) / 2;
  return [...document.querySelectorAll('#rows tbody tr:not(.gap)')].some(row => {
    const {top, bottom} = row.getBoundingClientRect();
    return top <= middle && bottom >= middle;
  });
}"""


@pytest.fixture(scope="module")
def truth(stores):
    """Every neuron of the first recording, in the order of addresses, to the digits that the page has."""
    p = otoscope.firing_probability(stores[0], "event")
    entropy = otoscope.entropy(p).to_series().dropna()
    table = p.to_series().dropna().unstack("category").loc[:, list(p["category"].to_numpy())]
    digits = "{:.4g}".format
    found = pd.DataFrame(
        {
            "address": [f"{layer}.{unit}" for layer, unit in table.index],
            "layer": table.index.get_level_values(0),
            "top": table.idxmax(axis=1).to_numpy(),
            "p": table.max(axis=1).map(digits).astype(float).to_numpy(),
            "entropy": entropy.reindex(table.index).map(digits).astype(float).to_numpy(),
        }
    )
    assert len(found) == sum(layer.units for layer in stores[0].layers)
    return found


def first_column(page, count=20):
    return [row[0] for row in page.evaluate(ROWS)[:count]]


def count(page):
    return page.locator("#count").inner_text()


def by(table, column, **settings):
    return table.sort_values(column, kind="stable", **settings)["address"].head(20).tolist()


def test_sorts_by_any_column_both_ways(site, visit, truth):
    page = visit(site / "neurons.html")
    assert count(page) == f"{len(truth):,} neurons"
    for title, column, ascending in [
        ("neuron", None, True),
        ("probability", "p", False),
        ("entropy", "entropy", True),
    ]:
        heading = page.locator("#rows th button", has_text=title)
        for turned in (False, True):
            heading.click()
            up = ascending != turned
            said = page.locator("#rows th[aria-sort]")
            assert (said.inner_text(), said.get_attribute("aria-sort")) == (
                title,
                "ascending" if up else "descending",
            )
            if column is None:
                expected = truth["address"].iloc[:: 1 if up else -1].head(20).tolist()
            else:
                expected = by(truth, column, ascending=up)
            assert first_column(page) == expected, (title, up)


def test_filters_by_class_layer_and_entropy(site, visit, truth, stores):
    page = visit(site / "neurons.html")
    page.get_by_role("button", name="neuron", exact=True).click()
    chosen = pd.concat(
        [
            pd.read_parquet(path)[["layer", "unit", "category"]]
            for path in (site / "tables").glob("1-event-*-neurons.parquet")
        ]
    )
    own = chosen[chosen["category"] == "bell"]
    picked = set(own["layer"].astype(str) + "." + own["unit"].astype(str))
    page.get_by_role("combobox", name="Class", exact=True).select_option("bell")
    bell = truth[(truth["top"] == "bell") | truth["address"].isin(picked)]
    assert count(page) == f"{len(bell):,} of {len(truth):,} neurons"
    page.get_by_role("combobox", name="Layer", exact=True).select_option("5")
    bell = bell[bell["layer"] == 5]
    assert count(page) == f"{len(bell):,} of {len(truth):,} neurons"
    assert first_column(page) == bell["address"].head(20).tolist()
    limit = float(bell["entropy"].median())
    page.get_by_label("Entropy up to").fill(str(limit))
    assert count(page) == f"{(bell['entropy'] <= limit).sum():,} of {len(truth):,} neurons"
    page.get_by_role("button", name="Show all").click()
    assert count(page) == f"{len(truth):,} neurons"


def test_searches_addresses_and_classes(site, visit, truth):
    page = visit(site / "neurons.html")
    search = page.get_by_role("searchbox", name="Search")
    search.fill("7.11")
    expected = truth[truth["address"].str.startswith("7.11")]
    assert len(expected) == 11
    assert sorted(first_column(page)) == sorted(expected["address"])
    assert count(page) == f"11 of {len(truth):,} neurons"
    search.fill("ENGINE")
    found = page.evaluate(ROWS)
    assert found
    assert all("engine" in " ".join(row) for row in found)
    search.fill("no such thing")
    assert count(page) == f"0 of {len(truth):,} neurons"
    assert page.evaluate(ROWS) == []


def test_what_is_asked_while_the_rows_are_loading_is_answered_when_they_are_there(site, visit, truth, tell):
    page, held = visit(site / "index.html"), []
    page.route("**/neurons-*.js", lambda route: held.append(route))
    page.goto((site / "neurons.html").as_uri(), wait_until="commit")
    page.get_by_role("searchbox", name="Search").fill("7.11")
    tell.until(page, "document.getElementById('count').textContent === 'Loading …'")
    assert page.get_by_role("button", name="CSV").count() == 0
    for route in held:
        route.continue_()
    tell.until(page, "document.querySelectorAll('#rows tbody tr').length > 5")
    assert count(page) == f"11 of {len(truth):,} neurons"
    assert page.get_by_role("searchbox", name="Search").input_value() == "7.11"


def test_the_address_keeps_what_is_shown_and_another_recording_can_be_had(site, visit, tell):
    page = visit(site / "neurons.html")
    page.get_by_role("combobox", name="Layer", exact=True).select_option("3")
    page.get_by_role("combobox", name="Recording", exact=True).select_option("3")
    tell.until(page, "document.getElementById('label').value === 'family'")
    page.get_by_role("searchbox", name="Search").fill("2.1")
    before = first_column(page)
    page.reload()
    tell.until(page, "document.querySelectorAll('#rows tbody tr').length > 5")
    assert first_column(page) == before
    assert page.locator("#search").input_value() == "2.1"
    assert page.locator("#store").input_value() == "3"


@pytest.fixture
def many(site, tmp_path):
    """The page with as many neurons as BEATs or M2D has: 12 layers of 3,072."""
    for name in ("assets", "data"):
        shutil.copytree(site / name, tmp_path / name)
    for name in ("index.html", "neurons.html"):
        shutil.copy(site / name, tmp_path)
    file = tmp_path / "data" / "neurons-1-event.js"
    head, _, text = file.read_text(encoding="utf-8").partition(" = ")
    data = json.loads(text.strip().rstrip(";"))
    rng = np.random.default_rng(0)
    total = 12 * 3072
    data |= {
        "layers": [{"name": f"block {number}", "units": 3072} for number in range(12)],
        "top": rng.integers(len(data["classes"]), size=total).tolist(),
        "p": rng.permutation(total).astype(float).tolist(),
        "entropy": rng.random(total).round(3).tolist(),
        "test": [None] * total,
        "chosen": {"neuron": [], "preset": [], "category": []},
        "pages": [],
    }
    file.write_text(f"{head} = {json.dumps(data)};", encoding="utf-8")
    return tmp_path / "neurons.html", np.array(data["p"])


def test_a_table_of_36_864_rows_has_few_in_the_page_and_all_can_be_reached(many, visit, tell):
    path, p = many
    page = visit(path)
    assert count(page) == "36,864 neurons"
    heading = page.get_by_role("button", name="probability", exact=True)
    took = heading.evaluate(
        "it => { const began = performance.now(); it.click(); return performance.now() - began; }"
    )
    assert took < 500  # some 40 ms alone on a laptop
    most = []
    for share in (0, 0.1, 0.5, 0.9, 1):
        page.evaluate(SCROLL, share)
        tell.until(page, IN_VIEW)
        most.append(page.locator("#rows tr").count())
    assert max(most) < 100
    order = np.argsort(-p)
    expected = [f"{number // 3072}.{number % 3072}" for number in order[-10:]]
    assert [row[0] for row in page.evaluate(ROWS)[-10:]] == expected
    assert page.locator("#rows tbody tr:not(.gap)").last.get_attribute("aria-rowindex") == "36865"
