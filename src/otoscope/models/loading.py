"""From a weight file and its folder's name to a model: sizes, sample rate, and whether they agree."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from otoscope.errors import UsageError
from otoscope.models.checkpoints import (
    HEAD_SIZE,
    NORM_STATS,
    Checkpoint,
    CheckpointError,
    block_sizes,
    fit,
    read_checkpoint,
    require,
)
from otoscope.models.family import Family, ModelRow, Request
from otoscope.models.heads import has_evar_head, read_evar_head
from otoscope.models.logmel import MEL_BINS
from otoscope.models.m2d import M2D
from otoscope.models.names import DEFAULT_RATE, ModelName, name_of, parse_name
from otoscope.models.vit import ViT, ViTConfig, initialise, untrained

# The end of an M2D model class names its size: width, depth, heads, hidden units.
SIZES = {"vit_base": (768, 12, 12, 3072), "vit_large": (1024, 24, 16, 4096)}
# The tensors that tell the sizes, with their number of dimensions.
_SIZED = {"cls_token": 3, "pos_embed": 3, "patch_embed.proj.weight": 4, "blocks.0.mlp.fc1.weight": 2}


def load_m2d(
    path: str | Path,
    *,
    name: str,
    input_size: tuple[int, int] | None = None,
    patch_size: tuple[int, int] | None = None,
    sample_rate: int | None = None,
    hook: str = "mlp",
    seed: int | None = None,
    allow: Sequence[str] = (),
) -> M2D:
    """Read an M2D weight file, or any ViT's with the same keys; predictors and targets are ignored.

    The classifier of a model that EVAR fine-tuned becomes its `head`; others are ignored.

    Args:
        path: of the file.
        name: of the model to make.
        input_size: mel bins and frames; by default what the file, its folder's or its own name says.
        patch_size: mel bins and frames of a patch, to overrule a wrong name; it must be the weights' own.
        sample_rate: Hz; by default what the name and the training settings in the file say.
        hook: where to listen, see `load_model`.
        seed: of fresh weights in place of the file's, for an untrained twin.
        allow: see `read_checkpoint`.

    Raises:
        CheckpointError: the file cannot be read, is of another architecture, or does not say enough.
    """
    checkpoint = read_checkpoint(path, allow)
    declared = name_of(checkpoint.path)
    _check_patch(checkpoint, patch_size or (declared.patch_size if declared else None))
    size = input_size or _input_size(checkpoint, declared)
    rate = sample_rate or _sample_rate(checkpoint, declared)
    vit = build_vit(checkpoint, size)
    if seed is not None:
        initialise(vit, seed)
    model = M2D(vit, sample_rate=rate, norm_stats=checkpoint.norm_stats, name=name, hook=hook)
    if seed is None and has_evar_head(checkpoint):
        model.read_head = partial(read_evar_head, checkpoint.path, model.embedding_size, allow)
    return model


def untrained_m2d(text: str, seed: int, *, name: str, hook: str = "mlp") -> M2D:
    """Make the architecture that an M2D name says, with random weights.

    Raises:
        UsageError: the name says none.
    """
    said = parse_name(text)
    size = next((size for end, size in SIZES.items() if said and said.model_class.endswith(end)), None)
    if said is None or size is None:
        raise UsageError(
            f"{text!r} does not name an architecture; expected an M2D name whose class ends in "
            f"{' or '.join(SIZES)}; try random:m2d_vit_base-80x608p16x16"
        )
    vit = untrained(ViTConfig(said.input_size, said.patch_size, *size), seed)
    return M2D(vit, sample_rate=said.sample_rate, norm_stats=NORM_STATS, name=name, hook=hook)


def build_vit(checkpoint: Checkpoint, input_size: tuple[int, int]) -> ViT:
    """Build the encoder that a file's weights fit, in float32, whatever they are stored in.

    Raises:
        CheckpointError: weights are missing, of other shapes or not finite, or the input size is not theirs.
    """
    config = _config(checkpoint, input_size)
    return fit(lambda: ViT(config), checkpoint.tensors, checkpoint.path)


def _config(checkpoint: Checkpoint, input_size: tuple[int, int]) -> ViTConfig:
    tensors = checkpoint.tensors
    _check_architecture(checkpoint)
    width = tensors["cls_token"].shape[-1]
    if "heads" not in checkpoint.metadata and width % HEAD_SIZE:
        raise CheckpointError(
            checkpoint.path,
            f"has tokens of width {width}; expected a multiple of M2D's head size, {HEAD_SIZE}, as weights "
            "do not show their heads; try a safetensors file whose metadata says heads",
        )
    heads = int(checkpoint.metadata.get("heads", width // HEAD_SIZE))
    sizes = block_sizes(tensors, checkpoint.path, heads)
    config = ViTConfig(input_size, _patch_of(checkpoint), **sizes)
    patches = tensors["pos_embed"].shape[1] - 1
    if config.grid[0] * config.grid[1] != patches:
        raise CheckpointError(
            checkpoint.path,
            f"has positions for {patches} patches; an input of {input_size[0]}x{input_size[1]} makes "
            f"{config.grid[0]}x{config.grid[1]}; try input_size={_fitting_size(checkpoint)}",
        )
    return config


def _check_architecture(checkpoint: Checkpoint) -> None:
    """Refuse a file whose tensors do not even say how large an M2D encoder would be."""
    require(checkpoint.tensors, _SIZED, checkpoint.path, "M2D's ViT")


def _check_patch(checkpoint: Checkpoint, said: tuple[int, int] | None) -> None:
    _check_architecture(checkpoint)
    if said is not None and tuple(said) != (true := _patch_of(checkpoint)):
        raise CheckpointError(
            checkpoint.path,
            f"has patches of {true[0]}x{true[1]}, but its name or patch_size= says {said[0]}x{said[1]}; "
            f"try patch_size={true} with an input_size= that fits",
        )


def _patch_of(checkpoint: Checkpoint) -> tuple[int, int]:
    high, wide = checkpoint.tensors["patch_embed.proj.weight"].shape[-2:]
    return high, wide


def _fitting_size(checkpoint: Checkpoint) -> tuple[int, int]:
    """An input size that the stored positions fit; the true one may be up to a patch longer."""
    high, wide = _patch_of(checkpoint)
    patches = checkpoint.tensors["pos_embed"].shape[1] - 1
    return MEL_BINS, patches // max(1, MEL_BINS // high) * wide


def _input_size(checkpoint: Checkpoint, declared: ModelName | None) -> tuple[int, int]:
    if "input_size" in checkpoint.metadata:
        bins, frames = checkpoint.metadata["input_size"].split("x")
        return int(bins), int(frames)
    if declared is None:
        raise CheckpointError(
            checkpoint.path,
            "does not say its input size; expected a folder named like "
            f"m2d_vit_base-80x608p16x16-221006-mr7; try input_size={_fitting_size(checkpoint)}, "
            "or the true number of frames where it is not a multiple of the patch",
        )
    return declared.input_size


def _sample_rate(checkpoint: Checkpoint, declared: ModelName | None) -> int:
    said = declared.rate if declared else None
    stored = checkpoint.sample_rate
    if said and stored and said != stored:
        raise CheckpointError(
            checkpoint.path,
            f"was trained at {stored} Hz, but its name says {said} Hz; try sample_rate={stored}",
        )
    rate = said or stored or (DEFAULT_RATE if declared else None)
    if rate is None:
        raise CheckpointError(
            checkpoint.path,
            "does not say its sample rate; expected a folder named like "
            "m2d_vit_base-80x608p16x16p16k-mr7; try sample_rate=16000 or sample_rate=32000",
        )
    return rate


def _load(request: Request) -> M2D:
    if request.seed is not None and not Path(request.rest).exists():
        if request.options or request.allow:
            raise UsageError(f"{request.name} has no file; its options and allow= have nothing to speak of")
        return untrained_m2d(request.rest, request.seed, name=request.name, hook=request.hook)
    try:
        sizes = {key: _size(request.options[key]) for key in request.options if key != "sample_rate"}
        rate = request.options.get("sample_rate")
        sample_rate = None if rate is None else int(rate)
    except ValueError as error:
        raise UsageError(
            f"the options of {request.name} cannot be read; expected input_size=BINSxFRAMES, "
            "patch_size=BINSxFRAMES or sample_rate=HZ"
        ) from error
    return load_m2d(
        request.rest,
        name=request.name,
        input_size=sizes.get("input_size"),
        patch_size=sizes.get("patch_size"),
        sample_rate=sample_rate,
        hook=request.hook,
        seed=request.seed,
        allow=request.allow,
    )


def _size(text: str) -> tuple[int, int]:
    bins, frames = text.split("x")
    return int(bins), int(frames)


FAMILY = Family(
    "m2d",
    [
        ModelRow(
            "m2d:PATH",
            "M2D, M2D-X, -AS, -S, -CLAP and MSM-MAE, 16 or 32 kHz; sizes from the folder's name",
            example="m2d:m2d_vit_base-80x608p16x16-221006-mr7/checkpoint-300.pth",
            needs="the weight file",
            layers="12 x 3072 (base), 24 x 4096 (large)",
            hook="blocks.*.mlp.act",
            tokens="patches, frequency by frequency; CLS first",
            shortest="one patch (160 ms)",
            padding="equal-length batches; filled up to a whole patch",
            tested="a slow float64 version; files made to M2D's and EVAR's layouts",
        )
    ],
    _load,
    options=("input_size", "patch_size", "sample_rate"),
)
