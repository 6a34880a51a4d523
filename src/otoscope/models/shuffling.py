"""Weight-shuffled twins: a trained model whose weights have changed places within each tensor.

They keep what training did to the sizes of the weights, and lose what it did to their order: a second
baseline beside random weights, whose sizes are those before training.
"""

import torch

from otoscope.errors import UsageError
from otoscope.models.base import AudioModel
from otoscope.models.encoder import Encoder

__all__ = ["shuffle_weights"]


@torch.no_grad()
def shuffle_weights(model: AudioModel, seed: int) -> Encoder:
    """Shuffle a model's weights within each of its tensors, in place, and return it.

    Only parameters are shuffled; buffers, such as the running statistics of a normalisation, stay. Torch's
    global random state is not touched; equal seeds give equal weights, on whatever device.

    Args:
        model: a model around a torch module.
        seed: of the order.

    Raises:
        UsageError: the model has no module whose weights could be reached, or no weights.

    >>> from otoscope.models.mini import load_mini
    >>> model = load_mini("ssl")
    >>> before = model.fingerprint
    >>> shuffle_weights(model, 0).fingerprint == before
    False
    """
    if not isinstance(model, Encoder):
        raise UsageError(
            f"the weights of {model.name} cannot be shuffled: it is a {type(model).__name__}; expected an "
            "otoscope.models.Encoder, whose `module` holds them"
        )
    generator = torch.Generator().manual_seed(seed)
    # A tensor that several modules share comes once. The names, not the order of making, decide who is next.
    tensors = [tensor for _, tensor in sorted(model.module.named_parameters(), key=lambda pair: pair[0])]
    if not any(tensor.numel() > 1 for tensor in tensors):
        raise UsageError(f"{model.name} has no weights to shuffle; expected a model that has been trained")
    for tensor in tensors:
        order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
        tensor.copy_(tensor.flatten()[order].view_as(tensor))
    model.__dict__.pop("fingerprint", None)  # it was of the weights before
    return model
