"""The user's own labelled texts."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.datasets import own, splits
from zoo.types import BadData, Dataset, Spec, UsageError

INPUT = Spec(name="text", kind="text", shape=(), dtype="string", axes=())
Cells = tuple[str, ...]


def load(path: Path, seed: int = 0) -> Dataset:
    return own.load(path, INPUT, "classification", seed)


def write_csv(path: Path, *rows: Cells) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def write_json(path: Path, *objects: dict) -> Path:
    path.write_text("".join(f"{json.dumps(values, ensure_ascii=False)}\n" for values in objects), encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    """The faults that loading raises, with paths relative to the folder, itself written DIR."""
    with pytest.raises(BadData) as caught:
        load(path)
    folder = path if path.is_dir() else path.parent
    return [fault.replace(f"{folder}/", "").replace(str(folder), "DIR") for fault in caught.value.faults]


def read(dataset: Dataset, split: str) -> list[tuple[str, str, str]]:
    """Id, text and label of each example."""
    return [
        (example["id"].decode(), example["input"].decode(), dataset.target.classes[example["target"]])
        for example in dataset.splits[split].as_numpy_iterator()
    ]


SOUND = [("good day", "yes"), ("fine", "yes"), ("well", "yes"), ("bad", "no"), ("poor", "no"), ("ill", "no")]
DECLARED = [("text", "label", "split"), ("a", "x", "train"), ("b", "y", "train"), ("c", "x", "test"), ("d", "y", "val")]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".csv.gz", ".TSV", ".jsonl.gz"])
def test_every_kind_of_list(tmp_path, suffix):
    quoted = 'says "hi, you", twice'
    rows = [(quoted, "ärger", "train"), ("naïve 日本 😀", "10", "train"), ("c", "ärger", "val"), ("d", "10", "test")]
    if suffix.startswith(".jsonl"):
        objects = [{"text": f" {text}\t", "label": label, "split": split} for text, label, split in rows]
        content = "".join(json.dumps(values) + "\n" for values in objects)
    elif suffix.lower() == ".tsv":
        content = "".join("\t".join(cells) + "\r\n" for cells in [("text", "label", "split"), *rows])
    else:
        content = write_csv(tmp_path / "plain.csv", ("text", "label", "split"), *rows).read_bytes().decode()
    path = tmp_path / f"list{suffix}"
    encoded = ("" if "json" in suffix else "\ufeff").encode() + content.encode()
    path.write_bytes(gzip.compress(encoded) if suffix.endswith(".gz") else encoded)
    dataset = load(path)
    first = 1 if "json" in suffix else 2
    assert dataset.target.classes == ("10", "ärger")
    assert {split: read(dataset, split) for split in dataset.splits} == {
        "train": [(f"{path.name}:{first}", quoted, "ärger"), (f"{path.name}:{first + 1}", "naïve 日本 😀", "10")],
        "val": [(f"{path.name}:{first + 2}", "c", "ärger")],
        "test": [(f"{path.name}:{first + 3}", "d", "10")],
    }


def test_what_a_dataset_says_of_itself(tmp_path):
    dataset = load(write_csv(tmp_path / "l.csv", *DECLARED))
    assert (dataset.name, dataset.version, dataset.origin, dataset.tests) == ("l.csv", "", "own", ("test",))
    assert dataset.licence == dataset.citation == "the user's own data"
    assert dataset.input is INPUT
    assert dataset.target == Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("x", "y"))
    assert dict(dataset.sizes) == {"train": 2, "val": 1, "test": 1}
    spec = dataset.splits["train"].element_spec
    assert {name: (part.dtype.name, part.shape.as_list()) for name, part in spec.items()} == {
        "id": ("string", []),
        "input": ("string", []),
        "target": ("int64", []),
    }


def test_fingerprint_follows_texts_labels_and_splits(tmp_path):
    def fingerprint(*rows: Cells) -> str:
        return load(write_csv(tmp_path / "l.csv", *rows)).fingerprint

    head, *rows = DECLARED
    more = [*rows, ("e", "x", "train")]
    base = fingerprint(head, *more)
    assert base == fingerprint(head, *more)
    others = {fingerprint(head, *rows, last) for last in [("f", "x", "train"), ("e", "y", "train"), ("e", "x", "val")]}
    assert len(others | {base}) == 4


def test_numbers_as_labels_stay_strings(tmp_path):
    objects = [{"text": f"t{index}", "label": [10, 9, "9", "-1"][index % 4]} for index in range(16)]
    dataset = load(write_json(tmp_path / "l.jsonl", *objects))
    assert dataset.target.classes == ("-1", "10", "9")
    assert sum(dataset.sizes.values()) == 16


def test_three_hundred_classes_of_any_name(tmp_path):
    rows = [(f"text {index}", f"class, {index % 300}") for index in range(900)]
    dataset = load(write_csv(tmp_path / "l.csv", ("text", "label"), *rows))
    assert dataset.target.classes == tuple(sorted({label for _, label in rows}))
    assert dict(dataset.sizes) == {"train": 300, "val": 300, "test": 300}


def test_drawn_split_is_stratified_and_goes_by_text_and_seed(tmp_path):
    rows = [(f"text {index}", "xy"[index % 3 == 0]) for index in range(90)]
    first = load(write_csv(tmp_path / "l.csv", ("text", "label"), *rows))
    turned = load(write_csv(tmp_path / "other.csv", ("text", "label"), *rows[::-1]))
    other = load(tmp_path / "l.csv", seed=1)
    assert dict(first.sizes) == {"train": 72, "val": 9, "test": 9}
    texts = {split: {text for _, text, _ in read(first, split)} for split in first.splits}
    assert texts == {split: {text for _, text, _ in read(turned, split)} for split in turned.splits}
    assert texts["test"] != {text for _, text, _ in read(other, "test")}
    assert first.fingerprint == load(tmp_path / "l.csv").fingerprint != other.fingerprint
    assert sorted(label for _, _, label in read(first, "test")) == ["x"] * 6 + ["y"] * 3


def test_repeats_of_a_text_are_kept_and_never_drawn_apart(tmp_path):
    rows = [(f"text {index % 20}", "xy"[index % 2]) for index in range(60)]
    dataset = load(write_csv(tmp_path / "l.csv", ("text", "label"), *rows))
    texts = {split: {text for _, text, _ in read(dataset, split)} for split in dataset.splits}
    assert dict(dataset.sizes) == {"train": 48, "val": 6, "test": 6}
    assert {split: len(part) for split, part in texts.items()} == {"train": 16, "val": 2, "test": 2}
    assert len(set().union(*texts.values())) == 20
    few = [("same", "x"), ("same", "x"), ("same", "x"), *[(f"y{index}", "y") for index in range(3)]]
    assert faults(write_csv(tmp_path / "l.csv", ("text", "label"), *few)) == [
        "l.csv: class `x` has 1 text, repeats aside; a split into train, val, test needs at least 3"
    ]


def test_a_class_that_repeats_keep_out_of_train(tmp_path):
    rows = [(f"text {index}", "xy"[index % 2]) for index in range(20)]
    tested = read(load(write_csv(tmp_path / "l.csv", ("text", "label"), *rows)), "test")[0][1]
    again = write_csv(tmp_path / "l.csv", ("text", "label"), *rows, (tested, "z"), (tested, "z"))
    assert faults(again) == ["l.csv: class `z` has no text in split `train`"]


def test_groups_stay_together(tmp_path):
    rows = [(f"text {index}", "xyz"[index % 3], f"writer{index // 6}") for index in range(60)]
    dataset = load(write_csv(tmp_path / "l.csv", ("text", "label", "group"), *rows))
    assert dict(dataset.sizes) == {"train": 48, "val": 6, "test": 6}
    writers = {split: {int(text.split()[1]) // 6 for _, text, _ in read(dataset, split)} for split in dataset.splits}
    assert {split: len(part) for split, part in writers.items()} == {"train": 8, "val": 1, "test": 1}
    assert faults(write_csv(tmp_path / "l.csv", ("text", "label", "group"), *rows[:12])) == [
        "l.csv: 2 groups, but a split by group needs at least 3; add examples, or declare the split in a column `split`"
    ]


def test_one_file_per_split_and_several_tests(tmp_path):
    write_csv(tmp_path / "train.csv", ("text", "label"), ("a", "x"), ("b", "y"), ("c", "y"))
    write_json(tmp_path / "val.jsonl", {"text": "d", "label": "x"})
    write_csv(tmp_path / "test_clean.csv", ("text", "label"), ("e", "x"))
    (tmp_path / "README.md").write_text("not data")
    assert load(tmp_path).tests == ("test",)
    (tmp_path / "test_noisy.tsv").write_text("text\tlabel\nf\ty\n")
    dataset = load(tmp_path)
    assert dataset.tests == ("test_clean", "test_noisy")
    assert dict(dataset.sizes) == {"train": 3, "val": 1, "test_clean": 1, "test_noisy": 1}
    assert read(dataset, "test_noisy") == [("test_noisy.tsv:2", "f", "y")]
    assert dataset.name == tmp_path.name


def test_missing_val_is_drawn_from_train_and_missing_test_is_a_fault(tmp_path):
    rows = [(f"text {index}", "xy"[index % 2], "train" if index < 20 else "test") for index in range(24)]
    dataset = load(write_csv(tmp_path / "l.csv", ("text", "label", "split"), *rows))
    assert dict(dataset.sizes) == {"train": 18, "val": 2, "test": 4}
    assert [text for _, text, _ in read(dataset, "test")] == [f"text {index}" for index in range(20, 24)]
    for part, missing in ((rows[:20], "test"), (rows[20:], "train")):
        assert faults(write_csv(tmp_path / "l.csv", ("text", "label", "split"), *part)) == [
            f"l.csv: no example is in split `{missing}`"
        ]


def test_every_fault_of_a_list_at_once(tmp_path):
    path = tmp_path / "l.csv"
    lines = [
        "text,label,split,group",
        "one,yes,train,ann",
        "two,no,train,bob",
        '"  ",yes,train,ann',
        "three,,train,ann",
        "four,yes,dev,ann",
        "five, with a comma,yes,train,ann",
        "six,yes,train",
        '"seven" or so,yes,train,ann',
        '"eight',
        'lines",no,val,bob',
        "two,no,test,cid",
        "two,yes,test,cid",
        "nine,maybe,test,cid",
        "ten,maybe,test,cid",
        "eleven,spam,train,ann",
        "twelve,yes,train,",
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    assert faults(path) == [
        "l.csv:4: no value for `text`",
        "l.csv:5: no value for `label`",
        "l.csv:6: unknown split `dev`; it must be one of train, val, test",
        'l.csv:7: has 5 cells, the header has 4; put text that has commas in it between quotes (")',
        "l.csv:8: has 3 cells, the header has 4",
        "l.csv:9: is not CSV: ',' expected after '\"'; close every quote, and double those inside quotes",
        "l.csv:17: no value for `group`",
        "l.csv:12: text `two` is in `train` at l.csv:3, and here in `test`; a text must be in one split",
        "l.csv:16: label `spam` is seen once only; correct it, or add texts with it",
        "l.csv: class `maybe` has no text in split `train`",
        "l.csv:10: group `bob` is in `train` at l.csv:3, and here in `val`; a group must be in one split",
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ["l.csv: has no rows"]),
        ("text,label\n", ["l.csv: has no rows"]),
        ("review,stars\ngood,5\n", ["l.csv:1: no column `text`, `label`; the first line must name the columns, "]),
        ('"text,label\ngood,5\n', ["l.csv:1: is not CSV: unexpected end of data; close every quote, and double "]),
        ("text,label\na,x\nb,x\nc,x\n", ["l.csv: has one class only, `x`; a classifier needs two"]),
        (
            "text,label\na,x\nb,x\nc,y\nd,y\ne,y\n",
            ["l.csv: class `x` has 2 texts; a split into train, val, test needs at least 3"],
        ),
        (
            "text,label\nx,a\ny,b\nz,b\nu,b\n",
            [
                "l.csv:2: label `a` is seen once only; correct it, or add texts with it",
                "l.csv: class `a` has 1 text; a split into train, val, test needs at least 3",
            ],
        ),
        (
            "text,label,split\nx,a,train\ny,b,test\nz,b,val\n",
            [
                "l.csv:2: label `a` is seen once only; correct it, or add texts with it",
                "l.csv: class `b` has no text in split `train`",
            ],
        ),
    ],
)
def test_lists_that_no_classifier_can_learn_from(tmp_path, content, expected):
    (tmp_path / "l.csv").write_text(content)
    found = faults(tmp_path / "l.csv")
    assert len(found) == len(expected)
    assert all(fault.startswith(start) for fault, start in zip(found, expected, strict=True)), found


def test_text_and_label_in_each_other_s_place_give_short_faults(tmp_path):
    path = write_csv(tmp_path / "l.csv", ("label", "text"), ("long\nwords " * 50, "x"), ("b", "y"))
    shown = " ".join(["long words"] * 5) + " long..."
    assert faults(path)[0] == f"l.csv:2: label `{shown}` is seen once only; correct it, or add texts with it"


def test_folders_that_hold_no_lists(tmp_path):
    (tmp_path / "train.txt").write_text("a\tx\n")
    expected = "DIR: has no files train.*, val.* and test*.* (.csv, .tsv, .jsonl); add them, or name one file"
    assert faults(tmp_path) == [expected]
    with pytest.raises(UsageError, match=r"is no list of examples; `--data` takes a folder or a \.csv, \.tsv, \.jsonl"):
        load(tmp_path / "train.txt")


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab")), min_size=1, max_size=40), st.integers(0, 99))
def test_entries_of_one_name_never_come_apart(examples, seed):
    class Named(splits.Entry):
        name = property(lambda self: self.id.split("-")[0])

    entries = [Named(place="", id=f"{name}-{index}", label=label) for index, (name, label) in enumerate(examples)]
    assigned, found = splits.assign(Path("l"), entries, seed, "text")
    if found:
        return
    assert [entry.id for entry in assigned] == [entry.id for entry in entries]
    assert {entry.split for entry in assigned} == {"train", "val", "test"}
    assert len({(entry.name, entry.split) for entry in assigned}) == len({entry.name for entry in entries})
    assert {entry.label for entry in assigned if entry.split == "train"} == {"a", "b"}
