"""Runs that a signal stops in the middle, in this process, and that go on."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from conftest import SETTINGS, Recorded
from filelock import FileLock
from mlflow.entities import Run

import zoo
from zoo import catalog, process, record, tracking
from zoo.checkpoint import Checkpoints
from zoo.interrupt import Interrupted, Terminated
from zoo.record import Record
from zoo.types import RunError, UsageError

TINY = {"sample": True, "name": "tiny", "seed": 3, "limit": 64, "progress": "silent", **SETTINGS}  # as of `recorded`


def of(run_id: str) -> Run:
    return tracking.open_store().get_run(run_id)


def curves(run_id: str) -> dict[str, list[tuple[int, float]]]:
    """Every metric's history but for those of time and of the machine."""
    client = tracking.open_store()
    names = [
        name
        for name in of(run_id).data.metrics
        if not name.startswith("system/") and name not in ("seconds", "latency_ms")
    ]
    return {name: [(each.step, each.value) for each in client.get_metric_history(run_id, name)] for name in names}


def weights(export: str) -> list[tuple[tuple[int, ...], bytes]]:
    """Shape and bytes of every weight; sorted, since the numbers in their names follow no order."""
    stored = tf.train.load_checkpoint(f"{export}/variables/variables")
    names = [name for name in stored.get_variable_to_shape_map() if "variables/" in name]
    return sorted((stored.get_tensor(name).shape, stored.get_tensor(name).tobytes()) for name in names)


def signal_in(monkeypatch: pytest.MonkeyPatch, where: str, number: int, after: int = 1) -> None:
    """Has this process send itself a signal at the end of the call number `after` of a record's method.

    What the record has to say then may take as long as it takes: this process lives on, so nothing else marks the run.
    """
    monkeypatch.setattr(record, "SECONDS_KILLED", record.SECONDS)
    plain = getattr(Record, where)
    calls = []

    def with_signal(self: Record, *arguments: Any, **options: Any) -> Any:
        done = plain(self, *arguments, **options)
        calls.append(1)
        if len(calls) == after:
            os.kill(os.getpid(), number)
        return done

    monkeypatch.setattr(Record, where, with_signal)


def stopped(monkeypatch: pytest.MonkeyPatch, number: int = signal.SIGINT, **options: Any) -> str:
    """Id of a run that a signal stopped after its first epoch."""
    with monkeypatch.context() as patch:
        signal_in(patch, "epoch", number)
        with pytest.raises((Interrupted, Terminated)):
            zoo.run("adding", **{**TINY, **options})
    return tracking.runs()[0]["run_id"]


@pytest.mark.parametrize(
    ("number", "reason", "code"),
    [(signal.SIGINT, "interrupted", None), (signal.SIGTERM, "terminated (SIGTERM)", 143)],
)
def test_stopped_and_resumed_a_run_ends_as_if_it_had_not_been(
    place: Path, recorded: Recorded, monkeypatch: pytest.MonkeyPatch, number: int, reason: str, code: int | None
):
    with monkeypatch.context() as patch:
        signal_in(patch, "epoch", number)
        with pytest.raises((Interrupted, Terminated)) as caught:
            zoo.run("adding", **TINY)
    assert getattr(caught.value, "code", None) == code
    (row,) = tracking.runs()
    run_id = row["run_id"]
    assert row["status"] == "KILLED" and of(run_id).data.tags["reason"] == reason
    assert [step for step, _ in curves(run_id)["train_loss"]] == [1]
    assert Checkpoints(place / "mlruns" / "checkpoints" / run_id).latest().state["epoch"] == 1

    result = zoo.resume("tiny", progress="silent")
    assert (result.run_id, result.name) == (run_id, "tiny")
    assert (result.metrics, result.baseline) == (recorded.tiny.metrics, recorded.tiny.baseline)
    (row,) = tracking.runs()
    assert row["status"] == "FINISHED" and row["run_id"] == run_id
    tags = of(run_id).data.tags
    assert "reason" not in tags and tags["resumed_by"] == "zoo.run in Python"
    mine, params, files = curves(run_id), of(run_id).data.params, sorted(result.kernels)
    ended = weights(result.export)
    assert not (place / "mlruns" / "checkpoints" / run_id).exists()
    monkeypatch.chdir(recorded.folder)
    assert mine == curves(recorded.tiny.run_id)
    assert params == of(recorded.tiny.run_id).data.params and files == sorted(recorded.tiny.kernels)
    expected = weights(recorded.tiny.export)
    assert ended == expected and len(expected) >= 5


