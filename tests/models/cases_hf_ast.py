"""A small AST in the files that transformers writes."""

from pathlib import Path

import torch
from family_case import Case

BANDS, FRAMES, WIDTH, HIDDEN, LAYERS = 40, 70, 32, 48, 3  # 3 rows of 6 columns; the last 4 bands and frames
MEAN, DEVIATION = -4.5, 4.25  # are in no patch


def roughen(model):
    """Give biases and norms random values too: at their initial 0 and 1 they could be left out unnoticed."""
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def small(class_name="ASTForAudioClassification", **changes):
    """A small AST of any class of transformers, always the same."""
    import transformers

    sizes = {"hidden_size": WIDTH, "intermediate_size": HIDDEN, "num_hidden_layers": LAYERS}
    sizes |= {"num_attention_heads": 4, "num_mel_bins": BANDS, "max_length": FRAMES, "num_labels": 5}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = getattr(transformers, class_name)(transformers.ASTConfig(**(sizes | changes)))
    return roughen(model)


def save(model, folder: Path) -> str:
    """Write a folder as users have it; returns its spec."""
    from transformers import ASTFeatureExtractor

    model.save_pretrained(folder)
    extractor = ASTFeatureExtractor(
        num_mel_bins=model.config.num_mel_bins,
        max_length=model.config.max_length,
        mean=MEAN,
        std=DEVIATION,
    )
    extractor.save_pretrained(folder)
    return f"hf:{folder}"


def blocks(encoder):
    """The layers, and the two linear maps of each, in either layout."""
    if hasattr(encoder, "layers"):
        return [(layer, layer.mlp.fc1, layer.mlp.fc2) for layer in encoder.layers]
    return [(layer, layer.intermediate.dense, layer.output.dense) for layer in encoder.encoder.layer]


CASES = {
    "hf ast": Case(
        write=lambda folder: save(small(), folder),
        units=(HIDDEN,) * LAYERS,
        linears=lambda encoder, i: blocks(encoder)[i][1:],
        needs="transformers",
    )
}
