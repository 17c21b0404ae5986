"""Splits, as declared or drawn; a draw depends on the examples' names and a seed only, so it is the same everywhere."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from zoo.datasets.tables import shorten

SHARES = {"val": 0.1, "test": 0.1}  # of the examples; the rest is "train"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One example of the user's, as far as its split is concerned; readers add what they hold.

    Args:
      place: Where a person finds it: a file, or "file:line".
      id: Names it within its data set, without repetition.
      label: Its class, "" where there are no classes.
      split: As declared, or None.
      group: As declared, or None; all entries have one or none has.
    """

    place: str
    id: str
    label: str
    split: str | None = None
    group: str | None = None

    @property
    def name(self) -> str:
        """What a draw goes by; entries of one name are in effect one example and are never drawn apart."""
        return self.id


E = TypeVar("E", bound=Entry)


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
      labels: Class of each example, "" for all where there are no classes.
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
    for later, (split, share) in zip(range(len(shares), 0, -1), shares.items(), strict=True):
        wanted, taken = share * len(groups), 0
        fitting = [group for group in shuffled if group not in chosen and sizes[group] <= 1.5 * wanted]
        for group in fitting or sorted(shuffled, key=lambda group: sizes[group]):
            spare = all(left[label] > count for label, count in per_group[group].items())
            spare = spare and len(sizes) - len(chosen) > later  # train and the splits to come need one each
            if group not in chosen and spare and (not taken or taken + sizes[group] <= 1.5 * wanted):
                chosen[group] = split
                left -= per_group[group]
                taken += sizes[group]
            if taken >= wanted:
                break
        if not taken:
            raise ValueError(f"no group can go to {split}, for each has the last examples of some class")
    return [chosen.get(group, "train") for group in groups]


def assign(path: Path, entries: Sequence[E], seed: int, noun: str) -> tuple[list[E], list[str]]:
    """Gives each entry a split: the declared one, or one drawn by group, else by name.

    Args:
      path: The user's data, for the faults.
      entries: At least one. Where they declare splits without val, val is drawn from train.
      seed: Of the draw.
      noun: What an entry is called in faults, such as "usable clip".

    Returns:
      The entries in the same order, and the faults of their classes, groups and splits; where there are faults, some
      entries may be left without a split.
    """
    faults = []
    if len({entry.label for entry in entries}) == 1 and entries[0].label:
        faults.append(f"{path}: has one class only, `{shorten(entries[0].label)}`; a classifier needs two")
    declared = {entry.split for entry in entries} - {None}
    if declared:
        faults += _declared_faults(path, entries, declared, noun)
        to_draw, shares = [entry for entry in entries if entry.split == "train"], {"val": SHARES["val"]}
    else:
        to_draw, shares = entries, SHARES
    if "val" in declared or not to_draw:
        return list(entries), faults
    more = _too_few(path, to_draw, shares, noun)
    if faults or more:
        return list(entries), faults + more
    try:
        drawn = _drawn(to_draw, seed, shares)
    except ValueError as error:
        return list(entries), [f"{path}: {error}; add examples, or declare the split in a column `split`"]
    by_id = dict(zip((entry.id for entry in to_draw), drawn, strict=True))
    assigned = [replace(entry, split=by_id.get(entry.id, entry.split)) for entry in entries]
    return assigned, _absent(path, assigned, noun)


def parted(entries: Sequence[E]) -> dict[str, list[E]]:
    """Entries that have a split, by it: "train", "val" and the tests, in their order."""
    tests = sorted({entry.split for entry in entries if entry.split.startswith("test")})
    return {split: [entry for entry in entries if entry.split == split] for split in ("train", "val", *tests)}


def grouped(entries: Sequence[Entry]) -> dict[str, Any]:
    """Arguments of a `Dataset` that say which group each entry declared; none where there are no groups."""
    if entries[0].group is None:
        return {}
    return {"grouped_by": "group", "group_of": {entry.id: entry.group for entry in entries}.__getitem__}


def leaks(entries: Sequence[Entry], key: Callable[[Entry], str | None], what: str) -> list[str]:
    """Faults of entries that share something, yet are declared in two splits.

    Args:
      entries: With their declared splits.
      key: What must not be shared, None where an entry has none.
      what: How that is called, such as "group".

    Returns:
      One fault for each further split of each key, at the first entry there.
    """
    first: dict[str, Entry] = {}
    reported = set()
    faults = []
    for entry in entries:
        shared = key(entry)
        if shared is None:
            continue
        other = first.setdefault(shared, entry)
        if other.split != entry.split and (shared, entry.split) not in reported:
            reported.add((shared, entry.split))
            both = f"in `{other.split}` at {other.place}, and here in `{entry.split}`"
            faults.append(f"{entry.place}: {what} `{shorten(shared)}` is {both}; a {what} must be in one split")
    return faults


def _drawn(entries: Sequence[Entry], seed: int, shares: Mapping[str, float]) -> list[str]:
    if entries[0].group is not None:
        groups = [entry.group or "" for entry in entries]
        return draw_groups(groups, [entry.label for entry in entries], seed, shares)
    labels = _labels_by_name(entries)
    by_name = dict(zip(labels, draw(list(labels), list(labels.values()), seed, shares), strict=True))
    return [by_name[entry.name] for entry in entries]


def _labels_by_name(entries: Sequence[Entry]) -> dict[str, str]:
    """Name to label; where entries of one name disagree the least, so that their order does not matter."""
    labels: dict[str, str] = {}
    for entry in entries:
        labels[entry.name] = min(entry.label, labels.get(entry.name, entry.label))
    return labels


def _too_few(path: Path, entries: Sequence[Entry], shares: Mapping[str, float], noun: str) -> list[str]:
    if entries[0].group is not None:
        return []  # groups have their own rule
    labels = _labels_by_name(entries)
    aside = ", repeats aside" if len(labels) < len(entries) else ""
    wanted = f"a split into {', '.join(['train', *shares])} needs at least {needed(shares)}"
    return [
        f"{path}: {f'class `{shorten(label)}` ' * bool(label)}has {count} {noun}{'s' * (count > 1)}{aside}; {wanted}"
        for label, count in sorted(Counter(labels.values()).items())
        if count < needed(shares)
    ]


def _declared_faults(path: Path, entries: Sequence[Entry], declared: set[str | None], noun: str) -> list[str]:
    faults = []
    if "train" not in declared:
        faults.append(f"{path}: no example is in split `train`")
    if not any(split and split.startswith("test") for split in declared):
        faults.append(f"{path}: no example is in split `test`")
    if "train" in declared:
        faults += _absent(path, entries, noun)
    return faults + leaks(entries, lambda entry: entry.group, "group")


def _absent(path: Path, entries: Sequence[Entry], noun: str) -> list[str]:
    known = {entry.label for entry in entries if entry.split == "train"}
    missing = sorted({entry.label for entry in entries} - known)
    return [f"{path}: class `{shorten(label)}` has no {noun} in split `train`" for label in missing]


def _hash(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{name}".encode()).digest()
