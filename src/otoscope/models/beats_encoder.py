"""BEATs' encoder: a Transformer over spectrogram patches that knows positions only relative to each other."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["BEATsConfig", "BEATsEncoder", "relative_buckets", "untrained"]

GATES, GATE_SUMMANDS = 2, 4  # a gate's logit is the sum of four outputs of one small linear map


@dataclass(frozen=True)
class BEATsConfig:
    """Sizes of a BEATs encoder, named as in its files; the defaults are those of all published models.

    Attributes:
        input_patch_size: frames and mel bands of a patch.
        embed_dim: channels of an embedded patch.
        encoder_embed_dim: channels of a token.
        encoder_layers: number of blocks.
        encoder_attention_heads: divides `encoder_embed_dim`.
        encoder_ffn_embed_dim: units of a block's MLP, which are the neurons.
        conv_pos: tokens that the positional convolution sees.
        conv_pos_groups: groups of its channels; divides `encoder_embed_dim`.
        num_buckets: kinds of distance that attention tells apart, half of them forwards, half backwards.
        max_distance: tokens from which on all distances are alike.
    """

    input_patch_size: int = 16
    embed_dim: int = 512
    encoder_embed_dim: int = 768
    encoder_layers: int = 12
    encoder_attention_heads: int = 12
    encoder_ffn_embed_dim: int = 3072
    conv_pos: int = 128
    conv_pos_groups: int = 16
    num_buckets: int = 320
    max_distance: int = 800


class BEATsEncoder(nn.Module):
    """Normalised log-mel in, one feature per patch out; a public file's weights fit under their own names.

    Tokens are numbered time-major: patch (row, column) is token `column * rows + row`, row 0 holding the
    lowest frequencies. There is no CLS token, and no limit to the number of columns: memory and time grow
    with the square of it.

    Shape:
        input (B, bands, frames); output (B, columns * rows, encoder_embed_dim). Frames and bands at the end
        that do not fill a patch are lost.

    >>> config = BEATsConfig(input_patch_size=4, embed_dim=8, encoder_embed_dim=16, encoder_layers=2,
    ...     encoder_attention_heads=2, encoder_ffn_embed_dim=32, conv_pos_groups=2)
    >>> untrained(config, seed=0)(torch.zeros(3, 8, 21)).shape
    torch.Size([3, 10, 16])

    Source: Chen et al. 2022, arXiv:2212.09058; microsoft/unilm (beats/BEATs.py, beats/backbone.py).
    """

    def __init__(self, config: BEATsConfig) -> None:
        super().__init__()
        self.config = config
        patch, width = config.input_patch_size, config.encoder_embed_dim
        self.patch_embedding = nn.Conv2d(1, config.embed_dim, kernel_size=patch, stride=patch, bias=False)
        self.layer_norm = nn.LayerNorm(config.embed_dim)
        same = config.embed_dim == width
        self.post_extract_proj = nn.Identity() if same else nn.Linear(config.embed_dim, width)
        self.encoder = Transformer(config)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Embed and encode: (B, bands, frames) to (B, tokens, width)."""
        patches = self.patch_embedding(spectrogram.transpose(1, 2)[:, None])  # (B, embed_dim, columns, rows)
        tokens = self.layer_norm(patches.flatten(2).transpose(1, 2))
        return torch.as_tensor(self.encoder(self.post_extract_proj(tokens)))


