"""Where prepared data lives, and how light `zoo.datasets` is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import zoo.datasets
from zoo.datasets.cache import cache_dir
from zoo.types import UsageError


def test_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "a" / "b"))
    assert cache_dir() == tmp_path / "a" / "b"
    assert cache_dir().is_dir()
    monkeypatch.delenv("ZOO_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "zoo"


def test_cache_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UsageError, match="cannot be made: Not a directory; set `ZOO_CACHE` to a folder you may write"):
        cache_dir()


def test_datasets_are_loaded_when_named():
    code = (
        "import sys, zoo.datasets as d; d.own.load; d.samples.load\n"
        "assert not {'tensorflow', 'tensorflow_datasets', 'keras', 'mlflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(zoo.datasets.__file__).parents[2])
    with pytest.raises(AttributeError, match=r"has no attribute 'mnist'; it has adding, an4, .*multi30k, own"):
        _ = zoo.datasets.mnist
