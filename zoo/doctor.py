"""What works on this machine, what is missing, and the command that mends it."""

from __future__ import annotations

import configparser
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from zoo import catalog
from zoo.credentials import hidden
from zoo.types import UsageError

LEAST_FREE = 5 * 2**30  # bytes: a data set, its features and a few runs
PYTHON = SpecifierSet(">=3.11")
NO_DRIVER = "no NVIDIA driver here: LSTM layers run on the CPU, and `--require-cudnn` refuses to start"
SERVER_SECONDS = "5"  # a tracking server that is not there should not hold the doctor for minutes


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was examined.

    Args:
      what: Was examined.
      ok: Whether it works; what a machine may well lack, such as a GPU, is no fault.
      detail: What was found.
      remedy: The command or step that mends it, empty where nothing needs mending.
    """

    what: str
    ok: bool
    detail: str
    remedy: str = ""


def doctor() -> list[Finding]:
    """Examines Python, packages, recipes, GPU, audio, the MLflow store, the cache and the disk; changes nothing."""
    examined = [_python(), *_packages()]
    for what, examine in _rooms().items():
        try:
            examined.append(examine())
        except UsageError as error:
            examined.append(Finding(what=what, ok=False, detail=str(error), remedy="as it says"))
        except Exception as error:  # whatever is broken here is the finding
            examined.append(Finding(what=what, ok=False, detail=_line(error), remedy=_install()))
    return examined


def _rooms() -> dict[str, Callable[[], Finding]]:
    return {
        "recipes": _recipes,
        "GPU and cuDNN": _gpu,
        "audio files": _audio,
        "MLflow store": _store,
        "artifacts": _artifacts,
        "cache": _cache,
        "disk": _disk,
    }


def _line(error: Exception) -> str:
    return hidden(f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}")


def _install() -> str:
    return "pip install --force-reinstall " + " ".join(f"'{requirement}'" for requirement in requirements())


def requirements(extra: str = "") -> list[Requirement]:
    """What the package depends on, from its installed metadata, else from the checkout's setup.cfg.

    Args:
      extra: Of this extra alone, such as "cuda"; without, of the package itself.
    """
    try:
        lines = importlib.metadata.requires(catalog.DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        lines = _requirements_of_checkout()
    every = [Requirement(line) for line in lines]
    if not extra:
        return [each for each in every if each.marker is None or each.marker.evaluate({"extra": ""})]
    return [each for each in every if each.marker and f'extra == "{extra}"' in str(each.marker)]


def _requirements_of_checkout() -> list[str]:
    config = configparser.ConfigParser(interpolation=None, comment_prefixes=("#",))
    config.read(Path(__file__).resolve().parent.parent / "setup.cfg", encoding="utf-8")
    lines = config.get("options", "install_requires", fallback="").split("\n")
    for extra, text in config.items("options.extras_require") if config.has_section("options.extras_require") else ():
        lines += [f'{line}; extra == "{extra}"' for line in text.split("\n") if line]
    return [line for line in lines if line]


def _python() -> Finding:
    version = platform.python_version()
    ok = PYTHON.contains(version, prereleases=True)
    remedy = "" if ok else f"make a virtual environment with Python {PYTHON}"
    return Finding(what="Python", ok=ok, detail=f"{version} at {sys.executable}", remedy=remedy)


def _packages() -> list[Finding]:
    return [_package(requirement) for requirement in requirements()]


def _package(requirement: Requirement) -> Finding:
    remedy = f"pip install '{requirement.name}{requirement.specifier}'"
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(
            what=requirement.name, ok=False, detail=f"missing, {requirement.specifier} is needed", remedy=remedy
        )
    if requirement.specifier.contains(version, prereleases=True):
        return Finding(what=requirement.name, ok=True, detail=version)
    detail = f"{version}, {requirement.specifier} is needed"
    return Finding(what=requirement.name, ok=False, detail=detail, remedy=remedy)


def _recipes() -> Finding:
    found = catalog.names()
    remedy = "" if found else f"install {catalog.DISTRIBUTION} again"
    return Finding(what="recipes", ok=bool(found), detail=f"{len(found)} in {catalog.folder()}", remedy=remedy)


def _gpu() -> Finding:
    import tensorflow as tf

    what = "GPU and cuDNN"
    built = tf.sysconfig.get_build_info()
    gpus = tf.config.list_physical_devices("GPU")
    install = f"pip install {' '.join(_quoted(each) for each in requirements('cuda'))}"
    if gpus:
        models = ", ".join(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus)
        versions = f"CUDA {built.get('cuda_version', '?')}, cuDNN {built.get('cudnn_version', '?')}"
        detail = f"{models}: LSTM layers run on cuDNN; TensorFlow is built for {versions}"
        return Finding(what=what, ok=True, detail=detail)
    if not _driver():
        return Finding(what=what, ok=True, detail=NO_DRIVER)
    if not built.get("is_cuda_build"):
        detail = "there is an NVIDIA driver, and this TensorFlow is built without CUDA"
    elif "CUDA_VISIBLE_DEVICES" in os.environ:
        hidden = os.environ["CUDA_VISIBLE_DEVICES"]
        detail = f"there is an NVIDIA driver, and CUDA_VISIBLE_DEVICES={hidden!r} leaves TensorFlow no GPU"
        return Finding(what=what, ok=False, detail=detail, remedy="unset CUDA_VISIBLE_DEVICES")
    else:
        detail = "there is an NVIDIA driver, and TensorFlow sees no GPU: CUDA or cuDNN libraries are missing"
    return Finding(what=what, ok=False, detail=detail, remedy=install)


def _driver() -> bool:
    """Whether the kernel has NVIDIA's driver loaded; containers show the device, not always its tools."""
    return Path("/dev/nvidiactl").exists() or Path("/proc/driver/nvidia/version").exists()


