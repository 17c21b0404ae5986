"""A recipe's settings: the keyword arguments of its `recipe()`, and values for them from the command line or Python."""

from __future__ import annotations

import difflib
import inspect
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from zoo.types import UsageError

# What `zoo.run` and `zoo.sweep` take beside a recipe's settings; a setting of the same name could not be reached.
RESERVED = {
    "recipe",
    "sample",
    "data",
    "manual_dir",
    "seed",
    "name",
    "limit",
    "test",
    "require_cudnn",
    "devices",
    "progress",
    "varied",
    "trials",
    "workers",
    "storage",
    "pruner",
}
_ARGUMENT = re.compile(r"(\w+): *(.*)")
_BOOLS = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One keyword argument of a recipe.

    Args:
      type: int, float, str or bool.
      default: Its value where none is given.
      choices: The only values allowed; empty for any of the type.
      optional: Whether None is allowed, written `none` on the command line.
      help: What it is, from the `Args:` of recipe()'s docstring.
    """

    type: type
    default: Any
    choices: tuple[Any, ...] = ()
    optional: bool = False
    help: str = ""

    @property
    def kind(self) -> str:
        """What values it takes, in words: "int", "float or none", "one of a, b"."""
        kind = f"one of {', '.join(shown(choice) for choice in self.choices)}" if self.choices else self.type.__name__
        return f"{kind} or none" if self.optional else kind


def shown(value: Any) -> str:
    """A value as the command line writes it."""
    if value == "":
        return "''"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the known name most like the one given, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", the nearest is {close[0]!r}" if close else ""


def signature(path: Path, builder: types.FunctionType) -> dict[str, Setting]:
    """The settings that a recipe file's `recipe()` takes, in its order.

    Args:
      path: Of the file, for messages.
      builder: The function.

    Raises:
      UsageError: An argument is not keyword-only, typed and with a default, or its name is taken.
    """
    try:
        hints = typing.get_type_hints(builder)
    except Exception as error:  # an annotation may be any expression, and fail in any way
        raise UsageError(f"`{path}` has a type in recipe() that cannot be read: {error}.") from error
    helps = _argument_help(inspect.getdoc(builder) or "")
    found = {}
    for name, argument in inspect.signature(builder).parameters.items():
        if name in RESERVED:
            raise UsageError(f"`{path}` has a setting `{name}`, which the zoo uses itself; give it another name.")
        kept = argument.kind is argument.KEYWORD_ONLY and argument.default is not argument.empty
        setting = _setting(hints.get(name), argument.default, helps.get(name, "")) if kept else None
        if setting is None:
            raise UsageError(
                f"`{path}` must have the setting `{name}` after `*` in recipe(), with a default, and as int, float, "
                f"str, bool, Literal[...] or one of these with `| None`, got `{argument}`."
            )
        found[name] = setting
    return found


def _setting(hint: Any, default: Any, help: str) -> Setting | None:
    kinds = list(get_args(hint)) if get_origin(hint) in (typing.Union, types.UnionType) else [hint]
    optional = type(None) in kinds
    kinds = [kind for kind in kinds if kind is not type(None)]
    if len(kinds) != 1:
        return None
    choices = get_args(kinds[0]) if get_origin(kinds[0]) is typing.Literal else ()
    kind = type(choices[0]) if choices else kinds[0]
    if kind not in (int, float, str, bool):
        return None
    return Setting(type=kind, default=default, choices=choices, optional=optional, help=help)


def _argument_help(docstring: str) -> dict[str, str]:
    """Name to text of the `Args:` section, Google style, continuation lines joined."""
    lines = docstring.splitlines()
    found: dict[str, str] = {}
    start = lines.index("Args:") + 1 if "Args:" in lines else len(lines)
    indent, name = None, ""
    for line in lines[start:]:
        if line and not line.startswith(" "):
            break
        depth = len(line) - len(line.lstrip())
        match = _ARGUMENT.fullmatch(line.strip())
        if match and depth == (indent or depth):
            indent, name = depth, match[1]
            found[name] = match[2]
        elif line.strip() and name:
            found[name] += f" {line.strip()}"
    return found


def parse(known: Mapping[str, Setting], given: Iterable[str]) -> dict[str, Any]:
    """Typed values from `setting=value` as the command line gives them.

    Args:
      known: As `settings` returns them.
      given: Such as ["units=96", "learning_rate=1e-3"].

    Raises:
      UsageError: A setting is unknown, given twice, without a value, ill-typed or none of its choices.
    """
    values: dict[str, Any] = {}
    for text in given:
        name, equals, written = text.partition("=")
        if not equals:
            raise UsageError(f"a setting is written setting=value, got {text!r}; the defaults are {_listed(known)}.")
        if name in values:
            raise UsageError(f"`{name}` must be given once, got {shown(values[name])} and {written}.")
        values[name] = _read(name, _known(name, known), written)
    return values


def _read(name: str, setting: Setting, written: str) -> Any:
    if setting.optional and written.lower() == "none":
        return None
    try:
        value = _BOOLS[written.lower()] if setting.type is bool else setting.type(written)
    except (ValueError, KeyError):
        raise _refused(name, setting, written) from None
    _allow(name, setting, value, written)
    return value


def validate(known: Mapping[str, Setting], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as Python gives them, held to the same rules as `parse`; an int is fine where a float is wanted.

    Args:
      known: As `settings` returns them.
      values: Name to value.

    Raises:
      UsageError: A setting is unknown, ill-typed or none of its choices.
    """
    checked = {}
    for name, value in values.items():
        setting = _known(name, known)
        if value is None and setting.optional:
            checked[name] = None
            continue
        if setting.type is float and type(value) is int:
            value = float(value)
        if type(value) is not setting.type:
            raise _refused(name, setting, value)
        _allow(name, setting, value, value)
        checked[name] = value
    return checked


def _known(name: str, known: Mapping[str, Setting]) -> Setting:
    if name not in known:
        hint = nearest(name, known)
        raise UsageError(f"there is no setting {name!r}{hint}; the settings and their defaults are {_listed(known)}.")
    return known[name]


def _allow(name: str, setting: Setting, value: Any, written: Any) -> None:
    finite = not isinstance(value, float) or math.isfinite(value)
    if not finite or (setting.choices and value not in setting.choices):
        raise _refused(name, setting, written)


def _refused(name: str, setting: Setting, written: Any) -> UsageError:
    came = repr(written) if isinstance(written, str) else f"{written!r} ({type(written).__name__})"
    return UsageError(f"`{name}` must be {setting.kind}, got {came}; the default is {name}={shown(setting.default)}.")


def _listed(known: Mapping[str, Setting]) -> str:
    return " ".join(f"{name}={shown(setting.default)}" for name, setting in known.items()) or "none at all"
