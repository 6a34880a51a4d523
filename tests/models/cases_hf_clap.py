"""A small CLAP, with and without fusion, in the files that transformers writes."""

from functools import partial
from pathlib import Path

import torch
from cases_hf_ast import roughen
from family_case import Case

BANDS, FRAMES, WIDTH, DEPTHS = 32, 101, 8, (2, 1, 3, 1)  # 1 s; two segments; 256, 64, 16 and 4 tokens
HIDDEN = tuple(3 * WIDTH << stage for stage, depth in enumerate(DEPTHS) for _ in range(depth))

AUDIO = {"num_mel_bins": BANDS, "spec_size": 64, "window_size": 2, "depths": DEPTHS, "mlp_ratio": 3.0}
AUDIO |= {"patch_embeds_hidden_size": WIDTH, "hidden_size": 8 * WIDTH, "num_attention_heads": (1, 2, 4, 8)}
FUSION = {"enable_fusion": True, "fusion_type": "aff_2d"}
TEXT = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT |= {"vocab_size": 64}


def small(class_name="ClapModel", **changes):
    """A small CLAP of any class of transformers, always the same."""
    import transformers

    config = transformers.ClapAudioConfig(**(AUDIO | changes))
    if class_name == "ClapModel":
        config = transformers.ClapConfig(text_config=TEXT, audio_config=config.to_dict(), projection_dim=12)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = roughen(getattr(transformers, class_name)(config))
    tower = model if class_name == "ClapAudioModel" else model.audio_model
    # As after training: decibels, a few dozen below 0, become numbers around 0.
    tower.audio_encoder.batch_norm.running_mean.fill_(-20)
    tower.audio_encoder.batch_norm.running_var.fill_(300)
    return model


def save(model, folder: Path, truncation: str, **settings) -> str:
    """Write a folder as users have it; returns its spec."""
    from transformers import ClapFeatureExtractor

    model.save_pretrained(folder)
    sizes = {"feature_size": BANDS, "max_length_s": 1, "truncation": truncation}
    ClapFeatureExtractor(**(sizes | settings)).save_pretrained(folder)
    return f"hf:{folder}"


def blocks(encoder):
    """The layers, from input to output."""
    return [block for stage in encoder.audio_encoder.layers for block in stage.blocks]


def write(folder: Path, truncation: str, class_name="ClapModel", **changes) -> str:
    return save(small(class_name, **changes), folder, truncation)


def linears(encoder, i: int):
    block = blocks(encoder)[i]
    return block.intermediate.dense, block.output.dense


CASES = {
    "hf clap": Case(partial(write, truncation="rand_trunc"), HIDDEN, linears, needs="transformers"),
    "hf clap, with fusion": Case(
        partial(write, truncation="fusion", **FUSION), HIDDEN, linears, needs="transformers"
    ),
}
