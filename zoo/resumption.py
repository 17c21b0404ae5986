"""Going on with a run that was cut off, in the same MLflow run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from zoo import process, tracking
from zoo.distributed import devices
from zoo.progress import choose
from zoo.request import NAME, Request
from zoo.runs import RESULT, carry_out
from zoo.sweeps.parent_run import SWEEP_TAG, TRIAL_TAG
from zoo.types import RunError, RunResult, UsageError


def resume(run: str, *, progress: str = "auto") -> RunResult | None:
    """Goes on with a run that was interrupted, killed or failed, from its last sound checkpoint.

    The recipe is the one that the run began with, also where its file has changed since. On a CPU the finished weights,
    curves and metrics are those of a run that was never cut off.

    Args:
      run: Run id, unique prefix or name, or "latest" for the newest run that can be resumed; of several workers only
        the chief's counts.
      progress: As of `zoo.run`.

    Returns:
      As of `zoo.run`.

    Raises:
      UsageError: There is no such run, it has finished or goes on, or its data has changed.
      RunError: Nothing of it is kept here, or as of `zoo.run`.
    """
    cluster = devices.cluster()
    if cluster is not None and cluster.index:  # the chief knows the run, and tells which
        return carry_out(Request(file=Path(run), settings={}), choose(progress))
    run_id = _latest() if run == "latest" else tracking.find(run)
    folder = tracking.run_folder(run_id)
    with tracking.reached():
        found = tracking.open_store().get_run(run_id)
    if found.info.status == "RUNNING" and process.alive(found.data.tags.get(process.TAG, "")):
        raise UsageError(f"run {run_id[:8]} goes on in {process.shown(found.data.tags[process.TAG])}; see `zoo runs`.")
    if SWEEP_TAG in found.data.tags and TRIAL_TAG not in found.data.tags:
        raise UsageError(f"run {run_id[:8]} is a sweep, which goes on by its command: `{found.data.tags['command']}`.")
    if found.info.status == "FINISHED" and (folder / RESULT).exists():  # `tracking.find` has just sent what was left
        result = RunResult(**json.loads((folder / RESULT).read_text(encoding="utf-8")))
        shutil.rmtree(folder)
        return result
    if found.info.status == "FINISHED":
        raise UsageError(f"run {run_id[:8]} has finished, there is nothing to resume; start another by `zoo run`.")
    if not (folder / NAME).exists():
        raise RunError(
            f"run {run_id[:8]} has no checkpoints in {folder}; resume it where it ran, or start another by `zoo run`"
        )
    return carry_out(Request.kept(folder), choose(progress), run_id)


def _latest() -> str:
    for row in tracking.runs():
        if row["status"] in ("KILLED", "FAILED") and (tracking.run_folder(row["run_id"]) / NAME).exists():
            return str(row["run_id"])
    raise UsageError(f"no run in {tracking.shown_uri()} was cut off and can be resumed here. See `zoo runs`.")
