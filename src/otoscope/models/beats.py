"""BEATs checkpoints, pre-trained or fine-tuned, as an `AudioModel`; microsoft/unilm's code is not needed."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from otoscope.models.beats_encoder import BEATsConfig, BEATsEncoder, untrained
from otoscope.models.checkpoints import CheckpointError, fit, read_weights
from otoscope.models.encoder import Places, points_at
from otoscope.models.family import Family, ModelRow, Request
from otoscope.models.kaldi import Fbank
from otoscope.models.spectrogram import PatchGrid, SpectrogramEncoder

__all__ = ["FAMILY", "BEATs", "load_beats", "read_config"]

PLACES: Places = {
    "mlp": ["encoder.layers.*.act"],
    "residual": ["encoder.layers.*"],
    "attention": ["encoder.layers.*.self_attn"],
}
BANDS = 128
MEAN, DEVIATION = 15.41663, 6.55582  # of the log-mel of 16-bit integers; the same for all published models

# What `BEATsEncoder` is built for, and all published models are.
_BUILT_FOR = {
    "activation_fn": "gelu",
    "layer_norm_first": False,
    "deep_norm": True,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
    "conv_bias": False,
}


class BEATs(SpectrogramEncoder):
    """BEATs over patches of 16 frames and 16 mel bands, run as its `extract_features`; an `AudioModel`.

    A clip is one chunk, however long: there are no absolute positions that could run out. Attention takes
    memory and time with the square of the length, though: for one clip of the base model and each matrix of
    scores about 12 MB at 10 s, 430 MB at 60 s; cut longer recordings. Frames that do not fill a column of
    patches are lost (6 of the 998 of 10 s). Nothing masks the attention, so zero padding takes part in it; a
    token is padding if it covers no frame of the clip's sound. (The original's own padding mask treats the
    list of tokens as if it were linear in time; it begins within a column of patches.)

    The embedding is the mean of the last block's output over the valid tokens, which is also what the head of
    a fine-tuned model sees the mean of. Heads are left alone.

    Args:
        encoder: the encoder; it is put into evaluation mode.
        name: the spec that makes the model again, or a label.
        hook: where to listen, see `load_model`.

    Example:
        >>> config = BEATsConfig(embed_dim=8, encoder_embed_dim=16, encoder_layers=2,
        ...     encoder_attention_heads=2, encoder_ffn_embed_dim=32, conv_pos_groups=2)
        >>> model = BEATs(untrained(config, seed=0), name="toy")
        >>> model.tokens(10 * 16000)  # 62 columns of 8 patches
        496
        >>> model.layers[1]
        Layer(name='encoder.layers.1.act', units=32, grid=0)
    """

    def __init__(self, encoder: BEATsEncoder, *, name: str = "beats", hook: str = "mlp") -> None:
        config = encoder.config
        patch = (config.input_patch_size, config.input_patch_size)
        front = Fbank(bands=BANDS, window="povey", mean=MEAN, deviation=DEVIATION, scale=2.0**15)
        grid = PatchGrid(BANDS, None, patch, order="time", special=0, fill="none")
        super().__init__(
            encoder,
            points_at(encoder, PLACES, hook, name),
            front=front,
            grid=grid,
            name=name,
            embedding_size=config.encoder_embed_dim,
            settings={"front_end": dict(front.settings), "grid": asdict(grid), "config": asdict(config)},
            units=[config.encoder_ffn_embed_dim] * config.encoder_layers if hook == "mlp" else None,
        )


def load_beats(request: Request) -> BEATs:
    """Read a BEATs file: a dict with `cfg` and `model`, and `label_dict` where it is fine-tuned.

    Raises:
        CheckpointError: the file cannot be read, is of another family, or has settings or weights that the
            encoder is not built for.
        UsageError: no such place to listen.
    """
    path = Path(request.rest)
    document = read_weights(path, request.allow)
    config = read_config(document, path)
    if request.seed is None:
        encoder = fit(lambda: BEATsEncoder(config), document["model"], path)
    else:
        encoder = untrained(config, request.seed)
    return BEATs(encoder, name=request.name, hook=request.hook)


def read_config(document: Mapping[str, Any], path: Path) -> BEATsConfig:
    """The sizes that a file's `cfg` states.

    Raises:
        CheckpointError: no BEATs file, settings that the encoder is not built for, or sizes that do not fit
            each other.
    """
    cfg, model = document.get("cfg"), document.get("model")
    if not isinstance(cfg, dict) or not isinstance(model, dict) or "patch_embedding.weight" not in model:
        found = ", ".join(map(str, list(document)[:4])) or "nothing"
        raise CheckpointError(
            path,
            f"is no BEATs file: it holds {found}; expected a dict with 'cfg', the settings, and 'model', the "
            "weights with patch_embedding.weight among them, such as BEATs_iter3_plus_AS2M.pt; try another "
            "family of `otoscope models`",
        )
    for key, value in _BUILT_FOR.items():
        if cfg.get(key) != value:
            raise CheckpointError(
                path,
                f"has cfg[{key!r}] = {cfg.get(key)!r}; expected {value!r}, as all published BEATs models "
                "have; other settings are not supported",
            )
    sizes = {field.name: cfg.get(field.name) for field in fields(BEATsConfig)}
    if wrong := [key for key, value in sizes.items() if type(value) is not int or value < 1]:
        raise CheckpointError(
            path, f"has cfg[{wrong[0]!r}] = {sizes[wrong[0]]!r}; expected a whole number above 0"
        )
    config = BEATsConfig(**sizes)  # type: ignore[arg-type]  # checked above
    if problem := _misfit(config):
        raise CheckpointError(path, f"has settings in cfg that do not fit each other: {problem}")
    return config


def _misfit(config: BEATsConfig) -> str:
    """What is wrong with sizes that no encoder could have; "" if nothing is."""
    width, exact = config.encoder_embed_dim, config.num_buckets // 4
    for key in ("encoder_attention_heads", "conv_pos_groups"):
        if width % getattr(config, key):
            return f"{key} = {getattr(config, key)} does not divide encoder_embed_dim = {width}"
    if config.input_patch_size > BANDS:
        return f"input_patch_size = {config.input_patch_size} is over the {BANDS} mel bands"
    if exact < 1 or config.max_distance <= exact:
        return (
            f"num_buckets = {config.num_buckets} and max_distance = {config.max_distance}; expected at least "
            "4 buckets, and a distance over a quarter of them"
        )
    return ""


FAMILY = Family(
    "beats",
    [
        ModelRow(
            "beats:PATH",
            "BEATs iter1, 2, 3, 3+, pre-trained or fine-tuned, 16 kHz; heads are left alone",
            example="beats:BEATs_iter3_plus_AS2M.pt",
            needs="the weight file",
            layers="12 x 3072",
            hook="encoder.layers.*.act",
            tokens="patches, column by column (all frequencies of 160 ms, then the next)",
            shortest="one patch (175 ms)",
            padding="equal-length batches; frames that fill no patch are lost",
            tested="SpeechBrain's BEATs, random weights; files made to the layout",
        )
    ],
    load_beats,
)
