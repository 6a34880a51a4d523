"""Small ATST-Frame models in the layout of the official files."""

from pathlib import Path
from typing import Any

import torch
from family_case import Case
from torch import Tensor

WIDTH, DEPTH, HIDDEN, FRAMES = 128, 3, 96, 101  # two heads of 64; chunks of 25 columns


def weights(seed: int = 0, width: int = WIDTH, frames: int = FRAMES) -> dict[str, Tensor]:
    """An encoder's weights under the names that the original gives them, none of them trivial."""
    generator = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "mask_embed": (1, 1, width),
        "pos_embed": (1, 1 + frames // 4, width),
        "patch_embed.patch_embed.weight": (width, 256),
        "patch_embed.patch_embed.bias": (width,),
        "norm_frame.weight": (width,),
        "norm_frame.bias": (width,),
    }
    for i in range(DEPTH):
        block = {
            "norm1.weight": (width,), "norm1.bias": (width,),
            "attn.qkv.weight": (3 * width, width),
            "attn.proj.weight": (width, width), "attn.proj.bias": (width,),
            "norm2.weight": (width,), "norm2.bias": (width,),
            "mlp.fc1.weight": (HIDDEN, width), "mlp.fc1.bias": (HIDDEN,),
            "mlp.fc2.weight": (width, HIDDEN), "mlp.fc2.bias": (width,),
        }  # fmt: skip
        shapes |= {f"blocks.{i}.{name}": shape for name, shape in block.items()}
    return {
        name: 0.1 * torch.randn(shape, generator=generator) + ("norm" in name and "weight" in name)
        for name, shape in shapes.items()
    }


def lightning(
    teacher: dict[str, Tensor] | None, student: dict[str, Tensor], frames: int = FRAMES
) -> dict[str, Any]:
    """What Lightning saves of the original's pre-training."""
    wrapped = {f"model.student.encoder.{name}": value for name, value in student.items()}
    wrapped["model.student.projector.0.weight"] = torch.zeros(4, 8)
    wrapped["model.student.predictor.0.weight"] = torch.zeros(4, 4)
    if teacher is not None:
        wrapped |= {f"model.teacher.encoder.{name}": value for name, value in teacher.items()}
        wrapped["model.teacher.projector.0.weight"] = torch.zeros(4, 8)
    return {
        "epoch": 19,
        "global_step": 39000,
        "pytorch-lightning_version": "1.5.10",
        "state_dict": wrapped,
        "callbacks": {"ModelCheckpoint": {"best_model_path": "", "current_score": None}},
        "optimizer_states": [{"state": {0: {"step": 3}}, "param_groups": [{"lr": 5e-4}]}],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {
            "arch": "small", "nprompt": 0, "pos_type": "cut", "avg_blocks": 0, "symmetric": True,
            "patch_embed": "Linear", "patch_h": 64, "patch_w": 4, "n_mels": 64, "spec_w": frames,
        },
    }  # fmt: skip


def write(folder: Path) -> str:
    path = folder / "atstframe_toy.ckpt"
    torch.save(lightning(weights(seed=0), weights(seed=1)), path)
    return f"atst:{path}"


CASES = {
    "atst": Case(
        write,
        units=(HIDDEN,) * DEPTH,
        linears=lambda module, i: (module.blocks[i].mlp.fc1, module.blocks[i].mlp.fc2),
    )
}
