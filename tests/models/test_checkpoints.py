"""Weight files: M2D's kinds, safe reading, and files that cannot be used."""

import argparse
import os
import pathlib
import pickle
import zipfile

import numpy as np
import pytest
import torch

from otoscope.errors import UsageError
from otoscope.models.checkpoints import NORM_STATS, CheckpointError, read_checkpoint

STATS = (-6.25, 3.5)


class Trap:
    """Unpickled with full trust, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_every_kind_of_file_holds_the_same_encoder(small_vit, save, kind):
    checkpoint = read_checkpoint(save(small_vit, kind))
    for name, tensor in small_vit.state_dict().items():
        assert torch.equal(checkpoint.tensors[name], tensor)
    assert checkpoint.norm_stats == STATS


def test_every_kind_of_file_may_lack_norm_stats(small_vit, save, kind):
    assert read_checkpoint(save(small_vit, kind, stats=None)).norm_stats == NORM_STATS == (-7.1, 4.2)


def test_the_sample_rate_is_read_from_the_training_settings(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"model": {"cls_token": torch.zeros(1)}, "args": argparse.Namespace(sr=32000)}, path)
    assert read_checkpoint(path).sample_rate == 32000
    torch.save({"model": {"cls_token": torch.zeros(1)}, "args": argparse.Namespace(lr=1.0)}, path)
    assert read_checkpoint(path).sample_rate is None


def test_a_runtime_object_around_a_full_checkpoint_is_unwrapped_in_order(tmp_path):
    # backbone.* wins over what stands beside it, and entries that are no tensors are dropped.
    path = tmp_path / "a.pth"
    torch.save({"model": {"backbone.cls_token": torch.ones(1), "cls_token": torch.zeros(1), "n": 3}}, path)
    assert read_checkpoint(path).tensors == {"cls_token": torch.ones(1)}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_would_run_code_is_refused_and_does_not_run(tmp_path, zipped):
    path, made = tmp_path / "a.pth", tmp_path / "made"
    torch.save({"model": Trap(made)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        CheckpointError, match=rf"a.pth: needs {os.mkdir.__module__}.mkdir .*argparse.Namespace"
    ):
        read_checkpoint(path)
    assert not made.exists()
    torch.load(path, weights_only=False)
    assert made.exists()  # the trap was a trap


def test_a_pickled_module_is_refused_with_all_that_it_needs(tmp_path):
    path = tmp_path / "a.pth"
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()), path)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    for name in ("container.Sequential", "linear.Linear", "activation.ReLU"):
        assert f"'torch.nn.modules.{name}'" in str(caught.value)


def test_allow_names_what_else_may_be_used(tmp_path):
    path = tmp_path / "a.pth"
    args = argparse.Namespace(
        sr=32000, lr=np.float64(0.5), seed=np.int64(3), out=pathlib.PurePosixPath("x/y")
    )
    torch.save({"model": {"cls_token": torch.zeros(1)}, "args": args}, path)
    needed = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
    needed.remove("argparse.Namespace")
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert f"allow={needed!r}" in str(caught.value)  # the message can be pasted back
    with pytest.raises(CheckpointError, match=r"needs numpy\.dtype"):
        read_checkpoint(path, allow=[name for name in needed if name != "numpy.dtype"])
    assert read_checkpoint(path, allow=needed).sample_rate == 32000


def test_allowing_ends_with_the_call(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"model": {"cls_token": torch.zeros(1)}, "p": pathlib.PurePosixPath("x")}, path)
    needed = [n for n in torch.serialization.get_unsafe_globals_in_checkpoint(str(path)) if "pathlib" in n]
    before = set(torch.serialization.get_safe_globals())
    read_checkpoint(path, allow=needed)
    assert set(torch.serialization.get_safe_globals()) == before
    with pytest.raises(CheckpointError, match="PurePosixPath"):
        read_checkpoint(path)


@pytest.mark.parametrize("name", ["numpy.no_such_thing", "no_such_module.Thing", "dtype", ""])
def test_allow_must_be_importable(tmp_path, name):
    path = tmp_path / "a.pth"
    torch.save({"cls_token": torch.zeros(1)}, path)
    with pytest.raises(UsageError, match=f"allow names '{name}', which cannot be imported"):
        read_checkpoint(path, allow=[name])


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("left", [0, 1, 5, 20, 60, 300, 0.5, 0.99])
def test_a_truncated_file_is_named(tmp_path, zipped, left):
    path = tmp_path / "a.pth"
    torch.save({"cls_token": torch.zeros(20000)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: left if isinstance(left, int) else int(left * len(whole))])
    with pytest.raises(CheckpointError, match=r"a.pth: .*(truncated|is not a PyTorch)"):
        read_checkpoint(path)


@pytest.mark.parametrize("left", [0, 5, 60, 0.5])
def test_a_truncated_safetensors_file_is_named(tmp_path, small_vit, save_mini, left):
    path = save_mini(small_vit, tmp_path / "a.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: left if isinstance(left, int) else int(left * len(whole))])
    with pytest.raises(CheckpointError, match=r"a.safetensors: is truncated or not a safetensors file"):
        read_checkpoint(path)


def test_old_and_new_formats_of_torch_are_both_read(tmp_path):
    for zipped in (True, False):
        torch.save({"cls_token": torch.ones(2)}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
        assert torch.equal(read_checkpoint(tmp_path / "a.pth").tensors["cls_token"], torch.ones(2))


def test_what_is_no_weight_file_is_said_plainly(tmp_path):
    path = tmp_path / "a.pth"
    cases = {
        b"just some text, long enough to be looked at": "not a PyTorch weight file",
        pickle.dumps({"a": 1}): "not a PyTorch weight file",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "Git LFS pointer.*git lfs pull",
    }
    for content, message in cases.items():
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            read_checkpoint(path)
    torch.save([torch.zeros(2)], path)
    with pytest.raises(CheckpointError, match="holds a list; expected a dict of tensors"):
        read_checkpoint(path)
    torch.save({"epoch": 3}, path)
    with pytest.raises(CheckpointError, match="holds no tensors"):
        read_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    with pytest.raises(CheckpointError, match=r"not a file that torch\.save wrote"):
        read_checkpoint(path)


def test_missing_files_and_folders(tmp_path, small_vit, save):
    path = save(small_vit)
    with pytest.raises(CheckpointError, match=r"nothing.pth: no such file"):
        read_checkpoint(tmp_path / "nothing.pth")
    with pytest.raises(CheckpointError, match=r"is a folder.*checkpoint-300.pth"):
        read_checkpoint(path.parent)
    with pytest.raises(CheckpointError, match="none found"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("stats", [(1.0,), (0.0, 0.0), (0.0, float("nan"))])
def test_unusable_norm_stats_are_refused(small_vit, save, stats):
    with pytest.raises(CheckpointError, match="norm_stats is"):
        read_checkpoint(save(small_vit, stats=stats))
