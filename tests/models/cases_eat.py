"""Small EATs in files of the layouts that fairseq writes for pre-training and for fine-tuning."""

from pathlib import Path
from typing import Any

import torch
from family_case import Case
from vit_files import block_shapes, linear_shapes, norm_shapes, random_tensors

WIDTH, HIDDEN, DEPTH = 128, 40, 2
IMAGE = "modality_encoders.IMAGE."


def encoder(patches: int = 512) -> dict[str, torch.Tensor]:
    return random_tensors(
        {
            IMAGE + "extra_tokens": (1, 1, WIDTH),
            IMAGE + "fixed_positional_encoder.positions": (1, patches, WIDTH),
            **linear_shapes(IMAGE + "local_encoder.proj", WIDTH, 1, 16, 16),
            **norm_shapes(IMAGE + "context_encoder.norm", WIDTH),
            **block_shapes(WIDTH, HIDDEN, DEPTH),
        }
    )


def saved(model: dict[str, Any], **settings: object) -> dict[str, object]:
    """What fairseq's trainer saves around the model."""
    return {
        "args": None,
        "cfg": {"_name": None, "model": {"_name": "data2vec_multi", **settings}, "task": {"data": "x"}},
        "model": model,
        "criterion": None,
        "optimizer_history": [{"num_updates": 400000, "optimizer_name": "FP16Optimizer"}],
        "task_state": {},
        "extra_state": {"train_iterator": {"epoch": 30}},
        "last_optimizer_state": None,
    }


def pretrained() -> dict[str, object]:
    """Half precision, with the decoder and, in a dict of its own, the teacher."""
    student = encoder() | random_tensors(
        {
            **linear_shapes(IMAGE + "decoder.blocks.0.0", 64, 8, 3, 3),
            **linear_shapes(IMAGE + "decoder.proj", WIDTH, 64),
        }
    )
    model: dict[str, Any] = {name: tensor.half() for name, tensor in student.items()}
    model["_ema"] = {name: torch.full_like(tensor, torch.nan) for name, tensor in student.items()}
    return saved(model, num_heads=2, layer_norm_first=False, depth=DEPTH)


def fine_tuned() -> dict[str, object]:
    model = {f"model.{name}": tensor for name, tensor in encoder().items()}
    head = random_tensors(norm_shapes("fc_norm", WIDTH) | linear_shapes("head", 527, WIDTH))
    return saved(model | head, num_classes=527)


def write(document, folder: Path, name: str = "EAT-base.pt") -> str:
    torch.save(document, folder / name)
    return f"eat:{folder / name}"


def linears(module, layer: int):
    return module.blocks[layer].mlp.fc1, module.blocks[layer].mlp.fc2


def _pretrained(folder: Path) -> str:
    return write(pretrained(), folder)


def _fine_tuned(folder: Path) -> str:
    return write(fine_tuned(), folder)


CASES = {
    "eat pre-trained": Case(_pretrained, (HIDDEN,) * DEPTH, linears),
    "eat fine-tuned": Case(_fine_tuned, (HIDDEN,) * DEPTH, linears),
}
