"""A finished encoder as a small file: half precision, M2D's key names."""

import os
from collections.abc import Mapping

import torch
from safetensors.torch import save

from otoscope.files import replacing
from otoscope.models.vit import ViT


def export(
    encoder: ViT,
    path: str | os.PathLike[str],
    *,
    mean: float,
    deviation: float,
    sample_rate: int,
    about: Mapping[str, str] | None = None,
) -> None:
    """Write an encoder as safetensors; `load_model` reads the embedded models from such files.

    Weights are rounded to float16; `norm_stats` (mean and deviation of the log-mel) stay float32. What the
    tensors do not tell stands in the file's metadata: `input_size`, `patch_size` (bins x frames), `heads`,
    `sample_rate`, and whatever `about` adds.
    """
    config = encoder.config
    tensors = {name: value.detach().half().cpu().contiguous() for name, value in encoder.state_dict().items()}
    tensors["norm_stats"] = torch.tensor([mean, deviation], dtype=torch.float32)
    metadata = {
        "input_size": "x".join(map(str, config.input_size)),
        "patch_size": "x".join(map(str, config.patch_size)),
        "heads": str(config.heads),
        "sample_rate": str(sample_rate),
        **(about or {}),
    }
    with replacing(path) as temporary:
        temporary.write_bytes(save(tensors, metadata))
