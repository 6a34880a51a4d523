"""Sites of the miniature, opened from the file system in a headless Chromium that has no network."""

import shutil
import time
from types import SimpleNamespace

import pytest

import otoscope
from otoscope.files import slug
from otoscope.interventions.targets import all_neurons

PAGES = ("index", "layers", "sharing", "impact", "evidence", "neurons", "compare", "methods")
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


def dissect(store, label, permutations=20):
    """Save what the verbs find, with as few permutations as show something."""
    found = otoscope.evidence(store, label, permutations=permutations, splits=1, bootstrap=20)
    found.save(store.results / found.folder)
    for selection in found.selections.values():
        selection.save(store.results / selection.folder)
    shared = otoscope.sharing_test(store, label, permutations=permutations)
    shared.save(store.results / f"share-{slug(label)}")


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    """Two models on one task, with clips of every class in every fold, and one of them on another."""
    place = tmp_path_factory.mktemp("stores")
    ssl, random = otoscope.load_model("mini:ssl"), otoscope.load_model("mini:random")
    events, notes = otoscope.load_task("mini:events").head(240), otoscope.load_task("mini:notes").head(64)
    both = [place / "ssl-events.zarr", place / "random-events.zarr"]
    found = [
        *otoscope.record_all([ssl, random], events, both),
        otoscope.record(ssl, notes, place / "ssl-notes.zarr"),
    ]
    for store, label in zip(found, ("event", "event", "family"), strict=True):
        dissect(store, label)
    ablation = otoscope.ablate(found[0], "event", targets=all_neurons(), model=ssl, controls=2, matched=())
    ablation.save(found[0].results / "ablate-event")
    return found


@pytest.fixture(scope="session")
def site(stores, tmp_path_factory):
    """The miniature's site."""
    return otoscope.report(stores, tmp_path_factory.mktemp("site") / "report", neurons=24).parent


@pytest.fixture(scope="session")
def silent(stores, tmp_path_factory):
    """One of its stores reported without sound."""
    out = tmp_path_factory.mktemp("silent") / "report"
    return otoscope.report(stores[-1:], out, neurons=3, sound=False).parent


@pytest.fixture(scope="session")
def hostile(bad, tmp_path_factory):
    """A site whose labels and clips have the worst names; of its second recording half the clips moved."""
    place, model = tmp_path_factory.mktemp("hostile"), otoscope.load_model("mini:ssl")
    found = []
    for name in ("here", "moved"):
        task = bad.task(place / name)
        found.append(otoscope.record(model, task, place / f"{name}.zarr"))
        selection = otoscope.select(found[-1], bad.SCRIPT, preset="aape", permutations=10)
        selection.save(found[-1].results / selection.folder)
        shared = otoscope.sharing_test(found[-1], bad.SCRIPT, permutations=10)
        shared.save(found[-1].results / "share-labels")
    (place / "elsewhere").mkdir()
    for clip in sorted((place / "moved").glob("*.wav"))[::2]:
        shutil.move(clip, place / "elsewhere")
    return otoscope.report(found, place / "report", neurons=12).parent


class Watched:
    """A page, and whatever went wrong on it: a test fails at its end if anything did."""

    def __init__(self, page, reachable):
        self.page, self.wrong = page, []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("dialog", self._asked)
        page.on("requestfailed", self._failed)
        page.on("request", lambda it: it.url.startswith((reachable, "data:", "blob:")) or self._left(it))

    def _said(self, message):
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text}")

    def _asked(self, dialog):
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _failed(self, request):
        # A media element gives up the rest of a file when it has enough, or when the page is left.
        if not (request.resource_type == "media" and request.failure == "net::ERR_ABORTED"):
            self.wrong.append(f"failed: {request.url} ({request.failure})")

    def _left(self, request):
        self.wrong.append(f"leaves the folder: {request.url}")


def folder_of(page):
    """The site that a page belongs to."""
    return next(folder for folder in page.parents if (folder / "index.html").is_file())


@pytest.fixture
def visit(browser):
    """Open a page, `visit(folder / "index.html", size="phone", theme="dark")`.

    A file has no network; of an address (a string), nothing outside it may be asked for.
    """
    contexts, watched = [], []

    def opened(place, size="desktop", theme="light"):
        url = place if isinstance(place, str) else place.as_uri()
        reachable = url if isinstance(place, str) else folder_of(place).as_uri() + "/"
        width, height = SIZES.get(size, size)
        context = browser.new_context(
            offline=url.startswith("file:"), viewport={"width": width, "height": height}, color_scheme=theme
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        watched.append(Watched(context.new_page(), reachable))
        page = watched[-1].page
        page.goto(url)
        settled(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not [line for each in watched for line in each.wrong]


@pytest.fixture
def broken(browser, tmp_path):
    """A page with every fault, and what was noticed of them."""
    (tmp_path / "index.html").write_text(
        "<!doctype html><title>x</title><p style='color: #ccc'>pale</p><img src='../x.png'>"
        "<script>console.error('said'); alert(1); nothing()</script>",
        encoding="utf-8",
    )
    context = browser.new_context(offline=True)
    watched = Watched(context.new_page(), tmp_path.as_uri() + "/")
    watched.page.goto((tmp_path / "index.html").as_uri())
    yield watched.page, watched.wrong
    context.close()


def until(page, condition, argument=None, seconds=20):
    """Wait for a condition; the pages' policy forbids Playwright's own way, which evaluates text in them."""
    latest = time.monotonic() + seconds
    while not page.evaluate(condition, argument):
        assert time.monotonic() < latest, condition
        time.sleep(0.02)


def settled(page):
    """Draw every chart of the page that is not folded away: they are drawn as they come near the window."""
    until(
        page,
        """() => {
          const all = [...document.querySelectorAll('[data-chart], .plot')];
          const next = all.find(it => it.checkVisibility() && !it.querySelector('.main-svg'));
          if (next) next.scrollIntoView();
          return !next;
        }""",
    )
    page.evaluate("scrollTo(0, 0)")


def overflow(page):
    """By how many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.fixture(scope="session")
def tell():
    """What tests ask of pages: `until`, `settled`, `overflow`; and the names of the pages."""
    return SimpleNamespace(until=until, settled=settled, overflow=overflow, PAGES=PAGES, SIZES=SIZES)
