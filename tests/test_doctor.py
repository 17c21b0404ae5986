from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from zoo import catalog
from zoo import doctor as module
from zoo.doctor import Finding, doctor, requirements

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    return tmp_path


def found(what: str) -> Finding:
    return next(finding for finding in doctor() if finding.what == what)


def test_everything_is_examined_and_works_here(place):
    findings = doctor()
    assert [finding.what for finding in findings if not finding.ok] == []
    names = [finding.what for finding in findings]
    assert {"Python", "tensorflow", "importlib_resources", "recipes", "GPU and cuDNN", "MLflow store"} <= set(names)
    assert {"audio files", "cache", "disk"} <= set(names)
    assert len(names) == len(set(names))
    details = {finding.what: finding.detail for finding in findings}
    assert details["recipes"] == f"{len(catalog.names())} in {catalog.folder()}"
    assert details["audio files"].startswith("wav, flac, ogg, mp3 by ")
    assert details["MLflow store"] == f"sqlite:///{place / 'mlflow.db'}: none yet, the first run makes it"
    assert not (place / "mlflow.db").exists()


def test_requirements_are_those_of_setup_cfg():
    import configparser

    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    lines = [line for line in config["options"]["install_requires"].splitlines() if line and line[0] != "#"]
    assert [str(each) for each in requirements()] == [str(Requirement(line)) for line in lines]
    assert [each.name for each in requirements("cuda")] == ["tensorflow"]
    assert module._quoted(requirements("cuda")[0]) == "'tensorflow[and-cuda]~=2.21.0'"


@pytest.mark.parametrize(
    ("requirement", "ok", "detail", "remedy"),
    [
        ("pytest>=1", True, pytest.__version__, ""),
        ("pytest<1", False, f"{pytest.__version__}, <1 is needed", "pip install 'pytest<1'"),
        ("no-such-package~=1.2", False, "missing, ~=1.2 is needed", "pip install 'no-such-package~=1.2'"),
    ],
)
def test_a_package_that_is_missing_or_of_another_version(requirement, ok, detail, remedy):
    finding = module._package(Requirement(requirement))
    assert (finding.ok, finding.detail, finding.remedy) == (ok, detail, remedy)


def test_a_driver_without_a_gpu_for_tensorflow_is_a_fault_with_its_remedy(monkeypatch):
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("TensorFlow sees a GPU")
    monkeypatch.setattr(module, "_driver", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    finding = module._gpu()
    assert not finding.ok
    assert finding.detail.startswith("there is an NVIDIA driver, and ")
    assert finding.remedy == "pip install 'tensorflow[and-cuda]~=2.21.0'"
    if tf.sysconfig.get_build_info().get("is_cuda_build"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
        assert module._gpu().remedy == "unset CUDA_VISIBLE_DEVICES"


@pytest.mark.gpu
def test_a_gpu_is_named():
    finding = module._gpu()
    assert finding.ok
    assert "; TensorFlow is built for CUDA " in finding.detail


def test_a_spoilt_store(place):
    (place / "mlflow.db").write_text("this is no database" * 100)
    finding = module._store()
    assert not finding.ok
    assert finding.remedy == f"move {place / 'mlflow.db'} away, or set MLFLOW_TRACKING_URI to another store"


def test_a_tracking_server_that_is_not_there(place, monkeypatch):
    class Gone(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(503)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Gone) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        finding = module._store()
        server.shutdown()
    assert not finding.ok
    assert finding.remedy.startswith("start that server, or set MLFLOW_TRACKING_URI")


def test_a_cache_that_cannot_be_made(place, monkeypatch):
    (place / "file").write_text("")
    monkeypatch.setenv("ZOO_CACHE", str(place / "file" / "cache"))
    finding = found("cache")
    assert not finding.ok
    assert "set `ZOO_CACHE` to a folder you may write" in finding.detail


def test_a_full_disk(place, monkeypatch):
    usage = namedtuple("usage", ("total", "used", "free"))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(2**40, 2**40 - 2**30, 2**30))
    finding = module._disk()
    assert (finding.ok, finding.detail) == (False, f"1.0 GiB free in {place}")
    assert "ZOO_CACHE" in finding.remedy


def test_the_command_prints_json(place):
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "doctor", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stderr == ""
    findings = json.loads(done.stdout)
    assert all(finding["ok"] for finding in findings)
    assert set(findings[0]) == {"what", "ok", "detail", "remedy"}
