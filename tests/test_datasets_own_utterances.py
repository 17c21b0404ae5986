"""The user's own transcribed audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from zoo.datasets import own
from zoo.types import BadData, Spec

AUDIO = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=8000)


def tone(path: Path, seconds: float = 0.5, rate: int = 8000, channels: int = 1, subtype: str | None = None) -> None:
    wave = 0.3 * np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 440 / rate)
    soundfile.write(path, np.repeat(wave[:, None], channels, 1), rate, subtype=subtype)


def load(path: Path):
    return own.load(path, AUDIO, "transcription")


def test_files_of_every_kind_become_one_rate_and_texts_stay_as_written(tmp_path: Path):
    kinds = [
        ("a.wav", 44100, 2, "PCM_24"),
        ("b.flac", 16000, 1, None),
        ("c.mp3", 48000, 1, None),
        ("d.ogg", 8000, 1, None),
        ("e.wav", 8000, 1, None),
        ("f.wav", 8000, 1, None),
    ]
    for name, rate, channels, subtype in kinds:
        tone(tmp_path / name, 0.5, rate, channels, subtype)
    splits = ["train"] * 4 + ["val", "test"]
    lines = [f'{name},"Room 101,  please!",{split}' for (name, *_), split in zip(kinds, splits, strict=True)]
    (tmp_path / "list.csv").write_text("path,text,split\n" + "\n".join(lines))
    dataset = load(tmp_path / "list.csv")
    assert dataset.sizes == {"train": 4, "val": 1, "test": 1}
    assert (dataset.target.kind, dataset.origin) == ("text", "own")
    rows = list(dataset.splits["train"].as_numpy_iterator())
    assert [row["id"] for row in rows] == [b"a.wav", b"b.flac", b"c.mp3", b"d.ogg"]
    assert {row["target"] for row in rows} == {b"Room 101, please!"}
    assert [len(row["input"]) for row in rows[:2]] == [4000, 4000]
    assert rows[0]["input"].max() == pytest.approx(0.3, abs=0.01)


def test_splits_are_drawn_by_speaker_where_groups_are_given(tmp_path: Path):
    lines = []
    for speaker in "abcde":
        for number in range(4):
            tone(tmp_path / f"{speaker}{number}.wav", 0.1 + 0.01 * number)
            lines.append(f"{speaker}{number}.wav,hi,{speaker}")
    (tmp_path / "list.csv").write_text("path,text,group\n" + "\n".join(lines))
    dataset = load(tmp_path / "list.csv")
    speakers = {
        split: {row["id"].decode()[0] for row in examples.as_numpy_iterator()}
        for split, examples in dataset.splits.items()
    }
    assert sum(map(len, speakers.values())) == 5 and all(speakers.values())


def test_all_faults_are_reported_at_once(tmp_path: Path):
    tone(tmp_path / "good.wav")
    tone(tmp_path / "short.wav", 0.05)
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "list.csv").write_text(
        "path,text\ngood.wav,hello\nshort.wav,far too much to say in so short a time\nmissing.wav,hello\n"
        "folder.wav,hello\ntext.wav,hello\ngood.wav,again\ngood.wav,\n"
    )
    with pytest.raises(BadData) as caught:
        load(tmp_path / "list.csv")
    text = str(caught.value)
    for wanted in (
        "list.csv:3: `short.wav` lasts 0.05 s, too short for its text of 38 characters; correct one of the two",
        "list.csv:4: `missing.wav` does not exist",
        "list.csv:5: `folder.wav` is a folder",
        "list.csv:6: `text.wav` not audio that can be read",
        "list.csv:7: `good.wav` is listed twice, first at ",
        "list.csv:8: no value for `text`",
    ):
        assert wanted in text, text


def test_a_folder_needs_a_list_a_split(tmp_path: Path):
    with pytest.raises(BadData, match=r"has no files train\.\*, val\.\* and test\*\.\* \(\.csv, \.tsv, \.jsonl\)"):
        load(tmp_path)
    for split in ("train", "val", "test_clean", "test_noisy"):
        tone(tmp_path / f"{split}.wav")
        (tmp_path / f"{split}.jsonl").write_text(f'{{"path": "{split}.wav", "text": "{split}"}}\n')
    assert load(tmp_path).tests == ("test_clean", "test_noisy")
