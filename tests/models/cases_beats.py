"""Small BEATs files in the layout of the public ones: a dict of `cfg` and `model`, key names written out."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from family_case import Case

# As BEATs_iter3_plus_AS2M.pt has it, but for the sizes in the first lines.
CFG = {
    "encoder_layers": 3,
    "encoder_embed_dim": 32,
    "encoder_ffn_embed_dim": 48,
    "encoder_attention_heads": 4,
    "conv_pos": 10,
    "conv_pos_groups": 4,
    "num_buckets": 20,
    "max_distance": 40,
    "embed_dim": 24,
    "activation_fn": "gelu",
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "encoder_layerdrop": 0.05,
    "dropout_input": 0.0,
    "layer_norm_first": False,
    "conv_bias": False,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
    "deep_norm": True,
    "input_patch_size": 16,
    "layer_wise_gradient_decay_ratio": 0.6,
    "finetuned_model": False,
}
FINE_TUNED = {"finetuned_model": True, "predictor_class": 5, "predictor_dropout": 0.0}


def shapes(cfg):
    """The keys of a public file's `model`, with their shapes; the position table is in every layer."""
    width, patch, embedded = cfg["encoder_embed_dim"], cfg["input_patch_size"], cfg["embed_dim"]
    hidden, heads, kernel = cfg["encoder_ffn_embed_dim"], cfg["encoder_attention_heads"], cfg["conv_pos"]
    found = {"patch_embedding.weight": (embedded, 1, patch, patch)}
    found |= linear("layer_norm", embedded)
    if embedded != width:
        found |= linear("post_extract_proj", width, embedded)
    found |= {
        "encoder.pos_conv.0.bias": (width,),
        "encoder.pos_conv.0.weight_g": (1, 1, kernel),
        "encoder.pos_conv.0.weight_v": (width, width // cfg["conv_pos_groups"], kernel),
    }
    for layer in range(cfg["encoder_layers"]):
        block = f"encoder.layers.{layer}"
        found[f"{block}.self_attn.grep_a"] = (1, heads, 1, 1)
        found[f"{block}.self_attn.relative_attention_bias.weight"] = (cfg["num_buckets"], heads)
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            found |= linear(f"{block}.self_attn.{name}", width, width)
        found |= linear(f"{block}.self_attn.grep_linear", 8, width // heads)
        found |= linear(f"{block}.self_attn_layer_norm", width)
        found |= linear(f"{block}.fc1", hidden, width)
        found |= linear(f"{block}.fc2", width, hidden)
        found |= linear(f"{block}.final_layer_norm", width)
    found |= linear("encoder.layer_norm", width)
    if cfg["finetuned_model"]:
        found |= linear("predictor", cfg["predictor_class"], width)
    return found


def linear(name, outputs, *inputs):
    return {f"{name}.weight": (outputs, *inputs), f"{name}.bias": (outputs,)}


def document(cfg, seed=0):
    """What the public file of a model holds, with random weights of sensible sizes."""
    rng, model = np.random.default_rng(seed), {}
    for name, shape in shapes(cfg).items():
        near = 1.0 if "norm.weight" in name or "grep_a" in name else 0.0
        deviation = 0.2 if near or name.endswith("bias") else float(np.prod(shape[1:])) ** -0.5
        values = rng.normal(near, 1.0 if "relative" in name else deviation, shape)
        model[name] = torch.tensor(values, dtype=torch.float32)
    for name in model:
        if "relative" in name:  # one table for all layers
            model[name] = model["encoder.layers.0.self_attn.relative_attention_bias.weight"]
    labels = {number: f"/m/{number:05d}" for number in range(cfg.get("predictor_class", 0))}
    return {"cfg": cfg, "model": model} | ({"label_dict": labels} if labels else {})


def write(folder: Path, cfg=CFG, name="BEATs_iter3_plus_AS2M.pt") -> str:
    torch.save(document(cfg), folder / name)
    return f"beats:{folder / name}"


def linears(module, layer):
    block = module.encoder.layers[layer]
    return block.fc1, block.fc2


CASES = {
    "beats": Case(write, (48, 48, 48), linears),
    "beats, fine-tuned, no projection": Case(
        partial(
            write,
            cfg=CFG | FINE_TUNED | {"embed_dim": 32, "conv_pos": 7, "encoder_layers": 2},
            name="BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt",
        ),
        (48, 48),
        linears,
    ),
}
