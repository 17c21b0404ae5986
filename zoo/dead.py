"""Runs whose process is gone: what they left is sent, and they are marked, at the next command."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from filelock import FileLock, Timeout
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from zoo import process
from zoo.outbox import Outbox
from zoo.types import RunError

STALE_SECONDS = 600.0  # a run of another machine that has written nothing for so long is dead; it writes every ten


def mark(client: MlflowClient, experiments: list[str], checkpoints: Path) -> list[str]:
    """Marks runs that the store has as RUNNING and whose process is not there any more.

    Args:
      client: Of the store.
      experiments: Ids of where to look.
      checkpoints: The folder with a folder for each run.

    Returns:
      Their ids. Runs of other machines are left alone, but for those that wrote here and have stopped.
    """
    marked = []
    for run in running(client, experiments):
        text = run.data.tags.get(process.TAG)
        folder = checkpoints / run.info.run_id
        if text is None or not is_dead(text, folder):
            continue
        try:
            with FileLock(folder / "lock", timeout=0) if folder.exists() else FileLock(checkpoints / ".lock"):
                _end(client, run, text, folder)
        except (Timeout, OSError):  # another command is at it, or the run goes on after all
            continue
        marked.append(run.info.run_id)
    return marked


def running(client: MlflowClient, experiments: list[str]) -> list[Run]:
    """Runs that the store has as RUNNING."""
    found: list[Run] = []
    token = None
    while experiments:
        page = client.search_runs(experiments, "attributes.status = 'RUNNING'", page_token=token)
        found += page
        token = page.token
        if not token:
            break
    return found


def is_dead(text: str, folder: Path) -> bool:
    """Whether the process of an identity is gone, as far as this machine can tell."""
    alive = process.alive(text)
    if alive is not None:
        return not alive
    last = last_sign(folder)
    return last is not None and time.time() - last > STALE_SECONDS


def last_sign(folder: Path) -> float | None:
    """When a run wrote into its folder for the last time, in seconds since 1970."""
    return max((file.stat().st_mtime for file in folder.glob("*") if file.name != "lock"), default=None)


def _end(client: MlflowClient, run: Run, text: str, folder: Path) -> None:
    run_id = run.info.run_id
    if folder.exists():
        with contextlib.suppress(RunError):  # what the store refuses is lost, the run is marked all the same
            Outbox(folder, run_id, client).deliver_now()
    if client.get_run(run_id).info.status != "RUNNING":  # it had ended, and the store did not know
        return
    resume = f"; `zoo resume {run_id[:8]}` goes on with it" if (folder / "request.json").exists() else ""
    client.set_tag(run_id, "reason", f"its process is gone ({process.shown(text)}), killed or cut off{resume}")
    client.set_terminated(run_id, "KILLED", int(1000 * (last_sign(folder) or time.time())))
