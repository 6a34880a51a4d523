"""Whether recordings are of the same clips and labels by different models, so that these can be compared."""

from collections.abc import Sequence

import numpy as np

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.probability import Recording

__all__ = ["check_same_task", "names_of"]


def check_same_task(stores: Sequence[Recording], label: str) -> None:
    """Refuse recordings that cannot be compared.

    Raises:
        UsageError: fewer than two recordings, or two of the same model.
        OtoscopeError: recordings of different tasks, clips, labels or groups; the message says which.
    """
    if len(stores) < 2:
        raise UsageError(f"{len(stores)} recording was given; expected two or more of the same clips")
    prints = [store.info.get("model", {}).get("fingerprint") for store in stores]
    for number, (store, of) in enumerate(zip(stores, prints, strict=True)):
        if apart := _apart(stores[0], store, label):
            raise OtoscopeError(
                f"the recordings of {_name(stores[0])} and {_name(store)} {apart}; expected the same clips "
                f"with the same labels, so that differences are the models' own; try recording one task with "
                "both"
            )
        if of is not None and of in prints[:number]:
            raise UsageError(
                f"the model {_name(store)!r} was given twice; expected recordings by different models"
            )


def names_of(stores: Sequence[Recording]) -> list[str]:
    """A name for each recording: its model's, with a number where models have the same."""
    names = [_name(store) for store in stores]
    return [
        f"{name} ({names[: number + 1].count(name)})" if names.count(name) > 1 else name
        for number, name in enumerate(names)
    ]


def _name(store: Recording) -> str:
    return str(store.info.get("model", {}).get("name") or "model")


def _apart(one: Recording, other: Recording, label: str) -> str:
    """In what two recordings differ that should not; or ""."""
    tasks = [each.info.get("task", {}) for each in (one, other)]
    if tasks[0].get("name") != tasks[1].get("name"):
        return f"are of different tasks ({tasks[0].get('name')} and {tasks[1].get('name')})"
    if [str(clip) for clip in one.clips["clip"]] != [str(clip) for clip in other.clips["clip"]]:
        return f"are of different clips (of {len(one.clips)} and {len(other.clips)}, or in another order)"
    if "sha256" in one.clips and "sha256" in other.clips:
        both = [each.clips["sha256"].fillna("").astype(str).to_numpy() for each in (one, other)]
        changed = int(np.sum((both[0] != both[1]) & (both[0] != "") & (both[1] != "")))
        if changed:
            return f"are of clips of the same names whose files differ ({changed} of {len(both[0])})"
    labelings = [each.labeling(label) for each in (one, other)]
    if labelings[0].classes != labelings[1].classes:
        return f"have different classes in labeling {label!r}"
    members = [lab.membership(each.clips) for lab, each in zip(labelings, (one, other), strict=True)]
    if (apart := (members[0] != members[1]).any(axis=1)).any():
        return f"have different labels {label!r} of {int(apart.sum())} clips"
    groups = [np.asarray(lab.groups(each.clips)) for lab, each in zip(labelings, (one, other), strict=True)]
    if not np.array_equal(groups[0], groups[1]):
        return f"have different groups in labeling {label!r}"
    known = [task.get("fingerprint") for task in tasks]
    if None not in known and known[0] != known[1]:
        return "have different fingerprints of the task (other lengths, or labelings that the other has not)"
    return ""