def _quoted(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"'{requirement.name}{extras}{requirement.specifier}'"


def _audio() -> Finding:
    import numpy as np
    import soundfile

    samples = np.zeros(800, np.int16)
    formats = []
    with tempfile.TemporaryDirectory() as scratch:
        for suffix in ("wav", "flac", "ogg", "mp3"):
            file = Path(scratch) / f"silence.{suffix}"
            soundfile.write(file, samples, 8000)
            if soundfile.read(file)[1] == 8000:
                formats.append(suffix)
    return Finding(what="audio files", ok=True, detail=f"{', '.join(formats)} by {soundfile.__libsndfile_version__}")


def _store() -> Finding:
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", SERVER_SECONDS)
    from zoo import tracking

    place = tracking.shown_uri()
    if not tracking.exists():
        return Finding(what="MLflow store", ok=True, detail=f"{place}: none yet, the first run makes it")
    try:
        tracking.open_store().search_experiments(max_results=1)
    except Exception as error:  # a database, a server or the network may fail in many ways
        remedy = "start that server, or set MLFLOW_TRACKING_URI to one that answers; unset it for a local store"
        if place.startswith("sqlite:///"):
            remedy = f"move {place.removeprefix('sqlite:///')} away, or set MLFLOW_TRACKING_URI to another store"
        return Finding(what="MLflow store", ok=False, detail=f"{place}: {_line(error)}", remedy=remedy)
    return Finding(what="MLflow store", ok=True, detail=f"{place}: opens")


def _artifacts() -> Finding:
    from zoo import mend, tracking

    here = tracking.folder()
    moved, lost = mend.moved(), mend.lost()
    if moved:
        old = ", ".join(str(folder) for folder in moved)
        detail = f"the record looks for artifacts in {old}, and they are in {here}: they were moved"
        return Finding(what="artifacts", ok=False, detail=detail, remedy="zoo doctor --mend")
    if lost:
        old = ", ".join(f"{folder}/{name}" for folder, names in lost.items() for name in names)
        detail = f"the record looks for artifacts in {old}, and there are none"
        return Finding(what="artifacts", ok=False, detail=detail, remedy=f"put them back, or into {here}")
    return Finding(what="artifacts", ok=True, detail=f"new ones go to {here}")


def _cache() -> Finding:
    from zoo.datasets.cache import cache_dir

    folder = cache_dir()
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Finding(what="cache", ok=True, detail=f"{folder}: {used / 2**20:.0f} MiB, can be written")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    ok = free >= LEAST_FREE
    remedy = "" if ok else "free some space, or set ZOO_RUNS and ZOO_CACHE to folders on a larger disk"
    return Finding(what="disk", ok=ok, detail=f"{free / 2**30:.1f} GiB free in {Path.cwd()}", remedy=remedy)
