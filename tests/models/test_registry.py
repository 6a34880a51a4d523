"""The names that models go by."""

import subprocess
import sys

import pytest
import torch

from otoscope.errors import OtoscopeError, UsageError
from otoscope.models import available, load_model
from otoscope.models.loading import SIZES


def test_available_says_what_exists_and_how_to_name_it():
    rows = available()
    names = [row.name.partition(":")[0] for row in rows]
    assert names[:4] == ["m2d", "mini", "mini", "mini"]
    assert names[-2:] == ["random", "shuffled"]
    for row in rows:
        assert row.example
        assert row.needs
        assert row.about
        if "SPEC" not in row.name:  # the page of models has them all
            assert row.layers
            assert row.hook
            assert row.tokens
            assert row.shortest
            assert row.padding
            assert row.tested


def test_the_examples_that_need_nothing_load():
    for row in available():
        if row.example.startswith(("random:", "shuffled:", "mini:random")):
            assert load_model(row.example).name == row.example


@pytest.mark.parametrize(
    ("spec", "units", "embedding", "rate"),
    [
        ("random:m2d_vit_base-80x608p16x16-221006-mr7@3", 3072, 3840, 16000),
        ("random:m2d_as_vit_base-80x1001p16x16p32k-240413", 3072, 3840, 32000),
        ("random:m2d_s_vit_base-80x608p80x2-230220", 3072, 768, 16000),
    ],
)
def test_random_builds_what_the_name_says(spec, units, embedding, rate):
    model = load_model(spec)
    assert (model.name, model.sample_rate, model.embedding_size) == (spec, rate, embedding)
    assert {layer.units for layer in model.layers} == {units}
    assert len(model.layers) == 12
    assert model.norm_stats == (-7.1, 4.2)


def test_random_knows_vit_large():
    assert SIZES["vit_large"] == (1024, 24, 16, 4096)


@pytest.mark.parametrize("name", ["m2d_vit_base", "m2d_vit_huge-80x608p16x16", "weights"])
def test_random_refuses_other_architectures(name):
    with pytest.raises(UsageError, match=f"'{name}' does not name an architecture; .*vit_base or vit_large"):
        load_model(f"random:{name}")


@pytest.mark.parametrize(
    "spec",
    [
        "mini:random@x",
        "mini:random@-1",
        "mini:random@",
        "random:m@1.5",
        f"mini:random@{2**64}",
        f"random:mini:ssl@{2**64}",
        "random:mini:ssl@1?hook=residual",
        "shuffled:mini:ssl@x",
    ],
)
def test_a_seed_is_a_whole_number(spec):
    with pytest.raises(UsageError, match="expected a whole number from 0"):
        load_model(spec)


@pytest.mark.parametrize("spec", ["", "m2d", "m2d:", "mini", "birds:x.pt", "weights/checkpoint-300.pth"])
def test_unknown_specs_list_what_exists(spec):
    with pytest.raises(UsageError, match=r"there is no model .*expected m2d:PATH, mini:ssl.*otoscope models"):
        load_model(spec)


def test_a_models_name_makes_it_again_overrides_included(small_vit, save):
    path = save(small_vit, folder="weights")
    model = load_model(f"m2d:{path}", input_size=(80, 70), patch_size=(16, 16), sample_rate=32000)
    assert model.name == f"m2d:{path}?input_size=80x70&patch_size=16x16&sample_rate=32000"
    again = load_model(model.name)
    assert (again.name, again.fingerprint) == (model.name, model.fingerprint)
    plain = save(small_vit)
    assert load_model(f"m2d:{plain}").name == f"m2d:{plain}"


def test_arguments_beat_what_the_spec_carries(small_vit, save):
    path = save(small_vit, folder="weights")
    model = load_model(f"m2d:{path}?input_size=80x64&sample_rate=32000", sample_rate=16000)
    assert model.name.endswith("?input_size=80x64&sample_rate=16000")
    assert model.sample_rate == 16000


@pytest.mark.parametrize("query", ["input_size=80", "sample_rate=16k", "input_size=axb", "input_size="])
def test_an_unreadable_option_is_refused(query):
    with pytest.raises(UsageError, match=rf"\?{query} cannot be read; expected input_size="):
        load_model(f"m2d:a.pth?{query}")


def test_an_unreadable_end_of_a_spec_is_refused():
    with pytest.raises(UsageError, match=r"\?input_size, cannot be read; expected OPTION=VALUE"):
        load_model("m2d:a.pth?input_size")


def test_an_unknown_option_is_refused():
    with pytest.raises(UsageError, match=r"takes no rate; its options are hook, dtype, input_size"):
        load_model("m2d:a.pth?rate=16000")


def test_only_files_take_overrides():
    for options in ({"sample_rate": 16000}, {"input_size": (80, 208)}, {"allow": ["numpy.dtype"]}):
        with pytest.raises(UsageError, match=r"mini:random takes no (input_size|sample_rate|allow)"):
            load_model("mini:random", **options)


def test_allow_reaches_the_reader(small_vit, tmp_path):
    path = tmp_path / "m2d_vit_base-80x64p16x16.pth"
    torch.save({"model": small_vit.state_dict(), "device": torch.nn.Identity()}, path)
    with pytest.raises(OtoscopeError, match=r"needs .*Identity"):
        load_model(f"m2d:{path}")
    needed = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
    assert len(load_model(f"m2d:{path}", allow=needed).layers) == 3


def test_a_family_alone_is_refused():
    with pytest.raises(UsageError, match=r"'m2d:\?hook=mlp' names no more than a family; expected m2d:PATH"):
        load_model("m2d:?hook=mlp")


def test_a_plus_in_an_option_is_a_plus():
    with pytest.raises(UsageError, match=r"has no hook 'a\+b'"):
        load_model("mini:random?hook=a+b")


@pytest.mark.parametrize("hook", ["norm", "norm:input"])
def test_a_module_without_a_dot_in_its_name_can_be_heard(hook):
    model = load_model("mini:random", hook=hook)
    assert [layer.name for layer in model.layers] == [hook]
    assert load_model(model.name).layers == model.layers


def test_devices_are_checked():
    with pytest.raises(UsageError, match="there is no device 'meta'; expected cpu, cuda or mps"):
        load_model("mini:random", device="meta")
    with pytest.raises(UsageError, match="device cuda:99 is not available"):
        load_model("mini:random", device="cuda:99")
    with pytest.raises(UsageError, match="there is no device 'gpu'; expected cpu, cuda or mps"):
        load_model("mini:random", device="gpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="device cuda is not available"):
            load_model("mini:random", device="cuda")


def test_what_a_store_needs_of_the_models_does_not_import_torch():
    code = "import sys; from otoscope.models import Layer, Position; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_room_has_no_other_names():
    import otoscope.models

    with pytest.raises(AttributeError, match="has no attribute 'load'; it has M2D, AudioModel"):
        _ = otoscope.models.load
