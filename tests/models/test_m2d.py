"""M2D's rules for clips of any length: chunks, trimming, padding, stacking, and where a token lies."""

import pickle

import numpy as np
import pytest
import torch

from otoscope.errors import OtoscopeError
from otoscope.models import Chunk, Position
from otoscope.models.m2d import M2D
from otoscope.models.vit import ViTConfig, untrained

STATS = (-6.25, 3.5)


def toy(input_size=(80, 608), patch_size=(16, 16), sample_rate=16000, seed=0) -> M2D:
    config = ViTConfig(input_size, patch_size, width=8, depth=2, heads=2, hidden=12)
    return M2D(untrained(config, seed), sample_rate=sample_rate, norm_stats=STATS, name="toy")


GRIDS = [
    ((80, 608), (16, 16), 16000), ((80, 1001), (16, 16), 16000), ((80, 1001), (16, 16), 32000),
    ((80, 200), (16, 4), 16000), ((80, 608), (80, 2), 16000),
]  # fmt: skip

# Columns of tokens by seconds, verified against the reference loader.
COLUMNS = [
    ((80, 608), (16, 16), 16000, {1: 7, 6: 38, 6.08: 39, 10: 63, 13: 82}),
    ((80, 1001), (16, 16), 16000, {1: 7, 10: 62, 11: 69}),
    ((80, 1001), (16, 16), 32000, {1: 7, 10: 62, 11: 69}),
    ((80, 200), (16, 4), 16000, {1: 26, 10: 251, 11: 276}),
    ((80, 608), (80, 2), 16000, {1: 51, 10: 501, 11: 551}),
]


@pytest.mark.parametrize(("input_size", "patch_size", "rate", "columns"), COLUMNS)
def test_columns_of_tokens_of_the_published_grids(input_size, patch_size, rate, columns, noise):
    model = toy(input_size, patch_size, rate)
    rows = 80 // patch_size[0]
    for seconds, expected in columns.items():
        samples = round(seconds * rate)
        assert model.tokens(samples) == rows * expected
        chunks = model.prepare([noise(samples)])
        assert sum(int((chunk.kind == Position.TOKEN).sum()) for chunk in chunks) == rows * expected
        features = [torch.zeros(1, chunk.kind.shape[1], 8) for chunk in chunks]
        assert model.embedding(chunks, features).shape == (1, model.embedding_size) == (1, rows * 8)


def test_ten_seconds_are_38_and_25_columns(noise):
    chunks = toy().prepare([noise(160000)])
    assert [tuple(chunk.inputs.shape) for chunk in chunks] == [(1, 80, 608), (1, 80, 400)]
    assert [chunk.kind.shape[1] for chunk in chunks] == [1 + 5 * 38, 1 + 5 * 25]


