"""What a run tells the store arrives in order and once, whatever dies in between."""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from zoo import tracking
from zoo.outbox import Outbox, transient
from zoo.types import Halted, RunError


@pytest.fixture
def client(place: Path) -> MlflowClient:
    return tracking.open_store()


@pytest.fixture
def run_id(client: MlflowClient) -> str:
    return client.create_run(tracking.experiment(client, "x")).info.run_id


def history(client: MlflowClient, run_id: str, name: str = "loss") -> list[tuple[int, float]]:
    return [(each.step, each.value) for each in client.get_metric_history(run_id, name)]


def test_all_kinds_arrive(place: Path, client: MlflowClient, run_id: str):
    box = Outbox(place, run_id, client)
    box.start()
    box.add(params={"units": 3, "name": None})
    box.add(tags={"a": "1", "b": "2"})
    box.add(metrics={"loss": 0.5, "mae": 1e-9}, step=1)
    box.add(metrics={"loss": float("nan")}, step=2)
    box.add(removed="a")
    for name in ("one.txt", "two.txt"):
        file = box.place(name)
        file.write_text(name)
        box.add(file=str(file.relative_to(place)), to="here" if name == "two.txt" else "")
    tags = {"mlflow.data.context": "train"}
    box.add(input={"name": "d", "digest": "1f", "source_type": "code", "source": "{}", "tags": tags})
    box.add(status="FAILED")
    assert box.flush(60) and box.left() == 0
    box.close()
    run = client.get_run(run_id)
    assert run.data.params == {"units": "3", "name": "None"}
    assert "a" not in run.data.tags and run.data.tags["b"] == "2"
    assert run.data.metrics["mae"] == 1e-9 and [step for step, _ in history(client, run_id)] == [1, 2]
    assert run.info.status == "FAILED"
    assert run.inputs.dataset_inputs[0].dataset.digest == "1f"
    assert sorted(each.path for each in client.list_artifacts(run_id)) == ["here", "one.txt"]
    assert list((place / "outbox").iterdir()) == []  # what is sent needs no room any more


def test_what_was_measured_twice_is_recorded_once(place: Path, client: MlflowClient, run_id: str):
    for attempt in range(2):
        box = Outbox(place, run_id, client)
        box.add(metrics={"loss": 0.5, "mae": 1.0}, step=1)
        box.add(metrics={"loss": 0.4} if attempt == 0 else {"loss": 0.4, "mae": 2.0}, step=2)
        assert box.deliver_now()
    assert history(client, run_id) == [(1, 0.5), (2, 0.4)]
    assert history(client, run_id, "mae") == [(1, 1.0), (2, 2.0)]
    assert Outbox(place, run_id, client).last_step("lo") == 2
    assert Outbox(place, run_id, client).last_step("system/") == -1


def test_sending_all_again_changes_nothing(place: Path, client: MlflowClient, run_id: str):
    box = Outbox(place, run_id, client)
    for step in range(5):
        box.add(metrics={"loss": step / 10}, step=step)
        box.add(tags={"at": str(step)})
    assert box.deliver_now()
    for content in ("", "3", "rubbish"):
        (place / "outbox.sent").write_text(content)
        again = Outbox(place, run_id, client)
        assert again.left() == (10 if content != "3" else 7)
        assert again.deliver_now()
        assert history(client, run_id) == [(step, step / 10) for step in range(5)]
        assert client.get_run(run_id).data.tags["at"] == "4"


def test_an_entry_that_was_cut_short_is_dropped_and_the_next_is_whole(place: Path, client: MlflowClient, run_id: str):
    box = Outbox(place, run_id, client)
    box.add(metrics={"loss": 1.0}, step=1)
    box.add(metrics={"loss": 2.0}, step=2)
    journal = place / "outbox.jsonl"
    journal.write_bytes(journal.read_bytes()[:-9])
    again = Outbox(place, run_id, client)
    assert again.left() == 1
    again.add(metrics={"loss": 3.0}, step=3)
    assert again.deliver_now()
    assert history(client, run_id) == [(1, 1.0), (3, 3.0)]
    assert [json.loads(line)["step"] for line in journal.read_text().splitlines()] == [1, 3]


