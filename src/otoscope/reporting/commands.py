"""The commands that make a store and all that is said of it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from otoscope.neurons.filters import filters_for
from otoscope.reporting.collect import Recorded
from otoscope.tasks import available

if TYPE_CHECKING:
    from otoscope.neurons import Selection

__all__ = ["ablate_commands", "commands", "evidence_command", "record_command", "select_command"]


def commands(recorded: Recorded) -> list[str]:
    """The commands that make this store and all that is said of it; the place of the store is left out."""
    name, wrapped = shlex.quote(recorded.name), recorded.model.startswith("wrap:")
    lines = [record_command(recorded, *_twins(recorded))]
    for label in recorded.store.labelings:
        quoted = shlex.quote(label)
        lines += [
            select_command(recorded, selection)
            for selection in recorded.selections
            if selection.label == label
        ] or [f"otoscope select {name} --label {quoted}"]
        lines += [
            evidence_command(recorded, label),
            f"otoscope probe {name} --label {quoted}",
            f"otoscope share {shlex.quote(f'{recorded.name}:{label}')}",
        ]
        if wrapped:
            lines.append(f"# in Python: otoscope.ablate(store, {label!r}, model=otoscope.wrap(...))")
        else:
            lines += ablate_commands(recorded, label)
    return lines


def record_command(recorded: Recorded, twins: int = 0, shuffled: int = 0) -> str:
    """The command that records this store, with so many twins."""
    name, about = shlex.quote(recorded.name), recorded.store.info["task"]
    if recorded.model.startswith("wrap:"):  # a module in somebody's program, which no spec names
        return f"# {name} is recorded in Python: otoscope.record(otoscope.wrap(...), ...)"
    line = f"otoscope record --model {shlex.quote(recorded.model)} --task {_spec(recorded.task)} --out {name}"
    if about.get("evar_lengths"):
        line += " --evar-lengths"
    elif seconds := about.get("seconds"):
        line += f" --seconds {seconds:g}"
    return line + (f" --twins {twins}" if twins else "") + (f" --shuffled {shuffled}" if shuffled else "")


def select_command(recorded: Recorded, selection: Selection, permutations: int | None = None) -> str:
    """The command that makes a selection of this store, with these permutations in place of its own."""
    line = f"otoscope select {shlex.quote(recorded.name)} --label {shlex.quote(selection.label)}"
    return line + _options(selection, recorded.task, permutations)


def evidence_command(recorded: Recorded, label: str) -> str:
    """The command that gathers the evidence of a labeling."""
    return f"otoscope evidence {shlex.quote(recorded.name)} --label {shlex.quote(label)}"


def ablate_commands(recorded: Recorded, label: str) -> list[str]:
    """The commands of a labeling's ablations, as far as commands made them; else that of every class."""
    line = f"otoscope ablate {shlex.quote(recorded.name)} --label {shlex.quote(label)}"
    given = [each.settings.get("options") for each in recorded.ablations if each.label == label]
    made = [shlex.join([*shlex.split(line), *options]) for options in given if options is not None]
    return list(dict.fromkeys(made)) or [line]


def _twins(recorded: Recorded) -> tuple[int, int]:
    """How many twins of each kind to ask for, to have those that the store has."""
    found = getattr(recorded.store, "twins", ())
    wanted = [[twin.seed + 1 for twin in found if twin.kind == kind] for kind in ("random", "shuffled")]
    return max(wanted[0], default=0), max(wanted[1], default=0)


def _spec(task: str) -> str:
    """What `--task` takes for a task of this name; where its data lie, the store does not know."""
    public = {reader.prefixes[0]: reader.name for reader in available() if reader.citation}
    if task in public:
        return public[task]
    return shlex.quote(task.replace("mini-", "mini:", 1)) if task.startswith("mini-") else "TASK"


def _options(selection: Selection, task: str, permutations: int | None) -> str:
    provenance, filters = selection.provenance, selection.filters
    given: dict[str, object] = {}
    if filters is not None:  # `specific`, which has none, is what `select` takes by default
        given["--preset"] = selection.preset
        usual = filters_for(selection.preset, task)
        for name in ("response", "share", "assignment"):
            value = getattr(filters, name)
            given[f"--{name}"] = value if value != getattr(usual, name) else None
        given["--pooling"] = provenance["pooling"] if provenance["pooling"] != "token" else None
    given["--seed"] = provenance["seed"] or None
    drawn = 0 if selection.chance is None else selection.chance.permutations
    asked = drawn if permutations is None else permutations
    given["--permutations"] = asked if asked != 100 else None
    return "".join(f" {name} {value}" for name, value in given.items() if value is not None)