def slow_chunks(spectrogram: np.ndarray, unit: int, patch: int) -> list[np.ndarray]:
    """The reference loader's own steps: pad by its formula, slice by the unit, let the convolution floor."""
    frames = spectrogram.shape[1]
    number = (frames + unit - 1) // unit
    padded = np.pad(spectrogram, ((0, 0), (0, (patch - frames % unit % patch) % patch)))
    slices = [padded[:, i * unit : (i + 1) * unit] for i in range(number)]
    return [part[:, : part.shape[1] // patch * patch] for part in slices]


@pytest.mark.parametrize(("input_size", "patch_size", "rate"), GRIDS)
@pytest.mark.parametrize("frames", [17, 100, 199, 200, 201, 608, 609, 991, 992, 993, 1000, 1001, 1002, 1010])
def test_chunks_are_those_of_the_reference_loader(input_size, patch_size, rate, frames, noise):
    model = toy(input_size, patch_size, rate)
    waveform = noise((frames - 1) * rate // 100 + 7)
    spectrogram = model.logmel(torch.from_numpy(waveform.samples)[None])[0]
    assert spectrogram.shape[1] == frames
    expected = slow_chunks(((spectrogram - STATS[0]) / STATS[1]).numpy(), input_size[1], patch_size[1])
    chunks = model.prepare([waveform])
    assert len(chunks) == len(expected)
    for chunk, right in zip(chunks, expected, strict=True):
        assert np.array_equal(chunk.inputs[0].numpy(), right)
        assert chunk.kind.shape[1] == 1 + right.size // (patch_size[0] * patch_size[1])


def test_a_full_chunk_of_1001_frames_loses_its_last_nine(noise):
    model = toy((80, 1001))
    whole = noise(160000)
    cut = type(whole)(whole.samples[: 160 * 991 + 7], 160 * 991 + 7)  # 992 frames, whole patches
    (long,), (short,) = model.prepare([whole]), model.prepare([cut])
    assert long.inputs.shape == short.inputs.shape == (1, 80, 992)
    assert torch.allclose(long.inputs[..., :988], short.inputs[..., :988], atol=1e-5)


def test_padding_is_zero_after_normalisation(noise):
    (chunk,) = toy().prepare([noise(16000)])  # 101 frames in 112
    assert (chunk.inputs[..., 101:] == 0).all()
    assert (chunk.inputs[..., :101] != 0).all()


def test_clips_of_equal_length_but_unequal_samples_share_a_batch_unchanged(noise):
    model = toy()
    clips = [noise(n, seed=n) for n in (16000, 16159, 17900, 15400)]  # 97 to 112 frames
    assert {model.length(len(clip.samples)) for clip in clips} == {112}
    (together,) = model.prepare(clips)
    for row, clip in enumerate(clips):
        (alone,) = model.prepare([clip])
        assert torch.allclose(together.inputs[row], alone.inputs[0], atol=1e-6)


def test_a_batch_of_unequal_lengths_is_refused(noise):
    with pytest.raises(OtoscopeError, match=r"clips of lengths \[112, 208\]; expected clips of equal length"):
        toy().prepare([noise(16000), noise(32000)])


def test_a_token_is_padding_if_it_covers_no_frame_of_the_real_clip(noise):
    model = toy()
    # 2 s, of which 8000 samples are sound: frames 0 to 50, hence columns 0 to 3 of 13.
    (chunk,) = model.prepare([noise(32000, real=8000)])
    kind = chunk.kind[0, 1:].view(5, 13)
    assert chunk.kind[0, 0] == Position.SPECIAL
    assert (kind[:, :4] == Position.TOKEN).all()
    assert (kind[:, 4:] == Position.PADDING).all()
    assert model.tokens(32000, real=8000) == 20


@pytest.mark.parametrize(
    ("real", "columns"), [(1, 1), (2559, 1), (2560, 2), (5119, 2), (5120, 3), (32000, 13)]
)
def test_the_edge_of_padding(real, columns):
    # The real clip has 1 + real // 160 frames; column 1 begins with frame 16.
    assert toy().tokens(32000, real=real) == 5 * columns


def test_padding_in_later_chunks_and_clips_of_one_batch(noise):
    model = toy((80, 64))
    clips = [noise(16000, real=real) for real in (16000, 9000, 3000)]
    chunks = model.prepare(clips)  # 4 and 3 columns of 16 frames
    valid = [[int((chunk.kind[i] == Position.TOKEN).sum()) // 5 for chunk in chunks] for i in range(3)]
    assert valid == [[4, 3], [4, 0], [2, 0]]
    assert [model.tokens(16000, real=clip.real) for clip in clips] == [35, 20, 10]


@pytest.mark.parametrize(
    ("patch_size", "rate", "least"), [((16, 16), 16000, 2400), ((16, 16), 32000, 4800), ((16, 4), 16000, 480),
                                      ((80, 2), 16000, 201), ((80, 2), 32000, 401)],
)  # fmt: skip
def test_a_clip_shorter_than_one_patch_is_refused(patch_size, rate, least, noise):
    model = toy((80, 608), patch_size, rate)
    assert model.tokens(least) == 80 // patch_size[0]
    model.prepare([noise(least)])
    message = rf"{least - 1} samples \(0.* s\) is too short for toy; expected at least {least} .*seconds="
    for refuse in (model.length, model.tokens, model.token_grid, lambda n: model.prepare([noise(n)])):
        with pytest.raises(OtoscopeError, match=message):
            refuse(least - 1)


def test_embedding_stacks_rows_and_averages_columns(noise):
    model = toy((80, 64))
    chunks = model.prepare([noise(16000), noise(16000, seed=1)])
    generator = torch.Generator().manual_seed(0)
    features = [torch.randn(2, chunk.kind.shape[1], 8, generator=generator) for chunk in chunks]
    expected = np.zeros((2, 40))
    for clip in range(2):
        for row in range(5):
            tokens = [
                feature[clip, 1 + row * columns + column].numpy()
                for feature, columns in zip(features, (4, 3), strict=True)
                for column in range(columns)
            ]
            expected[clip, row * 8 : (row + 1) * 8] = np.mean(tokens, axis=0)
    assert np.allclose(model.embedding(chunks, features).numpy(), expected, atol=1e-6)


def test_embedding_of_a_patch_as_high_as_the_spectrogram_is_one_token_wide():
    features = torch.arange(24.0).view(1, 3, 8)
    assert torch.equal(toy(patch_size=(80, 2)).embedding([], [features]), features[:, 1:].mean(dim=1))


def test_token_grid_of_a_small_case_on_paper():
    model = toy((80, 64))
    grid = model.token_grid(16000)
    assert list(grid.columns) == ["token", "start_s", "stop_s", "low_hz", "high_hz", "row", "column"]
    assert grid["token"].tolist() == list(range(35))
    # Token 21 is row 0, column 1 of the second chunk, which has 3 columns and follows 20 tokens.
    token = grid.iloc[21]
    assert (token["row"], token["column"]) == (0, 5)
    assert (token["start_s"], token["stop_s"]) == (pytest.approx(0.80), pytest.approx(0.96))
    assert token["low_hz"] == pytest.approx(50)
    assert grid.iloc[4][["row", "column", "start_s"]].tolist() == [1, 0, 0]
    assert grid["high_hz"].max() == pytest.approx(8000)
    assert (grid["high_hz"] > grid["low_hz"]).all()
    assert grid["column"].max() == 6
    for _, row in grid.groupby("row"):
        assert row["start_s"].tolist() == pytest.approx([0.16 * i for i in range(7)])


def test_bands_of_the_token_grid_hold_the_tones_that_excite_them():
    model = toy()
    grid = model.token_grid(16000)
    t = np.arange(16000) / 16000
    for row, band in grid[grid["column"] == 0].set_index("row").iterrows():
        middle = (band["low_hz"] + band["high_hz"]) / 2
        tone = torch.from_numpy(np.sin(2 * np.pi * middle * t).astype(np.float32))
        loudest = int(model.logmel(tone[None])[0].mean(dim=1).argmax())
        assert loudest // 16 == row


def test_hooks_are_the_activations_of_the_blocks_in_order(small_model, listen, noise):
    assert [layer.name for layer in small_model.layers] == [f"blocks.{i}.mlp.act" for i in range(3)]
    assert {layer.units for layer in small_model.layers} == {96}
    blocks = small_model.vit.blocks
    assert all(hook.module is block.mlp.act for hook, block in zip(small_model.hooks(), blocks, strict=True))
    order = []
    handles = [hook.attach(lambda _, i=i: order.append(i)) for i, hook in enumerate(small_model.hooks())]
    small_model.forward(small_model.prepare([noise(8000)])[0])
    for handle in handles:
        handle.remove()
    assert order == [0, 1, 2]


def test_a_hook_can_replace_a_unit_and_earlier_layers_do_not_notice(small_model, listen, noise):
    features, hidden = listen(small_model, [noise(8000)])

    def silence(output):
        changed = output.clone()
        changed[..., 7] = 0
        return changed

    handle = small_model.hooks()[1].attach(silence)
    after, hidden_after = listen(small_model, [noise(8000)])
    handle.remove()
    assert torch.equal(hidden[0][0], hidden_after[0][0])
    assert (hidden_after[0][1][..., 7] == 0).all()
    assert not torch.equal(features[0], after[0])


def test_the_fingerprint_changes_with_one_weight_and_with_every_setting(small_vit):
    def fingerprint(rate=16000, stats=STATS):
        return M2D(small_vit, sample_rate=rate, norm_stats=stats, name="any").fingerprint

    first = fingerprint()
    assert first == fingerprint()
    assert len(first) == 64
    assert len({first, fingerprint(rate=32000), fingerprint(stats=(-6.25, 3.6))}) == 3
    with torch.no_grad():
        weight = small_vit.blocks[2].mlp.fc2.bias
        weight[5] = torch.nextafter(weight[5], torch.tensor(9.0))
    assert fingerprint() != first


def test_the_fingerprint_knows_the_input_size_and_not_the_name():
    assert toy((80, 992)).fingerprint != toy((80, 1001)).fingerprint  # equal weights, other chunks
    vit = toy().vit
    names = (M2D(vit, sample_rate=16000, norm_stats=STATS, name=name) for name in ("a", "b"))
    assert len({model.fingerprint for model in names}) == 1


def test_pickling_gives_the_same_model(small_model, noise):
    copy = pickle.loads(pickle.dumps(small_model))
    assert copy.fingerprint == small_model.fingerprint
    (chunk,), (again,) = small_model.prepare([noise(8000)]), copy.prepare([noise(8000)])
    assert torch.equal(chunk.inputs, again.inputs)
    assert torch.equal(small_model.forward(chunk), copy.forward(again))


def test_a_vit_for_other_mel_bins_is_refused():
    vit = untrained(ViTConfig((128, 64), width=8, depth=1, heads=1, hidden=4), 0)
    with pytest.raises(OtoscopeError, match="takes 128 mel bins; expected M2D's 80"):
        M2D(vit, sample_rate=16000, norm_stats=STATS)


def test_a_chunk_can_be_run_by_itself(small_model):
    chunk = Chunk(torch.zeros(2, 80, 32), torch.zeros(2, 11, dtype=torch.uint8))
    assert small_model.forward(chunk).shape == (2, 11, 128)