def test_what_the_store_refuses_is_said(place: Path, client: MlflowClient, run_id: str):
    box = Outbox(place, run_id, client)
    box.start()
    box.add(tags={"ok": "1"})
    box.add(metrics={"no such characters: ;": 1.0}, step=1)
    with pytest.raises(RunError, match="the tracking store refuses what the run has to record: Invalid value"):
        box.flush(60)
    with pytest.raises(RunError, match="the tracking store refuses"):
        box.add(tags={"more": "1"})
    assert client.get_run(run_id).data.tags["ok"] == "1"


def test_a_store_that_is_away_is_told_from_one_that_refuses(
    place: Path, client: MlflowClient, run_id: str, monkeypatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(MlflowException) as nobody:
        MlflowClient("http://127.0.0.1:9").get_run(run_id)
    assert transient(nobody.value)
    with pytest.raises(MlflowException) as unknown:
        client.get_run("0" * 32)
    assert not transient(unknown.value)
    assert not transient(OSError(28, "No space left on device"))


def test_training_does_not_wait_for_a_store_that_is_away(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    said: list[str] = []
    box = Outbox(place, "1f" * 16, MlflowClient("http://127.0.0.1:9"), said.append)
    box.start()
    begun = time.monotonic()
    for step in range(50):
        box.add(metrics={"loss": 1.0}, step=step)
    assert not box.flush(20, 0.1)
    box.close()
    assert time.monotonic() - begun < 15
    assert said == [f"the tracking store does not answer; what is to be recorded is kept in {place}"]
    assert len((place / "outbox.jsonl").read_text().splitlines()) == box.left() == 50


def test_no_room_is_one_line(place: Path, client: MlflowClient, run_id: str):
    box = Outbox(place, run_id, client)

    def fill() -> None:
        for step in range(100):
            box.add(metrics={"loss": 1.0}, step=step)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        with pytest.raises(Halted, match=r"there is no room for the record of the run in .* \(File too large, .*free"):
            fill()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    again = Outbox(place, run_id, client)  # the half entry at the end is dropped
    assert again.deliver_now()
    steps = [step for step, _ in history(client, run_id)]
    assert steps == list(range(len(steps))) and len(steps) >= 3


@pytest.mark.slow
def test_a_locked_database_is_waited_for(place: Path, client: MlflowClient, run_id: str, capfd: pytest.CaptureFixture):
    said: list[str] = []
    box = Outbox(place, run_id, client, said.append)
    other = sqlite3.connect(place / "mlflow.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    box.start()
    for step in range(3):
        box.add(metrics={"loss": 1.0}, step=step)
    assert not box.flush(25, 25)  # SQLite itself waits for 20 seconds
    other.execute("COMMIT")
    assert box.flush(60, 60)
    assert [step for step, _ in history(client, run_id)] == [0, 1, 2]
    assert len(said) == 2 and said[1] == "the tracking store answers again"
    assert "locked" not in capfd.readouterr().err


WRITER = """
import sys
from pathlib import Path
from zoo.record import Record
with Record("x", Path("recipe.py"), sys.argv[1], {"units": 3}, "generated", print) as record:
    for epoch in range(40):
        record.epoch({"train_loss": epoch / 10, "val_loss": epoch / 5}, epoch)
        if epoch % 10 == 0:
            record.text(f"text_{epoch}.txt", "words")
"""


@pytest.mark.slow
def test_eight_that_write_at_once_all_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)  # without a store: the eight also make it, and the experiment, at once
    (tmp_path / "recipe.py").write_text("")
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(number)], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        for number in range(8)
    ]
    said = [b"".join(writer.communicate()).decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 8
    assert not [text for text in said if "locked" in text or "Traceback" in text]
    rows = tracking.runs()
    assert sorted((row["name"], row["status"]) for row in rows) == [(str(number), "FINISHED") for number in range(8)]
    client = tracking.open_store()
    for row in rows:
        for name, part in (("train_loss", 10), ("val_loss", 5)):
            expected = [(epoch + 1, epoch / part) for epoch in range(40)]
            assert history(client, row["run_id"], name) == expected
        assert len([each for each in client.list_artifacts(row["run_id"]) if each.path.startswith("text_")]) == 4
