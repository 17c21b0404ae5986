"""What a sweep varies: ranges and choices of a recipe's settings, as the command line or Python gives them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.setting import Setting, parse, shown, validate
from zoo.types import UsageError

if TYPE_CHECKING:
    from optuna import Trial

LOG_FROM = 10  # a range that reaches so many times its low end is searched on a logarithmic scale


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both of them included; whole ones where `low` is an int."""

    low: float
    high: float

    @property
    def log(self) -> bool:
        """Whether each factor of ten counts as much as any other."""
        return self.low > 0 and self.high / self.low >= LOG_FROM

    @property
    def size(self) -> float:
        """How many values there are."""
        return self.high - self.low + 1 if isinstance(self.low, int) else math.inf

    def values(self) -> Sequence[Any]:
        """All of them, where they can be counted."""
        return range(int(self.low), int(self.high) + 1)

    def suggest(self, trial: Trial, name: str) -> Any:
        """The value that a trial is to try."""
        suggest = trial.suggest_int if isinstance(self.low, int) else trial.suggest_float
        return suggest(name, self.low, self.high, log=self.log)

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


@dataclass(frozen=True)
class Choices:
    """A few values to choose from."""

    given: tuple[Any, ...]

    @property
    def size(self) -> float:
        """How many there are."""
        return len(self.given)

    def values(self) -> Sequence[Any]:
        """All of them."""
        return self.given

    def suggest(self, trial: Trial, name: str) -> Any:
        """The value that a trial is to try."""
        return trial.suggest_categorical(name, self.given)

    def __str__(self) -> str:
        return ",".join(shown(value) for value in self.given)


Space = Mapping[str, Range | Choices]


def read(known: Mapping[str, Setting], given: Iterable[str]) -> tuple[dict[str, Range | Choices], dict[str, Any]]:
    """What varies and what is fixed, from the command line.

    Args:
      known: The recipe's settings.
      given: Such as ["learning_rate=1e-4..1e-2", "units=64,128", "epochs=5"].

    Returns:
      Ranges and choices, and values, both by the setting's name.

    Raises:
      UsageError: A setting is unknown, given twice or ill-typed, its range or its choices are wrong, or none varies.
    """
    varied: dict[str, Range | Choices] = {}
    plain = []
    for text in given:
        name, _, written = text.partition("=")
        several = "," in written
        if name in known and (several or ".." in written):
            if name in varied:
                raise UsageError(f"`{name}` must be given once, got {varied[name]} and {written}.")
            parts = written.split(",") if several else written.split("..", 1)
            if "" in (part.strip() for part in parts):
                kind = "a value between its commas" if several else "a number at both ends"
                raise UsageError(f"`{name}` must have {kind}, got {written!r}; write {name}=a,b,c or {name}=low..high.")
            _numbers(name, known[name], several, written)
            values = [parse(known, [f"{name}={part.strip()}"])[name] for part in parts]
            varied[name] = _choices(name, values) if several else _range(name, *values)
        else:
            plain.append(text)
    fixed = parse(known, plain)
    return _apart(varied, fixed), fixed


def check(known: Mapping[str, Setting], space: Mapping[str, Any], fixed: Mapping[str, Any]) -> Space:
    """What varies, from Python, held to the same rules as `read`.

    Args:
      known: The recipe's settings.
      space: Name to a tuple (low, high), a list of choices, or what `read` returned.
      fixed: Name to value of those that do not vary.

    Raises:
      UsageError: As of `read`.
    """
    varied: dict[str, Range | Choices] = {}
    for name, part in space.items():
        if isinstance(part, Range | Choices):
            part = (part.low, part.high) if isinstance(part, Range) else list(part.given)
        if not isinstance(part, tuple | list) or (isinstance(part, tuple) and len(part) != 2):
            raise UsageError(f"`{name}` must be a tuple (low, high) or a list of choices, got {part!r}.")
        values = [validate(known, {name: value})[name] for value in part]
        if isinstance(part, tuple):
            _numbers(name, known[name], False, f"{part[0]}..{part[1]}")
            varied[name] = _range(name, *values)
        else:
            varied[name] = _choices(name, values)
    return _apart(varied, fixed)


def _numbers(name: str, setting: Setting, several: bool, written: str) -> None:
    if not several and (setting.type not in (int, float) or setting.choices):
        raise UsageError(
            f"`{name}` must be a number to have a range, got {written!r}, and it takes {setting.kind}; list what to "
            f"try as {name}=a,b,c."
        )


def _range(name: str, low: Any, high: Any) -> Range:
    if low is None or high is None or low >= high:
        raise UsageError(f"`{name}` must have a range from low to high, got {shown(low)}..{shown(high)}.")
    return Range(low, high)


def _choices(name: str, values: Sequence[Any]) -> Choices:
    if not values:
        raise UsageError(f"`{name}` must have at least one choice, got none.")
    if len(set(values)) < len(values):
        raise UsageError(f"`{name}` must have each choice once, got {','.join(shown(value) for value in values)}.")
    return Choices(tuple(values))


def _apart(varied: dict[str, Range | Choices], fixed: Mapping[str, Any]) -> dict[str, Range | Choices]:
    for name in varied.keys() & fixed.keys():
        raise UsageError(f"`{name}` must be given once, got {varied[name]} and {shown(fixed[name])}.")
    if not varied:
        raise UsageError(
            "a sweep must vary a setting, and none varies; write a range as learning_rate=1e-4..1e-2, or choices as "
            "units=64,128."
        )
    return varied


def first(space: Space) -> dict[str, Any]:
    """One point of a space: the low ends and the first choices."""
    return {name: part.low if isinstance(part, Range) else part.given[0] for name, part in space.items()}


def grid(space: Space, most: int) -> list[dict[str, Any]]:
    """Every point of a space, where there are at most so many; else nothing."""
    if math.prod(part.size for part in space.values()) > most:
        return []
    points = itertools.product(*(part.values() for part in space.values()))
    return [dict(zip(space, point, strict=True)) for point in points]
