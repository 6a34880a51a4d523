"""Small Whispers, and models that hear through such an encoder, in the files that transformers writes."""

from functools import partial
from pathlib import Path

import torch
from cases_hf_ast import roughen
from family_case import Case

BANDS, TOKENS, WIDTH, HIDDEN, LAYERS = 24, 50, 32, 48, 3  # 50 tokens are a second

TEXT = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT |= {"num_key_value_heads": 2, "vocab_size": 64}
TOWER = {"num_mel_bins": BANDS, "max_source_positions": TOKENS}
TOWER |= {"d_model": WIDTH, "encoder_layers": LAYERS, "encoder_attention_heads": 4, "encoder_ffn_dim": HIDDEN}
# The same by the names of the newer configs, which take the others for more.
RENAMED = {"d_model": "hidden_size", "encoder_layers": "num_hidden_layers"}
RENAMED |= {"encoder_attention_heads": "num_attention_heads", "encoder_ffn_dim": "intermediate_size"}
NEWER = {RENAMED.get(key, key): value for key, value in TOWER.items()}


def seeded(make):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return roughen(make())


def whisper(class_name="WhisperForConditionalGeneration", **changes):
    """A small Whisper of any class of transformers, always the same."""
    import transformers
    from transformers.models.whisper import modeling_whisper

    decoder = {"decoder_layers": 2, "decoder_attention_heads": 2, "decoder_ffn_dim": 24, "vocab_size": 64}
    special = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    config = transformers.WhisperConfig(**(TOWER | decoder | special | changes))
    return seeded(lambda: getattr(modeling_whisper, class_name)(config))


def qwen2_audio():
    """A small Qwen2-Audio with its language model."""
    from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration

    text = TEXT | {"model_type": "qwen2"}
    config = Qwen2AudioConfig(audio_config=TOWER | {"model_type": "qwen2_audio_encoder"}, text_config=text)
    return seeded(lambda: Qwen2AudioForConditionalGeneration(config))


def audio_flamingo():
    """A small Audio Flamingo 3 with its language model."""
    from transformers import AudioFlamingo3Config, AudioFlamingo3ForConditionalGeneration

    text = TEXT | {"model_type": "qwen2"}
    tower = NEWER | {"model_type": "audioflamingo3_encoder"}
    config = AudioFlamingo3Config(audio_config=tower, text_config=text)
    return seeded(lambda: AudioFlamingo3ForConditionalGeneration(config))


def voxtral():
    """A small Voxtral with its language model."""
    from transformers import VoxtralConfig, VoxtralForConditionalGeneration

    text = TEXT | {"model_type": "llama", "head_dim": 8}
    tower = NEWER | {"model_type": "voxtral_encoder"}
    config = VoxtralConfig(audio_config=tower, text_config=text)
    return seeded(lambda: VoxtralForConditionalGeneration(config))


MAKERS = {
    "whisper": whisper,
    "qwen2-audio": qwen2_audio,
    "audio flamingo 3": audio_flamingo,
    "voxtral": voxtral,
}


def save(model, folder: Path, **how) -> str:
    """Write a folder as users have it; returns its spec."""
    from transformers import WhisperFeatureExtractor

    model.save_pretrained(folder, **how)
    WhisperFeatureExtractor(feature_size=BANDS, chunk_length=1).save_pretrained(folder)
    return f"hf:{folder}"


def _write(make, folder: Path) -> str:
    return save(make(), folder)


CASES = {
    f"hf {name}": Case(
        write=partial(_write, make),
        units=(HIDDEN,) * LAYERS,
        linears=lambda encoder, i: (encoder.layers[i].fc1, encoder.layers[i].fc2),
        needs="transformers",
    )
    for name, make in MAKERS.items()
}
