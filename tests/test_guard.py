"""A served model answers what is well formed, and says in one line of a 4xx what is wrong with all else."""

from __future__ import annotations

import base64
import http.client
import json
import pickle
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
import uvicorn
from mlflow.pyfunc.scoring_server import init

from zoo import catalog, guard, served
from zoo.chain import Chain
from zoo.check import random_data
from zoo.export import save
from zoo.guard import Guard, reason
from zoo.types import RunError, UsageError

SETTINGS = {
    "adding": {"units": 4},
    "sst2": {"units": 4, "embedding": 4, "buckets": 50},
    "spoken_digits": {"units": 4, "layers": 1, "heads": 2, "mel": 8},
}
JSON = {"Content-Type": "application/json"}


def export(recipe: str, folder: Path) -> Path:
    """Of an untrained network; what it answers does not matter here, only that it does."""
    keras.utils.set_random_seed(2)
    made = catalog.load(catalog.find(recipe), SETTINGS[recipe])
    data = random_data(made)
    chain = Chain(made, data.input, data.target, data.splits["train"])
    chain.function()
    save(chain, folder)
    return folder


class Served:
    """A server in a thread, and how to talk to it."""

    def __init__(self, folder: Path, scratch: Path, **limits: Any):
        app = Guard(init(served.of_export(folder, scratch)), **limits)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="critical"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.05)

    def ask(self, body: bytes | str, headers: dict[str, str] = JSON, path: str = "/invocations") -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        assert response.status < 500, content
        return response.status, json.loads(content)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture(scope="module", params=["adding", "sst2", "spoken_digits"])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def running(name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp(name)
    made = Served(export(name, folder / "export"), folder, most_bytes=300_000, seconds=2)
    yield made
    made.stop()


def audio(content: bytes) -> dict[str, Any]:
    return {"dataframe_split": {"columns": ["audio"], "data": [[base64.b64encode(content).decode()]]}}


def sound() -> bytes:
    return tf.audio.encode_wav(np.zeros((4000, 1), np.float32), 8000).numpy()


GOOD = {
    "adding": {"inputs": {"values": [[[0.5, 1.0], [0.1, 0.0]]], "length": [2]}},
    "sst2": {"dataframe_split": {"columns": ["text"], "data": [["What a film!"]]}},
    "spoken_digits": audio(sound()),
}
BAD = {
    "adding": {
        "a ragged list": {"inputs": {"values": [[[0.5, 1.0], [0.1]]], "length": [2]}},
        "another shape": {"inputs": {"values": [[0.5, 1.0]], "length": [2]}},
        "words": {"inputs": {"values": [[["a", "b"]]], "length": [1]}},
        "NaN": {"inputs": {"values": [[[float("nan"), 1.0]]], "length": [1]}},
        "infinity": {"inputs": {"values": [[[float("inf"), 1.0]]], "length": [1]}},
        "a missing input": {"inputs": {"values": [[[0.5, 1.0]]]}},
        "a list": {"inputs": [1, 2, 3]},
        "lengths of others": {"inputs": {"values": [[[0.5, 1.0]]], "length": [1, 1]}},
        "an object": {"inputs": {"values": {"a": 1}, "length": [1]}},
    },
    "sst2": {
        "a number": {"dataframe_split": {"columns": ["text"], "data": [[3]]}},
        "another column": {"dataframe_split": {"columns": ["words"], "data": [["a"]]}},
        "nothing": {"dataframe_split": {"columns": ["text"], "data": [[None]]}},
        "an object": {"dataframe_split": {"columns": ["text"], "data": [[{"a": 1}]]}},
        "half a table": {"dataframe_split": {"columns": ["text"]}},
    },
    "spoken_digits": {
        "no audio": audio(b"rubbish"),
        "a pickle": audio(pickle.dumps({"a": 1})),
        "a path": audio(b"/etc/passwd"),
        "another rate": audio(tf.audio.encode_wav(np.zeros((4000, 1), np.float32), 11025).numpy()),
        "half a file": audio(sound()[:30]),
        "no base64": {"dataframe_split": {"columns": ["audio"], "data": [["file:///etc/passwd"]]}},
        "nothing": {"dataframe_split": {"columns": ["audio"], "data": [[""]]}},
    },
}
BODIES = {
    "nothing": "",
    "no JSON": "{'inputs'",
    "a list": "[1, 2]",
    "a string": '"inputs"',
    "null": "null",
    "an unknown key": '{"questions": [1]}',
    "two keys": '{"inputs": [1], "instances": [1]}',
    "no UTF-8": b'{"inputs": "\xff\xfe"}',
    "a pickle": pickle.dumps([1, 2, 3]),
    "deep nesting": "[" * 100_000,
    "a long number": '{"inputs": ' + "9" * 5_000 + "}",
    "zeros": b"\0" * 1_000,
    "a path": "/etc/passwd",
}


def refused(answer: tuple[int, Any]) -> str:
    status, told = answer
    assert 400 <= status < 500 and list(told) == ["error"]
    line = told["error"]
    assert line and "\n" not in line and len(line) < 310 and "Traceback" not in line and "site-packages" not in line
    return line


def test_what_is_well_formed_is_answered(name: str, running: Served):
    status, told = running.ask(json.dumps(GOOD[name]))
    assert status == 200 and len(told["predictions"]) == 1


def test_what_is_malformed_is_refused_with_a_reason_and_the_server_goes_on(name: str, running: Served):
    before = running.ask(json.dumps(GOOD[name]))
    for what, body in BODIES.items():
        assert refused(running.ask(body)), what
    for what, body in BAD[name].items():
        assert refused(running.ask(json.dumps(body))), what
    for headers in ({}, {"Content-Type": "application/x-python-pickle"}, {"Content-Type": "text/csv; charset=latin-1"}):
        assert refused(running.ask(json.dumps(GOOD[name]), headers))
    assert running.ask(json.dumps(GOOD[name])) == before


def test_reasons_name_what_is_wrong(name: str, running: Served):
    told = {what: refused(running.ask(json.dumps(body))) for what, body in BAD[name].items()}
    if name == "adding":
        assert told["NaN"] == told["infinity"] == "`values` must be finite numbers, and it has others"
        assert "length" in told["a missing input"]
    if name == "sst2":
        assert "text" in told["another column"]
    if name == "spoken_digits":
        assert "11025" in told["another rate"] and "8000" in told["another rate"]
    assert "JSON" in refused(running.ask("{'inputs'"))


def test_too_much_is_refused_before_it_is_read(running: Served):
    line = refused(running.ask(b"x" * 400_000))
    assert line == "a request may have 0.286102 MiB, this one has more; send several"
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as plain:  # says 100 MB and sends a little
        plain.sendall(b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nabc")
        assert plain.recv(100).startswith(b"HTTP/1.1 413 ")
    assert time.monotonic() - begun < 5
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as plain:  # and one that does not say
        plain.sendall(b"POST /invocations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            plain.sendall(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_slow_sender_is_cut_off_and_others_are_answered_meanwhile(name: str, running: Served):
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as slow:
        slow.sendall(b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx")
        assert running.ask(json.dumps(GOOD[name]))[0] == 200
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


def test_rubbish_that_is_no_http_does_no_harm(name: str, running: Served):
    for rubbish in (b"\0" * 100, b"GET / HTTP/9.9\r\n\r\n", b"POST /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as plain:
            plain.sendall(rubbish)
            plain.shutdown(socket.SHUT_WR)
            answer = plain.recv(4096)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 3"))
    assert running.ask(json.dumps(GOOD[name]))[0] == 200


def test_only_the_machine_itself_is_listened_to(running: Served):
    ours = [
        each
        for each in psutil.Process().net_connections()
        if each.status == "LISTEN" and each.laddr.port == running.port
    ]
    assert [each.laddr.ip for each in ours] == ["127.0.0.1"]


def test_the_stack_and_the_echo_are_left_out():
    stack = "Traceback (most recent):\n  File x\nfoo.InvalidArgumentError: {{function_node f}} a b\n [[{{node n}}]]"
    assert reason(json.dumps({"message": "Encountered", "stack_trace": stack}).encode()) == "a b"
    echo = "Failed to predict data 'secret'. \nError: Failed to enforce schema of data 'x'"
    assert reason(json.dumps({"message": echo}).encode()) == "Failed to enforce schema of data 'x'"
    assert reason(b"plain") == "plain" and reason(b"") == "it cannot be answered" and reason(b"[1]") == "[1]"
    assert len(reason(b"x" * 10_000)) == guard.LONGEST + 3


def test_a_graph_that_reads_files_is_not_loaded(tmp_path: Path):
    class Reader(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def read(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"text": tf.map_fn(tf.io.read_file, text)}

    module = Reader()
    tf.saved_model.save(module, str(tmp_path / "bad"), signatures={"serving_default": module.read})
    with pytest.raises(UsageError, match=r"must be an export of the zoo, and it has no model.json"):
        served.check(tmp_path / "bad")
    (tmp_path / "bad" / "model.json").write_text('{"kind": "text"}')
    with pytest.raises(RunError, match=r"is not loaded: its graph would do more than compute \(ReadFile\)"):
        served.of_export(tmp_path / "bad", tmp_path / "scratch")
    (tmp_path / "bad" / "saved_model.pb").write_bytes(b"rubbish")
    with pytest.raises(RunError, match=r"cannot be read: saved_model.pb is damaged; export it again"):
        served.check(tmp_path / "bad")


def test_code_that_lies_beside_a_model_is_not_run(tmp_path: Path, name: str):
    folder = export(name, tmp_path / "logged" / "artifacts" / "export")
    bomb = f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
    for place in (tmp_path / "logged" / "mlflow_model.py", folder / "mlflow_model.py", folder / "sitecustomize.py"):
        place.write_text(bomb)
    (tmp_path / "logged" / "python_model.pkl").write_bytes(pickle.dumps(1))
    assert served.fetched((tmp_path / "logged").as_uri()) == folder
    served.of_export(folder, tmp_path / "scratch")
    assert not (tmp_path / "ran").exists()