STAGES = {"evaluation": ("table", 1), "export": ("text", 2)}  # the second text is the proof of the export


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_stopped_behind_training_only_the_rest_is_done(
    place: Path, recorded: Recorded, monkeypatch: pytest.MonkeyPatch, stage: str
):
    where, count = STAGES[stage]
    with monkeypatch.context() as patch:
        signal_in(patch, where, signal.SIGINT, count)
        with pytest.raises(KeyboardInterrupt):
            zoo.run("adding", **TINY)
    (row,) = tracking.runs()
    assert row["status"] == "KILLED"
    result = zoo.resume("latest", progress="silent")
    assert result.metrics == recorded.tiny.metrics and result.kernels == recorded.tiny.kernels
    mine = curves(row["run_id"])
    monkeypatch.chdir(recorded.folder)
    assert mine == curves(recorded.tiny.run_id)


def test_a_torn_checkpoint_is_passed_over(place: Path, recorded: Recorded, monkeypatch: pytest.MonkeyPatch):
    settings = {**SETTINGS, "epochs": 3}
    with monkeypatch.context() as patch:
        signal_in(patch, "epoch", signal.SIGINT, after=2)
        with pytest.raises(KeyboardInterrupt):
            zoo.run("adding", **{**TINY, **settings})
    (row,) = tracking.runs()
    last = Checkpoints(place / "mlruns" / "checkpoints" / row["run_id"]).files()[-1]
    last.write_bytes(last.read_bytes()[:-100])
    zoo.resume("tiny", progress="silent")
    found = curves(row["run_id"])
    assert [step for step, _ in found["train_loss"]] == [1, 2, 3]  # the second epoch was done twice, and logged once
    whole = zoo.run("adding", **{**TINY, **settings, "name": "whole"})
    assert found == curves(whole.run_id)


@pytest.mark.slow
def test_the_recipe_is_the_one_that_the_run_began_with(place: Path, monkeypatch: pytest.MonkeyPatch):
    file = place / "mine.py"
    file.write_bytes(catalog.find("adding").read_bytes())
    with monkeypatch.context() as patch:
        signal_in(patch, "epoch", signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            zoo.run(file, **TINY)
    file.write_text("broken")
    assert zoo.resume("latest", progress="silent").recipe == "mine"


@pytest.mark.slow
def test_what_was_asked_for_is_kept(place: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = stopped(monkeypatch)
    kept = json.loads((place / "mlruns" / "checkpoints" / run_id / "request.json").read_text())
    dataset = zoo.runs.load_data(catalog.load(catalog.find("adding"), SETTINGS), sample=True, seed=3, limit=64)
    assert kept == {
        "file": "adding.py",
        "settings": SETTINGS,
        "sample": True,
        "data": None,
        "manual_dir": None,
        "seed": 3,
        "name": "tiny",
        "limit": 64,
        "test": True,
        "require_cudnn": False,
        "fingerprint": dataset.fingerprint,
    }


def test_other_data_is_refused_and_the_run_left_as_it_is(place: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = stopped(monkeypatch)
    load = zoo.runs.load_data

    def changed(*arguments: Any, **options: Any) -> Any:
        return dataclasses.replace(load(*arguments, **options), fingerprint="another")

    monkeypatch.setattr(zoo.runs, "load_data", changed)
    with pytest.raises(
        UsageError, match=r"the data of a resumed run must be as it was, .* \(fingerprint .*, another now"
    ):
        zoo.resume(run_id, progress="silent")
    assert of(run_id).info.status == "KILLED" and of(run_id).data.tags["reason"] == "interrupted"


def test_other_features_are_refused(place: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = stopped(monkeypatch)
    monkeypatch.setattr("zoo.features.state_key", lambda chain: "another")
    with pytest.raises(RunError, match="the layers before the network are not those of the checkpoint"):
        zoo.resume(run_id, progress="silent")


def test_what_cannot_be_resumed_says_why(standing: Recorded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with pytest.raises(UsageError, match=f"run {standing.tiny.run_id[:8]} has finished, there is nothing to resume"):
        zoo.resume("tiny")
    with pytest.raises(UsageError, match=r"no run in sqlite:.* was cut off and can be resumed here"):
        zoo.resume("latest")
    with pytest.raises(UsageError, match="`RUN` must be a run, got 'nothing'"):
        zoo.resume("nothing")


def test_a_run_whose_folder_is_gone_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = stopped(monkeypatch)
    shutil.rmtree(place / "mlruns" / "checkpoints" / run_id)
    with pytest.raises(RunError, match=rf"run {run_id[:8]} has no checkpoints in .*; resume it where it ran, or start"):
        zoo.resume(run_id)


def test_a_run_that_goes_on_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = stopped(monkeypatch)
    with (
        FileLock(place / "mlruns" / "checkpoints" / run_id / "lock", is_singleton=False),
        pytest.raises(UsageError, match=f"run {run_id[:8]} goes on in another process; see `zoo runs`"),
    ):
        zoo.resume(run_id, progress="silent")
    client = tracking.open_store()
    client.set_tag(run_id, process.TAG, process.identity())
    client.update_run(run_id, status="RUNNING")
    with pytest.raises(UsageError, match=f"run {run_id[:8]} goes on in process {os.getpid()} on "):
        zoo.resume(run_id, progress="silent")