class Transformer(nn.Module):
    """The blocks, after a convolution over the list of tokens that tells them their neighbourhood."""

    def __init__(self, config: BEATsConfig) -> None:
        super().__init__()
        self.pos_conv = nn.Sequential(PositionalConvolution(config), nn.GELU())
        self.layer_norm = nn.LayerNorm(config.encoder_embed_dim)
        blocks = [Block(config) for _ in range(config.encoder_layers)]
        # One table for all blocks. A file repeats it in each of them; here the first one holds it.
        table = nn.Embedding(config.num_buckets, config.encoder_attention_heads)
        blocks[0].self_attn.relative_attention_bias = table
        self.layers = nn.ModuleList(blocks)
        self.config = config

    def forward(self, tokens: Tensor) -> Tensor:
        """Run the blocks over embedded tokens (B, n, width), shape kept."""
        x = tokens + self.pos_conv(tokens.transpose(1, 2)).transpose(1, 2)
        x = self.layer_norm(x)
        bias = self._relative_bias(x.shape[1])
        for layer in self.layers:
            x = layer(x, bias)
        return torch.as_tensor(x)

    def _relative_bias(self, tokens: int) -> Tensor:
        """What each head adds for the way from a query to a key, shape (heads, queries, keys)."""
        table = self.get_parameter("layers.0.self_attn.relative_attention_bias.weight")
        # On the CPU everywhere: another device's logarithm may put a distance into the next bucket.
        ways = torch.arange(1 - tokens, tokens)  # key - query
        buckets = relative_buckets(ways, self.config.num_buckets, self.config.max_distance)
        values = table[buckets.to(table.device)].T.contiguous()  # (heads, 2 * tokens - 1)
        # The window from way s on is the row of query `tokens - 1 - s`.
        return values.unfold(1, tokens, 1).flip(1)


def relative_buckets(ways: Tensor, buckets: int, max_distance: int) -> Tensor:
    """Number the ways from a query to a key: first those backwards and 0, then those forwards.

    Each half has its first half for exact distances, and logarithmically wider buckets up to `max_distance`
    for the rest.

    >>> relative_buckets(torch.tensor([0, -1, -2, -3, -5, -9, 1, 9]), buckets=12, max_distance=8)
    tensor([ 0,  1,  2,  3,  4,  5,  7, 11])

    Source: Raffel et al. 2020, arXiv:1910.10683 (T5), as in BEATs.
    """
    half = buckets // 2
    exact = half // 2
    distance = ways.abs()
    octaves = torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact)
    far = (exact + (octaves * (half - exact)).long()).clamp(max=half - 1)
    return torch.where(distance < exact, distance, far) + half * (ways > 0)


