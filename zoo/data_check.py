"""What is wrong with data, and what looks wrong: every fault with its place, its reason and what to do."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from zoo import catalog
from zoo.chain import Chain
from zoo.datasets.resemblance import near
from zoo.datasets.tables import shorten
from zoo.features import compute
from zoo.learnable import fitting
from zoo.loading import load_data
from zoo.recipe import Recipe
from zoo.types import BadData, Dataset

PLACE = re.compile(r"^(?P<file>.+?)(?::(?P<line>\d+))?: (?P<rest>.+)$", re.DOTALL)
FEW = 10  # train examples of a class
QUIET, SHORTEST = 1e-3, 0.05  # peak of a sound that is silence, and seconds of one too short to hold a word
RARE = 3  # uses of a symbol, below which it is a slip or cannot be learnt
MOST_NAMED = 200  # findings of one kind; the rest are counted
Columns = tuple[list[str], list[Any], list[Any]]  # names, raw inputs and raw targets
Rows = Callable[[str], Columns]  # of a split, read when first asked for


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing.

    Args:
      severity: "fault" where the data is refused, "warning" where it can be used.
      file: Where it is: a file, an example's name, or a split.
      line: In that file, None where it has none.
      reason: What is wrong.
      remedy: What to do.
    """

    severity: Literal["fault", "warning"]
    file: str
    line: int | None
    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was looked at, and what was found.

    Args:
      data: Name of the data set.
      examples: Of each split; empty where faults keep the data from being read.
      findings: Faults first.
      more: Findings of a kind that were left out, reason to count.
    """

    data: str
    examples: Mapping[str, int]
    findings: Sequence[Finding]
    more: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the data can be used."""
        return not self.counts["fault"]

    @property
    def counts(self) -> Counter[str]:
        """Findings of each severity."""
        return Counter(finding.severity for finding in self.findings)

    def __str__(self) -> str:
        sizes = ", ".join(f"{count} {split}" for split, count in self.examples.items()) or "not read"
        left_out = "".join(f", and {count} more like: {reason}" for reason, count in self.more.items())
        return f"{self.data} ({sizes}): {self.counts['fault']} faults, {self.counts['warning']} warnings{left_out}"

    def as_json(self) -> dict[str, Any]:
        """The same in plain values, with the count of each severity."""
        return {"ok": self.ok, "faults": self.counts["fault"], "warnings": self.counts["warning"], **asdict(self)}

    def as_html(self) -> str:
        """A page that stands alone."""
        cells = "".join(
            f"<tr class={each.severity}>"
            + "".join(f"<td>{html.escape(str('' if cell is None else cell))}</td>" for cell in asdict(each).values())
            + "</tr>\n"
            for each in self.findings
        )
        heads = "".join(f"<th>{name}</th>" for name in Finding.__dataclass_fields__)
        return (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(self.data)}</title>\n"
            "<style>body{font-family:sans-serif}td,th{text-align:left;padding:.2em 1em;vertical-align:top}"
            ".fault{background:#fdd}</style>\n"
            f"<h1>{html.escape(self.data)}</h1><p>{html.escape(str(self))}</p>\n"
            f"<table><tr>{heads}</tr>\n{cells}</table></html>\n"
        )


def check(recipe: str | Path, **options: Any) -> Report:
    """Examines the data that a run would use.

    Args:
      recipe: As of `zoo.run`.
      **options: `sample`, `data`, `manual_dir`, `seed`, `limit` as of `zoo.run`; all else are settings.

    Raises:
      UsageError: There is no such recipe, setting or path.
    """
    choices = {name: options.pop(name) for name in ("sample", "data", "manual_dir", "seed", "limit") if name in options}
    built = catalog.load(catalog.find(str(recipe)), options)
    try:
        dataset = load_data(built, **choices)
    except BadData as error:
        found = [parsed(fault, "fault") for fault in error.faults]
        return Report(data=str(choices.get("data") or recipe), examples={}, findings=found)
    rows = cache(partial(_rows, dataset))
    found, more = [], {}
    for kind in (dataset_left_out, duplicates, classes, sounds, symbols, learnable):
        named = list(kind(built, dataset, rows))
        found += named[:MOST_NAMED]
        if len(named) > MOST_NAMED:
            more[named[0].reason] = len(named) - MOST_NAMED
    return Report(data=dataset.name, examples=dict(dataset.sizes), findings=found, more=more)


def parsed(text: str, severity: Literal["fault", "warning"]) -> Finding:
    """A fault "file:line: reason; remedy" in its parts."""
    match = PLACE.match(text)
    file, line, rest = (match["file"], match["line"], match["rest"]) if match else ("", None, text)
    reason, _, remedy = rest.rpartition("; ")
    if not reason:
        reason, remedy = rest, "correct or remove it"
    return Finding(severity=severity, file=file, line=int(line) if line else None, reason=reason, remedy=remedy)


def _warning(id: str, reason: str, remedy: str) -> Finding:
    file, _, line = id.rpartition(":")
    known = bool(file) and line.isdigit()
    return Finding(
        severity="warning",
        file=file if known else id,
        line=int(line) if known else None,
        reason=reason,
        remedy=remedy,
    )


