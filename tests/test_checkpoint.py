from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from zoo.checkpoint import Checkpoints, Snapshot
from zoo.datasets.cache import checksum
from zoo.types import RunError

ARRAYS = {"variables/0": np.arange(6, dtype=np.float32).reshape(2, 3), "variables/1": np.uint32([7, 2**32 - 1])}
STATE = {"epoch": 3, "loss": 0.1 + 0.2, "words": [1, 2], "lost": float("inf")}


def snapshot(epoch: int) -> Snapshot:
    return Snapshot(ARRAYS, {**STATE, "epoch": epoch})


def test_what_was_saved_comes_back_bit_for_bit(tmp_path: Path):
    place = Checkpoints(tmp_path / "new" / "folder")
    file = place.save(snapshot(3))
    back = Checkpoints(file.parent).latest()
    assert back.state == STATE
    assert {name: value.tobytes() for name, value in back.arrays.items()} == {
        name: value.tobytes() for name, value in ARRAYS.items()
    }
    assert {name: value.dtype for name, value in back.arrays.items()} == {
        "variables/0": "float32",
        "variables/1": "uint32",
    }
    assert [value.tolist() for value in back.listed("variables")] == [value.tolist() for value in ARRAYS.values()]
    assert back.listed("kept") == []


def test_there_is_none_at_first(tmp_path: Path):
    assert Checkpoints(tmp_path / "nowhere").latest() is None


def test_the_last_two_are_kept_under_their_checksum(tmp_path: Path):
    place = Checkpoints(tmp_path)
    for epoch in range(1, 5):
        place.save(snapshot(epoch))
    assert [file.name.split("-")[0] for file in place.files()] == ["00000003", "00000004"]
    assert sorted(tmp_path.iterdir()) == place.files()
    for file in place.files():
        assert file.name.split("-")[1] == f"{checksum(file)}.npz"
    assert place.latest().state["epoch"] == 4
    place.remove()
    assert list(tmp_path.iterdir()) == []


def torn(content: bytes) -> Iterator[bytes]:
    yield from (b"", content[:1], content[: len(content) // 2], content[:-1], content + b"\0", bytes(len(content)))
    for at in range(0, len(content), len(content) // 40):
        yield content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]  # one bit


def test_a_torn_one_is_passed_over_with_a_word(tmp_path: Path):
    place = Checkpoints(tmp_path)
    place.save(snapshot(1))
    last = place.save(snapshot(2))
    for content in torn(last.read_bytes()):
        last.write_bytes(content)
        said: list[str] = []
        assert place.latest(said.append).state["epoch"] == 1
        assert said == [f"checkpoint {last} is torn (its SHA-256 is not that of its name); taking the one before it"]
    for file in place.files():
        file.write_bytes(b"")
    assert place.latest() is None


def test_one_written_halfway_is_never_taken_for_whole(tmp_path: Path):
    place = Checkpoints(tmp_path)
    place.save(snapshot(1))
    (tmp_path / ".partial").write_bytes(place.files()[0].read_bytes()[:100])
    assert place.latest().state["epoch"] == 1
    place.save(snapshot(2))
    assert not (tmp_path / ".partial").exists()
    assert place.latest().state["epoch"] == 2


def test_no_room_is_one_line_and_leaves_what_was_there(tmp_path: Path):
    place = Checkpoints(tmp_path)
    place.save(snapshot(1))
    large = Snapshot({"variables/0": np.zeros(100_000)}, STATE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(RunError) as caught:
            place.save(large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(caught.value).startswith(f"there is no room for a checkpoint in {tmp_path} (File too large, ")
    assert str(caught.value).endswith(" MiB free); free some, and run again")
    assert sorted(tmp_path.iterdir()) == place.files()
    assert place.latest().state["epoch"] == 1


WRITER = """
import itertools, sys
import numpy as np
from pathlib import Path
from zoo.checkpoint import Checkpoints, Snapshot
place = Checkpoints(Path(sys.argv[1]))
for number in itertools.count(1):
    place.save(Snapshot({"variables/0": np.full(300_000, number)}, {"number": number}))
    print(number, flush=True)
"""


@pytest.mark.slow
def test_killed_while_it_writes_the_last_whole_one_is_there(tmp_path: Path):
    draws = np.random.default_rng(5)
    for attempt in range(15):
        folder = tmp_path / str(attempt)
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        try:
            process.wait(draws.uniform(0, 0.3))
        except subprocess.TimeoutExpired:
            process.kill()
        written = [int(line) for line in process.communicate()[0].split()] or [1]
        back = Checkpoints(folder).latest(pytest.fail)
        assert back.state["number"] in (written[-1], written[-1] + 1)
        assert (back.arrays["variables/0"] == back.state["number"]).all()
