"""Small models of the wav2vec 2.0 kind, and conformers, in the files that transformers writes."""

from pathlib import Path

import torch
from family_case import Case

WIDTH, HIDDEN, LAYERS = 32, 48, 2
SMALL = {
    "hidden_size": WIDTH,
    "intermediate_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "vocab_size": 12,
}
WAVE = SMALL | {"conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
LARGE = WAVE | {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
SQUEEZED = WAVE | {"conv_dim": (16,) * 13}
CONFORMER = WAVE | {"conv_depthwise_kernel_size": 7}
BERT = SMALL | {"feature_projection_input_dim": 160, "conv_depthwise_kernel_size": 7}

MODELS = {
    "wav2vec2": ("Wav2Vec2", WAVE),
    "wav2vec2 large": ("Wav2Vec2", LARGE),
    "hubert": ("Hubert", WAVE),
    "hubert large": ("Hubert", LARGE),
    "hubert batch norm": ("Hubert", LARGE | {"conv_pos_batch_norm": True}),
    "wavlm": ("WavLM", WAVE),
    "wavlm large": ("WavLM", LARGE),
    "unispeech": ("UniSpeech", WAVE),
    "unispeech large": ("UniSpeech", LARGE),
    "unispeech-sat": ("UniSpeechSat", WAVE),
    "unispeech-sat large": ("UniSpeechSat", LARGE),
    "data2vec-audio": ("Data2VecAudio", WAVE | {"conv_pos_kernel_size": 5}),
    "sew": ("SEW", SQUEEZED),
    "sew-d": ("SEWD", SQUEEZED | {"max_position_embeddings": 64, "position_buckets": 16}),
    "conformer": ("Wav2Vec2Conformer", CONFORMER | {"feat_extract_norm": "layer"}),
    "conformer rotary": ("Wav2Vec2Conformer", CONFORMER | {"position_embeddings_type": "rotary"}),
    "wav2vec2-bert": ("Wav2Vec2Bert", BERT),
    "wav2vec2-bert relative": ("Wav2Vec2Bert", BERT | {"position_embeddings_type": "relative"}),
    "wav2vec2-bert rotary": ("Wav2Vec2Bert", BERT | {"position_embeddings_type": "rotary"}),
}


def small(name, head="Model", **changes):
    """A small model of transformers, always the same, its norms and biases random too."""
    import transformers

    kind, sizes = MODELS[name]
    config = getattr(transformers, f"{kind}Config")(**(sizes | changes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = getattr(transformers, kind + head)(config)
        with torch.no_grad():
            for tensor in model.parameters():
                tensor.add_(0.05 * torch.randn(tensor.shape))
            for key, tensor in model.named_buffers():
                if "running" in key:  # a batch norm's: 0 and 1 could be left out unnoticed
                    tensor.add_(torch.rand(tensor.shape))
    return model.eval()


def save(model, folder: Path, **extractor) -> str:
    """Write a folder as users have it; returns its spec."""
    import transformers

    model.save_pretrained(folder)
    if model.config.model_type == "wav2vec2-bert":
        transformers.SeamlessM4TFeatureExtractor(**extractor).save_pretrained(folder)
    else:
        transformers.Wav2Vec2FeatureExtractor(**extractor).save_pretrained(folder)
    return f"hf:{folder}"


def linears(encoder, i):
    if encoder.config.model_type == "sew-d":
        block = encoder.encoder.encoder.layer[i]
        return block.intermediate.dense, block.output.dense
    if hasattr(encoder.encoder.layers[0], "ffn1"):
        block = encoder.encoder.layers[i // 2]
        mlp = block.ffn2 if i % 2 else block.ffn1
    else:
        mlp = encoder.encoder.layers[i].feed_forward
    return mlp.intermediate_dense, mlp.output_dense


def case(name):
    kind = MODELS[name][0]
    two = kind in ("Wav2Vec2Conformer", "Wav2Vec2Bert")
    return Case(
        write=lambda folder: save(small(name), folder),
        units=(HIDDEN,) * LAYERS * (2 if two else 1),
        linears=linears,
        activation=torch.nn.functional.silu if kind == "Wav2Vec2Bert" else torch.nn.functional.gelu,
        needs="transformers",
    )


# The others differ from these in ways that test_hf_wave.py looks at.
FAMILIES = ["wav2vec2", "wav2vec2 large", "hubert", "wavlm", "wavlm large", "unispeech", "unispeech-sat"]
FAMILIES += ["data2vec-audio", "sew", "sew-d", "conformer", "conformer rotary", "wav2vec2-bert"]
CASES = {f"hf {name}": case(name) for name in FAMILIES}
