"""The user's own handwriting, with labels and with texts."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.datasets import own
from zoo.datasets.ink import INPUT, TEXT, points_of
from zoo.types import BadData, Dataset, UsageError

TASKS = {"label": "classification", "text": "transcription"}


def strokes(number: int) -> list[list[list[float]]]:
    return [[[number, 0], [number + 1, 2, 10]], [[5, 5]]]


def rows(count: int, column: str = "label", **more: Any) -> list[dict[str, Any]]:
    """Inks that differ, of three labels, or each with a text of its own."""
    told = [f"abc{number}" if column == "text" else "abc"[number % 3] for number in range(count)]
    return [{"strokes": strokes(number), column: told[number], **more} for number in range(count)]


def write(path: Path, *rows: dict[str, Any] | str) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def load(path: Path, column: str = "label", seed: int = 0) -> Dataset:
    return own.load(path, INPUT, TASKS[column], seed)


def faults(path: Path, column: str = "label") -> list[str]:
    """The faults that loading raises, without the folder's name."""
    with pytest.raises(BadData) as caught:
        load(path, column)
    folder = path if path.is_dir() else path.parent
    return [fault.replace(f"{folder}/", "") for fault in caught.value.faults]


def read(dataset: Dataset, split: str) -> list[tuple[str, list, Any]]:
    examples = dataset.splits[split].as_numpy_iterator()
    return [(example["id"].decode(), example["input"].tolist(), example["target"]) for example in examples]


@pytest.mark.parametrize("name", ["inks.jsonl", "inks.jsonl.gz"])
def test_labels_become_classes(tmp_path, name):
    made = [
        {"strokes": strokes(number), "label": label, "split": split}
        for number, (label, split) in enumerate(
            [(7, "train"), ("é", "train"), ("7", "val"), ("é", "val"), (7, "test"), ("é", "test")]
        )
    ]
    dataset = load(write(tmp_path / name, *made))
    assert dataset.target.classes == ("7", "é")
    assert read(dataset, "val") == [
        (f"{name}:3", points_of(strokes(2)).tolist(), 0),
        (f"{name}:4", points_of(strokes(3)).tolist(), 1),
    ]
    assert (dataset.origin, dataset.input) == ("own", INPUT)


def test_texts_stay_as_they_were_written(tmp_path):
    made = [
        {"strokes": strokes(number), "text": text, "split": split}
        for number, (text, split) in enumerate([(" \\phi ( x ) ", "train"), ("über", "val"), ("1 - 2", "test")])
    ]
    dataset = load(write(tmp_path / "inks.jsonl", *made), "text")
    assert dataset.target == TEXT
    assert read(dataset, "train") == [("inks.jsonl:1", points_of(strokes(0)).tolist(), rb"\phi ( x )")]
    assert read(dataset, "val")[0][2] == "über".encode()


@pytest.mark.parametrize("column", TASKS)
def test_one_list_per_split_and_several_tests(tmp_path, column):
    made = rows(12, column)
    for name, part in zip(
        ("train.jsonl", "val.jsonl.gz", "test2014.jsonl", "test2016.jsonl.gz"), range(4), strict=True
    ):
        write(tmp_path / name, *made[3 * part : 3 * part + 3])
    if column == "text":
        dataset = load(tmp_path, column)
        assert dict(dataset.sizes) == {"train": 3, "val": 3, "test_2014": 3, "test_2016": 3}
        assert read(dataset, "test_2016")[0] == ("test2016.jsonl.gz:1", points_of(strokes(9)).tolist(), b"abc9")
        assert dataset.tests == ("test_2014", "test_2016")
    else:
        assert load(tmp_path, column).target.classes == ("a", "b", "c")


def test_a_drawn_split_has_all_and_keeps_copies_together(tmp_path):
    made = rows(60) + rows(30)
    dataset = load(write(tmp_path / "inks.jsonl", *made))
    found = {split: {tuple(points[0]) for _, points, _ in read(dataset, split)} for split in dataset.splits}
    assert sum(dataset.sizes.values()) == 90
    assert sum(map(len, found.values())) == 60
    assert dataset.fingerprint == load(tmp_path / "inks.jsonl").fingerprint
    assert dataset.fingerprint != load(tmp_path / "inks.jsonl", seed=1).fingerprint


