"""CMU AN4: the archive's layout, its splits, and what is refused."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from zoo.datasets import an4, archives
from zoo.types import Source, UsageError

REAL = Path(__file__).parents[2] / "shared" / "data" / "an4"
real = pytest.mark.skipif(not REAL.is_dir(), reason=f"the publisher's archive is not in {REAL}")


def archive(folder: Path, lists: dict[str, str]) -> Path:
    made = folder / an4.ARCHIVES[0]
    with tarfile.open(made, "w:gz") as tar:
        for name, text in lists.items():
            member = tarfile.TarInfo(f"an4/etc/an4_{name}.transcription")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return made


def test_transcripts_lose_their_marks_of_silence(tmp_path: Path):
    made = archive(tmp_path, {"test": "<s> RUBOUT G M E F </s> (an406-fcaw-b)\nYES (an251-fash-b)\n"})
    assert an4.transcripts(made, "test") == {"an406-fcaw-b": "RUBOUT G M E F", "an251-fash-b": "YES"}


def test_other_archives_are_refused(tmp_path: Path):
    made = archive(tmp_path, {"test": "YES\n"})
    with pytest.raises(UsageError, match=r"line 1 of an4_test\.transcription is not `TEXT \(name\)`: 'YES'"):
        an4.transcripts(made, "test")
    with pytest.raises(UsageError, match="is not the publisher's archive"):
        an4.transcripts(made, "train")
    with pytest.raises(UsageError, match=r"SHA-256 of its \*\.sph files is \w+, expected 75f79c73"):
        an4.load(Source(manual_dir=tmp_path))


def test_val_speakers_are_the_same_in_any_order():
    names = {f"s{number}" for number in range(20)}
    assert an4.val_speakers(names) == an4.val_speakers(set(names))
    assert len(an4.val_speakers(names)) == 8


@real
def test_the_published_lists_are_whole():
    made = archives.find(REAL, "an4", an4.ARCHIVES)
    texts = {split: an4.transcripts(made, split) for split in ("train", "test")}
    assert {split: len(part) for split, part in texts.items()} == {"train": 948, "test": 130}
    assert sum(len(text.split()) for text in texts["test"].values()) == 773
    assert not {name.split("-")[1] for name in texts["train"]} & {name.split("-")[1] for name in texts["test"]}


@real
def test_splits_are_by_speaker():
    dataset = an4.load(Source(manual_dir=REAL))
    speakers = {
        split: {row["id"].decode().split("-")[1] for row in examples.as_numpy_iterator()}
        for split, examples in dataset.splits.items()
    }
    assert dataset.sizes["train"] + dataset.sizes["val"] == 948 and dataset.sizes["test"] == 130
    assert len(speakers["val"]) == 8 and len(speakers["test"]) == 10
    assert dataset.grouped_by == "speaker"
    ids = [row["id"].decode() for row in dataset.splits["test"].as_numpy_iterator()]
    assert set(map(dataset.group_of, ids)) == speakers["test"]
    assert not speakers["train"] & speakers["val"] and not speakers["test"] & (speakers["train"] | speakers["val"])
    texts = an4.transcripts(archives.find(REAL, "an4", an4.ARCHIVES), "test")
    for row in dataset.splits["test"].as_numpy_iterator():
        assert row["target"].decode() == texts[row["id"].decode()] and len(row["input"]) > 1600
