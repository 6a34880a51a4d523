"""Small models of the whole M2D family, each in a file of its own layout and a folder named as officially."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from family_case import Case
from vit_files import Shapes, block_shapes, linear_shapes, norm_shapes, random_tensors

DEPTH, HIDDEN, LABELS = 2, 40, 7
STATS = (-6.75, 4.5)


@dataclass(frozen=True)
class Kind:
    """A kind of file of the family.

    Attributes:
        folder: its name.
        file: the weight file's name in it.
        layout: makes the document around the encoder's tensors.
        grid: rows and columns of patches.
        patch: mel bins and frames.
        sample_rate: Hz.
        width: channels of a token.
        stats: mean and deviation in the file; without, those of 2022.
    """

    folder: str
    file: str
    layout: Callable[..., dict]
    grid: tuple[int, int] = (5, 38)
    patch: tuple[int, int] = (16, 16)
    sample_rate: int = 16000
    width: int = 128
    stats: tuple[float, float] | None = STATS

    def encoder(self) -> dict[str, torch.Tensor]:
        """The encoder's own tensors."""
        rows, columns = self.grid
        return random_tensors(
            {
                "cls_token": (1, 1, self.width),
                "pos_embed": (1, 1 + rows * columns, self.width),
                **linear_shapes("patch_embed.proj", self.width, 1, *self.patch),
                **block_shapes(self.width, HIDDEN, DEPTH),
                **norm_shapes("norm", self.width),
            }
        )

    def document(self) -> dict:
        """All that the file holds."""
        stats = {} if self.stats is None else {"norm_stats": torch.tensor(self.stats)}
        return self.layout(self, self.encoder() | stats)

    def write(self, folder: Path) -> str:
        path = folder / self.folder / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(self.document(), path)
        return f"m2d:{path}"

    @property
    def rest(self) -> dict[str, int]:
        return {"bins": self.patch[0] * self.patch[1], "tall": self.grid[0] * self.width}


# --- what the variants add to the encoder ---


def predictor(kind: Kind, width: int, depth: int, pixels: int, name: str = "decoder_blocks.") -> Shapes:
    return {
        "mask_token": (1, 1, width),
        "decoder_pos_embed": (1, 1 + kind.grid[0] * kind.grid[1], width),
        **linear_shapes("decoder_embed", width, kind.width),
        **block_shapes(width, 4 * width, depth, name),
        **norm_shapes("decoder_norm", width),
        **linear_shapes("decoder_pred", pixels, width),
    }


def target(kind: Kind) -> Shapes:
    return block_shapes(kind.width, HIDDEN, DEPTH, "target_blocks.") | norm_shapes("target_norm", kind.width)


def clap_2024(kind: Kind) -> Shapes:
    """An MLP on mean tokens, and the text side's map."""
    return {
        **linear_shapes("audio_proj.0", kind.width, kind.width),
        **linear_shapes("audio_proj.2", kind.width, kind.width),
        "text_proj.weight": (kind.width, 96),
        "logit_scale": (),
    }


def clap_2025(kind: Kind) -> Shapes:
    """Blocks of its own on all tokens, and the whole text encoder."""
    return {
        "audio_proj.sem_token": (1, 1, kind.width),
        **block_shapes(kind.width, 2 * HIDDEN, DEPTH + 1, "audio_proj.sem_blocks."),
        **norm_shapes("audio_proj.norm", kind.width),
        "logit_scale": (),
        "text_encoder.model.embeddings.word_embeddings.weight": (50, 96),
        **norm_shapes("text_encoder.model.embeddings.LayerNorm", 96),
        **linear_shapes("text_encoder.model.encoder.layer.0.intermediate.dense", 384, 96),
    }


# --- layouts ---


def pretraining(model: dict) -> dict:
    return {
        "model": model,
        "optimizer": {"state": {0: {"step": torch.tensor(5.0)}}, "param_groups": [{"lr": 3e-4}]},
        "epoch": 300,
        "scaler": {"scale": 65536.0},
        "args": argparse.Namespace(lr=3e-4, sr=None),
    }


def m2d(kind: Kind, encoder: dict, **more: object) -> dict:
    """Pre-training of M2D: predictor and target beside the encoder."""
    extra = predictor(kind, 64, 3, kind.width, **more) | target(kind)
    return pretraining(encoder | random_tensors(extra, seed=1))


def msm_mae(kind: Kind, encoder: dict) -> dict:
    """Pre-training of a masked autoencoder: a decoder to pixels, and no target."""
    return pretraining(encoder | random_tensors(predictor(kind, 32, 2, 256), seed=1))


def m2d_x(kind: Kind, encoder: dict, outputs: int, inputs: int | None = None) -> dict:
    """M2D-X, -AS and -S: a map from the features of a column to an offline target's."""
    document = m2d(kind, encoder)
    inputs = inputs or kind.rest["tall"]
    document["model"] |= random_tensors({"offline_predictor.weight": (outputs, inputs)}, seed=2)
    return document


def m2d_clap(kind: Kind, encoder: dict, projector: Callable[[Kind], Shapes]) -> dict:
    document = m2d(kind, encoder)
    document["model"] |= random_tensors(projector(kind), seed=3)
    return document


