"""Small copies of the paper's data sets in their official layouts, and weights in M2D's own format."""

import argparse
import sys
from importlib import import_module
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from otoscope import audio, load_model

LAYOUTS = Path(__file__).parents[1] / "tasks"
if str(LAYOUTS) not in sys.path:  # the layouts are modules of their own
    sys.path.insert(0, str(LAYOUTS))

FOLDER = "m2d_vit_base-80x608p16x16-221006-mr7"
CHOSEN = {"gise51": "gise51/parts"}  # the layout of its isolated events that has a split


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What stands for each of the paths of studies/kawamura2026.yaml."""
    root, numbers = tmp_path_factory.mktemp("official"), count()

    def wav(path: Path, rate: int = 16000, seconds: float = 0.5, channels: int = 1) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        wave = 0.3 * np.sin(np.arange(round(seconds * rate)) * (0.05 + 0.01 * next(numbers)))
        audio.write(path, np.stack([wave] * channels, axis=1), rate)
        return path

    paths = {}
    for name in ("esc50", "gise51", "gtzan", "nsynth", "surge", "cremad", "voxceleb1", "voxforge"):
        layouts = import_module(f"layout_{name}").LAYOUTS
        paths[name] = str(layouts[CHOSEN.get(name, name)].build(root, wav))
    return paths | {"m2d": weights(root / "a", 1), "supervised": f"m2d:{weights(root / 'b', 2)}"}


def weights(root: Path, seed: int) -> str:
    """A ViT-B with random weights in a file as M2D's pre-training saves it."""
    model = load_model(f"random:{FOLDER}@{seed}")
    path = root / FOLDER / "checkpoint-300.pth"
    path.parent.mkdir(parents=True)
    document = {"model": model.vit.state_dict(), "epoch": 300, "args": argparse.Namespace(sr=16000)}
    torch.save(document, path)
    return str(path)
