"""`otoscope serve` in a browser: a neuron that no folder has a page of is made, and heard."""

import re
import signal
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def served(stores):
    """The address of a server of one store, with a token, as the command prints it."""
    command = [sys.executable, "-c", "from otoscope.cli import main; main()", "serve", str(stores[0].path)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--token", "--json"], stdout=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+/[\w-]+/", line):
                yield found[0]
                break
        else:
            pytest.fail("the server ended before it said its address")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def test_a_neuron_without_a_page_is_made_and_heard(served, site, visit, tell):
    page = visit(served)
    page.get_by_role("link", name="Neurons", exact=True).first.click()
    page.get_by_role("searchbox", name="Search").fill("7.333")
    assert not (site / "neurons" / "1" / "7.333.html").exists()
    page.locator("#rows tbody a", has_text="7.333").click(timeout=30_000)
    page.locator("h1", has_text="Neuron 7.333").wait_for(timeout=30_000)
    page.locator("audio").first.evaluate("it => { it.play(); }")
    tell.until(page, "document.querySelector('audio').currentTime > 0.3")
    left = page.locator(".cursor").first.evaluate("it => parseFloat(it.style.left)")
    assert left > 0
    page.locator(".surface").first.press("PageDown")
    tell.until(page, "document.querySelector('audio').seeking === false")
    assert page.locator(".trouble:not([hidden])").count() == 0
