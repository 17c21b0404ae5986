from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from conftest import SETTINGS, Recorded
from mlflow.tracking import MlflowClient

import zoo
from zoo import tracking
from zoo.types import UsageError


def test_runs_are_found_by_id_prefix_and_name(standing: Recorded):
    tiny = standing.tiny.run_id
    assert tracking.find(tiny) == tiny
    assert tracking.find(tiny[:12]) == tiny
    assert tracking.find("tiny") == tiny
    assert tracking.find("whole") == standing.whole.run_id


def test_latest_and_a_recipes_name_mean_the_newest_finished_run(standing: Recorded):
    assert tracking.find("latest") == standing.whole.run_id
    assert tracking.find("adding") == standing.whole.run_id


def made(client: MlflowClient, recipe: str, name: str, status: str, start: int, **params: object) -> str:
    """A run as zoo would have recorded it, ten seconds long."""
    tags = {tracking.RECIPE_TAG: recipe, tracking.DATA_TAG: "generated"}
    run = client.create_run(tracking.experiment(client, recipe), start_time=start, run_name=name, tags=tags)
    for key, value in params.items():
        client.log_param(run.info.run_id, key, value)
    client.log_metric(run.info.run_id, "test_mse", start / 1000)
    client.log_metric(run.info.run_id, "system/cpu", 1.0)
    client.set_terminated(run.info.run_id, status, end_time=start + 10_000)
    return run.info.run_id


def test_failed_runs_are_never_the_latest(place: Path):
    client = tracking.open_store()
    done = made(client, "adding", "done", "FINISHED", 1000)
    failed = made(client, "adding", "failed", "FAILED", 2000)
    other = made(client, "digits", "other", "FINISHED", 500)
    assert tracking.find("latest") == done
    assert tracking.find("adding") == done
    assert tracking.find("digits") == other
    assert tracking.find("failed") == failed


def test_runs_are_listed_newest_first(place: Path):
    client = tracking.open_store()
    one = made(client, "adding", "one", "FINISHED", 1000)
    made(client, "digits", "two", "KILLED", 3000)
    made(client, "adding", "three", "FAILED", 2000)
    assert [row["name"] for row in tracking.runs()] == ["two", "three", "one"]
    assert [row["name"] for row in tracking.runs("adding")] == ["three", "one"]
    assert tracking.runs("adding")[1] == {
        "run_id": one,
        "name": "one",
        "recipe": "adding",
        "data": "generated",
        "status": "FINISHED",
        "started": 1000,
        "seconds": 10.0,
        "metrics": {"test_mse": 1.0},
    }


def test_a_run_that_is_not_there_is_named(standing: Recorded):
    with pytest.raises(
        UsageError, match=r"got 'nothing', and sqlite:///.*mlflow.db has 2 runs and none so named\. See"
    ):
        tracking.find("nothing")


def test_without_a_store_there_is_no_run_and_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"`RUN` must be a run, got 'latest', and .* has no run and none so named"):
        tracking.find("latest")
    assert tracking.runs() == []
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_several_runs_have_is_refused_with_their_ids(place: Path):
    client = tracking.open_store()
    ids = [made(client, "adding", "same", "FINISHED", start) for start in (1000, 2000)]
    with pytest.raises(UsageError, match="`RUN` must mean one run, and 'same' fits 2: ") as caught:
        tracking.find("same")
    assert all(run_id[:8] in str(caught.value) for run_id in ids)
    assert "Give more of the id." in str(caught.value)


def test_comparison_shows_only_the_settings_that_differ(place: Path):
    client = tracking.open_store()
    made(client, "adding", "narrow", "FINISHED", 1000, units=8, epochs=2, seed=0)
    made(client, "adding", "wide", "FINISHED", 2000, units=64, epochs=2, seed=0, limit=10)
    found = zoo.compare(["narrow", "wide"])
    assert [row["name"] for row in found["runs"]] == ["narrow", "wide"]
    assert found["settings"] == {"units": ["8", "64"], "limit": [None, "10"]}
    assert found["metrics"] == {"test_mse": [1.0, 2.0]}


def test_comparison_shows_metrics_that_only_one_run_has(standing: Recorded):
    found = zoo.compare(["tiny", "whole"])
    assert found["settings"] == {}
    assert found["metrics"]["test_mse"] == [pytest.approx(standing.tiny.metrics["test_mse"]), None]
    low, high = found["metrics"]["train_loss"]
    assert low == high
    assert not any(name.startswith("system/") for name in found["metrics"])


def test_store_and_folder_are_in_the_current_folder_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert tracking.uri() == f"sqlite:///{tmp_path}/mlflow.db"
    assert tracking.folder() == tmp_path / "mlruns"
    assert not tracking.exists()
    monkeypatch.setenv("ZOO_RUNS", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5999")
    assert tracking.uri() == "http://127.0.0.1:5999"
    assert tracking.folder() == tmp_path / "elsewhere"
    assert tracking.exists()


def test_artifacts_of_an_experiment_are_in_the_folder(place: Path):
    client = tracking.open_store()
    experiment = tracking.experiment(client, "adding")
    assert tracking.experiment(client, "adding") == experiment
    assert client.get_experiment(experiment).artifact_location == (place / "mlruns" / "adding").as_uri()


@pytest.mark.slow
def test_two_processes_may_make_the_store_together(tmp_path: Path):
    code = "from zoo import tracking; client = tracking.open_store(); print(tracking.experiment(client, '{}'))"
    started = [
        subprocess.Popen([sys.executable, "-c", code.format(name)], cwd=tmp_path, stdout=-1, stderr=-1, text=True)
        for name in ("one", "two", "three")
    ]
    said = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said
    assert sorted(out.strip() for out, _ in said) == ["1", "2", "3"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_a_run_is_recorded_on_a_tracking_server(place: Path, monkeypatch: pytest.MonkeyPatch):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{place}/mlflow.db", "--artifacts-destination", str(place / "kept")]
    server = subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    here = place / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    try:
        for _ in range(120):
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=1):
                    break
            except OSError:
                time.sleep(1)
        result = zoo.run("adding", sample=True, limit=32, progress="silent", **SETTINGS)
        run = MlflowClient(address).get_run(result.run_id)
        assert run.info.status == "FINISHED"
        assert run.data.metrics["test_mse"] == pytest.approx(result.metrics["test_mse"])
        assert tracking.find("latest") == result.run_id
        assert any(path.name == "model_card.md" for path in (place / "kept").rglob("*"))
        assert not (here / "mlflow.db").exists()
        assert [path.name for path in here.iterdir()] == ["mlruns"]
    finally:
        server.terminate()
        server.wait(timeout=30)
