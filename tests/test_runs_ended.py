"""Runs that do not finish: failed, refused by their proof, interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
from test_runs import TINY, artifact, files, of

import zoo
import zoo.export
from zoo import runs, tracking
from zoo.types import RunError


def test_an_error_in_training_ends_the_run_failed_with_its_reason(place: Path):
    with pytest.raises(RunError, match="the training loss is not a number; try a lower learning_rate"):
        zoo.run("adding", sample=True, learning_rate=1e30, batch_size=4, **TINY)
    (row,) = tracking.runs()
    assert row["status"] == "FAILED"
    tags = of(row["run_id"]).data.tags
    assert tags["reason"].startswith("the training loss is not a number")
    assert "export" not in tags and mlflow.active_run() is None
    assert "train_loss" in of(row["run_id"]).data.metrics or "recipe/adding.py" in files(row["run_id"])


def test_an_unforeseen_error_ends_the_run_failed(place: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(runs, "evaluate", broken)
    with pytest.raises(ZeroDivisionError):
        zoo.run("adding", sample=True, **TINY)
    (row,) = tracking.runs()
    assert row["status"] == "FAILED"
    assert of(row["run_id"]).data.tags["reason"] == "ZeroDivisionError('by nothing')"
    assert row["metrics"]["val_loss"] > 0  # what was logged is kept


def test_an_interrupted_run_ends_killed(place: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "train", interrupt)
    with pytest.raises(KeyboardInterrupt):
        zoo.run("adding", sample=True, **TINY)
    (row,) = tracking.runs()
    assert row["status"] == "KILLED"
    assert of(row["run_id"]).data.tags["reason"] == "interrupted"


def test_a_failed_proof_fails_the_run_and_registers_nothing(place: Path, monkeypatch: pytest.MonkeyPatch):
    sound = zoo.export.save

    def save_another(chain: zoo.chain.Chain, directory: Path) -> None:
        weights = chain.network.get_weights()
        chain.network.set_weights([weight + 0.1 for weight in weights])
        sound(chain, directory)
        chain.network.set_weights(weights)

    monkeypatch.setattr(zoo.export, "save", save_another)
    with pytest.raises(
        RunError, match=r"the export was refused, its proof failed: value in a batch .* more in proof.json"
    ):
        zoo.run("adding", **TINY)
    (row,) = tracking.runs()
    run = of(row["run_id"])
    assert row["status"] == "FAILED" and run.data.tags["proof"] == "failed"
    assert run.data.tags["reason"].startswith("the export was refused")
    assert json.loads(artifact(row["run_id"], "proof.json"))["passed"] is False
    assert tracking.open_store().search_registered_models() == []
    assert list((place / "mlruns" / "exports").iterdir()) == []
    with pytest.raises(RunError, match="has no proved export"):
        zoo.load(row["run_id"])


def heed_ctrl_c():
    """A shell's background jobs ignore SIGINT, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_ctrl_c_ends_the_run_killed(place: Path):
    command = [sys.executable, "-m", "zoo", "run", "adding", "--sample", "length=30", "epochs=500"]
    process = subprocess.Popen(
        command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
    )
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == "" and err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err
    (row,) = tracking.runs()
    assert row["status"] == "KILLED" and row["metrics"]["train_loss"] > 0
    assert of(row["run_id"]).data.tags["reason"] == "interrupted"
    assert of(row["run_id"]).data.tags["command"] == "zoo run adding --sample length=30 epochs=500"


@pytest.mark.slow
def test_ctrl_c_while_features_are_computed_ends_the_run_soon(place: Path):
    command = [sys.executable, "-m", "zoo", "run", "spoken_digits", "--sample", "variants=1000"]
    environment = {**os.environ, "ZOO_CACHE": str(place / "cache")}
    process = subprocess.Popen(
        command,
        cwd=place,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=environment,
        preexec_fn=heed_ctrl_c,
    )
    for line in process.stderr:
        if line.startswith("features"):
            break
    time.sleep(5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert tracking.runs()[0]["status"] == "KILLED"
    assert list((place / "cache" / "features").iterdir()) == []
