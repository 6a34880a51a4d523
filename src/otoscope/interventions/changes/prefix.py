"""Begin a changed forward pass where the change begins.

Up to the first layer that is changed, a forward pass is the clean one. So the clean pass is heard once, and
what each stage of the model gave is kept; a changed pass then gets the stages before its first changed layer
from what was kept, and computes the rest.

A stage is a part of the model that holds one layer at most and lies in no other such part: a block of a
Transformer, the convolutions in front of it. What lies between stages is computed again each time.
"""

import copy
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from otoscope.models.base import AudioModel

__all__ = ["Memory", "Prefix"]


@dataclass
class Memory:
    """What the stages gave in one clean pass.

    Attributes:
        given: of each stage, by its number: what each of its calls gave, and when it ended.
        began: when each stage was first called.
    """

    given: dict[int, list[tuple[int, Any]]] = field(default_factory=dict)
    began: dict[int, int] = field(default_factory=dict)


class Prefix:
    """Shares what comes before a change among forward passes over the same input.

    Args:
        model: any model; something can be shared if it is a torch module, or holds one as `module`, as those
            of `load_model` and `wrap` do.

    Example::

        prefix = Prefix(model)
        with prefix.kept() as memory:
            clean = model.forward(chunk)
        with prefix.resumed(memory, [7]), intervene(model, Gain({(7, 1157): 0.0})):
            changed = model.forward(chunk)
    """

    def __init__(self, model: AudioModel) -> None:
        module = getattr(model, "module", model)
        points = [id(point.module) for point in model.hooks()]
        self._stages = list(_stages(module, points)) if isinstance(module, nn.Module) else []
        place = {id(part): n for n, stage in enumerate(self._stages) for part in stage.modules()}
        self._stage_of = [place.get(point) for point in points]

    @contextmanager
    def kept(self) -> Iterator[Memory]:
        """Keep what the stages give in the one forward pass of a `with` block."""
        memory, ticks = Memory(), iter(range(10**9))

        def listening(number: int, forward: Callable[..., Any]) -> Callable[..., Any]:
            def call(*inputs: Any, **named: Any) -> Any:
                memory.began.setdefault(number, next(ticks))
                output = forward(*inputs, **named)
                # A copy: what follows may write into the stage's own.
                memory.given.setdefault(number, []).append((next(ticks), _copied(output)))
                return output

            return call

        with self._replaced(listening):
            yield memory

    @contextmanager
    def resumed(self, memory: Memory, layers: Collection[int]) -> Iterator[None]:
        """Within a `with` block, passes of the same input get from memory what ends before some layers.

        Args:
            memory: of a clean pass.
            layers: those that are changed, at least one; what ends before the stage of the one that runs
                first, which need not be the first in number, is not computed again.
        """
        stages = [self._stage_of[layer] for layer in layers]
        begin = min(-1 if stage is None else memory.began.get(stage, -1) for stage in stages)

        def recalling(number: int, forward: Callable[..., Any]) -> Callable[..., Any] | None:
            known = [output for end, output in memory.given.get(number, []) if end < begin]
            if not known:
                return None
            calls = iter(known)

            def call(*inputs: Any, **named: Any) -> Any:
                output = next(calls, calls)
                return forward(*inputs, **named) if output is calls else _copied(output)

            return call

        with self._replaced(recalling):
            yield

    @contextmanager
    def _replaced(
        self, wrap: Callable[[int, Callable[..., Any]], Callable[..., Any] | None]
    ) -> Iterator[None]:
        """Put another forward in the place of some stages' own, for the length of a `with` block."""
        with ExitStack() as stack:
            for number, stage in enumerate(self._stages):
                other = wrap(number, stage.forward)
                if other is not None:
                    own = vars(stage).get("forward")  # a stage may have been given one of its own before
                    stack.callback(_put_back, stage, own)
                    vars(stage)["forward"] = other
            yield


def _copied(output: Any) -> Any:
    return output.clone() if isinstance(output, Tensor) else copy.deepcopy(output)


def _put_back(stage: nn.Module, own: Any) -> None:
    if own is None:
        vars(stage).pop("forward", None)
    else:
        vars(stage)["forward"] = own


def _stages(module: nn.Module, points: list[int]) -> Iterator[nn.Module]:
    """The outermost parts of a module that hold one layer at most, each once."""
    for child in module.children():
        held = sum(id(part) in points for part in child.modules())
        if held > 1 or isinstance(child, (nn.ModuleList, nn.ModuleDict)):  # which are never called
            yield from _stages(child, points)
        else:
            yield child
