"""Run a study: record, dissect, ablate, compare, conclude, report; each step once."""

from collections.abc import Callable
from functools import cache, partial
from itertools import chain
from pathlib import Path

import pandas as pd

from otoscope.files import write_json, write_table
from otoscope.study.ablating import ablating
from otoscope.study.comparing import comparing
from otoscope.study.crew import crew
from otoscope.study.dissecting import dissecting
from otoscope.study.findings import findings
from otoscope.study.places import across_of, store_of, stores_of
from otoscope.study.plan import Study
from otoscope.study.recording import record_task
from otoscope.study.result import StudyResult, gathered
from otoscope.study.steps import Refused, carry_out

__all__ = ["run"]


def run(
    plan: Study,
    out: str | Path,
    *,
    limit: int | None = None,
    workers: int = 1,
    device: str = "cpu",
    say: Callable[[str], None] = lambda _: None,
    progress: bool = False,
) -> StudyResult:
    """Run a study into one folder.

    It holds `stores/` with a recording of each task by each model and what was found out about it,
    `findings` and `summary` as tables, `study.json`, the study itself as `plan.json`, and `report/`. What an
    earlier run has done with the same settings is kept, so that a study that was stopped, at whatever point,
    goes on where it was. A step that the data do not allow, for want of groups say, is left out and told.

    Args:
        plan: what to run.
        out: the folder.
        limit: record this many clips of each task only, to try things out.
        workers: processes that share tasks and models, each with its share of the cores.
        device: where models run: "cpu", "cuda" or "mps".
        say: called with one line as each step ends.
        progress: show a progress bar while recording and ablating; with one worker only.

    Raises:
        StudyError: paths have to be filled in.
        OtoscopeError: a model or a task cannot be read, clips cannot be recorded, or the folder holds
            recordings of others.
        UsageError: the study names what a task does not have.
    """
    from otoscope.reporting import report

    plan, folder = plan.filled(), Path(out)
    write_json(folder / "plan.json", plan.model_dump(mode="json"))
    refused = _work(plan, folder, limit, workers, device, progress and workers == 1, say)
    for each in refused:
        say(f"left out: {each.step}: {each.reason}")
    concluded = _concluded(plan, folder)
    write_table(folder / "findings", concluded)
    write_json(folder / "findings.json", concluded.to_dict("records"))
    say("writing the report")
    page = report(
        list(stores_of(plan, folder).values()),
        folder / "report",
        neurons=plan.report.neurons,
        sound=plan.report.sound,
        workers=workers,
        progress=progress,
    )
    result = gathered(plan, folder, concluded, tuple(refused), page)
    write_json(folder / "study.json", result.document())
    write_table(folder / "summary", result.table)
    return result


def _work(
    plan: Study,
    folder: Path,
    limit: int | None,
    workers: int,
    device: str,
    progress: bool,
    say: Callable[[str], None],
) -> list[Refused]:
    """Record, dissect and ablate, and compare; what could not be done."""
    record = partial(record_task, plan, folder, limit, device, progress)
    hear = partial(_hear, plan, folder, device, progress)
    compare = partial(_compare, plan, folder)
    across, refused, hearing = _across(plan), [], []
    with crew(min(workers, len(plan.models) * len(plan.tasks))) as spread:
        for position, task in enumerate(spread(record, plan.tasks), start=1):
            say(f"recorded {task} ({position} of {len(plan.tasks)})")
            # Several processes begin while others still record.
            hearing.append(spread(hear, [(model, task) for model in plan.models]))
        comparing = spread(compare, across)
        pairs = [(model, task) for task in plan.tasks for model in plan.models]
        for position, ((model, task), left) in enumerate(zip(pairs, chain(*hearing), strict=True), start=1):
            refused += left
            say(f"{model} has heard {task} ({position} of {len(pairs)})")
        for position, (both, left) in enumerate(zip(across, comparing, strict=True), start=1):
            refused += left
            say(f"{both[0]}: {both[1]} beside {both[2]} ({position} of {len(across)})")
    return refused


def _across(plan: Study) -> list[tuple[str, str, str]]:
    """What is compared: a model, and two labelings."""
    return [(model, *pair) for pair in plan.sharing.across for model in plan.models]


def _concluded(plan: Study, folder: Path) -> pd.DataFrame:
    """The paper's findings beside what this study found."""
    across = {both: place for both in _across(plan) if (place := across_of(folder, *both)).is_dir()}
    return findings(plan, stores_of(plan, folder), across)


def _hear(plan: Study, folder: Path, device: str, progress: bool, pair: tuple[str, str]) -> list[Refused]:
    """Dissect and ablate one model on one task, from its recording."""
    from otoscope.activations import open_store
    from otoscope.models import load_model

    model, task = pair
    store = open_store(store_of(folder, model, task))
    loaded = cache(partial(load_model, plan.models[model].spec, device=device))
    steps = chain(
        dissecting(plan, model, task, store),
        ablating(plan, model, task, store, loaded, progress=progress),
    )
    return carry_out(steps, folder / "steps")


def _compare(plan: Study, folder: Path, each: tuple[str, str, str]) -> list[Refused]:
    return carry_out(comparing(plan, folder, *each), folder / "steps")