def dataset_left_out(recipe: Recipe, dataset: Dataset, rows: Rows) -> Iterator[Finding]:
    """What the loader could not use."""
    yield from (parsed(text, "warning") for text in dataset.left_out)


def _rows(dataset: Dataset, split: str) -> Columns:
    rows = list(dataset.splits[split].as_numpy_iterator())
    ids = [row["id"].decode(errors="replace") for row in rows]
    return ids, [row["input"] for row in rows], [row["target"] for row in rows]


def duplicates(recipe: Recipe, dataset: Dataset, rows: Rows) -> Iterator[Finding]:
    """Examples that are nearly the same: in two splits, which flatters the figures, or in train with other targets."""
    if dataset.input.kind == "series" or dataset.origin == "generated":
        return
    ids, inputs, targets = rows("train")
    for split in (name for name in dataset.splits if name != "train" and name != "unlabelled"):
        theirs, others, _ = rows(split)
        for mine, other in near(dataset.input.kind, others, inputs):
            reason = f"is in `{split}` and nearly the same as `{ids[other]}` in `train`"
            yield _warning(theirs[mine], reason, "keep both in one split, by a column `group` or `split`")
    for mine, other in near(dataset.input.kind, inputs):
        if dataset.target.kind == "label" and targets[mine] != targets[other]:
            one, two = (shorten(dataset.target.classes[int(targets[index])]) for index in (mine, other))
            reason = f"is nearly the same as `{ids[other]}`, and is `{one}` where that is `{two}`"
            yield _warning(ids[mine], reason, "correct one of the two, or remove both")
        else:
            yield _warning(ids[mine], f"is nearly the same as `{ids[other]}`, both in `train`", "remove one of the two")


def classes(recipe: Recipe, dataset: Dataset, rows: Rows) -> Iterator[Finding]:
    """Classes with few examples, and names that differ in case or spaces only."""
    if not dataset.target.classes:
        return
    counts = Counter(int(target) for target in rows("train")[2])
    names: dict[str, str] = {}
    for number, name in enumerate(dataset.target.classes):
        other = names.setdefault("".join(name.casefold().split()), name)
        if other != name:
            yield _warning("train", f"class `{name}` differs from `{other}` in case or spaces only", "use one name")
        if counts[number] < FEW:
            reason = f"class `{shorten(name)}` has {counts[number]} train examples"
            yield _warning("train", reason, f"add some, at least {FEW}")


def sounds(recipe: Recipe, dataset: Dataset, rows: Rows) -> Iterator[Finding]:
    """Recordings without sound, cut off at the top, or too short to say anything."""
    if dataset.input.kind != "audio":
        return
    for split in dataset.splits:
        for id, samples in zip(*rows(split)[:2], strict=True):
            peak = float(np.abs(samples).max(initial=0.0))
            seconds = len(samples) / dataset.input.rate_hz
            if peak < QUIET:
                yield _warning(id, f"is silent, its peak is {peak:.5f} of 1", "record it again, or remove it")
            elif seconds < SHORTEST:
                yield _warning(id, f"lasts {seconds:.3f} s only", "record it again, or remove it")
            elif peak >= 1 and np.mean(np.abs(samples) >= 0.999) > 0.01:
                yield _warning(id, "is too loud, over a hundredth of it is cut off", "record it with less gain")


def symbols(recipe: Recipe, dataset: Dataset, rows: Rows) -> Iterator[Finding]:
    """Symbols of transcribed texts that train lacks, or has so rarely that they are a slip or cannot be learnt."""
    if dataset.target.kind != "text" or recipe.task.name != "transcription":
        return
    used: Counter[str] = Counter()
    for target in rows("train")[2]:
        used.update(target.decode(errors="replace"))
    for split in dataset.splits:
        ids, _, targets = rows(split)
        for id, target in zip(ids, targets, strict=True):
            for symbol in sorted(set(target.decode(errors="replace"))):
                if used[symbol] < RARE:
                    times = "1 time" if used[symbol] == 1 else f"{used[symbol]} times"
                    told = f"`{symbol}` (U+{ord(symbol):04X}) is {times} in the texts of train"
                    yield _warning(id, told, "correct it if it is a slip, else add texts with it")


def learnable(recipe: Recipe, dataset: Dataset, rows: Rows) -> Iterator[Finding]:
    """Examples with more symbols to tell than their features have frames for."""
    if not hasattr(recipe.task, "fits"):
        return
    chain = Chain(recipe, dataset.input, dataset.target, dataset.splits["train"])
    fits = fitting(recipe, chain)
    for split in ("train", "val"):
        for row in compute(recipe, chain, dataset.splits[split]):
            if not fits(row):
                id = row["id"].numpy().decode(errors="replace")
                reason = (
                    f"has {len(row['features'])} steps, too few for its {len(row['target'])} symbols: it is left out"
                )
                yield _warning(id, reason, "correct its text, or set a smaller stride")


def lines(findings: Iterable[Finding]) -> Iterator[tuple[str, str, str, str]]:
    """Rows of a table: severity, place, reason, remedy."""
    for each in findings:
        place = each.file if each.line is None else f"{each.file}:{each.line}"
        yield each.severity, place, each.reason, each.remedy
