"""A tracking server that goes away in the middle of a run: the run goes on, and the record is whole in the end."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_resume import curves, of
from test_resume_processes import begun

import zoo
from zoo import tracking
from zoo.types import Halted

pytestmark = pytest.mark.slow
ARGUMENTS = ["run", "adding", "--sample", "length=30", "sequences=2000", "units=8", "--limit", "400", "--seed", "4"]


class Server:
    """MLflow's own, with a database of its own, which outlives it."""

    def __init__(self, folder: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder, self.process = folder, None
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        store = ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"]
        kept = ["--artifacts-destination", str(self.folder / "kept"), "--workers", "1"]
        command = [sys.executable, "-m", "mlflow", "server", *store, *kept, "--port", str(self.port)]
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.uri}/health", timeout=2).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
            else:
                return
        raise AssertionError((self.folder / "server.log").read_text()[-2000:])

    def kill(self) -> None:
        if self.process is not None:
            subprocess.run(["kill", "-KILL", "--", f"-{self.process.pid}"], check=False)
            self.process.wait()


@pytest.fixture
def server(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    (place / "server").mkdir()
    (place / "mlflow.db").rename(place / "server" / "mlflow.db")
    made = Server(place / "server")
    made.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", made.uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    yield made
    made.kill()


def complete(run_id: str, epochs: int) -> None:
    run, found = of(run_id), curves(run_id)
    assert run.info.status == "FINISHED"
    assert found["train_loss"] == sorted(found["train_loss"])
    for name in ("train_loss", "val_loss", "train_mae", "val_mae"):
        assert [step for step, _ in found[name]] == list(range(1, epochs + 1))
        times = [each.timestamp for each in tracking.open_store().get_metric_history(run_id, name)]
        assert times == sorted(times)
    assert all(len(points) == 1 for name, points in found.items() if name.startswith(("test_", "baseline_", "kept_")))
    assert {"proof", "export", "kernels"} <= run.data.tags.keys()
    kept = {each.path for each in tracking.open_store().list_artifacts(run_id)}
    assert {"model_card.md", "pictures", "recipe", "proof.json", "test_examples.json"} <= kept
    assert len(tracking.open_store().search_logged_models([run.info.experiment_id])) == 1
    assert not tracking.run_folder(run_id).exists()


def test_a_server_that_comes_back_gets_what_it_missed(place: Path, server: Server):
    said: list[str] = []
    with begun(place, [*ARGUMENTS, "epochs=60"], "epoch 2/") as running:
        server.kill()
        for line in running.stderr:
            said.append(line.strip())
            if line.startswith("epoch 30/"):
                break
        server.start()
        said += [line.strip() for line in running.stderr]
    assert running.returncode == 0, said
    assert [line for line in said if "the tracking store" in line] == [
        f"the tracking store does not answer; what is to be recorded is kept in {tracking.run_folder(of_only())}",
        "the tracking store answers again",
    ]
    complete(of_only(), 60)


def of_only() -> str:
    (row,) = tracking.runs()
    return row["run_id"]


def test_one_that_stays_away_gets_it_when_the_run_is_resumed(place: Path, server: Server):
    with begun(place, [*ARGUMENTS, "epochs=5"], "epoch 2/") as running:
        server.kill()
        said = running.stderr.read()
    assert running.returncode == 1
    assert "the tracking store does not answer, and the run has a model for it" in said.splitlines()[-1]
    with pytest.raises(Halted, match=f"the tracking store {server.uri} does not answer; start it, or unset"):
        zoo.resume("latest")
    server.start()
    (row,) = tracking.runs()
    assert row["status"] == "FAILED" and zoo.resume(row["run_id"], progress="silent").run_id == row["run_id"]
    complete(row["run_id"], 5)


def test_without_a_server_nothing_is_begun(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(Halted) as caught:
        zoo.run("adding", sample=True, limit=30, length=20, progress="silent")
    assert "http://...127.0.0.1:9 does not answer; start it, or unset MLFLOW_TRACKING_URI" in str(caught.value)
    assert "secret" not in str(caught.value) and not (place / "mlruns" / "checkpoints").exists()


SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "h4sh-of-the-store",
    "HF_TOKEN": "t0ken-of-a-hub",
    "OWN_PASSWORD": "pa55-of-a-user",
}


def test_no_secret_is_written_down(place: Path, server: Server, monkeypatch: pytest.MonkeyPatch):
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri.replace("//", "//somebody:pa55-of-the-server@"))
    ended = subprocess.run(
        [sys.executable, "-m", "zoo", *ARGUMENTS, "epochs=2"], cwd=place, capture_output=True, text=True, check=True
    )
    told = ended.stdout + ended.stderr
    for command in (["doctor"], ["runs", "--json"], ["predict", "latest", str(place / "none.wav")]):
        ended = subprocess.run([sys.executable, "-m", "zoo", *command], cwd=place, capture_output=True, text=True)
        told += ended.stdout + ended.stderr
    complete(of_only(), 2)
    for secret in (*SECRETS.values(), "pa55-of-the-server", "somebody"):
        assert secret not in told
        assert [file for file in place.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()] == []
