"""From the overview to sound, as a reader goes: by clicks, and by the keyboard alone."""

import re

import pytest

PAINTED = """() => {
  // The picture on which the fewest tokens fire, that some place of it is free of them.
  const all = [...document.querySelectorAll('.player')].map(player => {
    const packed = JSON.parse(player.querySelector('script').textContent);
    return {player, cells: packed.cells.map(([x, y]) => [...packed.x[x], ...packed.y[y]])};
  });
  const [{player, cells}] = all.filter(it => it.cells.length).sort((a, b) => a.cells.length - b.cells.length);
  const canvas = player.querySelector('canvas'), {width, height} = canvas;
  const {data} = canvas.getContext('2d', {willReadFrequently: true}).getImageData(0, 0, width, height);
  const alpha = (x, y) => data[4 * (Math.floor(y * height) * width + Math.floor(x * width)) + 3];
  const held = (x, y) => cells.some(([x0, x1, y0, y1]) =>
      x > x0 - 0.02 && x < x1 + 0.02 && y > y0 - 0.05 && y < y1 + 0.05);
  const off = [];
  for (let x = 0.02; x < 1; x += 0.02)
    for (let y = 0.05; y < 1; y += 0.05)
      if (!held(x, y)) off.push(alpha(x, y));
  return {on: cells.map(([x0, x1, y0, y1]) => alpha((x0 + x1) / 2, (y0 + y1) / 2)), off};
}"""
CELL = """() => {
  const plot = document.querySelector('article .plot');
  const matrix = otoscope.data[plot.closest('article').dataset.matrix];
  const {xaxis, yaxis} = plot._fullLayout, [trace] = plot.data.filter(it => it.customdata);
  const box = plot.getBoundingClientRect();
  for (const [i, line] of trace.customdata.entries())
    for (const [j, [row, column]] of line.entries())
      if (row !== column && matrix.neurons[row][column].some(each => each.slice(1).some(Boolean)))
        return {
          x: box.left + xaxis._offset + xaxis.d2p(j),
          y: box.top + yaxis._offset + yaxis.d2p(i),
          row: matrix.classes[0][row],
          column: matrix.classes[1][column],
        };
}"""
PLAYING = (
    "(() => { const it = document.querySelector('audio'); return it.currentTime > 0.3 && !it.paused; })()"
)


def arrived(page):
    """Wait for a page to be there, and say its heading."""
    page.wait_for_load_state()
    return page.locator("h1").inner_text()


def cursor(page):
    return page.locator(".cursor").first.evaluate("it => it.hidden ? null : parseFloat(it.style.left)")


def matrix_cell(page):
    """A cell of the first matrix, whose two classes share a neuron that has a page: its place and classes."""
    return page.evaluate(CELL)


def test_from_the_overview_by_a_matrix_cell_to_a_neuron_that_is_heard(site, visit, tell):
    page = visit(site / "index.html")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Sharing").click()
    assert arrived(page) == "Sharing"
    tell.settled(page)
    page.locator("article .plot").first.scroll_into_view_if_needed()
    at = matrix_cell(page)
    page.mouse.move(at["x"], at["y"])
    tell.until(page, "document.querySelector('.hoverlayer .hovertext')")
    page.mouse.click(at["x"], at["y"])
    cell = page.locator("article .cell").first
    heading = cell.get_by_role("heading").inner_text()
    assert at["row"] in heading
    assert at["column"] in heading
    link = cell.get_by_role("link").first
    address = link.inner_text()
    link.click()
    assert arrived(page) == f"Neuron {address}"

    assert cursor(page) is None
    audio = page.locator("audio").first
    audio.scroll_into_view_if_needed()
    box = audio.bounding_box()
    page.mouse.click(box["x"] + 28, box["y"] + box["height"] / 2)  # Chromium's own play button
    tell.until(page, PLAYING)
    before = cursor(page)
    tell.until(page, "document.querySelector('audio').currentTime > 0.6")
    assert 0 < before < cursor(page) <= 100


def test_by_two_selects_to_the_same_neurons_and_the_address_keeps_them(site, visit, tell):
    page = visit(site / "sharing.html")
    page.locator("article .plot").first.scroll_into_view_if_needed()
    at = matrix_cell(page)
    article = page.locator("article").first
    article.get_by_role("combobox", name="Class", exact=True).select_option(label=at["row"])
    article.get_by_role("combobox", name="and class").select_option(label=at["column"])
    listed = article.locator(".cell li").all_inner_texts()
    assert listed
    page.reload()
    tell.settled(page)
    assert page.locator("article").first.locator(".cell li").all_inner_texts() == listed


def test_from_a_class_of_the_table_to_its_neuron(site, visit):
    page = visit(site / "neurons.html")
    links = page.locator("#rows tbody a")
    address = links.first.inner_text()
    links.first.click()
    assert arrived(page) == f"Neuron {address}"
    page.get_by_role("link", name="Neurons", exact=True).first.click()
    assert arrived(page) == "Neurons"


