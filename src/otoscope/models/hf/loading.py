"""The family "hf": models of Hugging Face transformers, from a folder or from the hub.

The kinds are modules of this package; what they need (`Kind`, `Source`) they import from `hf.source`.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from otoscope.errors import OtoscopeError
from otoscope.models.base import AudioModel
from otoscope.models.family import Family, Request
from otoscope.models.hf import ast, clap, conformer, wave, whisper
from otoscope.models.hf.files import Files
from otoscope.models.hf.source import Kind, Source, quiet

if TYPE_CHECKING:
    from transformers import PretrainedConfig

__all__ = ["FAMILY", "KINDS", "Kind", "Source"]

KINDS: tuple[Kind, ...] = (*wave.KINDS, *conformer.KINDS, *ast.KINDS, *whisper.KINDS, *clap.KINDS)


def load_hf(request: Request) -> AudioModel:
    """Load a model of transformers.

    Args:
        request: `rest` is a local folder, as `save_pretrained` writes it, or a model's name on the hub; of
            the options there is "revision".

    Raises:
        OtoscopeError: transformers is not installed, the hub does not answer, or the model cannot be used.
        UsageError: no such folder, hook point or revision.
    """
    if find_spec("transformers") is None:
        raise OtoscopeError(
            f"{request.name} needs the package transformers, which is not installed; "
            "try pip install 'otoscope[hf]'"
        )
    files = Files(request.rest, request.options.get("revision"))
    files.check()
    files = files.pinned()
    said = files.json("config.json")
    if said is None:
        raise OtoscopeError(
            f"{request.rest} has no config.json; expected a folder that save_pretrained wrote, or such a "
            "model on the hub"
        )
    kind = _kind(request.rest, said)
    return kind.build(Source(request.rest, _config(request.rest, said), files.revision), request)


def _kind(place: str, said: dict[str, Any]) -> Kind:
    """The kind of model that a config.json describes."""
    named = said.get("model_type")
    for kind in KINDS:
        if named in kind.model_types:
            return kind
    supported = ", ".join(sorted(name for kind in KINDS for name in kind.model_types))
    code = " and brings code of its own, which is never run" if "auto_map" in said else ""
    raise OtoscopeError(
        f"{place} is of the model_type {named!r}{code}; expected one of {supported}; try `oto.wrap` on a "
        "module that you load yourself"
    )


def _config(place: str, said: dict[str, Any]) -> "PretrainedConfig":
    import transformers
    from transformers import CONFIG_MAPPING

    try:
        with quiet():
            config: PretrainedConfig = CONFIG_MAPPING[said["model_type"]].from_dict(dict(said))
    except Exception as error:  # whatever a stranger's config makes transformers raise
        reason = " ".join(str(error).split())[:300]
        raise OtoscopeError(
            f"{place}: transformers {transformers.__version__} does not take its config.json "
            f"({type(error).__name__}: {reason}); expected that of a {said['model_type']}; try another "
            "version of transformers"
        ) from error
    return config


FAMILY = Family("hf", [kind.row for kind in KINDS], load_hf, options=("revision",))
