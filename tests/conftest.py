"""What several rooms' tests use: a browser, and a task whose every name is a burden on a page."""

import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from otoscope import audio, load_task

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>.wav'
LABELS = (
    SCRIPT,
    "a very long label " * 11 + "ends.",
    "犬の鳴き声と猫の鳴き声",
    "نباح الكلب",
    "🐕🔊 & 'quoted'",
    "x" * 200,
)
"""Markup; 200 characters with spaces; two scripts, one from right to left; emoji; 200 without a space."""


def hostile(folder, clips=5):
    """A task of tones, one pitch a class: labels and the first clip's name are as bad as they can be."""
    rng, rows = np.random.default_rng(0), []
    folder.mkdir(parents=True)
    for number, label in enumerate(LABELS):
        for clip in range(clips):
            name = {(0, 0): IMAGE, (1, 0): "y" * 180 + ".wav", (2, 0): "猫 % # ? &amp;.wav"}.get(
                (number, clip), f"{number}-{clip}.wav"
            )
            times = np.arange(16000) / 16000
            wave = 0.4 * np.sin(2 * np.pi * 200 * 1.9**number * times) * (times % 0.5 < 0.3)
            audio.write(folder / name, wave + 0.01 * rng.standard_normal(16000), 16000)
            rows.append((name, label))
    pd.DataFrame(rows, columns=["file", SCRIPT]).to_csv(folder / "clips.csv", index=False)
    return load_task(f"manifest:{folder / 'clips.csv'}", separator="")


@pytest.fixture(scope="session")
def bad():
    """The names above, and `task(folder)`, which writes the clips; a conftest cannot be imported."""
    return SimpleNamespace(SCRIPT=SCRIPT, IMAGE=IMAGE, LABELS=LABELS, task=hostile)


@pytest.fixture(scope="session")
def browser():
    """The one headless Chromium of a session."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright; see `make test-browser`"
    )
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail(f"no Chromium is installed: none of {', '.join(names)}; try `make test-browser`")
    with playwright.sync_playwright() as runner:
        opened = runner.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()
