"""The study of a sweep in Optuna's storage, on which several processes work, here and on other machines."""

from __future__ import annotations

import contextlib
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import optuna
from filelock import FileLock
from optuna.exceptions import OptunaError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from zoo import process, tracking
from zoo.credentials import hidden
from zoo.dead import STALE_SECONDS
from zoo.sweeps.space import Space
from zoo.types import RunError, UsageError

ABOUT = "sweep"  # what the study is about, among its attributes
UNCOUNTED = "uncounted"  # why a trial does not count, among the trial's
SEEN = "seen"  # when the process of a trial said for the last time that it is there
SEEN_SECONDS = 30.0
PATIENCE = 10.0  # for the process that begins a study to say what it is about
STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
PRUNERS: Mapping[str, Callable[[], optuna.pruners.BasePruner]] = {
    "median": optuna.pruners.MedianPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "none": optuna.pruners.NopPruner,
}


def open_storage(url: str | None) -> optuna.storages.RDBStorage:
    """Optuna's storage, made at first use.

    Args:
      url: Of a database, as SQLAlchemy takes it; None for a file of SQLite's beside the record.

    Raises:
      UsageError: It cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if url is None:
        tracking.folder().mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{tracking.folder() / 'sweeps.db'}"
    file = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else None
    alone = contextlib.nullcontext() if file is None else FileLock(f"{file}.lock")  # two that make it corrupt it
    busy = {} if file is None else {"connect_args": {"timeout": 60}}
    try:
        with alone:
            return optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True, **busy})
    except (ImportError, RuntimeError, OSError, SQLAlchemyError, OptunaError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UsageError(
            f"`--storage` must be a database's URL, as sqlite:///sweeps.db, got {hidden(url)}: {hidden(reason)}"
        ) from error


class Study:
    """A study as one of its processes sees it.

    Each trial belongs to the process that took it. One whose process is gone, or was told to stop, does not count, and
    its settings are tried again.

    Args:
      storage: Where it is.
      name: Its name there.
      seed: Of the settings to try, together with the trial's number.
      pruner: One of `PRUNERS`.
    """

    def __init__(self, storage: optuna.storages.RDBStorage, name: str, seed: int = 0, pruner: str = "none"):
        self.storage, self.name, self.seed, self._pruner = storage, name, seed, PRUNERS[pruner]()
        self._mine: dict[int, optuna.Trial] = {}
        self._seen = time.monotonic()

    def join(
        self,
        mode: str,
        points: Sequence[Mapping[str, Any]],
        begin: Callable[[], dict[str, Any]],
        drop: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        """Opens the study, or begins it where there is none; of several processes exactly one begins it.

        Args:
          mode: "max" or "min".
          points: Settings to be tried before any others in a new study.
          begin: Called where there is none, and says what a new study is about; JSON must hold it.
          drop: Takes that back, where another process was faster.

        Returns:
          What the study is about.
        """
        try:
            self.study = optuna.load_study(study_name=self.name, storage=self.storage, pruner=self._pruner)
        except KeyError:
            about = begin()
            direction = "maximize" if mode == "max" else "minimize"
            with contextlib.suppress(optuna.exceptions.DuplicatedStudyError):
                self.study = optuna.create_study(
                    study_name=self.name, storage=self.storage, pruner=self._pruner, direction=direction
                )
                self._introduce(points, about)
                return about
            drop()
            self.study = optuna.load_study(study_name=self.name, storage=self.storage, pruner=self._pruner)
        until = time.monotonic() + PATIENCE
        while ABOUT not in self.study.user_attrs and time.monotonic() < until:
            time.sleep(0.2)
        if ABOUT not in self.study.user_attrs:  # who began it died at once
            self._introduce(points, begin())
        return self.study.user_attrs[ABOUT]

    def _introduce(self, points: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
        for point in points:
            self.study.enqueue_trial(dict(point), skip_if_exists=True)
        self.study.set_user_attr(ABOUT, about)

    @property
    def higher_is_better(self) -> bool:
        """Whether the best value is the highest one."""
        return self.study.direction == optuna.study.StudyDirection.MAXIMIZE

    def trials(self) -> list[FrozenTrial]:
        """Those that count, by their number."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if UNCOUNTED not in trial.user_attrs]

    def take(self, count: int, space: Space) -> optuna.Trial | None:
        """The next trial to do.

        Args:
          count: How many trials the study is to have, by all processes together.
          space: What its settings are from.

        Returns:
          A trial with its settings, or None where none is left to be taken.
        """
        known = self.trials()
        if len(known) >= count and not any(trial.state == TrialState.WAITING for trial in known):
            return None
        trial = self.study.ask()
        trial.set_user_attr(process.TAG, process.identity())
        trial.set_user_attr(SEEN, time.time())
        # The storage numbers trials one by one, so that of processes that ask at once all know which came too late.
        if sum(other.number < trial.number for other in self.trials()) >= count:
            self.leave(trial.number, "another process was faster")
            return None
        self.study.sampler = optuna.samplers.TPESampler(seed=zlib.crc32(f"{self.seed} {trial.number}".encode()))
        for name, part in space.items():
            part.suggest(trial, name)
        self._mine[trial.number] = trial
        return trial

    def leave(self, number: int, why: str) -> bool:
        """Ends a trial that does not count.

        Returns:
          Whether it had not ended before.
        """
        study_id = self.storage.get_study_id_from_name(self.name)
        trial_id = self.storage.get_trial_id_from_study_id_trial_number(study_id, number)
        self._mine.pop(number, None)
        try:
            self.storage.set_trial_user_attr(trial_id, UNCOUNTED, why)
            self.study.tell(number, state=TrialState.FAIL)
        except (ValueError, optuna.exceptions.UpdateFinishedTrialError):  # another process has ended it
            return False
        return True

    def give_up(self, number: int, params: Mapping[str, Any], why: str) -> None:
        """Ends a trial that was cut off, and has its settings tried again."""
        if self.leave(number, why):
            self.study.enqueue_trial(dict(params))

    def end(self, trial: optuna.Trial, value: float | None, state: TrialState, **about: Any) -> None:
        """Tells how a trial of this process ended.

        Args:
          trial: Which.
          value: Of the watched metric, where it is complete.
          state: COMPLETE, PRUNED or FAIL.
          **about: What else is to be known of it.
        """
        self._mine.pop(trial.number, None)
        for name, fact in about.items():
            trial.set_user_attr(name, fact)
        self.study.tell(trial, value, state)

    def look_around(self) -> list[int]:
        """Says that this process is there, and gives up trials whose process is not.

        Returns:
          Numbers of those.
        """
        if time.monotonic() - self._seen > SEEN_SECONDS:
            self._seen = time.monotonic()
            for trial in self._mine.values():
                trial.set_user_attr(SEEN, time.time())
        gone = [trial for trial in self.trials() if trial.state == TrialState.RUNNING and is_gone(trial)]
        for trial in gone:
            self.give_up(trial.number, trial.params, "its process is gone")
        return [trial.number for trial in gone]

    def goes_on(self) -> bool:
        """Whether a trial that counts has not ended, here or elsewhere."""
        return any(not trial.state.is_finished() for trial in self.trials())

    def ranked(self) -> list[FrozenTrial]:
        """Trials that count: complete ones, the best first, then pruned and failed ones, then others."""
        sign = -1 if self.higher_is_better else 1
        order = list(STATES)

        def place(trial: FrozenTrial) -> tuple[float, ...]:
            value = trial.value if trial.state == TrialState.COMPLETE else 0.0
            return order.index(trial.state), sign * value, trial.number

        return sorted(self.trials(), key=place)

    def rows(self) -> list[dict[str, Any]]:
        """What there is to be known of each, as `ranked` has them."""
        return [
            {
                "trial": trial.number,
                "state": STATES[trial.state],
                "value": trial.value,
                "settings": trial.params,
                "run_id": trial.user_attrs.get("run_id", ""),
                "reason": trial.user_attrs.get("reason", ""),
            }
            for trial in self.ranked()
        ]

    def best(self) -> FrozenTrial:
        """The complete trial with the best value, the first of equal ones.

        Raises:
          RunError: No trial is complete.
        """
        ranked = self.ranked()
        if ranked and ranked[0].state == TrialState.COMPLETE:
            return ranked[0]
        every = self.trials()
        reasons = [trial.user_attrs["reason"] for trial in every if "reason" in trial.user_attrs]
        last = f"; the last: {reasons[-1]}" if reasons else ""
        raise RunError(f"none of the {len(every)} trials of `{self.name}` came to its end{last}")


def is_gone(trial: FrozenTrial) -> bool:
    """Whether the process of a running trial is not there any more, as far as this machine can tell."""
    owner = trial.user_attrs.get(process.TAG)
    alive = None if owner is None else process.alive(owner)
    if alive is not None:
        return not alive
    begun = trial.datetime_start or datetime.now()
    return time.time() - trial.user_attrs.get(SEEN, begun.timestamp()) > STALE_SECONDS
