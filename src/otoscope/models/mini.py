"""The embedded miniature models: one small M2D architecture, trained in two ways and not at all."""

from dataclasses import replace
from pathlib import Path

from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.checkpoints import read_checkpoint
from otoscope.models.family import Family, ModelRow, Request
from otoscope.models.loading import build_vit
from otoscope.models.m2d import M2D
from otoscope.models.vit import ViTConfig, untrained

# Heads of 64 channels, as in every M2D.
MINI_CONFIG = ViTConfig(input_size=(80, 208), patch_size=(16, 16), width=192, depth=12, heads=3, hidden=768)
MINI_SAMPLE_RATE = 16000
# Of the training audio's log-mel, as the trained models carry them: the untrained one is what they began as.
MINI_NORM_STATS = (-10.392209, 4.5837255)
TRAINED = ("ssl", "supervised")
DATA = Path(__file__).with_name("data")


def load_mini(kind: str, seed: int | None = None, *, name: str | None = None, hook: str = "mlp") -> M2D:
    """Load `mini:ssl` or `mini:supervised`, or make `mini:random`: the same, before its first training step.

    Args:
        kind: "ssl", "supervised" or "random".
        seed: of the random weights, 0 by default; the trained ones have none.
        name: of the model, by default the spec that makes it.
        hook: where to listen, see `load_model`.

    >>> load_mini("random", seed=1).name
    'mini:random@1'
    """
    if kind == "random":
        vit = untrained(MINI_CONFIG, seed or 0)
        name = name or ("mini:random" if seed is None else f"mini:random@{seed}")
        return M2D(vit, sample_rate=MINI_SAMPLE_RATE, norm_stats=MINI_NORM_STATS, name=name, hook=hook)
    if kind not in TRAINED or seed is not None:
        given = kind if seed is None else f"{kind}@{seed}"
        raise UsageError(
            f"there is no model mini:{given}; expected mini:ssl, mini:supervised or mini:random[@SEED]"
        )
    path = DATA / f"mini-{kind}.safetensors"
    if not path.is_file():
        raise OtoscopeError(
            f"mini:{kind} is not part of this installation: {path} is missing; expected the weights that "
            "come with the package; try installing it again, or mini:random"
        )
    checkpoint = read_checkpoint(path)
    vit = build_vit(checkpoint, MINI_CONFIG.input_size)
    return M2D(
        vit,
        sample_rate=MINI_SAMPLE_RATE,
        norm_stats=checkpoint.norm_stats,
        name=name or f"mini:{kind}",
        hook=hook,
    )


def _load(request: Request) -> M2D:
    if request.allow:
        raise UsageError(f"{request.name} takes no allow; only weight files do")
    kind, at, seed = request.rest.partition("@")
    if at and not (seed.isdecimal() and int(seed) < 2**64):  # torch takes no greater one
        raise UsageError(
            f"the seed of {request.name!r} is {seed!r}; expected a whole number from 0, as in mini:{kind}@1"
        )
    if request.seed is not None:
        return load_mini("random", request.seed, name=request.name, hook=request.hook)
    return load_mini(kind, int(seed) if at else None, name=request.name, hook=request.hook)


_ROW = ModelRow(
    "mini:ssl",
    "embedded miniature, self-supervised",
    example="mini:ssl",
    layers="12 x 768",
    hook="blocks.*.mlp.act",
    tokens="patches, frequency by frequency; CLS first",
    shortest="one patch (160 ms)",
    padding="equal-length batches; filled up to a whole patch",
    tested="as M2D",
)
FAMILY = Family(
    "mini",
    [
        _ROW,
        replace(
            _ROW, name="mini:supervised", example="mini:supervised", about="its twin, trained with labels"
        ),
        replace(_ROW, name="mini:random[@SEED]", example="mini:random@1", about="its twin, untrained"),
    ],
    _load,
)
