"""The trials of a sweep, as one process does them: each a process of its own, so many at once, watched by epochs."""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import optuna
from optuna.exceptions import OptunaError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from zoo.interrupt import Stop
from zoo.request import Request
from zoo.sweeps.parent_run import ParentRun
from zoo.sweeps.space import Space
from zoo.sweeps.study import Study
from zoo.types import RunError, UsageError

TICK = 0.2  # seconds between two looks at whether a signal came
LOOK_SECONDS = 2.0  # between two looks at what other processes do
GRACE = 3.0  # seconds for children to stop by themselves; with what is left to record it is over within five


class Child:
    """A process of `zoo.sweeps.trial`.

    Args:
      log: Gets what it says to people.
    """

    def __init__(self, log: Path):
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zoo.sweeps.trial"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                start_new_session=True,  # Ctrl-C reaches the sweep alone, which tells its children once
                env={"TF_FORCE_GPU_ALLOW_GROWTH": "true", **os.environ},  # they share a GPU
            )
        self.said: TextIO = self.process.stdout

    def tell(self, about: Any) -> None:
        """Sends a line; a child that is gone is noticed when it is heard."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(about, default=str) + "\n")
            self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Waits for its next line; `failed` where it ended without one."""
        line = self.said.readline()
        if line.endswith("\n"):
            return json.loads(line)
        code = self.process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return {"failed": f"its process ended with {how}; see {self.log}"}

    def ask_to_stop(self) -> None:
        """Ends its input, at which it stops as at SIGTERM."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def over(self, until: float) -> None:
        """Waits for its end, which is forced at a time of `time.monotonic`."""
        self.ask_to_stop()
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.said.close()


@dataclass(frozen=True, kw_only=True)
class Job:
    """Trials to be done.

    Args:
      study: Has them.
      count: How many, by all processes together.
      space: What their settings are from.
      request: A trial's run, from its settings and its name.
      label: A trial's tag and name, from its number.
      ended: Called with a trial's number, its settings, and `value`, `pruned` or `failed`.
      failures_count: Whether a trial that failed is done; else its place is free again.
    """

    study: Study
    count: int
    space: Space
    request: Callable[[Mapping[str, Any], str], Request]
    label: Callable[[int], str]
    ended: Callable[[int, Mapping[str, Any], Mapping[str, Any]], None]
    failures_count: bool = True


class Crew:
    """The children of this process.

    Args:
      workers: How many at once.
      logs: Folder for what they say.
      stop: Says when to stop.
    """

    def __init__(self, workers: int, logs: Path, stop: Stop):
        self.workers, self.logs, self.stop = workers, logs, stop
        self.parent: ParentRun | None = None
        self.watch = ""
        self._running: dict[Child, optuna.Trial] = {}
        self._waiting: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._job: Job | None = None

    def look(self, request: Request) -> dict[str, str]:
        """What there is to be known of a request before any run, from the child that then does the first trial.

        Raises:
          UsageError: A setting or the data is wrong.
          RunError: The child failed.
        """
        child = Child(self.logs / f"{os.getpid()}.log")
        self._waiting.append(child)
        child.tell({"look": True, **told(request)})
        found = child.hear()
        if "failed" in found:
            child.log.unlink()
            raise (UsageError if child.process.wait() == 2 else RunError)(found["failed"])
        self.watch = found["watch"]
        return found

    def do(self, job: Job) -> None:
        """Does trials until all of a job have ended, here and in other processes.

        Raises:
          Interrupted, Terminated: A signal came.
        """
        self._job, looked = job, -math.inf
        with self.stop.gentle():
            while True:
                self.stop.check()
                if time.monotonic() - looked >= LOOK_SECONDS:
                    job.study.look_around()
                    self.parent.go_on()
                    looked = time.monotonic()
                    self._start()
                    if not self._running and not job.study.goes_on():
                        return
                for key, _ in self._selector.select(TICK):
                    if self._hear(key.data):
                        looked = -math.inf  # there is a place for another

    def _start(self) -> None:
        job = self._job
        while len(self._running) < self.workers:
            trial = job.study.take(job.count, job.space)
            if trial is None:
                return
            label = job.label(trial.number)
            child = self._waiting.pop() if self._waiting else Child(self.logs / f"{os.getpid()}.log")
            self._running[child] = trial
            self._selector.register(child.said, selectors.EVENT_READ, child)
            request = job.request(trial.params, f"{self.parent.name} {label}")
            about = {"look": False, "tags": self.parent.tags(label), "watch": self.watch}
            child.tell({**told(request), **about})

    def _hear(self, child: Child) -> bool:
        """Does what a child's next line wants; whether it was its last one."""
        trial, said = self._running[child], child.hear()
        if "epoch" not in said:
            self._end(child, trial, said)
            return True
        prune = False
        if math.isfinite(said["value"]):  # one that is not ends the training by itself, or is made up for
            trial.report(said["value"], said["epoch"])
            prune = trial.should_prune()
        child.tell("prune" if prune else "go on")
        return False

    def _end(self, child: Child, trial: optuna.Trial, said: Mapping[str, Any]) -> None:
        self._selector.unregister(child.said)
        del self._running[child]
        child.over(time.monotonic() + GRACE)
        result, failed = said.get("result"), said.get("failed")
        value = result["metrics"][self.watch] if result else None
        if value is not None and not math.isfinite(value):
            failed = f"its {self.watch} is {value}"
        about: dict[str, Any] = {"run_id": self.parent.ended(self._job.label(trial.number), failed)}
        study, ended, number, params = self._job.study, self._job.ended, trial.number, trial.params
        if failed is not None:
            if self._job.failures_count:
                study.end(trial, None, TrialState.FAIL, reason=failed, **about)
            else:
                study.leave(number, failed)
            ended(number, params, {"failed": failed})
        elif result is None:
            study.end(trial, None, TrialState.PRUNED, reason=said["pruned"], **about)
            ended(number, params, {"pruned": said["pruned"]})
        else:
            study.end(trial, value, TrialState.COMPLETE, result=result, **about)
            ended(number, params, {"value": value})

    def close(self, why: str) -> None:
        """Stops what goes on, gives up the trials that were at it, and marks their runs."""
        until = time.monotonic() + GRACE
        children = [*self._running, *self._waiting]
        for child in children:
            child.ask_to_stop()
        for trial in self._running.values():
            with contextlib.suppress(OptunaError, SQLAlchemyError):  # a storage that is away has it as gone, later
                self._job.study.give_up(trial.number, trial.params, why)
        for child in children:
            child.over(until)
        self._running, self._waiting = {}, []


def told(request: Request) -> dict[str, Any]:
    """A request as a child reads it."""
    return {"request": request.described(), "folder": str(request.file.parent)}
