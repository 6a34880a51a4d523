"""Small Dasheng models in the layout of the official files."""

from pathlib import Path
from typing import Any

import torch
from family_case import Case
from torch import Tensor

WIDTH, DEPTH, HEADS, HIDDEN, FRAMES = 64, 3, 4, 96, 100


def weights(seed: int = 0, width: int = WIDTH, frames: int = FRAMES) -> dict[str, Tensor]:
    """An encoder's weights under the names that the original gives them, none of them trivial."""
    generator = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "time_pos_embed": (1, width, 1, frames // 4),
        "freq_pos_embed": (1, width, 1, 1),
        "front_end.0.spectrogram.window": (512,),
        "front_end.0.mel_scale.fb": (257, 64),
        "init_bn.1.weight": (64,),
        "init_bn.1.bias": (64,),
        "init_bn.1.running_mean": (64,),
        "init_bn.1.running_var": (64,),
        "patch_embed.proj.weight": (width, 1, 64, 4),
        "patch_embed.proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
    }
    for i in range(DEPTH):
        block = {
            "norm1.weight": (width,), "norm1.bias": (width,),
            "attn.qkv.weight": (3 * width, width), "attn.qkv.bias": (3 * width,),
            "attn.proj.weight": (width, width), "attn.proj.bias": (width,),
            "norm2.weight": (width,), "norm2.bias": (width,),
            "mlp.fc1.weight": (HIDDEN, width), "mlp.fc1.bias": (HIDDEN,),
            "mlp.fc2.weight": (width, HIDDEN), "mlp.fc2.bias": (width,),
        }  # fmt: skip
        shapes |= {f"blocks.{i}.{name}": shape for name, shape in block.items()}
    drawn = {
        name: 0.1 * torch.randn(shape, generator=generator) + ("norm" in name and "weight" in name)
        for name, shape in shapes.items()
    }
    drawn["init_bn.1.weight"] += 1
    drawn["init_bn.1.running_mean"] = -30 + 50 * drawn["init_bn.1.running_mean"]
    drawn["init_bn.1.running_var"] = 200 + 500 * drawn["init_bn.1.running_var"].abs()
    drawn["init_bn.1.num_batches_tracked"] = torch.tensor(1000)
    return drawn


def checkpoint(state: dict[str, Tensor], frames: int = FRAMES) -> dict[str, Any]:
    """What is published: the weights, and what the encoder is built with."""
    config = {
        "patch_size": [64, 4], "patch_stride": [64, 4], "embed_dim": WIDTH, "depth": DEPTH,
        "num_heads": HEADS, "mlp_ratio": HIDDEN / WIDTH, "target_length": frames,
    }  # fmt: skip
    return {"model": state, "config": config}


def write(folder: Path) -> str:
    path = folder / "dasheng_toy.pt"
    torch.save(checkpoint(weights()), path)
    return f"dasheng:{path}"


CASES = {
    "dasheng": Case(
        write,
        units=(HIDDEN,) * DEPTH,
        linears=lambda module, i: (module.blocks[i].mlp.fc1, module.blocks[i].mlp.fc2),
    )
}
