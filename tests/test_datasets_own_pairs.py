"""The user's own sentences with their translations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zoo.datasets import own, pairs, texts
from zoo.types import BadData, Dataset

SOUND = [("one", "eins"), ("two", "zwei"), ("three", "drei"), ("four", "vier"), ("five", "fünf")]


def load(path: Path, seed: int = 0) -> Dataset:
    return own.load(path, texts.INPUT, "translation", seed)


def write(path: Path, *rows: tuple[str, ...]) -> Path:
    separator = "\t" if path.suffix == ".tsv" else ","
    path.write_text("".join(f"{separator.join(row)}\n" for row in rows), encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    """The faults that loading raises, without the folder's name."""
    with pytest.raises(BadData) as caught:
        load(path)
    folder = path if path.is_dir() else path.parent
    return [fault.replace(f"{folder}/", "") for fault in caught.value.faults]


def read(dataset: Dataset, split: str) -> list[tuple[str, str, str]]:
    examples = dataset.splits[split].as_numpy_iterator()
    return [tuple(example[name].decode() for name in ("id", "input", "target")) for example in examples]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_every_kind_of_list(tmp_path, suffix):
    rows = [("one", "eins", "train"), ("two 😀", "zwei", "val"), ("three", "drei", "test")]
    names = ("source", "target", "split")
    file = tmp_path / f"pairs{suffix}"
    if suffix == ".jsonl":
        file.write_text("".join(f"{json.dumps(dict(zip(names, row, strict=True)))}\n" for row in rows))
    else:
        write(file, names, *rows)
    first = 1 if suffix == ".jsonl" else 2
    dataset = load(file)
    assert read(dataset, "train") == [(f"{file.name}:{first}", "one", "eins")]
    assert read(dataset, "val") == [(f"{file.name}:{first + 1}", "two 😀", "zwei")]
    assert read(dataset, "test") == [(f"{file.name}:{first + 2}", "three", "drei")]
    assert (dataset.origin, dataset.target, dataset.input) == ("own", pairs.TARGET, texts.INPUT)


def test_a_drawn_split_has_all_and_keeps_translations_of_one_source_together(tmp_path):
    rows = [(f"source {number // 3}", f"target {number}") for number in range(60)]
    dataset = load(write(tmp_path / "pairs.tsv", ("source", "target"), *rows))
    found = {split: {source for _, source, _ in read(dataset, split)} for split in dataset.splits}
    assert sum(dataset.sizes.values()) == 60
    assert sum(map(len, found.values())) == 20
    assert set.union(*found.values()) == {source for source, _ in rows}
    assert dataset.fingerprint == load(tmp_path / "pairs.tsv").fingerprint
    assert dataset.fingerprint != load(tmp_path / "pairs.tsv", seed=1).fingerprint


def test_one_list_per_split(tmp_path):
    for split, row in zip(("train", "val", "test_a", "test_b"), SOUND, strict=False):
        write(tmp_path / f"{split}.tsv", ("source", "target"), row)
    dataset = load(tmp_path)
    assert dict(dataset.sizes) == {"train": 1, "val": 1, "test_a": 1, "test_b": 1}
    assert read(dataset, "test_b") == [("test_b.tsv:2", "four", "vier")]


def test_a_missing_column_is_named(tmp_path):
    found = faults(write(tmp_path / "pairs.csv", ("source", "text"), *SOUND))
    assert found == ["pairs.csv:1: no column `target`; the first line must name the columns, it has: source, text"]


def test_every_fault_is_named_with_its_line(tmp_path):
    file = tmp_path / "pairs.jsonl"
    lines = [
        '{"source": "one", "target": ""}',
        '{"source": 7, "target": "sieben"}',
        '{"source": "a"}',
        "[]",
        '{"source": "x", "target": "y", "split": "dev"}',
        json.dumps({"source": "long", "target": "w" * 1_000_001}),
    ]
    file.write_bytes("\n".join(lines).encode() + b'\n{"source": "caf\xe9", "target": "x"}\n')
    found = faults(file)
    assert {fault.split(": ", 1)[0] for fault in found[:7]} == {f"pairs.jsonl:{line}" for line in range(1, 8)}
    said = "\n".join(found)
    for part in (
        "pairs.jsonl:1: no value for `target`",
        "pairs.jsonl:2: `source` must be text, got 7",
        "pairs.jsonl:4: must be a JSON object, got a list",
        "pairs.jsonl:5: unknown split `dev`",
        "pairs.jsonl:6: has 1,000,0",
        "pairs.jsonl:7: ",
    ):
        assert part in said


def test_a_source_in_two_declared_splits_is_a_leak(tmp_path):
    rows = [("one", "eins", "train"), ("two", "zwei", "val"), ("one", "ein", "test")]
    found = faults(write(tmp_path / "pairs.csv", ("source", "target", "split"), *rows))
    assert len(found) == 1
    assert found[0].startswith("pairs.csv:4: source `one` is in `train` at ")
    assert found[0].endswith("and here in `test`; a source must be in one split")


def test_too_few_pairs_say_how_many_it_takes(tmp_path):
    found = faults(write(tmp_path / "pairs.csv", ("source", "target"), *SOUND[:2]))
    assert found == ["pairs.csv: has 2 pairs; a split into train, val, test needs at least 3"]


def test_a_folder_without_lists_is_refused(tmp_path):
    with pytest.raises(BadData, match=r"has no files train\.\*, val\.\* and test\*\.\*"):
        load(tmp_path)


def test_a_label_beside_pairs_does_not_matter(tmp_path):
    file = tmp_path / "pairs.jsonl"
    rows = [{"source": source, "target": target, "label": None} for source, target in SOUND]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert sum(load(file).sizes.values()) == len(SOUND)


@pytest.mark.parametrize("sizes", [(1, 1, 98), (1, 50, 49), (3, 3, 3, 3)])
def test_groups_of_any_size_leave_one_for_each_split(tmp_path, sizes):
    rows = [(f"{group} {number}", "x", f"g{group}") for group, size in enumerate(sizes) for number in range(size)]
    dataset = load(write(tmp_path / "pairs.csv", ("source", "target", "group"), *rows))
    found = {split: {source.split()[0] for _, source, _ in read(dataset, split)} for split in dataset.splits}
    assert sum(map(len, found.values())) == len(set.union(*found.values())) == len(sizes)
