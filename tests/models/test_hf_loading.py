"""Where models of transformers come from: folders, the hub, and what can be wrong with either."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.checkpoints import CheckpointError
from otoscope.models.family import Family, Request
from otoscope.models.hf.loading import FAMILY, KINDS, load_hf

pytest.importorskip("transformers")

import huggingface_hub
import transformers
from cases_hf_wave import save, small
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError
from transformers.utils import logging

from otoscope.models.hf.source import Source, quiet


def load(place, **options):
    return load_hf(Request(f"hf:{place}", str(place), **options))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    save(small("wav2vec2", "ForCTC"), folder)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    """A model's folder, to be spoilt."""
    return Path(shutil.copytree(written, tmp_path / "model"))


def rewrite(path, **changes):
    document = json.loads(path.read_text())
    path.write_text(
        json.dumps({key: value for key, value in (document | changes).items() if value is not None})
    )


# --- the family ---


def test_the_family_has_a_row_for_every_kind_each_with_all_its_words():
    assert isinstance(FAMILY, Family)
    assert FAMILY.name == "hf"
    assert [row.name for row in FAMILY.rows] == [kind.row.name for kind in KINDS]
    assert len({row.name for row in FAMILY.rows}) == len(KINDS)
    for row in FAMILY.rows:
        assert row.name.startswith("hf:PATH (")
        assert all(vars(row).values()), row
    types = [name for kind in KINDS for name in kind.model_types]
    assert len(set(types)) == len(types)


