"""Hook points: found by anchored patterns, seen and changed in one shape whatever the module's own is."""

import re
from typing import NamedTuple

import pytest
import torch
from torch import nn

from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.hooks import HookPoint, find


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 4)

    def forward(self, x):
        return x + self.fc2(self.act(self.fc1(x)))


class Net(nn.Module):
    def __init__(self, depth=12):
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(depth))
        self.decoder_blocks = nn.ModuleList(Block() for _ in range(4))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def names(points):
    return [point.name for point in points]


def test_a_star_is_one_part_and_a_pattern_the_whole_name():
    net = Net()
    assert names(find(net, "blocks.*.act")) == [f"blocks.{i}.act" for i in range(12)]
    assert names(find(net, "*.*.act")) == [
        f"{b}.{i}.act" for b, n in (("blocks", 12), ("decoder_blocks", 4)) for i in range(n)
    ]
    assert names(find(net, "blocks.1")) == ["blocks.1"]  # and not 10 and 11


def test_several_patterns_come_in_the_models_order_each_once():
    points = find(Net(2), ["blocks.*.fc2:input", "blocks.*.act", "blocks.1.act"])
    assert names(points) == ["blocks.0.act", "blocks.0.fc2:input", "blocks.1.act", "blocks.1.fc2:input"]
    assert [point.at for point in points] == ["output", "input"] * 2


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("act", r"blocks\.\*\.act, decoder_blocks\.\*\.act"),
        ("block.*.act", r"blocks\.\*\.act"),
        ("blocks.*.mlp.act", r"blocks\.\*\.act"),
        ("zzz", r"blocks, blocks\.\*"),
    ],
)
def test_a_pattern_without_a_module_lists_near_names(pattern, near):
    with pytest.raises(UsageError, match=rf"no module is named '{re.escape(pattern)}'.*there are .*{near}"):
        find(Net(), pattern)


def test_a_dot_in_a_pattern_is_a_dot():
    net = nn.ModuleDict({"axb": nn.GELU()})
    with pytest.raises(UsageError, match="there are axb"):
        find(net, "a.b")


def test_the_input_of_the_second_linear_map_is_the_hidden_unit():
    net = Net(1)
    act, second = find(net, ["blocks.0.act", "blocks.0.fc2:input"])
    seen = []
    handles = [act.attach(lambda x: seen.append(x)), second.attach(lambda x: seen.append(x))]
    net(torch.randn(2, 3, 4))
    for handle in handles:
        handle.remove()
    assert torch.equal(*seen)


@pytest.mark.parametrize("name", ["blocks.0.act", "blocks.0.fc2:input"])
def test_what_a_watcher_returns_takes_the_place_of_the_activation(name):
    net, x = Net(1), torch.randn(2, 3, 4)
    (point,) = find(net, name)
    handle = point.attach(torch.zeros_like)
    assert torch.allclose(net(x), x + net.blocks[0].fc2.bias)
    handle.remove()
    assert not torch.allclose(net(x), x + net.blocks[0].fc2.bias)
    assert not point.module._forward_hooks
    assert not point.module._forward_pre_hooks


LAYOUTS = {"btu": (2, 3, 5), "tbu": (3, 2, 5), "but": (2, 5, 3), "buft": (2, 5, 4, 3), "ftub": (4, 3, 5, 2)}


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_layouts_are_seen_in_the_common_shape_and_changed_in_their_own(layout):
    shape = LAYOUTS[layout]
    module = nn.Identity()
    x = torch.arange(torch.tensor(shape).prod()).float().view(shape)
    sizes = dict(zip(layout, shape, strict=True))
    seen = []

    def third_unit_off(activation):
        seen.append(activation)
        changed = activation.clone()
        changed[..., 2] = 0
        return changed

    handle = HookPoint("it", module, layout=layout).attach(third_unit_off)
    out = module(x)
    handle.remove()
    positions = [axis for axis in layout if axis not in "bu"]
    assert seen[0].shape == (2, x.numel() // 10, 5)
    assert torch.equal(seen[0], torch.einsum(f"{layout}->b{''.join(positions)}u", x).reshape(2, -1, 5))
    index = [slice(None)] * len(shape)
    index[layout.index("u")] = 2
    expected = x.clone()
    expected[tuple(index)] = 0
    assert torch.equal(out, expected)
    assert sizes["u"] == 5


def test_of_a_tuple_the_first_element_is_meant_and_the_rest_is_kept():
    class Attention(nn.Module):
        def forward(self, x):
            return x, "weights"

    module = Attention()
    handle = HookPoint("attn", module).attach(torch.zeros_like)
    out, weights = module(torch.ones(1, 2, 3))
    handle.remove()
    assert weights == "weights"
    assert not out.any()


@pytest.mark.parametrize("layout", ["bt", "bbu", "bu", "tuu"])
def test_a_layout_needs_clips_units_and_positions(layout):
    with pytest.raises(UsageError, match=f"layout is '{layout}'; expected one letter an axis"):
        HookPoint("it", nn.Identity(), layout=layout)


def test_an_activation_of_other_axes_is_named():
    module = nn.Identity()
    handle = HookPoint("conv", module, layout="buft").attach(lambda _: None)
    with pytest.raises(OtoscopeError, match=r"'conv' gave shape \(1, 2, 3\); expected 4 axes"):
        module(torch.zeros(1, 2, 3))
    handle.remove()


def test_a_module_called_by_name_has_an_input_too():
    class Attention(nn.Module):
        def forward(self, *, hidden, scale):
            return hidden * scale

    module = Attention()
    (point,) = find(nn.ModuleDict({"attn": module}), "attn:input")
    seen = []
    handle = point.attach(lambda x: seen.append(x) or torch.zeros_like(x))
    out = module(hidden=torch.ones(1, 2, 3), scale=2)
    handle.remove()
    assert torch.equal(seen[0], torch.ones(1, 2, 3))
    assert not out.any()


def test_a_named_tuple_stays_one():
    class Named(NamedTuple):
        out: torch.Tensor
        weights: str

    class Other(nn.Module):
        def forward(self, x):
            return Named(x, "weights")

    module = Other()
    handle = HookPoint("attn", module).attach(torch.zeros_like)
    out = module(torch.ones(1, 2, 3))
    handle.remove()
    assert isinstance(out, Named)
    assert not out.out.any()
    assert out.weights == "weights"


@pytest.mark.parametrize("given", [{"last_hidden_state": torch.ones(1, 2, 3)}, (), (None, "weights"), None])
def test_what_is_no_tensor_is_refused_by_name(given):
    class Odd(nn.Module):
        def forward(self, _):
            return given

    module = Odd()
    HookPoint("odd", module).attach(lambda _: None)
    with pytest.raises(OtoscopeError, match=r"module 'odd' gave a (dict|NoneType); expected a tensor"):
        module(torch.ones(1, 2, 3))


def test_a_shared_module_goes_by_all_its_names_and_is_one_place():
    act = nn.GELU()
    net = nn.ModuleDict({"a": act, "b": act})
    assert names(find(net, "b")) == ["b"]
    assert names(find(net, "*")) == ["a"]


def test_no_pattern_at_all_is_refused():
    with pytest.raises(UsageError, match="no module is named ''"):
        find(Net(), [])