def test_writers_stay_together(tmp_path):
    made = [row | {"group": number // 6} for number, row in enumerate(rows(60, "text"))]
    dataset = load(write(tmp_path / "inks.jsonl", *made), "text")
    assert dict(dataset.sizes) == {"train": 48, "val": 6, "test": 6}
    writers = [{int(text[3:]) // 6 for _, _, text in read(dataset, split)} for split in dataset.splits]
    assert [len(part) for part in writers] == [8, 1, 1]
    assert len(set.union(*writers)) == 10


def test_every_fault_is_named_with_its_line(tmp_path):
    lines = [
        '{"strokes": [[[1, 2]]]}',
        '{"strokes": [[[1, 2]]], "text": ""}',
        '{"strokes": [[[1, 2]]], "text": 26}',
        '{"strokes": [], "text": "a"}',
        '{"strokes": [[[1, 2]], []], "text": "a"}',
        '{"strokes": [[1, 2], [3, 4]], "text": "a"}',
        '{"strokes": [[[1, 2], [NaN, 3]]], "text": "a"}',
        '{"strokes": [[["1", 2]]], "text": "a"}',
        '{"strokes": "[[[1, 2]]]", "text": "a"}',
        '{"strokes": {"x": [1], "y": [2]}, "text": "a"}',
        '{"text": "a"}',
        '{"strokes": [[[1, 2]]], "text": "a", "split": "dev"}',
        "[[[1, 2]]]",
        '{"strokes": [[[1, 2]]], "text": "a"',
        json.dumps({"strokes": [[[0, 0]] * 50_001], "text": "a"}),
        json.dumps({"strokes": [[[0.123, 0]] * 100_000], "text": "a"}),
        '{"strokes": [[[1, 2]]], "text": "\\ud800"}',
    ]
    found = dict(fault.split(": ", 1) for fault in faults(write(tmp_path / "inks.jsonl", *lines), "text"))
    said = {int(place.split(":")[1]): reason for place, reason in found.items()}
    assert said.pop(14).startswith("is not JSON: ")
    assert said.pop(16).startswith("has 1,200,028 bytes, an example may have 1,000,000; ")
    assert said == {
        1: "no value for `text`",
        2: "no value for `text`",
        3: "`text` must be text, got 26",
        4: "has no stroke",
        5: "stroke 2 has no point",
        6: "stroke 1, point 1 must be [x, y] or [x, y, ms], got 1",
        7: "stroke 1, point 2 must have numbers from -1,000,000 to 1,000,000, got [nan, 3]",
        8: "stroke 1, point 1 must have numbers only, got ['1', 2]",
        9: "`strokes` must be a list of strokes, each a list of points, got '[[[1, 2]]]'",
        10: "`strokes` must be a list of strokes, each a list of points, got {'x': [1], 'y': [2]}",
        11: "no value for `strokes`",
        12: "unknown split `dev`; it must be one of train, val, test",
        13: "must be a JSON object, got a list",
        15: "has 50,001 points, an ink may have 50,000; cut it into several",
        17: "`text` has \\ud800, half a character that UTF-8 cannot hold",
    }


def test_labels_must_be_text_or_whole_numbers(tmp_path):
    made = [*rows(9), {"strokes": strokes(20), "label": 1.5}, {"strokes": strokes(21), "label": ["a"]}]
    assert faults(write(tmp_path / "inks.jsonl", *made)) == [
        "inks.jsonl:10: `label` must be text or a whole number, got 1.5",
        "inks.jsonl:11: `label` must be text or a whole number, got ['a']",
    ]


def test_a_label_seen_once_is_a_fault(tmp_path):
    found = faults(write(tmp_path / "inks.jsonl", *rows(30), {"strokes": strokes(40), "label": "d"}))
    assert "inks.jsonl:31: label `d` is seen once only; correct it, or add inks with it" in found


def test_an_ink_in_two_declared_splits_is_a_leak(tmp_path):
    made = [row | {"split": split} for row, split in zip(rows(3, "text"), ("train", "val", "test"), strict=True)]
    made.append({"strokes": strokes(0), "text": "other", "split": "test"})
    assert faults(write(tmp_path / "inks.jsonl", *made), "text") == [
        "inks.jsonl:4: the same ink is in `train` at inks.jsonl:1, and here in `test`; an ink must be in one split"
    ]


def test_fingerprint_follows_inks_texts_and_splits(tmp_path):
    def fingerprint(**changed: Any) -> str:
        made = [row | {"split": split} for row, split in zip(rows(3, "text"), ("train", "val", "test"), strict=True)]
        extra = {"strokes": strokes(7), "text": "d", "split": "train"} | changed
        return load(write(tmp_path / "inks.jsonl", *made, extra), "text").fingerprint

    others = {fingerprint(strokes=strokes(8)), fingerprint(text="e"), fingerprint(split="val")}
    assert fingerprint() == fingerprint()
    assert len(others | {fingerprint()}) == 4


def test_renamed_labels_are_other_data(tmp_path):
    one = load(write(tmp_path / "one.jsonl", *rows(30)))
    other = load(write(tmp_path / "two.jsonl", *({**row, "label": row["label"] * 2} for row in rows(30))))
    assert one.sizes == other.sizes and one.fingerprint != other.fingerprint


def test_a_table_is_refused(tmp_path):
    (tmp_path / "inks.csv").write_text("strokes,label\nx,a\n")
    assert faults(tmp_path / "inks.csv") == [
        "inks.csv: must be JSON Lines (.jsonl or .jsonl.gz), for strokes are lists within lists"
    ]


def test_a_folder_without_lists_is_refused(tmp_path):
    with pytest.raises(BadData, match=r"has no files train\.\*, val\.\* and test\*\.\* \(\.jsonl\)"):
        load(tmp_path)


def test_ink_of_another_task_is_refused():
    with pytest.raises(UsageError, match=r"cannot be used for ink forecasting, it works for: .*ink classification"):
        own.load("anything", INPUT, "forecasting")


def expressions() -> Path | None:
    folders = [os.environ.get("ZOO_MANUAL_DIR"), Path(__file__).parents[2] / "shared" / "data" / "crohme_linear"]
    return next((Path(place) for place in folders if place and (Path(place) / "test2014.jsonl.gz").is_file()), None)


EXPRESSIONS = expressions()  # the tests take ZOO_MANUAL_DIR away before they run


@pytest.mark.slow
@pytest.mark.skipif(
    EXPRESSIONS is None, reason="no test2014.jsonl.gz in ZOO_MANUAL_DIR or ../shared/data/crohme_linear"
)
def test_real_expressions_load_whole():
    dataset = load(EXPRESSIONS, "text")
    assert dict(dataset.sizes) == {"train": 2671, "val": 163, "test_2014": 283, "test_2016": 283}
    identifier, points, text = read(dataset, "test_2014")[0]
    assert (identifier, text) == ("test2014.jsonl.gz:1", b"2 6")
    assert np.array(points)[0].tolist() == [305, 70, 0]
