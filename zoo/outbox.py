"""What a run tells the tracking store: put on disk first, then sent in order, once, as soon as the store answers."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from zoo.disk import full, room
from zoo.types import Halted, RunError

LONGEST_PAUSE = 30.0  # seconds between two tries while the store does not answer; MLflow tries a few times in each
MENDABLE = (401, 403, 408, 429)  # a token may be renewed, a queue may empty


class Outbox:
    """The entries of one run, in `outbox.jsonl`; a thread sends them, so that training never waits for the store.

    Sending one twice, as after a death between sending and noting it, leaves the record as sending it once: metrics
    keep the time at which they were measured, and the store takes equal ones for one.

    Args:
      folder: Of the run; files to be sent are in its `outbox`.
      run_id: MLflow's.
      client: Of the store.
      say: Called with a line when the store stops answering, and when it answers again.
    """

    def __init__(self, folder: Path, run_id: str, client: MlflowClient, say: Callable[[str], None] = lambda line: None):
        self.folder, self.run_id, self.client, self.say = folder, run_id, client, say
        self._journal, self._count = folder / "outbox.jsonl", folder / "outbox.sent"
        entries = _read(self._journal)
        self._sent = min(_number(self._count), len(entries))
        self._pending: deque[dict[str, Any]] = deque(entries[self._sent :])
        self._known = {(name, entry["step"]) for entry in entries for name in entry.get("metrics", {})}
        self.entries = len(entries)
        self._condition = threading.Condition()
        self._error: Exception | None = None
        self._away = self._closing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to send."""
        self._thread = threading.Thread(target=self._deliver, name="outbox", daemon=True)
        self._thread.start()

    def add(self, **entry: Any) -> None:
        """Keeps an entry on disk, to be sent.

        Args:
          **entry: `metrics` and `step`, `params`, `tags`, `input`, `file` and `to`, `removed` (a tag), `status`.

        Raises:
          RunError: There is no room for it, or the store refused one before it.
        """
        self._raise()
        entry["at"] = time.time_ns() // 1_000_000
        with self._condition:
            if "metrics" in entry:
                step, metrics = entry["step"], entry["metrics"]
                entry["metrics"] = {name: metrics[name] for name in metrics if (name, step) not in self._known}
                if not entry["metrics"]:  # of an epoch that a resumed run did again
                    return
            with room("the record of the run", self.folder), self._journal.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(entry) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            self.entries += 1
            self._known |= {(name, entry["step"]) for name in entry.get("metrics", {})}
            self._pending.append(entry)
            self._condition.notify_all()

    def place(self, name: str) -> Path:
        """Where to write a file that is to be sent: a new path that ends in `name`."""
        folder = self.folder / "outbox" / f"{self.entries:06d}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def last_step(self, prefix: str) -> int:
        """The highest step of metrics whose names begin so, -1 where there are none."""
        return max((step for name, step in self._known if name.startswith(prefix)), default=-1)

    def flush(self, seconds: float, seconds_away: float = 0.0) -> bool:
        """Waits until all is sent.

        Args:
          seconds: At most.
          seconds_away: At most, once the store is known not to answer.

        Returns:
          Whether all is sent.

        Raises:
          RunError: The store refused an entry.
        """
        begun = time.monotonic()

        def over() -> bool:
            return not self._pending or self._error is not None

        with self._condition:
            while not over() and time.monotonic() - begun < (seconds_away if self._away else seconds):
                self._condition.wait(0.05)
        self._raise()
        return not self._pending

    def close(self) -> None:
        """Stops sending; what is left stays on disk."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        if self._thread is not None and not self._away:
            self._thread.join(1.0)

    def left(self) -> int:
        """Entries that are not sent."""
        return len(self._pending)

    def deliver_now(self) -> bool:
        """Sends what is left from this thread, without waiting for a store that does not answer.

        Returns:
          Whether all is sent.
        """
        while self._pending:
            try:
                self._send(self._pending[0])
            except Exception as error:
                if not transient(error):
                    raise _refused(error) from error
                return False
            self._done()
        return True

    def _deliver(self) -> None:
        pause = 1.0
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._pending or self._closing)
                if not self._pending or self._closing:
                    return
                entry = self._pending[0]
            try:
                self._send(entry)
            except Exception as error:  # SQLite, HTTP and storage of artifacts each have errors of their own
                if not transient(error):
                    with self._condition:
                        self._error = error
                        self._condition.notify_all()
                    return
                self._note(away=True)
                with self._condition:
                    self._condition.wait_for(lambda: self._closing, pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self._note(away=False)
                self._done()
                pause = 1.0

    def _note(self, away: bool) -> None:
        if away and not self._away:
            self.say(f"the tracking store does not answer; what is to be recorded is kept in {self.folder}")
        if self._away and not away:
            self.say("the tracking store answers again")
        self._away = away

    def _done(self) -> None:
        entry = self._pending[0]
        self._sent += 1
        self._count.write_text(str(self._sent))
        if "file" in entry:
            file = self.folder / entry["file"]
            file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # another file is in it
                file.parent.rmdir()
        with self._condition:
            self._pending.popleft()
            self._condition.notify_all()

    def _send(self, entry: dict[str, Any]) -> None:
        run_id, at = self.run_id, entry["at"]
        metrics = [Metric(name, value, at, entry["step"]) for name, value in entry.get("metrics", {}).items()]
        params = [Param(name, str(value)) for name, value in entry.get("params", {}).items()]
        tags = [RunTag(name, value) for name, value in entry.get("tags", {}).items()]
        if metrics or params or tags:
            self.client.log_batch(run_id, metrics=metrics, params=params, tags=tags)
        if "removed" in entry and entry["removed"] in self.client.get_run(run_id).data.tags:
            self.client.delete_tag(run_id, entry["removed"])
        if "input" in entry:
            self.client.log_inputs(run_id, datasets=[_input(**entry["input"])])
        if "file" in entry and (self.folder / entry["file"]).exists():  # one that is not was sent and not noted
            self.client.log_artifact(run_id, str(self.folder / entry["file"]), entry["to"] or None)
        if entry.get("status") == "RUNNING":
            self.client.update_run(run_id, status="RUNNING")
        elif "status" in entry:
            self.client.set_terminated(run_id, entry["status"], at)

    def _raise(self) -> None:
        if self._error is not None:
            raise _refused(self._error) from self._error


def transient(error: Exception) -> bool:
    """Whether a store that raises this may answer later: it is busy, away, or wants a new token."""
    if full(error) is not None:
        return False
    if isinstance(error, MlflowException):
        status = error.get_http_status_code()
        return status >= 500 or status in MENDABLE
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code >= 500 or error.response.status_code in MENDABLE
    return isinstance(error, (requests.RequestException, ConnectionError, TimeoutError))


def _refused(error: Exception) -> RunError:
    if full(error) is not None:
        return Halted(f"there is no room for the record of the run ({full(error)}); free some, and run again")
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return RunError(f"the tracking store refuses what the run has to record: {line}")


def _input(name: str, digest: str, source_type: str, source: str, tags: dict[str, str]) -> DatasetInput:
    return DatasetInput(Dataset(name, digest, source_type, source), [InputTag(*pair) for pair in tags.items()])


def _read(journal: Path) -> list[dict[str, Any]]:
    """Whole entries; a last one that a death has cut short is cut off the file too."""
    if not journal.exists():
        return []
    content = journal.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(journal, len(whole))
    return [json.loads(line) for line in whole.splitlines()]


def _number(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # lost, or cut short: all is sent again, which changes nothing
        return 0
