"""Random choices and splits that no release of Python changes, for samples that are made anew at each call."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """Random choices; of Python's `random` only `random()` is promised to stay."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)

    def below(self, share: float) -> bool:
        """Whether a number drawn from 0 to 1 is below `share`."""
        return self._random.random() < share

    def between(self, low: float, high: float) -> float:
        """A number from `low` to `high`, each as likely."""
        return low + (high - low) * self._random.random()

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`, each as likely."""
        return items[int(self._random.random() * len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """`items` in any order, each as likely."""
        return sorted(items, key=lambda _: self._random.random())


def split_of(content: str, sizes: Mapping[str, int]) -> str:
    """The split that everything with this content goes to, in about the shares of `sizes`."""
    place = int.from_bytes(hashlib.sha256(content.encode()).digest()[:8]) % sum(sizes.values())
    for split, count in sizes.items():
        if place < count:
            return split
        place -= count
    raise AssertionError("the remainder is below the sum of the counts")
