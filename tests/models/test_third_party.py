"""Another package brings a family: a class, an entry point, and nothing in this package changes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

TOY = """
import torch
from torch import nn

from otoscope.models import Family, ModelRow, wrap


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.act, self.down = nn.Linear(80, 6), nn.GELU(), nn.Linear(6, 80)

    def forward(self, sound):
        frames = sound.unfold(1, 80, 80)
        return frames + self.down(self.act(self.up(frames)))


def tokens(samples):
    return samples // 80


def load(request):
    with torch.random.fork_rng():
        torch.manual_seed(request.seed or 0)
        net = Net().eval()
    if request.seed is None:
        net.load_state_dict(torch.load(request.rest, weights_only=True))
    return wrap(net, "act", sample_rate=8000, valid_tokens=tokens, min_samples=80, name=request.name)


FAMILY = Family("toy", [ModelRow("toy:PATH", "a toy from elsewhere", needs="a file", layers="1 x 6")], load)
"""


@pytest.fixture
def installed(tmp_path):
    """A package as pip leaves it: a module, and metadata with an entry point."""
    site = tmp_path / "site"
    metadata = site / "toy_family-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "toy_family.py").write_text(TOY, encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-family\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[otoscope.models]\ntoy = toy_family:FAMILY\n")
    return site


def otoscope(site: Path, *arguments: str) -> subprocess.CompletedProcess:
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from otoscope.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


def test_a_family_takes_under_forty_lines():
    assert len(TOY.strip().splitlines()) < 40


@pytest.fixture
def sounds(tmp_path):
    for kind in ("high", "low"):
        (tmp_path / "sounds" / kind).mkdir(parents=True)
        for i in range(3):
            sound = np.random.default_rng(i).normal(0, 0.3, 4000 + 80 * i)
            soundfile.write(tmp_path / "sounds" / kind / f"{i}.wav", sound, 8000)
    return f"folder:{tmp_path / 'sounds'}"


def test_it_is_listed(installed):
    listed = json.loads(otoscope(installed, "models", "--json").stdout)["models"]
    assert [row["name"] for row in listed][-3:] == [
        "toy:PATH",
        "random:SPEC[@SEED]",
        "shuffled:SPEC[@SEED]",
    ]


def test_it_is_recorded_with_its_untrained_twin(installed, sounds, tmp_path):
    weights = {"up.weight": torch.randn(6, 80), "up.bias": torch.zeros(6)}
    weights |= {"down.weight": torch.randn(80, 6), "down.bias": torch.zeros(80)}
    torch.save(weights, tmp_path / "toy.pt")
    specs = [f"toy:{tmp_path / 'toy.pt'}", f"random:toy:{tmp_path / 'toy.pt'}@3"]
    models = [word for spec in specs for word in ("--model", spec)]
    made = otoscope(installed, "record", *models, "--task", sounds, "--out", str(tmp_path / "out"), "--json")
    assert made.returncode == 0, made.stderr
    stores = json.loads(made.stdout)["stores"]
    assert [store["model"]["name"] for store in stores] == specs
    assert [store["neurons"] for store in stores] == [6, 6]
    assert stores[0]["model"]["fingerprint"] != stores[1]["model"]["fingerprint"]


def test_its_options_are_checked_like_any_others(installed, sounds, tmp_path):
    made = otoscope(
        installed, "record", "--model", "toy:x?rate=1", "--task", sounds, "--out", str(tmp_path / "out")
    )
    assert made.returncode == 2
    assert "toy:x?rate=1 takes no rate; its options are hook, dtype" in made.stderr


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("toy = nowhere:FAMILY", "'toy' (nowhere:FAMILY) of an installed package cannot be loaded: No"),
        ("toy = toy_family:Net", "'toy' (toy_family:Net) of an installed package is no Family but a type"),
        ("mini = toy_family:TAKEN", "'mini' (toy_family:TAKEN) of an installed package has the name 'mini'"),
    ],
)
def test_a_broken_package_is_named_and_the_others_go_on(installed, entry, message):
    with (installed / "toy_family.py").open("a") as file:
        file.write("\nfrom dataclasses import replace\n\nTAKEN = replace(FAMILY, name='mini')\n")
    metadata = next(installed.glob("*.dist-info")) / "entry_points.txt"
    metadata.write_text(f"[otoscope.models]\n{entry}\n")
    made = otoscope(installed, "models")
    assert message in made.stderr
    assert made.returncode == 0
    assert "mini:ssl" in made.stdout
