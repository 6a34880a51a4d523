"""Toys: a tiny ViT, and rendered shards of four kinds of sound."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from otoscope.models.vit import ViT, ViTConfig, untrained
from otoscope.pretraining import PretrainConfig, parse_config
from otoscope.pretraining.objective import Batch

TINY = ViTConfig(input_size=(80, 32), patch_size=(16, 16), width=16, depth=2, heads=2, hidden=32)


@pytest.fixture
def encoder() -> ViT:
    return untrained(TINY, seed=0)


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(1)
    return Batch(torch.randn(3, 1, 80, 32, generator=generator), torch.tensor([0, 1, 2]))


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 clips of 0.35 s in two shards: tones of four octaves in noise, named a to d."""
    folder, rng = tmp_path_factory.mktemp("shards"), np.random.default_rng(0)
    time = np.arange(5600) / 16000
    kinds = np.arange(60) % 4
    tones = [np.sin(2 * np.pi * 250 * 2.0**kind * time) for kind in kinds]
    audio = 0.3 * np.array(tones) + rng.normal(0, 0.01, (60, 5600))
    for number in (0, 1):
        np.save(folder / f"audio-{number:03d}.npy", (audio[30 * number :][:30] * 32767).astype(np.int16))
    table = {"clip": [f"c{i}" for i in range(60)], "shard": np.arange(60) // 30, "row": np.arange(60) % 30}
    pd.DataFrame({**table, "label": ["abcd"[kind] for kind in kinds]}).to_parquet(folder / "clips.parquet")
    return folder


@pytest.fixture
def config(shards: Path, tmp_path: Path):
    """A function that makes a config of tiny phases; keywords replace keys at the top."""

    def make(*phases: dict, **changes: object) -> PretrainConfig:
        decoder = {"width": 16, "depth": 1, "heads": 2}
        common = {"epochs": 2, "batch_size": 16, "learning_rate": 3e-3}
        return parse_config(
            {
                "out": tmp_path / "run",
                "threads": 1,
                "data": {"source": f"rendered:{shards}", "label": "label", "seconds": 0.35, "validation": 10},
                "model": {"input_size": [80, 32], "width": 16, "depth": 2, "heads": 2, "hidden": 32},
                "phases": [
                    common | ({} if phase["objective"] == "supervised" else decoder) | phase
                    for phase in phases
                ],
                "log_every": 2,
                "checkpoint_every": 3,
                **changes,
            }
        )

    return make
