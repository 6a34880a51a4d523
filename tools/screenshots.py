"""Pictures of a report's pages, as a browser shows them without a network.

    python tools/screenshots.py demo/report --out shots      every page: desktop and phone, light and dark
    python tools/screenshots.py demo/report --readme         the two pictures of the README, into docs/images

Needs playwright (the extra `dev`) and an installed Chromium.
"""

import argparse
import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
_SEEK = """it => new Promise((done) => {
  it.addEventListener("seeked", done, { once: true });
  it.addEventListener("loadedmetadata", () => { it.currentTime = 0.4 * it.duration; }, { once: true });
  it.preload = "auto";
  it.load();
})"""
NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("report", type=Path, help="a folder that `otoscope report` wrote")
    parser.add_argument("--out", type=Path, default=Path("shots"), help="where the pictures go")
    parser.add_argument("--readme", action="store_true", help="only the pictures of the README")
    options = parser.parse_args()
    browser_file = next(filter(None, map(shutil.which, NAMES)), None)
    if browser_file is None:
        sys.exit("no Chromium found; try apt-get install chromium")
    with sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=browser_file)
        shots = readme(browser, options.report) if options.readme else every(browser, options)
        for shot in shots:
            print(shot)
        browser.close()


def every(browser: Browser, options: argparse.Namespace) -> Iterator[Path]:
    """Each page of the navigation and one neuron's, whole."""
    options.out.mkdir(parents=True, exist_ok=True)
    pages = [*sorted(options.report.glob("*.html")), *neurons(options.report)[:1]]
    for size, (width, height) in SIZES.items():
        for theme in THEMES:
            page = opened(browser, width, height, theme)
            for path in pages:
                show(page, path)
                shot = options.out / f"{path.stem}-{size}-{theme}.png"
                page.screenshot(path=shot, full_page=True)
                yield shot
            page.context.close()


def readme(browser: Browser, report: Path) -> Iterator[Path]:
    """The head of the overview, and the first neuron that it names, with a sound under the cursor."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    page = opened(browser, 1280, 1180, "light")
    show(page, report / "index.html")
    picture(page, IMAGES / "overview.png")
    yield IMAGES / "overview.png"
    first = page.locator("#listen a").first.get_attribute("href")
    show(page, report / str(first))
    page.locator(".player").first.evaluate("it => it.scrollIntoView({behavior: 'instant', block: 'center'})")
    page.locator("audio").first.evaluate(_SEEK)
    page.wait_for_timeout(300)
    picture(page, IMAGES / "neuron.png")
    yield IMAGES / "neuron.png"
    page.context.close()


def picture(page: Page, path: Path) -> None:
    """The page as it is seen now, in 200 colours: a third of the size."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.quantize(200, dither=Image.Dither.NONE).save(path, optimize=True)


def neurons(report: Path) -> list[Path]:
    return sorted((report / "neurons").rglob("*.html"))


def opened(browser: Browser, width: int, height: int, theme: str) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        offline=True,
    )
    return context.new_page()


def show(page: Page, path: Path) -> None:
    """Open a page, and let every chart and picture come into view once, so that it is drawn."""
    page.goto(path.resolve().as_uri())
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 600):
        page.evaluate(f"window.scrollTo(0, {top})")
        page.wait_for_timeout(60)
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(200)


if __name__ == "__main__":
    main()
