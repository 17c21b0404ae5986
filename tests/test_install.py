"""The wheel and the sdist, built and used as a user would, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from zoo import catalog

ROOT = Path(__file__).resolve().parent.parent
RECIPES = sorted(file.name for file in (ROOT / "recipes").glob("*.py"))
BUILD = "import setuptools.build_meta as build, sys; getattr(build, sys.argv[1])(sys.argv[2])"

pytestmark = pytest.mark.slow


def command(*words: str | Path, folder: Path, **environment: str) -> str:
    """Runs a command in a folder and returns its standard output."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy of this tree without what runs and builds left in it."""
    copy = tmp_path_factory.mktemp("checkout") / "lstm-zoo"
    unwanted = shutil.ignore_patterns(
        ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", "mlflow.db*", "exports", "checkpoints"
    )
    return Path(shutil.copytree(ROOT, copy, ignore=unwanted))


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    for kind in ("build_sdist", "build_wheel"):
        command(sys.executable, "-c", BUILD, kind, folder, folder=checkout)
    return folder


@pytest.fixture(scope="module")
def wheel(built) -> Path:
    return next(built.glob("*.whl"))


def environment(folder: Path, *install: str | Path) -> Path:
    """The `bin` of a new virtual environment that sees the packages of this one, with something installed in it."""
    command(sys.executable, "-m", "venv", "--without-pip", folder / "env", folder=folder)
    # a virtual environment made from another does not see its packages
    places = [place for place in sys.path if place.endswith("site-packages")]
    site = next((folder / "env").glob("lib/python*/site-packages"))
    (site / "outer.pth").write_text("\n".join(places))
    python = folder / "env" / "bin" / "python"
    flags = ("--no-deps", "--no-build-isolation", "--force-reinstall", "--quiet")
    command(python, "-m", "pip", "install", *flags, *install, folder=folder)
    return folder / "env" / "bin"


def test_wheel_holds_the_package_its_recipes_and_samples_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"zoo", wheel.name.split("-py3")[0] + ".dist-info"}
    assert sorted(Path(name).name for name in names if name.startswith("zoo/recipes/")) == RECIPES
    here = {str(file.relative_to(ROOT)) for kind in ("*.py", "*.zip", "*.html") for file in (ROOT / "zoo").rglob(kind)}
    assert {name for name in names if name.startswith("zoo/")} == here | {f"zoo/recipes/{name}" for name in RECIPES}
    assert wheel.stat().st_size < 2 * 2**20


def test_sdist_holds_what_its_tests_need(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tracked = [ROOT / name for name in ("README.md", "LICENSE", "setup.cfg", "pyproject.toml", ".ci/run")]
    tracked += [file for folder in ("recipes", "tests", "zoo") for file in (ROOT / folder).rglob("*.py")]
    assert {str(file.relative_to(ROOT)) for file in tracked} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("mlflow.db", "mlruns/exports"))]


def test_installed_wheel_lists_its_recipes_from_any_folder(wheel, tmp_path):
    tools = environment(tmp_path, wheel)
    away = tmp_path / "away"
    away.mkdir()
    listed = command(tools / "zoo", "list", folder=away)
    assert all(Path(name).stem in listed for name in RECIPES)
    shown = command(tools / "zoo", "show", "adding", folder=away)
    assert f"{tmp_path / 'env'}/lib" in shown
    assert "site-packages/zoo/recipes/adding.py" in shown
    command(tools / "zoo", "copy", "adding", "my.py", folder=away)
    mine = away / "my.py"
    mine.write_text(mine.read_text().replace("units: int = ", "units: int = 1"))
    before = catalog.defaults(catalog.find("adding"))["units"]
    edited = command(tools / "zoo", "show", "./my.py", folder=away)
    assert f"1{before}" in edited
    run = ("run", "./my.py", "--sample", "epochs=1", "sequences=200", "units=8")
    assert "proof passed" in command(tools / "zoo", *run, folder=away, ZOO_CACHE=str(tmp_path / "cache"))


def test_checkout_comes_before_the_installed_wheel(wheel, checkout, tmp_path):
    tools = environment(tmp_path, wheel)
    shown = command(tools / "zoo", "show", "adding", folder=checkout / "tests")
    assert str(checkout / "recipes" / "adding.py") in shown


def test_editable_install_uses_the_checkout(checkout, tmp_path):
    tools = environment(tmp_path, "-e", checkout)
    shown = command(tools / "zoo", "show", "adding", folder=tmp_path)
    assert str(checkout / "recipes" / "adding.py") in shown


def test_sdist_installs_and_its_tests_run(built, tmp_path):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = next(tmp_path.glob("lstm_zoo-*"))
    tools = environment(tmp_path, unpacked)
    assert "site-packages/zoo/recipes/adding.py" in command(tools / "zoo", "show", "adding", folder=tmp_path)
    said = command(tools / "python", "-m", "pytest", "-q", "tests/test_catalog.py", folder=unpacked)
    assert " passed" in said
