"""A name or a path -> recipe file -> Recipe; the folder is the registry, nothing else lists recipes."""

from __future__ import annotations

import ast
import configparser
import hashlib
import re
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.recipe import Recipe
from zoo.setting import Setting, nearest, parse, signature, validate
from zoo.types import Header, UsageError

__all__ = ["Setting", "copy", "defaults", "find", "folder", "header", "load", "names", "parse", "settings"]

DISTRIBUTION = "lstm-zoo"
HEADINGS = ("Data", "Licence", "Model", "Result", "Command")
_HEADING = re.compile(rf"({'|'.join(HEADINGS)})\s{{2,}}(\S.*)")


def folder() -> Path:
    """Where recipes are: the checkout we stand in, else those that came with the installed package.

    Raises:
      UsageError: There is no such folder.
    """
    here = Path.cwd()
    for place in (here, *here.parents):
        if _is_checkout(place):
            return place / "recipes"
    package = Path(__file__).resolve().parent
    for place in (package / "recipes", package.parent / "recipes"):
        if place.is_dir():
            return place
    raise UsageError(f"`recipes` must be a folder in {package}, got none; install {DISTRIBUTION} again.")


def _is_checkout(place: Path) -> bool:
    if not ((place / "zoo").is_dir() and (place / "recipes").is_dir() and (place / "setup.cfg").is_file()):
        return False
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read(place / "setup.cfg", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError):
        return False
    return config.get("metadata", "name", fallback="") == DISTRIBUTION


def names() -> list[str]:
    """Names of all recipes, sorted: the files in `folder()` that do not start with an underscore."""
    return sorted(file.stem for file in folder().glob("*.py") if not file.name.startswith("_"))


def find(name_or_path: str | Path) -> Path:
    """The absolute path of a recipe file.

    Args:
      name_or_path: A name from `names()`, or the path of any recipe file; it is a path when it has a folder or ".py".

    Raises:
      UsageError: There is no such recipe or file.
    """
    text = str(name_or_path)
    if text.endswith(".py") or "/" in text or "\\" in text:
        path = Path(text).expanduser()
        if not path.is_file():
            raise UsageError(f"there is no recipe file `{text}`; start one with `zoo copy NAME {text}`.")
        return path.resolve()
    known = names()
    if text in known:
        return folder() / f"{text}.py"
    hint = nearest(text, known)
    raise UsageError(f"there is no recipe {text!r}{hint}; there are {', '.join(known)}, or give a path like ./my.py.")


def header(path: Path) -> Header:
    """What a recipe file says of itself, read from its docstring without running it.

    Args:
      path: Of the recipe file.

    Raises:
      UsageError: The file cannot be parsed, or a heading is missing or given twice.
    """
    docstring = ast.get_docstring(_parsed(path)) or ""
    found: dict[str, str] = {}
    heading = None
    for line in docstring.splitlines()[1:]:
        match = _HEADING.fullmatch(line)
        if match and match[1] in found:
            raise UsageError(f"`{path}` has the heading `{match[1]}` twice in its docstring; keep one.")
        if match:
            heading, found[match[1]] = match[1], match[2].strip()
        elif heading and line.startswith(" "):
            found[heading] += f" {line.strip()}"
        else:
            heading = None
    missing = [name for name in HEADINGS if name not in found]
    if missing or not docstring:
        raise UsageError(
            f"`{path}` must open with a docstring that has a line `{(missing or HEADINGS)[0]}   ...`, and it has none; "
            f"the headings are {', '.join(HEADINGS)}."
        )
    return Header(summary=docstring.splitlines()[0].strip(), **{name.lower(): text for name, text in found.items()})


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = getattr(error, "msg", None) or str(error)
        raise UsageError(f"`{path}` must be Python, and line {line} is not: {reason}.") from None


def settings(path: Path) -> dict[str, Setting]:
    """The settings of a recipe, in the order of the file; they are the keyword arguments of its `recipe()`.

    Args:
      path: Of the recipe file, which is imported; a recipe imports only zoo, so nothing heavy loads.

    Raises:
      UsageError: The file has no such function, or an argument is not keyword-only, typed and with a default.
    """
    return signature(path, _builder(path))


def defaults(path: Path) -> dict[str, Any]:
    """Name and default of each setting of a recipe."""
    return {name: setting.default for name, setting in settings(path).items()}


def _builder(path: Path) -> types.FunctionType:
    """Runs the file, always its present text: no bytecode is kept, which a quick edit could leave stale."""
    module = types.ModuleType(f"zoo_recipe_{path.stem}_{hashlib.sha256(bytes(path)).hexdigest()[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        exec(compile(_parsed(path), str(path), "exec"), module.__dict__)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UsageError(f"`{path}` must load by itself, and it raised {reason}.") from error
    builder = getattr(module, "recipe", None)
    if not isinstance(builder, types.FunctionType):
        raise UsageError(f"`{path}` must define a function `recipe(*, name: type = default)`, got none.")
    return builder


def load(path: Path, values: Mapping[str, Any]) -> Recipe:
    """Runs a recipe file and builds its recipe.

    Args:
      path: Of the recipe file.
      values: Settings that differ from the defaults.

    Raises:
      UsageError: The file is no recipe, or a value is wrong.
    """
    builder = _builder(path)
    recipe = builder(**validate(signature(path, builder), values))
    if not isinstance(recipe, Recipe):
        raise UsageError(f"`{path}` must return a zoo.Recipe from recipe(), got {type(recipe).__name__}.")
    return recipe


def copy(name: str | Path, to: Path) -> Path:
    """Copies a recipe file, to be edited and run by its path.

    Args:
      name: As `find` takes it.
      to: Where to; ends with ".py", and must not exist.

    Returns:
      `to`.

    Raises:
      UsageError: There is no such recipe, or `to` exists, has no folder or is no Python file's name.
    """
    source = find(name)
    if to.suffix != ".py":
        raise UsageError(f"`{to}` must end with .py, so that `zoo run ./{to.name}.py` can find it; name it {to}.py.")
    if not to.parent.is_dir():
        raise UsageError(f"`{to.parent}` must be a folder, and there is none; make it, or name another.")
    try:
        with to.open("xb") as copied:
            copied.write(source.read_bytes())
    except FileExistsError:
        raise UsageError(f"`{to}` exists already and is left as it is; name another file.") from None
    except OSError as error:
        raise UsageError(f"`{to}` cannot be written: {error.strerror}; name another file.") from None
    return to
