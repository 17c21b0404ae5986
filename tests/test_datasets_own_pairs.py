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


def test_repeats_of_a_source_count_once(tmp_path):
    found = faults(write(tmp_path / "pairs.csv", ("source", "target"), *[("one", word) for word in "abc"]))
    assert found == ["pairs.csv: has 1 pair, repeats aside; a split into train, val, test needs at least 3"]


def test_groups_stay_together(tmp_path):
    head = ("source", "target", "group")
    rows = [(f"source {number}", f"target {number}", f"book {number // 6}") for number in range(60)]
    dataset = load(write(tmp_path / "pairs.tsv", head, *rows))
    assert dict(dataset.sizes) == {"train": 48, "val": 6, "test": 6}
    books = [{int(source.split()[1]) // 6 for _, source, _ in read(dataset, split)} for split in dataset.splits]
    assert [len(part) for part in books] == [8, 1, 1]
    assert len(set.union(*books)) == 10
    remedy = "add examples, or declare the split in a column `split`"
    few = write(tmp_path / "pairs.tsv", head, *rows[:12])
    assert faults(few) == [f"pairs.tsv: 2 groups, but a split by group needs at least 3; {remedy}"]


def test_a_group_in_two_declared_splits_is_a_leak(tmp_path):
    rows = [("a", "x", "train", "ann"), ("b", "y", "val", "bob"), ("c", "z", "test", "ann")]
    assert faults(write(tmp_path / "pairs.csv", ("source", "target", "split", "group"), *rows)) == [
        "pairs.csv:4: group `ann` is in `train` at pairs.csv:2, and here in `test`; a group must be in one split"
    ]


def test_missing_val_is_drawn_from_train_and_other_missing_splits_are_faults(tmp_path):
    head = ("source", "target", "split")
    rows = [(f"source {number}", "target", "train" if number < 20 else "test") for number in range(24)]
    dataset = load(write(tmp_path / "pairs.csv", head, *rows))
    assert dict(dataset.sizes) == {"train": 18, "val": 2, "test": 4}
    assert [source for _, source, _ in read(dataset, "test")] == [f"source {number}" for number in range(20, 24)]
    for part, missing in ((rows[:20], "test"), (rows[20:], "train")):
        file = write(tmp_path / "pairs.csv", head, *part)
        assert faults(file) == [f"pairs.csv: no example is in split `{missing}`"]


def test_fingerprint_follows_sources_targets_and_splits(tmp_path):
    def fingerprint(*row: str) -> str:
        rows = [("a", "x", "train"), ("b", "y", "val"), ("c", "z", "test"), row]
        return load(write(tmp_path / "pairs.csv", ("source", "target", "split"), *rows)).fingerprint

    base = fingerprint("d", "w", "train")
    assert base == fingerprint("d", "w", "train")
    others = {fingerprint("e", "w", "train"), fingerprint("d", "v", "train"), fingerprint("d", "w", "val")}
    assert len(others | {base}) == 4


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_every_fault_of_a_table_is_exact(tmp_path, suffix):
    file = tmp_path / f"pairs{suffix}"
    separator = "," if suffix == ".csv" else "\t"
    remedy = "shorten it, or make several examples of it"
    lines = [("source", "target"), ("one", "eins"), (" ", "zwei"), ("three", ""), ("four",), ("l", "w" * 1_000_000)]
    sound = "".join(f"{separator.join(line)}\n" for line in lines).encode()
    file.write_bytes(sound + b"caf\xe9" + separator.encode() + b"x")
    assert sorted(faults(file)) == [
        f"pairs{suffix}: has 2 pairs; a split into train, val, test needs at least 3",
        f"pairs{suffix}:3: no value for `source`",
        f"pairs{suffix}:4: no value for `target`",
        f"pairs{suffix}:5: has 1 cells, the header has 2",
        f"pairs{suffix}:6: has 1,000,001 bytes, an example may have 1,000,000; {remedy}",
        f"pairs{suffix}:7: is not UTF-8 text (invalid continuation byte); save the file as UTF-8",
    ]


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