class PositionalConvolution(nn.Module):
    """A grouped convolution along the tokens, stored as directions `weight_v` and lengths `weight_g`.

    The kernel is `g_k v_k / |v_k|`, with one length for each of its places k (weight normalisation).
    """

    def __init__(self, config: BEATsConfig) -> None:
        super().__init__()
        width, self.groups, self.size = config.encoder_embed_dim, config.conv_pos_groups, config.conv_pos
        self.weight_g = nn.Parameter(torch.empty(1, 1, self.size))
        self.weight_v = nn.Parameter(torch.empty(width, width // self.groups, self.size))
        self.bias = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, width, n), shape kept; beyond the ends lie zeros."""
        weight = self.weight_g * self.weight_v / self.weight_v.norm(dim=(0, 1), keepdim=True)
        convolved = F.conv1d(x, weight, self.bias, padding=self.size // 2, groups=self.groups)
        return convolved[..., : x.shape[2]]  # an even kernel makes one too many


class Block(nn.Module):
    """A post-norm Transformer block with deep norm, which weighs the residual stream. Shape kept.

    `act` gives the hidden units of the MLP, exact GELU.

    Source: Wang et al. 2022, arXiv:2203.00555 (deep norm).
    """

    def __init__(self, config: BEATsConfig) -> None:
        super().__init__()
        width = config.encoder_embed_dim
        self.residual_weight = (2 * config.encoder_layers) ** 0.25
        self.self_attn = Attention(width, config.encoder_attention_heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, config.encoder_ffn_embed_dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(config.encoder_ffn_embed_dim, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Let attention and MLP change the tokens (B, n, width)."""
        x = self.self_attn_layer_norm(x * self.residual_weight + self.self_attn(x, bias))
        changed = self.fc2(self.act(self.fc1(x)))
        return torch.as_tensor(self.final_layer_norm(x * self.residual_weight + changed))


class Attention(nn.Module):
    """Multi-head self-attention whose relative position bias each query weighs for itself.

    With q the query of a head, before it is scaled, the bias of that query is multiplied by
    `r (u a - 1) + 2`, where r and u are sigmoids of sums over q and a is the head's `grep_a`.

    Source: Chi et al. 2022, arXiv:2106.16138 (XLM-E), as in WavLM and BEATs.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)
        self.grep_linear = nn.Linear(width // heads, GATES * GATE_SUMMANDS)
        self.grep_a = nn.Parameter(torch.empty(1, heads, 1, 1))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Let every token look at every token: x (B, n, width), kept; bias (heads, n, n)."""
        # (B, n, width) -> (B, heads, n, width / heads)
        query, key, value = (
            project(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=self._gate(query) * bias)
        return torch.as_tensor(self.out_proj(mixed.transpose(1, 2).flatten(2)))

    def _gate(self, query: Tensor) -> Tensor:
        """The weight of each query's bias, (B, heads, n, 1), for queries (B, heads, n, width / heads)."""
        logits = self.grep_linear(query).unflatten(3, (GATES, GATE_SUMMANDS)).sum(4)
        reset, update = logits.sigmoid().split(1, dim=3)
        return torch.as_tensor(reset * (update * self.grep_a - 1) + 2)


def untrained(config: BEATsConfig, seed: int) -> BEATsEncoder:
    """Build an encoder with random weights, in evaluation mode; equal seeds, equal weights.

    PyTorch's global random state stays as it is. The weights are drawn as BEATs draws its own before
    training: the blocks' linear maps Xavier-normal, those of value, output and MLP scaled by the deep norm's
    `(8 layers)^(-1/4)`; gates and position table normal with standard deviation 0.02; the positional
    convolution's kernel normal with `sqrt(4 / (conv_pos width))`; what comes before the blocks uniform within
    `1 / sqrt(inputs)`; norms and `grep_a` 1, all other biases 0.

    Source: microsoft/unilm (beats/backbone.py: `TransformerEncoder`, `init_bert_params`); PyTorch's defaults.
    """
    with torch.device("meta"):  # no default weights, which would be drawn from the global state
        module = BEATsEncoder(config)
    module.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            _draw(name, parameter, config, generator)
        directions = module.get_parameter("encoder.pos_conv.0.weight_v")
        lengths = module.get_parameter("encoder.pos_conv.0.weight_g")
        lengths.copy_(directions.norm(dim=(0, 1), keepdim=True))
    return module.eval()


def _draw(name: str, parameter: Tensor, config: BEATsConfig, generator: torch.Generator) -> None:
    """Give one parameter its first value; what a parameter is shows in its name."""
    *_, owner, kind = name.split(".")
    if "norm" in owner or kind in ("grep_a", "weight_g"):  # weight_g follows from weight_v
        parameter.fill_(float(kind != "bias"))
    elif owner in ("patch_embedding", "post_extract_proj"):
        inputs = config.input_patch_size**2 if owner == "patch_embedding" else config.embed_dim
        parameter.uniform_(-(inputs**-0.5), inputs**-0.5, generator=generator)
    elif kind == "bias":
        parameter.zero_()
    elif kind == "weight_v":
        deviation = math.sqrt(4 / (config.conv_pos * config.encoder_embed_dim))
        parameter.normal_(0, deviation, generator=generator)
    elif owner in ("relative_attention_bias", "grep_linear"):
        parameter.normal_(0, 0.02, generator=generator)
    else:
        gain = 1.0 if owner in ("q_proj", "k_proj") else (8 * config.encoder_layers) ** -0.25
        nn.init.xavier_normal_(parameter, gain, generator=generator)
