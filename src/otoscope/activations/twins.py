"""A store's twins: recordings of the same clips by the same architecture that has not learned anything.

    esc50.zarr                          the trained model
    esc50.zarr.twins/random-0.zarr      fresh weights, seed 0
    esc50.zarr.twins/shuffled-0.zarr    the trained weights, shuffled within each tensor

They lie beside the store, so that `mv esc50.zarr*` takes them along. A twin of a model that no name makes
again, as a wrapped module is, counts as well, once `record` has put it there.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from otoscope.activations.layout import Layout
from otoscope.activations.plan import Plan
from otoscope.errors import OtoscopeError
from otoscope.files import read_json

if TYPE_CHECKING:
    from otoscope.activations.store import Store

__all__ = ["Kind", "Twin", "found_beside", "how_to_record", "place_of", "record_words", "unlearned"]

Kind = Literal["random", "shuffled"]
"""Fresh weights, or the trained ones shuffled within each tensor."""

_NAME = re.compile(rf"({'|'.join(get_args(Kind))})-([0-9]+)\.zarr")


@dataclass(frozen=True)
class Twin:
    """A companion of a store.

    Attributes:
        kind: "random" or "shuffled".
        seed: of its weights.
        path: its store.
        problem: why it cannot be compared with the store; "" if it can.
    """

    kind: Kind
    seed: int
    path: Path
    problem: str = ""

    @property
    def name(self) -> str:
        """Kind and seed: "random-0"."""
        return f"{self.kind}-{self.seed}"

    def open(self) -> "Store":
        """Its store.

        Raises:
            OtoscopeError: it cannot be compared.
        """
        from otoscope.activations.store import open_store

        if self.problem:
            raise OtoscopeError(f"{self.path} cannot be compared with its store: {self.problem}")
        return open_store(self.path)


def place_of(store: Path, kind: Kind, seed: int) -> Path:
    """Where a store's twin lies.

    >>> place_of(Path("esc50.zarr"), "random", 0).as_posix()
    'esc50.zarr.twins/random-0.zarr'
    """
    return _folder(store) / f"{kind}-{seed}.zarr"


def found_beside(store: Path, plan: Plan) -> tuple[Twin, ...]:
    """The twins of a store, untrained ones first, in the order of seeds."""
    found = []
    for path in _stores(_folder(store)):
        if match := _NAME.fullmatch(path.name):
            kind: Kind = "random" if match[1] == "random" else "shuffled"
            found.append(Twin(kind, int(match[2]), path, _problem(path, plan)))
    return tuple(sorted(found, key=lambda twin: (twin.kind, twin.seed)))


def _stores(folder: Path) -> list[Path]:
    """The stores in a folder; none where it cannot be listed, as on most web servers."""
    try:
        return list(folder.glob("*.zarr"))
    except (OSError, NotImplementedError):
        return []


def unlearned(model: str) -> str:
    """What a model is that has learned nothing, by its name: "untrained" or "shuffled"; "" for another.

    >>> unlearned("mini:random@1"), unlearned("shuffled:mini:ssl"), unlearned("mini:ssl")
    ('untrained', 'shuffled', '')
    """
    if model.startswith(("random:", "mini:random")):
        return "untrained"
    return "shuffled" if model.startswith("shuffled:") else ""


def record_words(info: Mapping[str, Any]) -> list[str]:
    """The words of the command that records a store again, but for where to.

    Args:
        info: what it is a recording of, see `Store.info`.

    >>> info = {"model": {"name": "mini:ssl"}, "task": {"options": ["--task", "mini:events"]}}
    >>> " ".join(record_words({**info, "settings": {"rows": True, "device": "cpu"}}))
    'otoscope record --model mini:ssl --task mini:events --rows'
    """
    settings, task = info.get("settings") or {}, info.get("task") or {}
    words = ["otoscope", "record", "--model", str((info.get("model") or {}).get("name", "MODEL"))]
    words += task.get("options") or ["--task", "TASK"]
    words += [f"--{name}" for name in ("special", "padding", "rows") if settings.get(name)]
    device = settings.get("device", "cpu")
    return words if device == "cpu" else [*words, "--device", device]


def how_to_record(info: Mapping[str, Any], store: Path | str) -> str:
    """What to say of a store without twins: that it has none, and the command that would record them.

    Args:
        info: what it is a recording of, see `Store.info`.
        store: where it lies.

    >>> events = {"options": ["--task", "mini:events"]}
    >>> how_to_record({"model": {"name": "mini:ssl"}, "task": events}, "x.zarr")
    'twin not recorded; otoscope record --model mini:ssl --task mini:events --out x.zarr --twins 3 would'
    >>> how_to_record({"model": {"name": "random:mini:ssl@1"}}, "x.zarr")
    'twin not recorded: random:mini:ssl@1 is untrained itself'
    """
    model = str((info.get("model") or {}).get("name", ""))
    if what := unlearned(model):
        return f"twin not recorded: {model} is {what} itself"
    words = [*record_words(info), "--out", str(store), "--twins", "3"]
    asked = (info.get("task") or {}).get("options")
    known = "" if asked else ", with the task that the store was recorded with"
    return f"twin not recorded; {shlex.join(words)} would{known}"


def _folder(store: Path) -> Path:
    return store.with_name(f"{store.name}.twins")


def _problem(path: Path, plan: Plan) -> str:
    """Why a recording is no twin of the one that a plan describes; "" if it is."""
    layout = Layout(path)
    if not layout.plan.is_file():
        return "it is not a store; expected a recording; try removing it, and the same record command again"
    try:
        twin = Plan.from_document(read_json(layout.plan))
    except OtoscopeError as error:
        return str(error)
    if twin.task["fingerprint"] != plan.task["fingerprint"]:
        return (
            f"it was recorded on other clips or labels of {twin.task['name']!r}; try recording it again, "
            "with the store's task"
        )
    if twin.model["layers"] != plan.model["layers"] or twin.layer_grids != plan.layer_grids:
        return f"its model {twin.model['name']} has other layers than {plan.model['name']}"
    if twin.model["fingerprint"] == plan.model["fingerprint"]:
        return f"its model {twin.model['name']} has the very weights of the store's"
    if not layout.complete(twin):
        missing = len(layout.missing(twin))
        return (
            f"it is not complete: {missing} of {len(twin.shards)} shards are missing; try the same record "
            "command again"
        )
    return ""