def bare(kind: Kind, encoder: dict, projector: Callable[[Kind], Shapes] | None = None) -> dict:
    """A state dict alone: the encoder's, with a projector and a text encoder where there are any."""
    extra = random_tensors(projector(kind), seed=3) if projector else {}
    ids = {"text_encoder.model.embeddings.position_ids": torch.arange(9)[None]} if projector else {}
    return encoder | extra | ids


def evar(kind: Kind, encoder: dict, flat: bool = False) -> dict:
    """A file of EVAR's fine-tuning, with its front end and its head on stacked or flat features."""
    width = kind.width if flat else kind.rest["tall"]
    head = {
        "module.head.norm.running_mean": torch.zeros(width),
        "module.head.norm.running_var": torch.ones(width),
        "module.head.norm.num_batches_tracked": torch.tensor(7),
        **random_tensors(linear_shapes("module.head.mlp.mlp.0", LABELS, width), seed=4),
    }
    spec = {
        "module.ar.runtime.to_spec.mel_basis": torch.zeros(80, 201),
        "module.ar.runtime.to_spec.stft.wsin": torch.zeros(201, 1, 400),
        "module.ar.runtime.to_spec.stft.wcos": torch.zeros(201, 1, 400),
        "module.ar.runtime.to_spec.stft.window_mask": torch.zeros(1, 400, 1),
    }
    inner = {f"module.ar.runtime.backbone.{key}": value for key, value in encoder.items()}
    return inner | spec | head


def evar_clap(kind: Kind, encoder: dict) -> dict:
    """The same of a backbone that had a projector and a target."""
    extra = random_tensors(clap_2025(kind) | target(kind), seed=3)
    return evar(kind, encoder | extra)


EPOCH, TUNED = "checkpoint-300.pth", "weights_ep69it3124-0.47929_loss0.0141.pth"
WIDE = {"grid": (5, 62)}  # 1001 frames
KINDS = {
    "m2d": Kind("m2d_vit_base-80x608p16x16-221006-mr7", EPOCH, m2d, stats=None),
    "m2d, older predictor": Kind(
        "m2d_vit_base-80x608p16x16-220930-mr7", EPOCH, partial(m2d, name="decoder_blocks.layers."), stats=None
    ),
    "m2d, encoder only": Kind("m2d_vit_base-80x608p16x16-221006-mr7_enconly", EPOCH, bare),
    "m2d, 40 ms": Kind("m2d_vit_base-80x200p16x4-230529", EPOCH, m2d, (5, 50), (16, 4)),
    "m2d, large width": Kind("m2d_vit_large-80x608p16x16-221006-mr7", EPOCH, bare, width=1024),
    "msm-mae": Kind("msm_mae_vit_base-80x608p16x16-220924-mr75", EPOCH, msm_mae, stats=None),
    "m2d-s": Kind("m2d_s_vit_base-80x608p80x2-230220", EPOCH, partial(m2d_x, outputs=128), (1, 304), (80, 2)),
    "m2d-x": Kind("m2d_x_vit_base-80x608p16x16-231106", EPOCH, partial(m2d_x, outputs=640)),
    "m2d-as": Kind(
        "m2d_as_vit_base-80x1001p16x16p32k-240413",
        EPOCH,
        partial(m2d_x, outputs=527),
        sample_rate=32000,
        **WIDE,
    ),
    "m2d-as, fine-tuned": Kind(
        "m2d_as_vit_base-80x1001p16x16p32k-240413_AS-FT_enconly", TUNED, evar, sample_rate=32000, **WIDE
    ),
    "m2d-as, fine-tuned flat": Kind(
        "m2d_as_vit_base-80x1001p16x16-240213_AS-FT_enconly", TUNED, partial(evar, flat=True), **WIDE
    ),
    "m2d-clap 2024": Kind(
        "m2d_clap_vit_base-80x608p16x16-240128", EPOCH, partial(m2d_clap, projector=clap_2024)
    ),
    "m2d-clap 2024, 32 kHz": Kind(
        "m2d_clap_vit_base-80x1001p16x16p32kpN-240613",
        EPOCH,
        partial(bare, projector=clap_2024),
        sample_rate=32000,
        **WIDE,
    ),
    "m2d-clap 2025": Kind(
        "m2d_clap_vit_base-80x1001p16x16p16kpBpTI-2025", EPOCH, partial(bare, projector=clap_2025), **WIDE
    ),
    "m2d-clap 2025, in training": Kind(
        "m2d_clap_vit_base-80x1001p16x16p16kpBpTI-2025", EPOCH, partial(m2d_clap, projector=clap_2025), **WIDE
    ),
    "m2d-clap 2025, fine-tuned": Kind(
        "m2d_clap_vit_base-80x1001p16x16p16kpB-2025_AS-FT", TUNED, evar_clap, **WIDE
    ),
}


def linears(module, layer: int):
    return module.blocks[layer].mlp.fc1, module.blocks[layer].mlp.fc2


# Of the sixteen, those whose geometry or layout differs.
CASES = {
    f"m2d: {name}": Case(KINDS[name].write, (HIDDEN,) * DEPTH, linears)
    for name in ("m2d", "m2d, 40 ms", "m2d-s", "m2d-as, fine-tuned", "m2d-clap 2025")
}
