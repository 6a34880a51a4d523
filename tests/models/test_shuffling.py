"""Weight-shuffled twins: the trained weights, in another order."""

import pytest
import torch
from torch import nn

from otoscope.errors import UsageError
from otoscope.models import load_model, wrap
from otoscope.models.shuffling import shuffle_weights


def net(seed=0):
    torch.manual_seed(seed)
    layers = nn.Sequential(
        nn.Unflatten(1, (-1, 160)), nn.Linear(160, 8), nn.BatchNorm1d(100), nn.GELU(), nn.Linear(8, 4)
    )
    layers[2].running_mean.copy_(torch.arange(100.0))
    return layers.eval()


def wrapped(seed=0):
    return wrap(net(seed), "3", sample_rate=16000)


def weights(model):
    return {name: tensor.detach().clone() for name, tensor in model.module.named_parameters()}


def test_every_tensor_keeps_its_values_in_another_order():
    model = wrapped()
    before, buffers = weights(model), {n: b.clone() for n, b in model.module.named_buffers()}
    assert shuffle_weights(model, 0) is model
    after = weights(model)
    assert list(before) == list(after)
    for name, tensor in before.items():
        assert after[name].shape == tensor.shape
        assert after[name].flatten().sort().values.equal(tensor.flatten().sort().values)
        assert tensor.unique().numel() == 1 or not after[name].equal(tensor)
    assert all(buffer.equal(buffers[name]) for name, buffer in model.module.named_buffers())


def test_seeds_and_the_global_random_state():
    state = torch.get_rng_state()
    made = {seed: load_model(f"shuffled:mini:ssl@{seed}") for seed in (0, 1)}
    again = load_model("shuffled:mini:ssl")
    assert torch.get_rng_state().equal(state)
    assert again.fingerprint == made[0].fingerprint
    trained = load_model("mini:ssl")
    assert len({trained.fingerprint, made[0].fingerprint, made[1].fingerprint}) == 3
    assert trained.layers == made[0].layers


def test_the_fingerprint_is_of_the_weights_after():
    model = wrapped()
    before = model.fingerprint
    assert shuffle_weights(model, 0).fingerprint != before


def test_tied_weights_stay_tied():
    module = nn.Sequential(nn.Unflatten(1, (-1, 16)), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16)).eval()
    module[3].weight = module[1].weight
    model = shuffle_weights(wrap(module, "2", sample_rate=16000), 3)
    assert model.module[3].weight is model.module[1].weight


@pytest.mark.parametrize("spec", ["shuffled:mini:ssl@3", "shuffled:mini:ssl?hook=residual&dtype=bfloat16@3"])
def test_the_name_makes_it_again(spec):
    model = load_model(spec)
    assert model.name == spec
    assert load_model(model.name).fingerprint == model.fingerprint
    assert load_model("shuffled:mini:ssl@3", hook="residual").name == "shuffled:mini:ssl?hook=residual@3"


@pytest.mark.parametrize("inner", ["random:mini:ssl", "random:mini:ssl@2", "shuffled:mini:ssl"])
def test_only_trained_weights_can_be_shuffled(inner):
    kind = inner.partition(":")[0]
    with pytest.raises(UsageError, match=f"would shuffle the weights of a model that is {kind} itself"):
        load_model(f"shuffled:{inner}")


def test_a_shuffled_model_has_no_fresh_weights():
    with pytest.raises(UsageError, match=r"nothing is left to shuffle.*try shuffled:mini:ssl@1"):
        load_model("random:shuffled:mini:ssl@1")


def test_what_cannot_be_shuffled():
    with pytest.raises(UsageError, match="has no weights to shuffle"):
        shuffle_weights(
            wrap(nn.Sequential(nn.Unflatten(1, (-1, 16)), nn.ReLU()).eval(), "1", sample_rate=1600), 0
        )
    from otoscope.neurons import planted

    with pytest.raises(UsageError, match=r"it is a PlantedModel; expected an otoscope\.models\.Encoder"):
        shuffle_weights(planted(classes=2, clips=1).model, 0)