def test_transformers_is_not_imported_before_a_model_is_loaded():
    code = (
        "import sys, time; start = time.perf_counter()\n"
        "from otoscope.models import available; import otoscope.models.hf.loading as loading; available()\n"
        "print([name for name in ('transformers', 'huggingface_hub') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    assert not out.stderr


def test_the_modules_of_this_package_name_transformers_in_functions_only():
    for path in Path(sys.modules[load_hf.__module__].__file__).parent.glob("*.py"):
        for line in path.read_text().splitlines():
            assert not line.startswith(("import transformers", "from transformers", "import huggingface_hub"))
            assert not line.startswith("from huggingface_hub")


def test_without_transformers_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(OtoscopeError, match=r"not installed; try pip install 'otoscope\[hf\]'"):
        load(folder)


# --- a good folder ---


def test_loading_prints_nothing_and_puts_the_librarys_settings_back(folder, capfd):
    rewrite(folder / "config.json", add_adapter=True)  # the adapter's weights are not there, nor wanted
    logging.set_verbosity_info()
    assert logging.is_progress_bar_enabled()
    try:
        load(folder)
        load(folder, seed=1)
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled()
        assert not huggingface_hub.utils.are_progress_bars_disabled()
    finally:
        logging.set_verbosity_warning()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_bars_that_were_off_stay_off():
    logging.disable_progress_bar()
    try:
        with quiet():
            pass
        assert not logging.is_progress_bar_enabled()
        assert huggingface_hub.utils.are_progress_bars_disabled()
        with pytest.raises(KeyError), quiet():
            raise KeyError
    finally:
        logging.enable_progress_bar()


def test_loading_leaves_random_state_and_file_alone(folder):
    state = torch.get_rng_state()
    model = load(folder)
    assert torch.equal(torch.get_rng_state(), state)
    before = next(model.module.parameters()).clone()
    with (folder / "model.safetensors").open("r+b") as file:  # a mapped file would change the weights
        file.seek(-40000, os.SEEK_END)
        file.write(bytes(40000))
    assert torch.equal(next(model.module.parameters()), before)


def test_loading_is_quick(folder):
    load(folder)
    start = time.perf_counter()
    load(folder)
    assert time.perf_counter() - start < 2


def test_weights_in_half_precision_are_held_in_single(folder):
    weights = load_file(folder / "model.safetensors")
    save_file({key: value.half() for key, value in weights.items()}, folder / "model.safetensors")
    rewrite(folder / "config.json", dtype="float16")
    for seed in (None, 1):
        model = load(folder, seed=seed)
        assert {tensor.dtype for tensor in model.module.state_dict().values()} == {torch.float32}


def test_saved_and_loaded_again_the_fingerprint_is_the_same(folder, tmp_path):
    model = load(folder)
    again = transformers.Wav2Vec2ForCTC.from_pretrained(folder)
    save(again, tmp_path / "again")
    assert load(tmp_path / "again").fingerprint == model.fingerprint
    rewrite(folder / "config.json", id2label={"0": "a", "1": "b"}, architectures=["Else"])
    assert load(folder).fingerprint == model.fingerprint
    rewrite(folder / "config.json", hidden_act="relu")
    assert load(folder).fingerprint != model.fingerprint


@pytest.mark.parametrize(("stem", "suffix"), [("model", ".safetensors"), ("pytorch_model", ".bin")])
def test_shards(folder, stem, suffix):
    model = load(folder)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    shards: dict[str, dict] = {}
    for number, key in enumerate(weights):
        shards.setdefault(f"{stem}-{number % 3}{suffix}", {})[key] = weights[key]
    for name, part in shards.items():
        (save_file if suffix == ".safetensors" else torch.save)(part, folder / name)
    index = {"weight_map": {key: name for name, part in shards.items() for key in part}}
    (folder / f"{stem}{suffix}.index.json").write_text(json.dumps(index))
    assert load(folder).fingerprint == model.fingerprint
    (folder / f"{stem}-1{suffix}").unlink()
    with pytest.raises(CheckpointError, match=rf"{stem}-1\{suffix}: no such file, which the index of shards"):
        load(folder)


def test_safetensors_come_first(folder):
    model = load(folder)
    (folder / "pytorch_model.bin").write_bytes(b"not even a pickle")
    assert load(folder).fingerprint == model.fingerprint


def test_the_extractor_may_be_nested_in_the_processors_file(folder):
    said = json.loads((folder / "preprocessor_config.json").read_text())
    nested = {"processor_class": "Wav2Vec2Processor", "feature_extractor": said | {"do_normalize": False}}
    (folder / "processor_config.json").write_text(json.dumps(nested))
    assert not load(folder).normalise
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": "Wav2Vec2Processor"}))
    assert load(folder).normalise
    (folder / "preprocessor_config.json").unlink()
    assert load(folder).normalise  # the class's default


def test_an_encoder_inside_of_a_larger_file_by_its_prefix(folder):
    config = transformers.AutoConfig.from_pretrained(folder)
    model = load(folder)
    weights = load_file(folder / "model.safetensors")
    tower = {key.replace("wav2vec2.", "model.tower."): value for key, value in weights.items()}
    save_file(tower, folder / "model-1.safetensors")
    (folder / "model.safetensors").unlink()
    index = {
        "weight_map": dict.fromkeys(tower, "model-1.safetensors") | {"text.weight": "model-2.safetensors"}
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    source = Source(str(folder), config)
    request = Request("it", str(folder))
    found = source.encoder(
        transformers.Wav2Vec2Model, lambda whole: whole.encoder, request, prefixes=["tower.", "model.tower."]
    )
    expected = model.module.encoder.state_dict()
    for key, value in found.state_dict().items():
        assert key not in expected or torch.equal(value, expected[key])


# --- a bad folder ---


def test_no_such_folder(tmp_path):
    with pytest.raises(UsageError, match=r"no such folder; expected a folder with config\.json"):
        load(tmp_path / "nowhere")
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(UsageError, match=f"is a file; expected a folder with config.json; try hf:{tmp_path}"):
        load(tmp_path / "model.safetensors")


def test_a_folder_has_no_revision(folder):
    with pytest.raises(UsageError, match="is a local folder, which has no revision 'main'"):
        load(folder, options={"revision": "main"})


def test_no_config(folder):
    (folder / "config.json").unlink()
    with pytest.raises(
        OtoscopeError, match=r"has no config\.json; expected a folder that save_pretrained wrote"
    ):
        load(folder)


@pytest.mark.parametrize(
    ("text", "problem"), [("{", "is not JSON"), ("[1]", "holds a list; expected a JSON")]
)
def test_a_config_that_is_none(folder, text, problem):
    (folder / "config.json").write_text(text)
    with pytest.raises(OtoscopeError, match=problem):
        load(folder)


def test_an_unsupported_model_type_lists_those_that_are(folder):
    rewrite(folder / "config.json", model_type="bert")
    with pytest.raises(OtoscopeError, match=r"of the model_type 'bert'; expected one of .*hubert, .*wavlm"):
        load(folder)
    rewrite(folder / "config.json", model_type=None)
    with pytest.raises(OtoscopeError, match="of the model_type None; expected one of"):
        load(folder)


def test_code_of_the_models_own_is_never_run(folder, tmp_path):
    trace = tmp_path / "trace"
    (folder / "modeling.py").write_text(
        f"open({str(trace)!r}, 'w')\nclass Own: pass\nclass OwnConfig: pass\n"
    )
    own = {"AutoModel": "modeling.Own", "AutoConfig": "modeling.OwnConfig"}
    rewrite(folder / "config.json", auto_map=own)
    load(folder)  # of a kind that we know: its code is not needed
    rewrite(folder / "config.json", model_type="own")
    with pytest.raises(
        OtoscopeError, match="'own' and brings code of its own, which is never run; expected one"
    ):
        load(folder)
    assert not trace.exists()


def test_a_config_that_makes_no_model(folder):
    rewrite(folder / "config.json", num_attention_heads=5)
    with pytest.raises(
        OtoscopeError, match=r"transformers 5.* cannot make a Wav2Vec2Model of it \(ValueError"
    ):
        load(folder)
    rewrite(folder / "config.json", num_attention_heads=2, hidden_act="nothing")
    with pytest.raises(OtoscopeError, match="cannot make a Wav2Vec2Model"):
        load(folder, seed=0)
    rewrite(folder / "config.json", hidden_act="gelu", conv_dim=[1, 2])
    with pytest.raises(OtoscopeError, match=r"does not take its config\.json|cannot make a"):
        load(folder)


def test_no_weights(folder):
    (folder / "model.safetensors").rename(folder / "tf_model.h5")
    with pytest.raises(
        OtoscopeError, match=r"has no weights \(.*tf_model\.h5.*\); expected model\.safetensors or"
    ):
        load(folder)
    assert load(folder, seed=0).layers  # its untrained twin needs none


def test_missing_and_misshapen_weights(folder):
    weights = load_file(folder / "model.safetensors")
    name = "wav2vec2.encoder.layers.1.feed_forward.output_dense.bias"
    own = name.removeprefix("wav2vec2.")
    save_file({key: value for key, value in weights.items() if key != name}, folder / "model.safetensors")
    with pytest.raises(
        OtoscopeError, match=f"do not fill the Wav2Vec2Model .*: {own} is missing; expected all"
    ):
        load(folder)
    save_file(weights | {name: torch.zeros(5)}, folder / "model.safetensors")
    with pytest.raises(OtoscopeError, match=rf"{own} is \(5,\) instead of \(32,\)"):
        load(folder)
    save_file(weights | {name: torch.full((32,), torch.nan)}, folder / "model.safetensors")
    with pytest.raises(OtoscopeError, match=f"holds NaN or infinite weights in {own}"):
        load(folder)
    save_file({key: torch.zeros(3) for key in weights}, folder / "model.safetensors")
    with pytest.raises(OtoscopeError, match=r"and \d+ more; expected all weights of the encoder"):
        load(folder)
    save_file({"else": torch.zeros(3)}, folder / "model.safetensors")
    with pytest.raises(OtoscopeError, match=r"parametrizations.weight.original0 is missing|and [0-9]+ more"):
        load(folder)


def test_weights_of_a_head_may_be_missing_or_of_other_shapes(folder):
    model = load(folder)
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.bias"]
    save_file(weights | {"lm_head.weight": torch.zeros(3, 3)}, folder / "model.safetensors")
    assert load(folder).fingerprint == model.fingerprint


def test_truncated_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match="is truncated or not a safetensors file"):
        load(folder)
    path.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(CheckpointError, match="is a Git LFS pointer"):
        load(folder)


class Malicious:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (self.trace,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_code_is_refused(folder, tmp_path, zipped):
    trace = tmp_path / "trace"
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    path = folder / "pytorch_model.bin"
    torch.save(weights | {"x": Malicious(str(trace))}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        CheckpointError, match=r"pytorch_model\.bin: needs posix\.mkdir to be read, which can mean"
    ):
        load(folder)
    path.write_bytes(pickle.dumps(Malicious(str(trace))))
    with pytest.raises(CheckpointError, match="is not a PyTorch weight file"):
        load(folder)
    assert not trace.exists()


def test_pickled_weights_are_read_safely(folder):
    model = load(folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert load(folder).fingerprint == model.fingerprint


# --- the hub ---


@pytest.fixture
def hub(folder, monkeypatch):
    """A hub that has one model, and the names of the files that were asked of it."""
    asked = []

    def download(place, name, *, revision=None, local_files_only=False):
        asked.append((name, revision))
        if place == "some/gated":
            raise GatedRepoError.__new__(GatedRepoError)
        if place != "some/model":
            raise RepositoryNotFoundError.__new__(RepositoryNotFoundError)
        if not (folder / name).is_file():
            raise EntryNotFoundError(name)
        return str(folder / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return asked


def test_a_name_on_the_hub(hub, folder):
    assert load("some/model").fingerprint == load(folder).fingerprint
    assert ("model.safetensors", None) in hub
    assert not any("bin" in name for name, _ in hub)
    hub.clear()
    load("some/model", options={"revision": "v2"})
    assert {revision for _, revision in hub} == {"v2"}


def test_a_twin_fetches_no_weights(hub):
    load("some/model", seed=0)
    assert {name for name, _ in hub} == {"config.json", "processor_config.json", "preprocessor_config.json"}


def test_names_that_the_hub_does_not_give(hub):
    with pytest.raises(
        OtoscopeError, match="neither a folder here nor a public model of the Hugging Face hub"
    ):
        load("some/other")
    with pytest.raises(OtoscopeError, match=r"is gated .*; try asking for it on its page"):
        load("some/gated")


def test_without_a_network_a_folder_is_advised(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        OtoscopeError, match=r"hub cannot be reached; expected a network, or a folder; try hf:FOLDER"
    ):
        load("facebook/wav2vec2-base")


def test_where_the_hub_is_not_known_it_is_not_waited_for(monkeypatch, tmp_path):
    def unknown(*_):
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    monkeypatch.setattr("otoscope.models.hf.files.getproxies", dict)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it waits and tries again"))
    with pytest.raises(OtoscopeError, match="hub cannot be reached; expected a network, or a folder"):
        load("facebook/wav2vec2-base")


@pytest.mark.parametrize("place", ["./nothing", "../nothing", "/nothing/here"])
def test_a_folder_that_is_not_there_is_no_name(place):
    with pytest.raises(UsageError, match=r"no such folder; expected a folder with config\.json"):
        load(place)


def test_a_network_that_fails_halfway(hub, monkeypatch):
    found = huggingface_hub.hf_hub_download

    def broken(place, name, *, revision=None, local_files_only=False):
        if name != "config.json":
            raise ConnectionError("connection reset")
        return found(place, name, revision=revision)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", broken)
    with pytest.raises(
        OtoscopeError, match=r" preprocessor_config\.json cannot be fetched .*\(connection reset\)"
    ):
        load("some/model")  # and not: the extractor's defaults


@pytest.fixture
def cached(folder, monkeypatch, tmp_path):
    """A model in the hub's cache, as `hf download` leaves it, and no network."""
    commit = "0123456789" * 4
    home = tmp_path / "cache" / "models--some--model"
    shutil.copytree(folder, home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return home / "snapshots" / commit


def test_a_model_in_the_cache_needs_no_network(cached, folder):
    model = load("some/model")
    assert model.fingerprint == load(folder).fingerprint
    assert load("some/model", options={"revision": cached.name}).fingerprint == model.fingerprint
    torch.save(load_file(cached / "model.safetensors"), cached / "pytorch_model.bin")
    (cached / "model.safetensors").unlink()
    assert load("some/model").fingerprint == model.fingerprint


def test_a_cache_without_the_extractor_does_not_pass_for_one_with_defaults(cached):
    (cached / "preprocessor_config.json").unlink()
    with pytest.raises(
        OtoscopeError, match=r"in the local cache \(preprocessor_config\.json\), and the Hugging"
    ):
        load("some/model")
    known = cached.parent.parent / ".no_exist" / cached.name
    known.mkdir(parents=True)
    (known / "preprocessor_config.json").touch()
    assert load("some/model").normalise


def test_after_the_first_file_all_are_of_one_commit(cached, monkeypatch):
    asked = []

    def download(place, name, *, revision=None, local_files_only=False):
        asked.append((name, revision))
        return str(cached / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    (cached / "processor_config.json").write_text("{}")
    load("some/model")
    assert asked == [("config.json", None)]


@pytest.mark.parametrize("rate", ["x", 0, 16000.5])
def test_a_sample_rate_that_is_none_is_refused(folder, rate):
    path = folder / "preprocessor_config.json"
    said = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(said | {"sampling_rate": rate}))
    with pytest.raises(OtoscopeError, match=r"says sampling_rate .*; expected Hz, a whole number above 0"):
        load(folder)


def test_what_matters_in_training_only_leaves_the_fingerprint_alone(folder):
    before = load(folder).fingerprint
    path = folder / "config.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps(said | {"layerdrop": 0.4, "mask_time_prob": 0.9, "hidden_dropout": 0.3}))
    assert load(folder).fingerprint == before