@pytest.fixture
def neuron(site, visit):
    """The page of a neuron, its first picture in view."""
    page = visit(sorted((site / "neurons" / "1").glob("*.html"))[0])
    page.locator(".surface").first.scroll_into_view_if_needed()
    return page


def test_seeks_by_a_click_on_the_picture_and_by_the_keyboard(neuron, tell):
    surface = neuron.locator(".surface[role=slider]").first
    seconds = float(surface.get_attribute("aria-valuemax"))
    box = surface.bounding_box()
    surface.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert float(surface.get_attribute("aria-valuenow")) == pytest.approx(seconds / 2, abs=0.02)
    assert cursor(neuron) == pytest.approx(50, abs=1)
    surface.press("ArrowRight")
    assert float(surface.get_attribute("aria-valuenow")) == pytest.approx(seconds / 2 + 0.1, abs=0.03)
    surface.press("Space")
    tell.until(neuron, f"document.querySelector('audio').currentTime > {seconds / 2 + 0.2}")
    assert cursor(neuron) > 55


def test_a_jump_to_the_end_and_back_leaves_the_sound_playable(neuron, tell):
    surface = neuron.locator(".surface[role=slider]").first
    box = surface.bounding_box()
    for jump in (
        lambda: surface.press("End"),
        lambda: surface.click(position={"x": box["width"] - 1, "y": box["height"] / 2}),
    ):
        jump()
        surface.press("Space")
        tell.until(neuron, "document.querySelector('audio').ended")
        surface.press("PageDown")
        tell.until(neuron, "!document.querySelector('audio').seeking")
        surface.press("Space")
        tell.until(neuron, PLAYING)
        surface.press("Space")


def test_the_overlay_is_painted_where_a_token_fires_and_nowhere_else(neuron, tell):
    tell.until(neuron, "[...document.querySelectorAll('canvas')].every(it => it.width !== 300)")
    found = neuron.evaluate(PAINTED)
    assert found["on"]
    assert min(found["on"]) > 0
    assert found["off"]
    assert max(found["off"]) == 0


def test_the_theme_is_chosen_by_the_button_and_stays_on_the_next_page(site, visit, tell):
    page = visit(site / "layers.html")
    ground = "getComputedStyle(document.body).backgroundColor"
    button = page.locator("button.theme")
    light = page.evaluate(ground)
    ink = "getComputedStyle(document.querySelector('[data-chart] .main-svg text')).fill"
    pale = page.evaluate(ink)
    assert button.inner_text() == "Theme: auto"
    button.click()
    assert page.evaluate(ground) == light
    button.click()
    assert button.inner_text() == "Theme: dark"
    dark = page.evaluate(ground)
    assert dark != light
    tell.until(page, f"{ink} !== {pale!r}")  # charts are drawn anew
    page.get_by_role("link", name="Impact", exact=True).first.click()
    assert arrived(page) == "Impact"
    assert page.locator("button.theme").inner_text() == "Theme: dark"
    assert page.evaluate(ground) == dark


def focused(page):
    """What has the focus, in a word."""
    return page.evaluate(
        """() => {
          const it = document.activeElement;
          if (it.matches('.skip')) return 'skip';
          if (it.closest('nav')) return 'nav';
          if (it.matches('button.theme')) return 'theme';
          if (it.closest('.filters')) return 'filters';
          if (it.id === 'rows') return 'table';
          if (it.closest('#rows thead')) return 'heading';
          if (it.closest('#rows tbody')) return 'row';
          if (it.matches('.surface')) return 'picture';
          if (it.matches('audio')) return 'audio';
          if (it.matches('button.excerpt')) return 'excerpt';
          return it.tagName.toLowerCase();
        }"""
    )


def tabbed(page, stops, most=80):
    """Press Tab until all these were reached; what was, in order, each run of the same once."""
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        now = focused(page)
        # What has the focus can be seen to have it.
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert now == "audio" or outline != "none", now
        if found[-1:] != [now]:
            found.append(now)
        if set(stops) <= set(found):
            break
    return [each for each in found if each in stops]


def test_the_keyboard_reaches_links_filters_and_rows_in_order(site, visit):
    stops = ["skip", "nav", "theme", "filters", "table", "heading", "row"]
    assert tabbed(visit(site / "neurons.html"), stops) == stops


def test_the_keyboard_reaches_pictures_and_players_in_order(site, visit):
    page = visit(sorted((site / "neurons" / "1").glob("*.html"))[0])
    assert tabbed(page, ["skip", "nav", "theme", "picture", "audio", "excerpt"])[:6] == [
        "skip",
        "nav",
        "theme",
        "picture",
        "audio",
        "excerpt",
    ]


def test_the_skip_link_leads_past_the_navigation(site, visit):
    page = visit(site / "neurons.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert re.search(r"#main$", page.url)
    assert page.locator("#rows tbody tr").count() > 5
