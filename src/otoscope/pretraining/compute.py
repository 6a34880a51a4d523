"""How updates are computed: precision, kernels, threads, and where chance comes from."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


@contextmanager
def forward_pass(device: torch.device, precision: str) -> Iterator[None]:
    """Compute a loss in `fp32`, or its matrix products in bfloat16 with `bf16`."""
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"))
        if device.type == "cpu":
            # PyTorch's fused attention is made for long sequences: on a CPU, over the 20 tokens that masking
            # leaves, its backward pass in bfloat16 took longer than all the matrix products together.
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        yield


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Let PyTorch use so many threads on the CPU; None leaves it as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def generator(*numbers: int) -> torch.Generator:
    """A source of chance that depends on these numbers and nothing else.

    >>> torch.equal(torch.rand(3, generator=generator(0, 7)), torch.rand(3, generator=generator(0, 7)))
    True
    """
    seed = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]) >> 1  # PyTorch's are signed
    return torch.Generator().manual_seed(seed)
