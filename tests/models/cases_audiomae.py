"""Small AudioMAEs in files of the layouts that its pre-training and its fine-tuning write."""

import argparse
from pathlib import Path

import torch
from family_case import Case
from vit_files import block_shapes, linear_shapes, norm_shapes, random_tensors

WIDTH, HIDDEN, DEPTH = 128, 40, 2


def encoder(patches: int) -> dict[str, tuple[int, ...]]:
    return {
        "cls_token": (1, 1, WIDTH),
        "pos_embed": (1, 1 + patches, WIDTH),
        **linear_shapes("patch_embed.proj", WIDTH, 1, 16, 16),
        **block_shapes(WIDTH, HIDDEN, DEPTH),
    }


def saved(model: dict[str, torch.Tensor]) -> dict[str, object]:
    """What AudioMAE's training saves around the model."""
    return {
        "model": model,
        "optimizer": {"state": {}, "param_groups": [{"lr": 2e-4}]},
        "epoch": 32,
        "scaler": {"scale": 65536.0},
        "args": argparse.Namespace(model="mae_vit_base_patch16", norm_pix_loss=True, audio_exp=True),
    }


def pretrained(decoder: bool = True) -> dict[str, object]:
    """A pre-training file; the decoder has Swin blocks and is narrower."""
    shapes = encoder(512) | norm_shapes("norm", WIDTH)
    extra = {
        "mask_token": (1, 1, 64),
        "decoder_pos_embed": (1, 513, 64),
        **linear_shapes("decoder_embed", 64, WIDTH),
        **block_shapes(64, 256, 1, "decoder_blocks."),
        "decoder_blocks.0.attn.logit_scale": (16, 1, 1),
        **norm_shapes("decoder_norm", 64),
        **linear_shapes("decoder_pred", 256, 64),
    }
    tensors = random_tensors(shapes)
    return saved(tensors | random_tensors(extra) if decoder else tensors)


def fine_tuned(patches: int = 512) -> dict[str, object]:
    """A file of AudioSet's fine-tuning: no norm of tokens, a norm of their mean, a head."""
    shapes = encoder(patches) | norm_shapes("fc_norm", WIDTH) | linear_shapes("head", 527, WIDTH)
    return saved(random_tensors(shapes, seed=1))


def write(document, folder: Path, name: str) -> str:
    torch.save(document, folder / name)
    return f"audiomae:{folder / name}"


def linears(module, layer: int):
    return module.blocks[layer].mlp.fc1, module.blocks[layer].mlp.fc2


def _pretrained(folder: Path) -> str:
    return write(pretrained(), folder, "pretrained.pth")


def _fine_tuned(folder: Path) -> str:
    return write(fine_tuned(), folder, "finetuned.pth")


def _overlapping(folder: Path) -> str:
    return write(fine_tuned(1212), folder, "finetuned.pth")


CASES = {
    "audiomae pre-trained": Case(_pretrained, (HIDDEN,) * DEPTH, linears),
    "audiomae fine-tuned": Case(_fine_tuned, (HIDDEN,) * DEPTH, linears),
    "audiomae overlapping": Case(_overlapping, (HIDDEN,) * DEPTH, linears),
}
