"""A record that was moved: where it looks for artifacts, where they are, and setting the one to the other."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlparse

from zoo import tracking

# Of MLflow's tables, those that hold an absolute place; of tags, the one that the zoo writes.
COLUMNS = (
    ("experiments", "artifact_location", ""),
    ("runs", "artifact_uri", ""),
    ("logged_models", "artifact_location", ""),
    ("model_versions", "source", ""),
    ("model_versions", "storage_location", ""),
    ("tags", "value", f"key = '{tracking.EXPORT_TAG}' AND "),
)


def moved() -> dict[Path, list[str]]:
    """Folders where a record in a file looks for artifacts that are in `tracking.folder()`, and whose those are.

    Returns:
      Folder to the names of the experiments, empty where all is in its place.
    """
    return _astray(present=True)


def lost() -> dict[Path, list[str]]:
    """Folders where a record in a file looks for artifacts that are neither there nor in `tracking.folder()`."""
    return _astray(present=False)


def _astray(present: bool) -> dict[Path, list[str]]:
    found: dict[Path, list[str]] = {}
    for name, place in _experiments():
        here = tracking.folder() / name
        if place.name != name or place == here or here.is_dir() != present or (not present and place.is_dir()):
            continue
        found.setdefault(place.parent, []).append(name)
    return found


def _experiments() -> list[tuple[str, Path]]:
    """Names of the experiments that have runs, and the folders of their artifacts."""
    if not tracking.embedded() or not tracking.exists():
        return []
    query = "SELECT DISTINCT e.name, e.artifact_location FROM experiments e JOIN runs USING (experiment_id)"
    with closing(_opened()) as store:
        rows = store.execute(query).fetchall()
    places = ((name, urlparse(location)) for name, location in rows)
    return [(name, Path(unquote(place.path))) for name, place in places if place.scheme in ("", "file")]


def _opened() -> sqlite3.Connection:
    return sqlite3.connect(tracking.uri().removeprefix("sqlite:///"), timeout=20)


def mend() -> list[str]:
    """Has the record look for artifacts where they are; a copy of it as it was is kept beside it.

    Returns:
      What was done, a line for each folder.
    """
    old = moved()
    if not old:
        return []
    store = Path(tracking.uri().removeprefix("sqlite:///"))
    copy = store.with_name(f"{store.name}.before-{time.strftime('%Y%m%d-%H%M%S')}")
    done = []
    with closing(_opened()) as database, closing(sqlite3.connect(copy)) as kept:
        database.backup(kept)
        with database:  # all or nothing
            for folder, names in old.items():
                count = sum(_replace(database, folder, *column) for column in COLUMNS)
                done.append(
                    f"{len(names)} experiments ({', '.join(sorted(names))}), {count} places: {folder} is now "
                    f"{tracking.folder()}; the record as it was is {copy}"
                )
    return done


def _replace(database: sqlite3.Connection, folder: Path, table: str, column: str, condition: str) -> int:
    """Puts `tracking.folder()` for a folder at the start of a column's values, in paths and in addresses."""
    count = 0
    for old, new in ((folder.as_uri(), tracking.folder().as_uri()), (str(folder), str(tracking.folder()))):
        count += database.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {condition}substr({column}, 1, ?) = ?",
            (new, len(old) + 1, len(old) + 1, f"{old}/"),
        ).rowcount
    return count
