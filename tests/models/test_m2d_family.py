"""Every kind of file of the M2D family gives its encoder, and no projector, predictor or head with it."""

import pytest
import torch
from cases_m2d import DEPTH, HIDDEN, KINDS

from otoscope.models import load_model
from otoscope.models.checkpoints import NORM_STATS, CheckpointError, block_sizes
from otoscope.models.loading import SIZES
from otoscope.models.names import parse_name
from otoscope.models.vit import ViT, ViTConfig

SECONDS = 6


@pytest.fixture(params=list(KINDS))
def kind(request):
    return KINDS[request.param]


def test_the_encoder_is_found(kind, tmp_path):
    model = load_model(kind.write(tmp_path))
    name = parse_name(kind.folder)
    config = ViTConfig(name.input_size, name.patch_size, kind.width, DEPTH, kind.width // 64, HIDDEN)
    assert model.module.config == config
    assert model.module.config.grid == kind.grid
    assert model.sample_rate == kind.sample_rate
    assert model.norm_stats == (kind.stats or NORM_STATS)
    assert [(layer.name, layer.units) for layer in model.layers] == [
        (f"blocks.{i}.mlp.act", HIDDEN) for i in range(DEPTH)
    ]
    assert model.embedding_size == kind.grid[0] * kind.width


def test_and_nothing_else(kind, tmp_path):
    """Weight by weight: no other part of the file, whose names end alike, has taken a place."""
    model = load_model(kind.write(tmp_path))
    weights = model.module.state_dict()
    expected = kind.encoder()
    assert set(weights) == set(expected)
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())


def test_the_kind_of_file_does_not_show(kind, tmp_path):
    bare = tmp_path / "bare" / kind.folder / "encoder.pth"
    bare.parent.mkdir(parents=True)
    stats = {"norm_stats": torch.tensor(kind.stats)} if kind.stats else {}
    torch.save(kind.encoder() | stats, bare)
    assert load_model(kind.write(tmp_path)).fingerprint == load_model(f"m2d:{bare}").fingerprint


@pytest.mark.parametrize(
    ("name", "columns"),
    [("m2d", 38), ("m2d, 40 ms", 151), ("m2d-s", 301), ("m2d-as", 38), ("m2d-clap 2025", 38)],
)
def test_tokens_of_six_seconds(name, columns, tmp_path):
    """Frames are 601; a patch that is filled up counts if it has one of them."""
    kind = KINDS[name]
    model = load_model(kind.write(tmp_path))
    samples = SECONDS * kind.sample_rate
    assert model.tokens(samples) == kind.grid[0] * columns
    grid = model.token_grid(samples)
    assert grid.row.max() + 1 == kind.grid[0]
    assert grid.stop_s[0] - grid.start_s[0] == pytest.approx(kind.patch[1] / 100)


def test_an_untrained_twin_of_every_kind(kind, tmp_path):
    spec = kind.write(tmp_path)
    model, twin = load_model(spec), load_model(f"random:{spec}@3")
    assert twin.fingerprint == load_model(f"random:{spec}@3").fingerprint != model.fingerprint
    assert twin.module.config == model.module.config
    assert twin.norm_stats == model.norm_stats
    assert torch.equal(twin.module.pos_embed, model.module.pos_embed)
    assert not torch.equal(twin.module.blocks[1].mlp.fc1.weight, model.module.blocks[1].mlp.fc1.weight)


def test_the_sizes_of_the_published_vits_are_read_from_their_weights():
    for model_class, sizes in SIZES.items():
        with torch.device("meta"):  # 300 million weights in the larger, none of them allocated
            weights = ViT(ViTConfig((80, 608), (16, 16), *sizes)).state_dict()
        found = block_sizes(weights, model_class)
        assert tuple(found[name] for name in ("width", "depth", "heads", "hidden")) == sizes


def test_a_text_encoder_alone_is_no_encoder(tmp_path):
    kind = KINDS["m2d-clap 2025"]
    spec = kind.write(tmp_path)
    path = spec.removeprefix("m2d:")
    torch.save({name: t for name, t in kind.document().items() if name.startswith("text_encoder.")}, path)
    with pytest.raises(CheckpointError, match=r"another architecture: no usable cls_token.*text_encoder\."):
        load_model(spec)


def test_a_projector_does_not_stand_in_for_a_missing_block(tmp_path):
    kind = KINDS["m2d-clap 2025"]
    spec = kind.write(tmp_path)
    left = {name: tensor for name, tensor in kind.document().items() if not name.startswith("blocks.0.mlp")}
    torch.save(left, spec.removeprefix("m2d:"))
    with pytest.raises(CheckpointError, match=r"no usable blocks\.0\.mlp\.fc1\.weight"):
        load_model(spec)
