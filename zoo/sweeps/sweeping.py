"""A sweep: many runs of a recipe with other settings each, of which validation picks one, and only that is tested."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zoo import catalog, process, tracking
from zoo.interrupt import Stop
from zoo.progress import Silent, choose
from zoo.request import Request
from zoo.setting import shown, validate
from zoo.sweeps import space
from zoo.sweeps.parent_run import ParentRun
from zoo.types import RunError, RunResult, UsageError

if TYPE_CHECKING:
    from zoo.sweeps.study import Study
    from zoo.sweeps.trials import Crew

WINNER = "winner"


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """What a finished sweep gives; the same as the last line of `zoo sweep --json`.

    Attributes:
      run_id: MLflow's id of the run that the others are nested in.
      name: Of the sweep and its study.
      recipe: Name of the recipe.
      watch: The validation metric that decided.
      value: Of the best trial.
      settings: Of the best trial, those that were fixed among them.
      winner: The run that was done again with these, and tested.
      trials: A row each, the best first: `trial`, `state`, `value`, the settings that vary, `run_id` and `reason`.
    """

    run_id: str
    name: str
    recipe: str
    watch: str
    value: float
    settings: Mapping[str, Any]
    winner: RunResult
    trials: tuple[Mapping[str, Any], ...]


def sweep(
    recipe: str | Path,
    varied: Mapping[str, Any],
    *,
    trials: int = 20,
    workers: int = 1,
    storage: str | None = None,
    name: str | None = None,
    pruner: Literal["median", "hyperband", "none"] = "median",
    sample: bool = False,
    data: str | Path | None = None,
    manual_dir: str | Path | None = None,
    seed: int = 0,
    limit: int | None = None,
    progress: str = "auto",
    **settings: Any,
) -> SweepResult:
    """Runs a recipe many times with other settings each, and tests the one that is best on validation.

    Each trial is a run in a process of its own, without a test and an export. Optuna picks its settings, and stops it
    early where its epochs say that it will not be the best. The best settings are then run once more, with the same
    seed, and only that run is tested, exported and registered. A sweep that was cut off goes on when it is called again
    in the same way; several processes that are, on one storage and one MLflow server, share the trials.

    Args:
      recipe: A name from `zoo list`, or the path of a recipe file.
      varied: Setting to a tuple (low, high), on a logarithmic scale from a factor of ten on, or to a list of choices.
      trials: How many in all; fewer where there are fewer combinations.
      workers: How many at once here.
      storage: URL of Optuna's database; a SQLite file beside the record without.
      name: Of the sweep; made of what is asked without.
      pruner: Optuna's, on the metric that the recipe's task watches.
      sample: As of `zoo.run`, like all that follow.
      data: As of `zoo.run`.
      manual_dir: As of `zoo.run`.
      seed: As of `zoo.run`; also of the settings that are tried.
      limit: As of `zoo.run`.
      progress: "auto", "plain" or "silent".
      **settings: Those that do not vary.

    Returns:
      The winner and all trials.

    Raises:
      UsageError: A setting, its range, the data or the storage is wrong; nothing was recorded.
      RunError: No trial came to its end, or the winner's run failed.
    """
    file = catalog.find(str(recipe))
    known = catalog.settings(file)
    fixed = validate(known, settings)
    kept = space.check(known, varied, fixed)
    _check(trials, workers, pruner)
    from zoo.sweeps.trials import Crew

    request = Request(
        file=file,
        settings=fixed,
        sample=sample,
        data=None if data is None else Path(data).absolute(),
        manual_dir=None if manual_dir is None else Path(manual_dir).absolute(),
        seed=seed,
        limit=limit,
        test=False,
        trial=True,
    )
    work = _Sweep(request, kept, choose(progress))
    with Stop() as stop:
        crew = Crew(workers, tracking.folder() / "sweeps", stop)
        try:
            return work.run(crew, trials, name, storage, pruner)
        except BaseException as error:
            crew.close("its sweep was stopped")
            work.cut_off(error)
            raise
        finally:
            crew.close("its sweep has ended")
            work.said.close()


def _check(trials: int, workers: int, pruner: str) -> None:
    for option, count in (("trials", trials), ("workers", workers)):
        if count < 1:
            raise UsageError(f"`{option}` must be at least 1, got {count}.")
    if importlib.util.find_spec("optuna") is None:
        raise UsageError("a sweep needs Optuna, which is not installed; install it: pip install 'lstm-zoo[scale]'")
    from zoo.sweeps.study import PRUNERS

    if pruner not in PRUNERS:
        raise UsageError(f"`pruner` must be one of {', '.join(PRUNERS)}, got {pruner!r}.")


class _Sweep:
    """This process's part in a sweep."""

    def __init__(self, request: Request, varied: space.Space, said: Silent):
        self.request, self.varied, self.said = request, varied, said
        self.study: Study | None = None
        self.parent: ParentRun | None = None
        self.watch = ""

    def run(self, crew: Crew, trials: int, name: str | None, url: str | None, pruner: str) -> SweepResult:
        """All of it, from what there is of it already."""
        from zoo.sweeps.study import Study, open_storage

        recipe, fixed = self.request.file.stem, self.request.settings
        self.said.say(f"recipe {self.request.file}")
        seen = crew.look(dataclasses.replace(self.request, settings={**fixed, **space.first(self.varied)}))
        self.watch = seen["watch"]
        asked = self._asked(seen)
        name = name or f"{recipe}-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:8]}"
        points = space.grid(self.varied, trials)
        trials = len(points) or trials
        storage = open_storage(url)
        parent, study = ParentRun(recipe, name), Study(storage, name, self.request.seed, pruner)

        def begin() -> dict[str, Any]:
            ranges = {key: str(part) for key, part in self.varied.items()}
            limit = {} if self.request.limit is None else {"limit": self.request.limit}
            params = {**ranges, **fixed, "seed": self.request.seed, **limit}
            return {"asked": asked, "run_id": parent.begin(params, seen["origin"])}

        about = study.join(seen["mode"], points, begin, parent.drop)
        other = [key for key, value in about["asked"].items() if asked.get(key) != value]
        if other:
            raise UsageError(
                f"the sweep `{name}` was begun with other {' and '.join(other)}; go on with it as it was, or give "
                "another `--name`."
            )
        parent.join(about["run_id"])
        self.parent, self.study, crew.parent = parent, study, parent
        done = study.study.user_attrs.get(WINNER)
        if done is not None and trials > len(study.trials()):
            raise UsageError(
                f"the sweep `{name}` has ended with {len(study.trials())} trials and its winner is tested; for more of "
                "them begin another, by another `--name`."
            )
        if done is None:
            self._do(crew, trials)
            done = self._winner(crew, Study(storage, f"{name} {WINNER}"))
        return self._finish(RunResult(**done))

    def _asked(self, seen: Mapping[str, str]) -> dict[str, Any]:
        """What all processes of a sweep must agree on, by what people call it."""
        file = self.request.file
        return {
            "recipe": file.stem,
            "recipe file": hashlib.sha256(file.read_bytes()).hexdigest()[:16],
            "ranges and choices": {name: str(part) for name, part in self.varied.items()},
            "settings": {name: shown(value) for name, value in self.request.settings.items()},
            "data": f"{seen['origin']} {seen['fingerprint']}",
            "limit": self.request.limit,
            "seed": self.request.seed,
        }

    def _do(self, crew: Crew, trials: int) -> None:
        """All trials."""
        from zoo.sweeps.trials import Job

        done = sum(trial.state.is_finished() for trial in self.study.trials())
        self.said.say(f"sweep {self.parent.name}: {trials} trials, {done} of them done; run {self.parent.run_id[:8]}")
        self.said.start("trials", trials)
        self.said.advance(done)

        def request(params: Mapping[str, Any], name: str) -> Request:
            return dataclasses.replace(self.request, settings={**self.request.settings, **params}, name=name)

        crew.do(Job(study=self.study, count=trials, space=self.varied, request=request, label=str, ended=self._ended))

    def _ended(self, number: int, params: Mapping[str, Any], how: Mapping[str, Any]) -> None:
        text = f"{self.watch} {how['value']:.4f}" if "value" in how else how.get("pruned", "")
        text = f"failed: {how['failed']}" if "failed" in how else text
        settings = " ".join(f"{name}={cell(value)}" for name, value in params.items())
        self.said.advance(1)
        try:
            best = self.study.best()
            so_far = f"best {best.value:.4f}, trial {best.number}"
        except RunError:
            so_far = "none is complete"
        self.said.say(f"trial {number}  {settings}  {text}  ({so_far})")

    def _winner(self, crew: Crew, study: Study) -> dict[str, Any]:
        """The result of the run of the best settings, which is done once, by this process or another."""
        from zoo.sweeps.trials import Job

        best = self.study.best()
        settings = {**self.request.settings, **best.params}
        self.said.say(f"running the best settings again, those of trial {best.number}, with the test")

        def ended(number: int, params: Mapping[str, Any], how: Mapping[str, Any]) -> None:
            if "failed" in how:
                raise RunError(f"the run of the winner failed: {how['failed']}")

        def request(params: Mapping[str, Any], name: str) -> Request:
            return dataclasses.replace(self.request, settings=settings, name=name, test=True, trial=False)

        study.join("max" if self.study.higher_is_better else "min", [], dict)
        crew.do(
            Job(
                study=study,
                count=1,
                space={},
                request=request,
                label=lambda number: WINNER,
                ended=ended,
                failures_count=False,
            )
        )
        result = study.best().user_attrs["result"]
        self.study.study.set_user_attr(WINNER, result)
        return result

    def _finish(self, winner: RunResult) -> SweepResult:
        from zoo.sweeps.picture import picture

        best, rows = self.study.best(), self.study.rows()
        if self.parent.status() != "FINISHED":
            table = [{**row, **row["settings"]} for row in rows]
            table = [{name: value for name, value in row.items() if name != "settings"} for row in table]
            metrics = {**winner.metrics, **winner.baseline, f"best_{self.watch}": best.value}
            self.parent.finish(winner.run_id, metrics, table, picture(self.study, self.watch))
        return SweepResult(
            run_id=self.parent.run_id,
            name=self.parent.name,
            recipe=self.request.file.stem,
            watch=self.watch,
            value=best.value,
            settings={**self.request.settings, **best.params},
            winner=winner,
            trials=tuple(rows),
        )

    def cut_off(self, error: BaseException) -> None:
        """Records that the sweep did not come to its end, if it had begun, and says how it goes on."""
        if self.study is None or self.parent is None:
            return
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self.parent.stop("KILLED", getattr(error, "reason", "interrupted"))
            self.said.say(f"go on with this sweep by the same command: `{process.command('zoo.sweep in Python')}`")
        elif not isinstance(error, UsageError):
            self.parent.stop("FAILED", error)


def cell(value: Any) -> str:
    """A setting's value to four digits, as a line has room for."""
    return f"{value:.4g}" if isinstance(value, float) else shown(value)
