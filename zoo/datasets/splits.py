"""Splits that depend on nothing but the examples' names and a seed, so that they are the same everywhere."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

SHARES = {"val": 0.1, "test": 0.1}  # of the examples; the rest is "train"


def needed(shares: Mapping[str, float] = SHARES) -> int:
    """How many examples of a class (or groups) it takes for one in each split."""
    return len(shares) + 1


def draw(names: Sequence[str], labels: Sequence[str], seed: int = 0, shares: Mapping[str, float] = SHARES) -> list[str]:
    """Draws a split for each example, class by class, so that every class is in every split.

    Args:
      names: Of the examples, without repetition; with the seed they decide the draw, their order does not.
      labels: Class of each example; one and the same for all where there are no classes.
      seed: Of the draw.
      shares: Split name to share of each class, at least one example; the rest is "train".

    Returns:
      The split of each example.

    Raises:
      ValueError: A class has fewer examples than `needed`.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members[label].append(index)
    splits = ["train"] * len(names)
    for label, indices in members.items():
        if len(indices) < needed(shares):
            raise ValueError(f"class `{label}` has {len(indices)} of at least {needed(shares)} examples")
        shuffled = iter(sorted(indices, key=lambda index: _hash(names[index], seed)))
        for split, share in shares.items():
            for _ in range(max(1, round(share * len(indices)))):
                splits[next(shuffled)] = split
    return splits


def draw_groups(
    groups: Sequence[str], labels: Sequence[str], seed: int = 0, shares: Mapping[str, float] = SHARES
) -> list[str]:
    """Draws a split for each group (speaker, writer), never two for one, and keeps each class in train.

    Args:
      groups: Group of each example.
      labels: Class of each example.
      seed: Of the draw.
      shares: Split name to wanted share of all examples, met as well as whole groups allow; the rest is "train".

    Returns:
      The split of each example.

    Raises:
      ValueError: Too few groups, or a class that would be missing from train.
    """
    sizes = Counter(groups)
    if len(sizes) < needed(shares):
        raise ValueError(f"{len(sizes)} groups, but a split by group needs at least {needed(shares)}")
    left = Counter(labels)  # what train still has of each class
    per_group: dict[str, Counter[str]] = defaultdict(Counter)
    for group, label in zip(groups, labels, strict=True):
        per_group[group][label] += 1
    shuffled = sorted(sizes, key=lambda group: _hash(group, seed))
    chosen: dict[str, str] = {}
    for split, share in shares.items():
        wanted, taken = share * len(groups), 0
        fitting = [group for group in shuffled if sizes[group] <= 1.5 * wanted]
        for group in fitting or sorted(shuffled, key=lambda group: sizes[group]):
            spare = all(left[label] > count for label, count in per_group[group].items())
            if group not in chosen and spare and (not taken or taken + sizes[group] <= 1.5 * wanted):
                chosen[group] = split
                left -= per_group[group]
                taken += sizes[group]
            if taken >= wanted:
                break
        if not taken:
            raise ValueError(f"no group can go to {split}, for each has the last examples of some class")
    return [chosen.get(group, "train") for group in groups]


def _hash(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{name}".encode()).digest()
