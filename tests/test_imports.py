"""The direction of imports, and how the code is written."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo

ROOT = Path(zoo.__file__).parent
FILES = sorted(file for file in ROOT.rglob("*.py") if "recipes" not in file.relative_to(ROOT).parts)
# A room may import from rooms in the same row or above; the rows are DESIGN's, top to bottom.
ROWS = [
    {"types", "series", "disk", "process", "credentials"},
    {"layers", "datasets", "inputs", "signatures"},
    {"architectures", "tasks"},
    {"recipe", "catalog", "setting"},
    {"request", "chain", "checkpoint", "interrupt", "kernels", "progress", "distributed", "saver", "fit"},
    {"features", "learnable", "pretrain", "streaming"},
    {"outbox", "dead", "tracking", "monitor", "record", "loading", "training"},
    {"paired", "groups", "proof", "export", "evaluate", "describe"},
    {"pictures", "page_parts", "page", "guard", "served", "kept", "publish"},
    {
        "runs",
        "check",
        "data_check",
        "mend",
        "doctor",
        "comparison",
        "comparison_page",
        "reproduce",
        "serve",
        "forecast_files",
        "backtest",
        "listening",
        "inspection",
        "terminal",
    },
    {"sweeps", "resumption"},
    {"cli", "cli_runs", "cli_sweep", "command"},
]
FREE = {"__init__", "__main__"}  # the lazy public names
ALONE = {"proof_worker", "mlflow_model"}  # run without the zoo


def room(file: Path) -> str:
    return file.relative_to(ROOT).with_suffix("").parts[0]


def row(name: str) -> int:
    return next(number for number, names in enumerate(ROWS) if name in names)


def imported(tree: ast.Module) -> Iterator[str]:
    """Rooms of the zoo that a module imports, also inside functions; not for type checkers, nor in `RunResult`."""
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            skipped.update(id(inner) for inner in ast.walk(node))
        if isinstance(node, ast.ClassDef) and node.name == "RunResult":
            skipped.update(id(inner) for inner in ast.walk(node))
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "zoo":
            names = [f"zoo.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [str(node.module)]
        yield from (name.split(".")[1] for name in names if name.startswith("zoo."))


def trees() -> Iterator[tuple[Path, ast.Module]]:
    yield from ((file, ast.parse(file.read_text())) for file in FILES)


def test_every_room_has_a_row():
    rooms = {room(file) for file in FILES} - FREE - ALONE
    assert rooms <= set().union(*ROWS)
    assert len(FILES) > 25


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_one_way(file: Path):
    names = set(imported(ast.parse(file.read_text())))
    if room(file) in FREE:
        return
    if room(file) in ALONE:
        assert not names
        return
    wrong = sorted(name for name in names if row(name) > row(room(file)))
    assert not wrong, f"{file.relative_to(ROOT)} imports {wrong}, which stand below it"


def test_no_import_goes_in_a_circle():
    def part(file: Path) -> str:
        return room(file)

    needs = {part(file): set() for file in FILES}
    for file, tree in trees():
        needs[part(file)] |= set(imported(tree)) - {part(file)}
    for free in FREE:
        needs.pop(free, None)
    while needs:
        ready = {name for name, wanted in needs.items() if not wanted & needs.keys()}
        assert ready, f"these import each other: {needs}"
        needs = {name: wanted for name, wanted in needs.items() if name not in ready}


def test_importing_a_reader_cannot_see_keras_of_tensorflow():
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) != ("tf", "keras"), file
            if isinstance(node, ast.ImportFrom):
                assert not str(node.module).startswith("tensorflow.keras"), file


def test_zoo_never_names_a_recipe_file():
    recipes = {file.stem for file in zoo.catalog.folder().glob("*.py")}
    # `adding` is a data set too, and a sample may be called as the recipe it was first made for
    shared = {file.stem for file in FILES} | {file.stem for file in (ROOT / "datasets" / "samples").iterdir()}
    for file, tree in trees():
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                assert node.value not in recipes - shared, f"{file}:{node.lineno} names {node.value}"


def test_everything_public_has_a_docstring():
    missing = []
    for file, tree in trees():
        if not ast.get_docstring(tree) and file.read_text().strip():
            missing.append(str(file))
        holders = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
        for holder in holders:
            for node in holder.body:
                public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
                if public and room(file) != "proof_worker" and not ast.get_docstring(node):
                    missing.append(f"{file}:{node.lineno} {node.name}")
    assert not missing


def test_files_and_functions_are_short():
    long = []
    for file, tree in trees():
        lines = len(file.read_text().splitlines())
        if lines > 300:
            long.append(f"{file} has {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                length = node.end_lineno - node.lineno + 1
                documented = ast.get_docstring(node, clean=False)
                length -= len(documented.splitlines()) if documented else 0
                if length > 50:
                    long.append(f"{file}:{node.lineno} {node.name} has {length} lines")
    assert not long


def test_public_names_are_there_and_documented():
    for name in zoo.__all__:
        assert inspect.getdoc(getattr(zoo, name)), name
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'nothing'; it has BadData, "):
        _ = zoo.nothing
    assert dir(zoo) == zoo.__all__
