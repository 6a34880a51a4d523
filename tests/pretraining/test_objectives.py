"""Each loss against a slow second version, clip by clip and patch by patch, from M2D's published steps."""

import math

import pytest
import torch
from torch.nn.functional import layer_norm

from otoscope.models.vit import ViT, untrained
from otoscope.pretraining.config import Duo, Reconstruction, Supervised
from otoscope.pretraining.m2d import MaskedModelingDuo, decay_at
from otoscope.pretraining.masking import draw_mask
from otoscope.pretraining.objective import Batch, Decoder
from otoscope.pretraining.reconstruction import MaskedReconstruction
from otoscope.pretraining.supervised import SupervisedTwin

DECODER = {"epochs": 1, "width": 12, "depth": 1, "heads": 2}
DUO = Duo(objective="m2d", **DECODER)
RECONSTRUCTION = Reconstruction(objective="reconstruction", **DECODER)


def seeded(seed: int = 5) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def slow_order(clip_count: int, tokens: int = 10) -> list[list[int]]:
    noise = torch.rand(clip_count, tokens, generator=seeded())
    return [sorted(range(tokens), key=lambda i: float(row[i])) for row in noise]


def slow_patches(spectrogram: torch.Tensor) -> list[torch.Tensor]:
    """Frequency-major, 16 x 16."""
    return [
        spectrogram[16 * row : 16 * row + 16, 16 * column : 16 * column + 16].reshape(-1)
        for row in range(5)
        for column in range(2)
    ]


def slow_embed(encoder: ViT, spectrogram: torch.Tensor) -> list[torch.Tensor]:
    kernel, bias = encoder.patch_embed.proj.weight.flatten(1), encoder.patch_embed.proj.bias
    return [
        kernel @ patch + bias + encoder.pos_embed[0, 1 + i]
        for i, patch in enumerate(slow_patches(spectrogram))
    ]


def slow_norm(x: torch.Tensor, norm: torch.nn.LayerNorm) -> torch.Tensor:
    return layer_norm(x, x.shape[-1:], norm.weight, norm.bias, 1e-6)


def slow_encode(tokens: list[torch.Tensor], encoder: ViT, blocks, norm) -> torch.Tensor:
    x = torch.stack([encoder.cls_token[0, 0] + encoder.pos_embed[0, 0], *tokens])[None]
    for block in blocks:
        x = block(x)
    return slow_norm(x[0], norm)


def slow_guess(decoder: Decoder, encoded: torch.Tensor, order: list[int], visible: int) -> torch.Tensor:
    embedded = encoded @ decoder.embed.weight.T + decoder.embed.bias
    places = [decoder.mask_token[0, 0]] * len(order)
    for position, token in enumerate(order[:visible]):
        places[token] = embedded[1 + position]
    x = (torch.stack([embedded[0], *places]) + decoder.get_buffer("positions")[0])[None]
    for block in decoder.blocks:
        x = block(x)
    guess = slow_norm(x[0], decoder.norm) @ decoder.pred.weight.T + decoder.pred.bias
    return torch.stack([guess[1 + token] for token in order[visible:]])


def slow_standard(x: torch.Tensor) -> torch.Tensor:
    mean = sum(x.tolist()) / len(x)
    variance = sum((value - mean) ** 2 for value in x.tolist()) / (len(x) - 1)
    return (x - mean) / math.sqrt(variance + 1e-6)


@torch.no_grad()
def test_m2d_equals_a_slow_version(encoder: ViT, batch: Batch) -> None:
    objective = MaskedModelingDuo(encoder, DUO, seed=3)
    losses = []
    for spectrogram, order in zip(batch.spectrograms[:, 0], slow_order(3), strict=True):
        tokens = slow_embed(encoder, spectrogram)
        encoded = slow_encode([tokens[i] for i in order[:3]], encoder, encoder.blocks, encoder.norm)
        guesses = slow_guess(objective.decoder, encoded, order, visible=3)
        masked = [tokens[i] for i in order[3:]]
        targets = slow_encode(masked, encoder, objective.target_blocks, objective.target_norm)[1:]
        for guess, target in zip(guesses, targets, strict=True):
            target = slow_standard(target)
            losses.append(2 - 2 * float(guess @ target) / float(guess.norm() * target.norm()))
    assert len(losses) == 3 * 7
    assert float(objective(batch, seeded())) == pytest.approx(sum(losses) / len(losses), abs=1e-5)


@torch.no_grad()
def test_m2d_can_standardise_over_the_batch_first(encoder: ViT, batch: Batch) -> None:
    plain = MaskedModelingDuo(encoder, DUO, seed=3)
    both = MaskedModelingDuo(encoder, DUO.model_copy(update={"standardise": "batch and token"}), seed=3)
    tokens = encoder.embed(batch.spectrograms)
    mask = draw_mask(tokens, 0.7, seeded())
    target = plain.target(mask.hidden(tokens))
    flat = target.flatten(0, 1)
    over_batch = ((flat - flat.mean(0)) / (flat.var(0) + 1e-6).sqrt()).view_as(target)
    guess = plain.decoder(encoder.encode(mask.seen(tokens)), mask)
    cosines = [
        torch.cosine_similarity(one, slow_standard(other), dim=0)
        for one, other in zip(guess.flatten(0, 1), over_batch.flatten(0, 1), strict=True)
    ]
    assert float(both(batch, seeded())) == pytest.approx(2 - 2 * float(torch.stack(cosines).mean()), abs=1e-5)


