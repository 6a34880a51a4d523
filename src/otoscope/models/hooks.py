"""Where a model is listened to: modules found by pattern, and one way to see or change what passes there."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from otoscope.errors import OtoscopeError, UsageError

__all__ = ["HookPoint", "find", "refuse_training"]

Watcher = Callable[[Tensor], Tensor | None]
"""Gets an activation of shape (clips, positions, units); what it returns, if anything, takes its place."""

_INPUT = ":input"


@dataclass(frozen=True)
class HookPoint:
    """A place in a model where an activation passes.

    Attributes:
        name: of the module, with ":input" where it is the module's input that is meant.
        module: the module.
        at: whether the activation is the module's output or its (first) input. The hidden units of a gated
            MLP, and of one whose activation is a plain function, are the input of its last linear map.
        layout: what the activation's axes are: "b" the clips, "u" the units, any other letter an axis of
            positions, the first of them the slowest. BEATs works on "tbu", a 2-d convolution on "buft".
    """

    name: str
    module: nn.Module
    at: Literal["output", "input"] = "output"
    layout: str = "btu"

    def __post_init__(self) -> None:
        if sorted(set(self.layout)) != sorted(self.layout) or not {"b", "u"} < set(self.layout):
            raise UsageError(
                f"layout is {self.layout!r}; expected one letter an axis, with b for the clips, u for the "
                "units and others for positions, for example 'btu', 'tbu' or 'buft'"
            )

    def attach(self, watch: Watcher) -> RemovableHandle:
        """Call a function at every forward pass, until the handle is removed.

        Args:
            watch: gets the activation as (clips, positions, units), whatever the layout; of a module that
                returns a tuple, its first element. A module's input is its first argument, or the first one
                by name if all are given by name.
        """
        if self.at == "input":
            return self.module.register_forward_pre_hook(_Hook(self, watch).before, with_kwargs=True)
        return self.module.register_forward_hook(_Hook(self, watch).after)


class _Hook:
    """Brings an activation into the common shape on its way to a watcher, and back."""

    def __init__(self, point: HookPoint, watch: Watcher) -> None:
        self._point = point
        self._watch = watch

    def before(
        self, _module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        first = None if inputs else next(iter(named), None)
        changed = self._see(inputs[0] if inputs else named.get(first or ""))
        if changed is None:
            return None
        return (inputs, {**named, first: changed}) if first else ((changed, *inputs[1:]), named)

    def after(self, _module: nn.Module, _inputs: Any, output: Any) -> Any:
        if not isinstance(output, (tuple, list)):
            return self._see(output)
        changed = self._see(output[0] if output else None)
        make = getattr(type(output), "_make", type(output))  # a named tuple's own way
        return None if changed is None else make([changed, *output[1:]])

    def _see(self, activation: Any) -> Tensor | None:
        layout = self._point.layout
        if not isinstance(activation, Tensor):
            raise OtoscopeError(
                f"module {self._point.name!r} gave a {type(activation).__name__}; expected a tensor, or a "
                "tuple that begins with one; try a module inside it"
            )
        if layout == "btu":
            return self._watch(activation)
        if activation.ndim != len(layout):
            raise OtoscopeError(
                f"module {self._point.name!r} gave shape {tuple(activation.shape)}; expected "
                f"{len(layout)} axes, since layout= says {layout!r}"
            )
        common = "b" + "".join(axis for axis in layout if axis not in "bu") + "u"
        moved = activation.permute([layout.index(axis) for axis in common])
        changed = self._watch(moved.flatten(1, -2))
        if changed is None:
            return None
        return changed.view(moved.shape).permute([common.index(axis) for axis in layout])


def refuse_training(name: str, modules: Iterable[tuple[str, nn.Module]]) -> None:
    """Refuse a model of which a part is in training mode.

    Args:
        name: of the model.
        modules: its modules by name.

    Raises:
        OtoscopeError: one is.
    """
    for where, module in modules:
        if module.training:
            raise OtoscopeError(
                f"model {name!r} is in training mode ({where or type(module).__name__}), in which dropout, "
                "layerdrop and SpecAugment change what its neurons do; expected evaluation mode; try .eval()"
            )


def find(module: nn.Module, patterns: str | Sequence[str], *, layout: str = "btu") -> list[HookPoint]:
    """Find the modules that patterns name, in the order in which the model holds them.

    Args:
        module: the model.
        patterns: names of modules with `*` for any one part between dots, "encoder.blocks.*.mlp.act". A
            pattern stands for the whole name. ":input" at its end means the module's input.
        layout: what the axes of their activations are, see `HookPoint`.

    Raises:
        UsageError: a pattern that no module has; the message lists names near to it.

    >>> net = nn.ModuleList([nn.Sequential(nn.Linear(2, 4), nn.GELU()) for _ in range(2)])
    >>> [point.name for point in find(net, "*.1")]
    ['0.1', '1.1']
    """
    # A module that is shared goes by all its names, but is one place.
    modules = dict(module.named_modules(remove_duplicate=False))
    found: dict[tuple[int, Literal["output", "input"]], str] = {}
    for pattern in ([patterns] if isinstance(patterns, str) else patterns) or [""]:
        at: Literal["output", "input"] = "input" if pattern.endswith(_INPUT) else "output"
        expression = re.compile(re.escape(pattern.removesuffix(_INPUT)).replace(r"\*", r"[^.]+"))
        names = [name for name in modules if name and expression.fullmatch(name)]
        if not names:
            raise UsageError(_unmatched(module, pattern.removesuffix(_INPUT)))
        for name in names:
            found.setdefault((id(modules[name]), at), name)
    order = {name: number for number, name in enumerate(modules)}
    return [
        HookPoint(name if at == "output" else name + _INPUT, modules[name], at, layout)
        for (_, at), name in sorted(found.items(), key=lambda each: order[each[1]])
    ]


def _unmatched(module: nn.Module, pattern: str) -> str:
    """What to say of a pattern without a module: the kinds of name that come near it."""
    kinds = dict.fromkeys(re.sub(r"(?<![^.])\d+(?![^.])", "*", name) for name, _ in module.named_modules())
    kinds.pop("", None)
    # A suffix is what people try first; a pattern is anchored, so the whole name is offered.
    near = [kind for kind in kinds if kind.endswith(pattern)] or get_close_matches(pattern, kinds, 5, 0.5)
    shown = ", ".join(near[:5] or list(kinds)[:5]) or "none: the model has no modules"
    return (
        f"no module is named {pattern!r}; expected the whole name of one, * standing for any one part "
        f"between dots; there are {shown}"
    )
