"""The user's own labelled audio."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from zoo.datasets import own
from zoo.types import BadData, Dataset, Spec, UsageError

INPUT = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=8000)


def load(path: Path, seed: int = 0) -> Dataset:
    return own.load(path, INPUT, "classification", seed)


def write_clip(path: Path, rate: int = 8000, channels: int = 1, seconds: float = 0.05, level: float = 0.25) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full((int(rate * seconds), channels), level, np.float32), rate)
    return path


def write_folders(root: Path, **counts: int) -> Path:
    for label, count in counts.items():
        for index in range(count):
            write_clip(root / label / f"{index:02}.wav")
    return root


def write_list(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def faults(path: Path) -> list[str]:
    """The faults that loading raises, with paths relative to the folder, itself written DIR."""
    with pytest.raises(BadData) as caught:
        load(path)
    folder = path if path.is_dir() else path.parent
    assert str(caught.value).startswith(f"`{path}` has {len(caught.value.faults)} fault")
    shown = [fault.replace(f"{folder}/<", "DIR/<").replace(f"{folder}/", "") for fault in caught.value.faults]
    return [fault.replace(str(folder), "DIR") for fault in shown]


def ids(dataset: Dataset, split: str) -> list[str]:
    return [example["id"].decode() for example in dataset.splits[split].as_numpy_iterator()]


def test_folders_of_any_rate_container_and_channel_count(tmp_path):
    for index, (suffix, rate, channels) in enumerate(
        [("wav", 44100, 2), ("flac", 16000, 1), ("ogg", 22050, 1), ("mp3", 48000, 2), ("WAV", 8000, 3)]
    ):
        write_clip(tmp_path / "yes" / f"{index}.{suffix}", rate, channels, seconds=0.5)
        write_clip(tmp_path / "no" / f"{index}.{suffix}", rate, channels, seconds=0.5, level=-0.25)
    (tmp_path / ".DS_Store").touch()
    (tmp_path / "no" / ".DS_Store").touch()
    dataset = load(tmp_path)
    assert dataset.target.classes == ("no", "yes")
    assert dict(dataset.sizes) == {"train": 6, "val": 2, "test": 2}
    assert dataset.origin == "own"
    for examples in dataset.splits.values():
        for example in examples.as_numpy_iterator():
            label = example["id"].decode().split("/")[0]
            assert dataset.target.classes[example["target"]] == label
            assert example["input"].dtype == np.float32
            assert np.median(example["input"]) == pytest.approx({"yes": 0.25, "no": -0.25}[label], abs=0.03)
            assert len(example["input"]) == pytest.approx(4000, rel=0.15)


def test_split_is_stratified_stable_and_seeded(tmp_path):
    write_folders(tmp_path, one=30, two=20, three=3)
    first, again, other = load(tmp_path), load(tmp_path), load(tmp_path, seed=1)
    assert dict(first.sizes) == {"train": 24 + 16 + 1, "val": 3 + 2 + 1, "test": 3 + 2 + 1}
    assert all(ids(first, split) == ids(again, split) for split in first.splits)
    assert ids(first, "test") != ids(other, "test")
    assert first.fingerprint == again.fingerprint != other.fingerprint
    for split in ("val", "test"):
        assert {name.split("/")[0] for name in ids(first, split)} == {"one", "two", "three"}
    write_clip(tmp_path / "one" / "00.wav", level=0.3)
    assert load(tmp_path).fingerprint != first.fingerprint


def test_every_fault_of_a_folder_at_once(tmp_path):
    write_folders(tmp_path, good=4, fine=3, lonely=1)
    (tmp_path / "empty").mkdir()
    (tmp_path / "good" / "broken.wav").write_bytes(b"RIFF\0\0\0\0WAVEnothing")
    (tmp_path / "good" / "notes.txt").write_text("to do")
    (tmp_path / "good" / "more").mkdir()
    write_clip(tmp_path / "fine" / "nothing.wav", seconds=0)
    (tmp_path / "fine" / "zero.flac").touch()
    soundfile.write(tmp_path / "fine" / "nan.wav", np.array([np.nan] * 9), 8000, subtype="FLOAT")
    (tmp_path / "README.md").write_text("stray")
    expected = [
        r"README\.md: is in no class; put clips into DIR/<label>/ and remove the rest",
        r"empty: is empty; a class needs at least 3 clips",
        r"fine/nan\.wav: has samples that are NaN or infinite",
        r"fine/nothing\.wav: zero-length audio \(no samples\)",
        r"fine/zero\.flac: the file is empty \(0 bytes\)",
        r"good/broken\.wav: not audio that can be read \(.+\)",
        r"good/more: is a folder inside a class; put its clips directly into the class",
        r"good/notes\.txt: not audio that can be read \(.+\)",
        r"DIR: class `lonely` has 1 usable clip; a split into train, val, test needs at least 3",
    ]
    found = faults(tmp_path)
    assert len(found) == len(expected)
    for pattern in expected:
        assert any(re.fullmatch(pattern, fault) for fault in found), (pattern, found)


def test_one_class_and_no_class(tmp_path):
    assert faults(write_folders(tmp_path / "a", only=5)) == [
        "DIR: has one class only, `only`; a classifier needs two",
    ]
    (tmp_path / "b").mkdir()
    assert faults(tmp_path / "b") == ["DIR: has no folders of classes; put clips into DIR/<label>/"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".csv.gz", ".jsonl.gz"])
def test_lists_with_a_declared_split(tmp_path, suffix):
    rows = [("a/x y.wav", "yes", "train"), ("b.wav", "no", "train"), ("c.wav", "no", "val"), ("d.wav", "yes", "test")]
    for name, _, _ in rows:
        write_clip(tmp_path / name)
    if suffix.startswith(".jsonl"):
        text = "".join(json.dumps({"path": p, "label": label, "split": split}) + "\n" for p, label, split in rows)
    else:
        separator = "\t" if suffix == ".tsv" else ","
        text = "\ufeff" + "".join(separator.join(cells) + "\r\n" for cells in [("path", "label", "split"), *rows])
    path = tmp_path / f"list{suffix}"
    path.write_bytes(gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode())
    dataset = load(path)
    assert {split: ids(dataset, split) for split in dataset.splits} == {
        "train": ["a/x y.wav", "b.wav"],
        "val": ["c.wav"],
        "test": ["d.wav"],
    }


def test_every_fault_of_a_list_at_once(tmp_path):
    for name in ("a", "b", "c", "d", "e"):
        write_clip(tmp_path / f"{name}.wav")
    (tmp_path / "text.wav").write_text("no audio")
    (tmp_path / "folder").mkdir()
    path = write_list(
        tmp_path / "list.csv",
        "path,label,split,group",
        "a.wav,yes,train,ann",
        "b.wav,no,train,bob",
        "c.wav,no,val,bob",
        "missing.wav,yes,train,eve",
        "folder,yes,train,eve",
        "text.wav,yes,train,eve",
        "",
        "d.wav,,train,eve",
        "d.wav,yes,dev,eve",
        "e.wav,maybe,test,joe",
        "a.wav,yes,train,ann",
        "d.wav,yes,train",
        ",yes,train,eve",
        "d.wav,yes,train,",
    )
    found = faults(path)
    assert [fault for fault in found if "text.wav" not in fault] == [
        "list.csv:9: no value for `label`",
        "list.csv:10: unknown split `dev`; it must be one of train, val, test",
        "list.csv:13: has 3 cells, the header has 4",
        "list.csv:14: no value for `path`",
        "list.csv:15: no value for `group`",
        "list.csv:12: `a.wav` is listed twice, first at list.csv:2",
        "list.csv:5: `missing.wav` does not exist",
        "list.csv:6: `folder` is a folder",
        "list.csv: class `maybe` has no usable clip in split `train`",
        "list.csv:4: group `bob` is in `train` at list.csv:3, and here in `val`; a group must be in one split",
    ]
    (of_text,) = [fault for fault in found if "text.wav" in fault]
    assert of_text.startswith("list.csv:7: `text.wav` not audio that can be read (")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("l.csv", b"file,label\na.wav,x\n", "l.csv:1: no column `path`; the first line must name the columns"),
        ("l.csv", b"path,label,path\n", "l.csv:1: column `path` is there twice"),
        ("l.csv", b"", "l.csv: has no rows"),
        ("l.csv", b"path,label\n", "l.csv: has no rows"),
        ("l.csv", b"path,label\na,\xff\n", "l.csv:2: is not UTF-8 text"),
        ("l.csv", b'path,label\na,"b\n', "l.csv:2: is not CSV: unexpected end of data"),
        ("l.csv.gz", b"path", r"l.csv.gz: cannot be read \(Not a gzipped file"),
        ("l.jsonl", b'{"path": "a"\n', "l.jsonl:1: is not JSON: "),
        ("l.jsonl", b"\n[1]\n", "l.jsonl:2: must be a JSON object, got a list"),
        ("l.jsonl", b'{"path": "a"}\n', "l.jsonl:1: no value for `label`"),
        ("l.jsonl", b'{"path": 3, "label": "x"}\n', "l.jsonl:1: `path` must be text, got 3"),
        ("l.jsonl", b'{"path": "a", "label": true}\n', "l.jsonl:1: `label` must be text or a whole number, got True"),
        ("l.jsonl", b'{"path": "a", "label": "x", "group": []}\n', "l.jsonl:1: `group` must be text or a whole number"),
        (
            "l.jsonl",
            b'{"path": "a", "label": "x", "split": "train"}\n{"path": "b", "label": "x"}\n',
            "l.jsonl:2: unknown split|l.jsonl:2: no value for `split`, which other rows have",
        ),
    ],
)
def test_malformed_lists(tmp_path, name, content, fault):
    (tmp_path / name).write_bytes(content)
    assert any(re.match(fault, found) for found in faults(tmp_path / name)), faults(tmp_path / name)


def test_a_name_with_a_nul_is_a_fault(tmp_path):
    lines = [f"{write_clip(tmp_path / f'{number}.wav').name},{'ab'[number % 2]}" for number in range(20)]
    path = write_list(tmp_path / "l.csv", "path,label", *lines, "9\0.wav,a")
    with pytest.raises(BadData) as caught:
        load(path)
    (fault,) = caught.value.faults
    assert fault.endswith("l.csv:22: `path` has a NUL, which no text and no file's name has; the file may be damaged")


def test_a_name_that_no_file_can_have_is_a_fault(tmp_path):
    lines = [f"{write_clip(tmp_path / f'{number}.wav').name},{'ab'[number % 2]}" for number in range(20)]
    assert faults(write_list(tmp_path / "l.csv", "path,label", *lines, "9" * 300 + ".wav,a")) == [
        f"l.csv:22: `{'9' * 300}.wav` File name too long"
    ]


def test_one_list_per_split_and_several_tests(tmp_path):
    for name in "abcdef":
        write_clip(tmp_path / "audio" / f"{name}.wav")
    write_list(tmp_path / "train.csv", "path,label", "audio/a.wav,x", "audio/b.wav,y")
    write_list(tmp_path / "val.csv", "path,label", "audio/c.wav,y")
    write_list(tmp_path / "test_clean.csv", "path,label", "audio/d.wav,y")
    assert load(tmp_path).tests == ("test",)
    write_list(tmp_path / "test_noisy.tsv", "path\tlabel", "audio/e.wav\tx")
    dataset = load(tmp_path)
    assert dataset.tests == ("test_clean", "test_noisy")
    assert ids(dataset, "test_noisy") == ["audio/e.wav"]
    write_list(tmp_path / "val.tsv", "path\tlabel", "audio/a.wav\tx")
    assert faults(tmp_path) == [
        "val.tsv: split `val` has another file, val.csv; keep one",
        "val.tsv:2: `audio/a.wav` is listed twice, first at train.csv:2",
    ]


def test_missing_val_is_drawn_from_train_and_missing_test_is_a_fault(tmp_path):
    clips = [write_clip(tmp_path / f"{index:02}.wav").name for index in range(24)]
    rows = [f"{clip},{'xy'[index % 2]},{'train' if index < 20 else 'test'}" for index, clip in enumerate(clips)]
    dataset = load(write_list(tmp_path / "l.csv", "path,label,split", *rows))
    assert dict(dataset.sizes) == {"train": 18, "val": 2, "test": 4}
    assert ids(dataset, "test") == clips[20:]
    assert faults(write_list(tmp_path / "l.csv", "path,label,split", *rows[:20])) == [
        "l.csv: no example is in split `test`"
    ]
    assert faults(write_list(tmp_path / "l.csv", "path,label,split", *rows[20:])) == [
        "l.csv: no example is in split `train`"
    ]


def test_groups_stay_together(tmp_path):
    rows = []
    for index in range(60):
        write_clip(tmp_path / f"{index:02}.wav")
        rows.append(f"{index:02}.wav,{'xyz'[index % 3]},speaker{index // 6}")
    dataset = load(write_list(tmp_path / "l.csv", "path,label,group", *rows))
    assert dict(dataset.sizes) == {"train": 48, "val": 6, "test": 6}
    assert (dataset.grouped_by, dataset.group_of("07.wav")) == ("group", "speaker1")
    seen = {split: {int(name[:2]) // 6 for name in ids(dataset, split)} for split in dataset.splits}
    assert not (seen["train"] & seen["val"] | seen["train"] & seen["test"] | seen["val"] & seen["test"])
    two = write_list(tmp_path / "l.csv", "path,label,group", *rows[:12])
    assert faults(two) == [
        "l.csv: 2 groups, but a split by group needs at least 3; add examples, or declare the split in a column `split`"
    ]


def test_what_cannot_be_loaded(tmp_path):
    with pytest.raises(UsageError, match="does not exist; give a folder or a file with your data to `--data`"):
        load(tmp_path / "nowhere")
    clip = write_clip(tmp_path / "a.wav")
    with pytest.raises(UsageError, match=r"is no list of examples; `--data` takes a folder or a \.csv, \.tsv, \.jsonl"):
        load(clip)
    series = Spec(name="pairs", kind="series", shape=(None, 2), dtype="float32", axes=("step", "column"))
    with pytest.raises(UsageError, match="cannot be used for series regression, it works for: audio classification"):
        own.load(tmp_path, series, "regression")