@torch.no_grad()
def test_reconstruction_equals_a_slow_version(encoder: ViT, batch: Batch) -> None:
    objective = MaskedReconstruction(encoder, RECONSTRUCTION, seed=3)
    errors = []
    for spectrogram, order in zip(batch.spectrograms[:, 0], slow_order(3), strict=True):
        tokens = slow_embed(encoder, spectrogram)
        encoded = slow_encode([tokens[i] for i in order[:2]], encoder, encoder.blocks, encoder.norm)
        guesses = slow_guess(objective.decoder, encoded, order, visible=2)
        patches = slow_patches(spectrogram)
        for guess, token in zip(guesses, order[2:], strict=True):
            errors += ((guess - slow_standard(patches[token])) ** 2).tolist()
    assert len(errors) == 3 * 8 * 256
    assert float(objective(batch, seeded())) == pytest.approx(sum(errors) / len(errors), abs=1e-5)


@torch.no_grad()
def test_supervision_equals_a_slow_version(encoder: ViT, batch: Batch) -> None:
    settings = Supervised(objective="supervised", epochs=1, drop_ratio=0.6)
    objective = SupervisedTwin(encoder, settings, classes=4, seed=3)

    def slow(kept: int) -> float:
        losses = []
        for spectrogram, order, label in zip(
            batch.spectrograms[:, 0], slow_order(3), batch.labels, strict=True
        ):
            tokens = slow_embed(encoder, spectrogram)
            encoded = slow_encode([tokens[i] for i in order[:kept]], encoder, encoder.blocks, encoder.norm)
            logits = (objective.head.weight @ encoded[1:].mean(0) + objective.head.bias).tolist()
            losses.append(math.log(sum(math.exp(logit) for logit in logits)) - logits[label])
        return sum(losses) / len(losses)

    assert float(objective.train()(batch, seeded())) == pytest.approx(slow(kept=4), abs=1e-5)
    assert float(objective.eval()(batch, seeded())) == pytest.approx(slow(kept=10), abs=1e-5)


def test_m2d_shows_57_of_190_patches() -> None:
    mask = draw_mask(torch.zeros(1, 190, 4), DUO.mask_ratio, seeded())
    assert (mask.visible, mask.masked) == (57, 133)
    assert sorted(mask.order[0].tolist()) == list(range(190))


def test_the_decay_rises_linearly_over_all_updates() -> None:
    decays = [decay_at(step, 1001, DUO.decay) for step in range(1001)]
    assert decays[0] == 0.99995
    assert decays[500] == pytest.approx(0.99997, abs=1e-12)
    assert decays[1000] == pytest.approx(0.99999, abs=1e-12)


@torch.no_grad()
def test_the_target_starts_from_random_weights_of_its_own(encoder: ViT) -> None:
    objective = MaskedModelingDuo(encoder, DUO, seed=3)
    target, online = objective.target_blocks[0].mlp.fc1.weight, encoder.blocks[0].mlp.fc1.weight
    assert not torch.equal(target, online)
    assert float(target.abs().max()) <= math.sqrt(6 / (16 + 32))  # Xavier's bound
    assert torch.equal(online, untrained(encoder.config, seed=0).blocks[0].mlp.fc1.weight)  # left alone


@torch.no_grad()
def test_the_target_follows_blocks_and_norm(encoder: ViT) -> None:
    objective = MaskedModelingDuo(encoder, DUO.model_copy(update={"decay": (0.9, 0.8)}), seed=3)
    before = objective.target_blocks[1].attn.qkv.weight.clone()
    encoder.norm.bias.fill_(1.0)
    objective.updated(step=1, steps=2)
    expected = 0.8 * before + 0.2 * encoder.blocks[1].attn.qkv.weight
    torch.testing.assert_close(objective.target_blocks[1].attn.qkv.weight, expected)
    torch.testing.assert_close(objective.target_norm.bias, torch.full((16,), 0.2))


def test_the_target_learns_nothing_by_gradient(encoder: ViT, batch: Batch) -> None:
    objective = MaskedModelingDuo(encoder, DUO, seed=3)
    objective(batch, seeded()).backward()
    without = {name.split(".")[0] for name, value in objective.named_parameters() if value.grad is None}
    assert without == {"target_blocks", "target_norm", "encoder"}  # of the encoder, the stored positions only
    assert [name for name, value in encoder.named_parameters() if value.grad is None] == ["pos_embed"]


@torch.no_grad()
def test_after_a_warm_up_the_target_can_start_from_the_encoder(encoder: ViT) -> None:
    objective = MaskedModelingDuo(encoder, DUO.model_copy(update={"target_start": "online"}), seed=3)
    for target, online in zip(objective.target_blocks.parameters(), encoder.blocks.parameters(), strict=True):
        assert torch.equal(target, online)
