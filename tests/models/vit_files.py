"""Random weights under the names of public ViT files, written down apart from the modules that read them."""

import torch

Shapes = dict[str, tuple[int, ...]]


def block_shapes(width: int, hidden: int, depth: int, prefix: str = "blocks.") -> Shapes:
    """The tensors of timm's Transformer blocks."""
    shapes: Shapes = {}
    for i in range(depth):
        for name, shape in {
            "norm1": (width,),
            "attn.qkv": (3 * width, width),
            "attn.proj": (width, width),
            "norm2": (width,),
            "mlp.fc1": (hidden, width),
            "mlp.fc2": (width, hidden),
        }.items():
            shapes[f"{prefix}{i}.{name}.weight"] = shape
            shapes[f"{prefix}{i}.{name}.bias"] = shape[:1]
    return shapes


def norm_shapes(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def linear_shapes(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def random_tensors(shapes: Shapes, seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights that neither vanish nor explode, and that no two tensors share."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=generator)
        if name.endswith(".weight") and len(shape) == 1:  # of a norm
            tensors[name] = 1 + 0.1 * noise
        elif name.endswith(".weight"):
            tensors[name] = noise / noise[0].numel() ** 0.5
        else:
            tensors[name] = 0.3 * noise
    return tensors
