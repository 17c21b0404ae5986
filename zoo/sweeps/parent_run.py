"""The run of a sweep in MLflow: what its trials are nested in, and what it shows of them at its end."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from mlflow.entities import Metric, Param, Run
from mlflow.exceptions import MlflowException
from mlflow.tracking.context import registry as context_registry
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS, MLFLOW_PARENT_RUN_ID

from zoo import process, tracking
from zoo.outbox import transient
from zoo.setting import shown
from zoo.types import RunError, UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SWEEP_TAG, TRIAL_TAG, WINNER_TAG = "sweep", "trial", "winner"
TABLE = {"path": "trials.json", "type": "table"}  # for MLflow's pages


class ParentRun:
    """The run of a sweep; several processes may work on it.

    Args:
      recipe: Name of the recipe, whose experiment it is in.
      name: Of the sweep.
    """

    def __init__(self, recipe: str, name: str):
        with tracking.reached():
            self.client = tracking.open_store()
            self.experiment = tracking.experiment(self.client, recipe)
        self.recipe, self.name, self.run_id = recipe, name, ""

    def begin(self, params: Mapping[str, Any], data: str) -> str:
        """Makes the run.

        Args:
          params: What varies, and what is fixed.
          data: Where the data comes from.

        Returns:
          Its id.
        """
        command = process.command("zoo.sweep in Python")
        tags = {
            tracking.RECIPE_TAG: f"sweep of {self.recipe}",  # it is no run of the recipe to be compared with others
            tracking.DATA_TAG: data,
            SWEEP_TAG: self.name,
            process.TAG: process.identity(),
            "command": command,
            "mlflow.source.name": command,
            "mlflow.runName": self.name,
        }
        with tracking.reached():
            run = self.client.create_run(self.experiment, tags=context_registry.resolve_tags(tags), run_name=self.name)
            self.run_id = run.info.run_id
            self.client.log_batch(self.run_id, params=[Param(name, shown(value)) for name, value in params.items()])
        return self.run_id

    def drop(self) -> None:
        """Takes the run back, where another process has begun the same sweep."""
        self.client.delete_run(self.run_id)

    def join(self, run_id: str) -> None:
        """Goes on with the run that the sweep has.

        Raises:
          UsageError: It is in another store.
        """
        self.run_id = run_id
        try:
            with tracking.reached():
                tracking.mark_dead(self.client, [self.experiment])
                self.client.get_run(run_id)
        except MlflowException as error:
            raise UsageError(
                f"the sweep `{self.name}` has its run {run_id[:8]} in another record than {tracking.shown_uri()}; set "
                "MLFLOW_TRACKING_URI to that, or give another `--name`."
            ) from error

    def status(self) -> str:
        """Of the run."""
        with tracking.reached():
            return self.client.get_run(self.run_id).info.status

    def go_on(self) -> None:
        """Says that this process works on it, unless one already does."""
        with self._if_it_answers():
            run = self.client.get_run(self.run_id)
            if run.info.status not in ("RUNNING", "FINISHED"):
                if "reason" in run.data.tags:
                    self.client.delete_tag(self.run_id, "reason")
                self.client.set_tag(self.run_id, process.TAG, process.identity())
                self.client.update_run(self.run_id, status="RUNNING")

    def tags(self, trial: str) -> dict[str, str]:
        """Those of the run of a trial."""
        return {MLFLOW_PARENT_RUN_ID: self.run_id, SWEEP_TAG: self.name, TRIAL_TAG: trial}

    def child(self, trial: str) -> Run | None:
        """The newest run of a trial."""
        query = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{self.run_id}' and tags.{TRIAL_TAG} = '{trial}'"
        found = self.client.search_runs([self.experiment], query, max_results=1)
        return found[0] if found else None

    def ended(self, trial: str, failed: str | None) -> str:
        """Puts right what a trial whose process has ended left in its run.

        Args:
          trial: Its tag.
          failed: Why it failed; None where it did not.

        Returns:
          Id of its run, "" where it came to none or the store does not answer.
        """
        with self._if_it_answers():
            tracking.mark_dead(self.client, [self.experiment])
            run = self.child(trial)
            if run is None:
                return ""
            if failed is not None and run.info.status != "FAILED":
                self.client.set_tag(run.info.run_id, "reason", tracking.reason(failed))
                self.client.set_terminated(run.info.run_id, "FAILED")
            return run.info.run_id
        return ""

    def finish(
        self, winner: str, metrics: Mapping[str, float], rows: Sequence[Mapping[str, Any]], figure: Figure | None
    ) -> None:
        """Shows the winner and all trials, and ends the run.

        Args:
          winner: Id of the winner's run, which was tested.
          metrics: Of that.
          rows: A trial each.
          figure: A picture of them.
        """
        with tracking.reached():
            self.client.set_tag(self.run_id, WINNER_TAG, winner)
            now = int(1000 * time.time())
            self.client.log_batch(self.run_id, [Metric(name, value, now, 0) for name, value in metrics.items()])
            table = pd.DataFrame(list(rows)).to_json(orient="split", index=False)
            self.client.log_text(self.run_id, table, "trials.json")
            self.client.set_tag(self.run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([TABLE]))
            if figure is not None:
                self.client.log_figure(self.run_id, figure, "pictures/sweep.png")
            self.client.set_terminated(self.run_id, "FINISHED")

    def stop(self, status: str, why: BaseException | str) -> None:
        """Ends the run before its end, as KILLED or FAILED."""
        with self._if_it_answers():
            tracking.mark_dead(self.client, [self.experiment])
            self.client.set_tag(self.run_id, "reason", tracking.reason(why))
            self.client.set_terminated(self.run_id, status)

    @contextlib.contextmanager
    def _if_it_answers(self) -> Iterator[None]:
        """A store that does not answer does not end a sweep, whose own storage has all that counts."""
        try:
            yield
        except (MlflowException, RunError) as error:
            if isinstance(error, MlflowException) and not transient(error):
                raise
