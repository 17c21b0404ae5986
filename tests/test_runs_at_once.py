"""Many processes that write to one record at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from zoo import tracking

RUNS, EPOCHS = 8, 3
COMMAND = [sys.executable, "-m", "zoo", "run", "adding", "length=20", "sequences=200", "units=4", f"epochs={EPOCHS}"]


@pytest.mark.slow
def test_eight_runs_at_once_are_each_recorded_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In a folder without a record, so that all of them come to make it."""
    monkeypatch.chdir(tmp_path)
    running = [
        subprocess.Popen(
            [*COMMAND, "--seed", str(seed), "--name", f"run {seed}", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(RUNS)
    ]
    said = [each.communicate() for each in running]
    assert [each.returncode for each in running] == [0] * RUNS, said
    assert not [err for _, err in said if "locked" in err or "Traceback" in err]
    results = [json.loads(out.splitlines()[-1]) for out, _ in said]

    rows = {row["run_id"]: row for row in tracking.runs()}
    client = MlflowClient(tracking.uri())
    assert sorted(rows) == sorted(result["run_id"] for result in results)
    for seed, result in enumerate(results):
        run = client.get_run(result["run_id"])
        assert (run.info.run_name, run.info.status) == (f"run {seed}", "FINISHED")
        assert {name: run.data.metrics[name] for name in result["metrics"]} == pytest.approx(result["metrics"])
        history = client.get_metric_history(result["run_id"], "train_loss")
        assert [each.step for each in history] == list(range(1, EPOCHS + 1))
        assert (Path(result["export"]) / "proof.json").is_file()
    versions = client.search_model_versions("name='adding'")
    assert {version.run_id for version in versions} == set(rows) and len(versions) == RUNS
