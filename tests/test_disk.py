"""A disk that is full, really: one line, nothing half written, and the work goes on once there is room."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.disk import full

ADDING = "adding sequences=200 length=20 epochs=2 units=256 --name a --json"  # a checkpoint has 3.2 MB, an export 2.4
MOUNT = ["unshare", "--map-root-user", "--mount"]
zoo = f"{sys.executable} -m zoo"


def small_disk(folder: Path, megabytes: float, first: str, again: str) -> subprocess.CompletedProcess[str]:
    """Runs two commands in a file system of their own, the second after it has grown."""
    folder.mkdir()
    script = f"""
        mount -t tmpfs -o size={int(megabytes * 1024)}k none {folder} && cd {folder} || exit 9
        {first} > told 2>&1; echo "first $?"; cat told; find . -name '.partial*'
        mount -o remount,size=100m {folder} && {again}
    """
    try:
        return subprocess.run([*MOUNT, "bash", "-c", script], capture_output=True, text=True, check=False)
    except OSError:
        pytest.skip("there is no unshare here to make a small disk with")


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    if done.returncode == 9 or "unshare" in done.stderr.partition("\n")[0]:
        pytest.skip("a file system cannot be mounted here")
    lines = done.stdout.splitlines()
    assert lines[0] == "first 1", done
    assert not any(".partial" in line for line in lines)
    return [line for line in lines if line.startswith("error: ")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("megabytes", "what"), [(3, "a checkpoint"), (8, "a checkpoint"), (12, "the network"), (17, "the export")]
)
def test_a_run_says_so_and_is_resumed(tmp_path: Path, megabytes: float, what: str):
    done = small_disk(tmp_path / "disk", megabytes, f"{zoo} run {ADDING}", f"{zoo} resume a --json")
    (line,) = told(done)
    assert line.startswith(f"error: there is no room for {what} in ")
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["proof"] == "passed"


@pytest.mark.slow
def test_half_of_the_features_do_not_pass_for_all(tmp_path: Path):
    command = f"ZOO_CACHE=cache {zoo} run spoken_digits --sample epochs=1 units=8 --json"
    done = small_disk(tmp_path / "disk", 5, command, command)
    (line,) = told(done)
    assert line.startswith("error: there is no room for ")
    assert json.loads(done.stdout.splitlines()[-1])["proof"] == "passed"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (RuntimeError("ResourceExhausted: x; No space left on device"), "No space left on device"),
        (ValueError("no"), None),
    ],
)
def test_how_a_full_disk_is_recognised(error: Exception, reason: str | None):
    assert full(error) == reason
    wrapped = RuntimeError("while writing")
    wrapped.__cause__ = error
    assert full(wrapped) == reason
