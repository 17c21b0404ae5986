"""What tests share: a cache of their own, a ready MLflow store, and one recorded run."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import zoo
from zoo.types import RunResult

if TYPE_CHECKING:
    from series_models import Exported

# Warnings that libraries give about themselves; any other is an error.
THEIRS = (
    "ignore:The ``noload`` loader strategy:DeprecationWarning",  # MLflow 3.17 with SQLAlchemy 2.1
    "ignore:For backward compatibility, 'str' dtypes are included by select_dtypes",  # MLflow 3.17 with pandas 3
    "ignore:Operation with range is deprecated",  # the same
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning",  # Keras 3.15 with NumPy 2
    "ignore:.*Any type hint is inferred as AnyType:UserWarning",  # MLflow's own hints, at import
)
SETTINGS = {"length": 20, "sequences": 200, "units": 4, "epochs": 2}


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background; tests send it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for theirs in THEIRS:
        config.addinivalue_line("filterwarnings", theirs)


@dataclass(frozen=True)
class Recorded:
    """Two finished runs of `adding` with equal settings and data: `tiny` on the sample, then `whole` without a test."""

    folder: Path
    tiny: RunResult
    whole: RunResult


@pytest.fixture(autouse=True, scope="session")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the tests' own, and nothing of the developer's settings; processes that tests start inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_RUN_ID", "ZOO_RUNS", "ZOO_MANUAL_DIR"):
            patch.delenv(name, raising=False)
        patch.setenv("ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        patch.setenv("PATH", str(Path(sys.executable).parent), os.pathsep)  # `mlflow models serve` calls uvicorn
        root = str(Path(zoo.__file__).parents[1])
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])))
        yield
    gc.unfreeze()


@pytest.fixture(autouse=True, scope="module")
def unburdened() -> Iterator[None]:
    """What a file's tests leave behind is not looked through again at every collection of garbage."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs; making one takes seconds, copying it none."""
    from zoo import tracking

    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        tracking.open_store()
    return folder / "mlflow.db"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path) -> Path:
    """A folder of the test's own with an empty store, and we stand in it."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Recorded:
    """Finished runs, to be read and not changed."""
    folder = tmp_path_factory.mktemp("recorded")
    shutil.copy(empty_store, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        common = {"seed": 3, "limit": 64, "progress": "silent", **SETTINGS}
        tiny = zoo.run("adding", sample=True, name="tiny", **common)
        whole = zoo.run("adding", test=False, name="whole", **common)
    return Recorded(folder, tiny, whole)


@pytest.fixture(scope="session")
def together(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A forecaster of two series side by side, with a column that is known ahead; untrained."""
    from series_models import exported, sales

    return exported(tmp_path_factory.mktemp("together"), "ett", sales(), known="promo")


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A forecaster of any hourly series by itself, with the calendar and quantiles; untrained."""
    from series_models import exported, sales

    return exported(tmp_path_factory.mktemp("alone"), "electricity", sales()[["date", "north"]])


@pytest.fixture
def standing(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """The finished runs, and we stand in their folder."""
    monkeypatch.chdir(recorded.folder)
    return recorded


@pytest.fixture
def untouched() -> Callable[[Path], AbstractContextManager[None]]:
    """Holds that what is done inside leaves all files of a folder as they were, and adds none."""

    def files(folder: Path) -> dict[Path, tuple[int, bytes]]:
        every = folder.rglob("*")
        return {path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in every}

    @contextmanager
    def hold(folder: Path) -> Iterator[None]:
        before = files(folder)
        yield
        assert files(folder) == before

    return hold


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where features are kept, in a cache of the test's own."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    return tmp_path / "features"
