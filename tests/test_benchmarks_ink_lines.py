"""The lines of ink that a benchmark script writes are read by `iam_online`'s loader, none left out."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from zoo.datasets import iam_online
from zoo.types import Source

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "ink_lines.py"


def test_it_writes_lines_in_the_layout_that_the_loader_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = importlib.util.spec_from_file_location("ink_lines", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    lines = {"trainset": 9, "testset_v": 1, "testset_t": 2, "testset_f": 3}
    monkeypatch.setattr(script, "LINES", lines)
    monkeypatch.setattr(sys, "argv", ["ink_lines.py", str(tmp_path / "ondb")])
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    script.main()
    dataset = iam_online.load(Source(manual_dir=tmp_path / "ondb"))
    assert dataset.sizes == {"train": 9, "val": 3, "test": 3}
    assert dataset.left_out == ()
    examples = list(dataset.splits["train"].as_numpy_iterator())
    assert [row["id"].decode() for row in examples[-2:]] == ["a00-000a-08", "a00-001a-01"]
    assert all(len(row["target"].split()) == script.WORDS_A_LINE for row in examples)
    assert all(len(row["input"]) > 5 * len(row["target"]) for row in examples)
