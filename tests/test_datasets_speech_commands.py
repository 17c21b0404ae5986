"""Speech Commands, on small archives laid out as the publisher's."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf

import zoo
from zoo import catalog, features
from zoo.chain import Chain
from zoo.datasets import keyword_draws, speech_commands
from zoo.datasets.speech_commands import ARCHIVE, KEYWORDS, NOISE, SECOND, SILENCE, TEST_ARCHIVE, UNKNOWN, WORDS
from zoo.types import RunError, Source, UsageError

SPEAKERS = 12  # of each word: 0 to 8 in train, 9 in validation, 10 and 11 in the test
LENGTH = 400


def clip(word: str, speaker: int) -> np.ndarray:
    """int16[sample] that tells the word and the speaker."""
    return np.full(LENGTH + speaker, 1000 + 20 * WORDS.index(word) + speaker, np.int16)


def noise(number: int) -> np.ndarray:
    """Louder in its last fifth, so that a cut tells from where it is."""
    return np.where(np.arange(20_000) < 16_000, 10 * (number + 1), -10 * (number + 1)).astype(np.int16)


def add(tar: tarfile.TarFile, name: str, content: bytes | np.ndarray) -> None:
    if isinstance(content, np.ndarray):
        file = io.BytesIO()
        soundfile.write(file, content, SECOND, format="WAV", subtype="PCM_16")
        content = file.getvalue()
    member = tarfile.TarInfo(f"./{name}")
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def name(word: str, speaker: int) -> str:
    return f"{word}/{speaker:08x}_nohash_0.wav"


def write_archives(folder: Path) -> None:
    folder.mkdir(parents=True)
    with tarfile.open(folder / ARCHIVE, "w:gz") as tar:
        for word in reversed(WORDS):
            for speaker in range(SPEAKERS):
                add(tar, name(word, speaker), clip(word, speaker))
        add(tar, "validation_list.txt", "".join(f"{name(word, 9)}\n" for word in WORDS).encode())
        add(tar, f"{NOISE}/README.md", b"noise")
        for number in range(2):
            add(tar, f"{NOISE}/noise_{number}.wav", noise(number))
        add(tar, "testing_list.txt", "".join(f"{name(w, s)}\n" for w in WORDS for s in (10, 11)).encode())
        add(tar, "LICENSE", b"CC BY 4.0")
    with tarfile.open(folder / TEST_ARCHIVE, "w:gz") as tar:
        for word in KEYWORDS:
            add(tar, name(word, 10), clip(word, 10))
        add(tar, f"{UNKNOWN}/bed_{10:08x}_nohash_0.wav", clip("bed", 10))
        add(tar, f"{SILENCE}/running_tap.wav_1.wav", noise(0)[:SECOND])


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both archives, and the cache in which they are prepared once for all tests."""
    folder = tmp_path_factory.mktemp("speech")
    write_archives(folder / "manual")
    return folder / "manual"


@pytest.fixture
def source(manual: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setenv("ZOO_CACHE", str(manual.parent / "cache"))
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)
    monkeypatch.setattr(speech_commands, "URL", "http://127.0.0.1:9/data")  # where nothing listens
    for archive in (ARCHIVE, TEST_ARCHIVE):
        found = hashlib.sha256((manual / archive).read_bytes()).hexdigest()
        monkeypatch.setitem(speech_commands.CHECKSUMS, archive, found)
    return Source(manual_dir=manual)


def rows(dataset: zoo.Dataset, split: str) -> list[dict]:
    return list(dataset.splits[split].as_numpy_iterator())


def test_thirty_five_words_follow_the_lists(source: Source, untouched):
    with untouched(source.manual_dir):
        dataset = speech_commands.load(source, words=35)
    assert dict(dataset.sizes) == {"train": 35 * 9, "val": 35, "test": 70}
    assert dataset.target.classes == WORDS == tuple(sorted(WORDS))
    assert len(WORDS) == 35
    for split, speakers in {"train": range(9), "val": [9], "test": [10, 11]}.items():
        found = rows(dataset, split)
        assert sorted(row["id"].decode() for row in found) == sorted(name(w, s) for w in WORDS for s in speakers)
        for row in found:
            word, file = row["id"].decode().split("/")
            assert dataset.target.classes[row["target"]] == word
            np.testing.assert_array_equal(row["input"] * 32768, clip(word, int(file[:8], 16)))
            assert dataset.group_of(row["id"].decode()) == file[:8]
    assert dataset.grouped_by == "speaker"


def test_a_part_of_the_train_split_has_all_kinds_of_words(source: Source):
    first = [row["id"].decode().split("/")[0] for row in rows(speech_commands.load(source, words=35), "train")[:70]]
    assert sum(word in KEYWORDS for word in first) == pytest.approx(20, abs=1)


def test_twelve_classes_have_a_tenth_of_unknown_words_and_silence(source: Source):
    dataset = speech_commands.load(source, words=12)
    assert dataset.target.classes == (SILENCE, UNKNOWN, *KEYWORDS)
    assert dict(dataset.sizes) == {"train": 90 + 9 + 9, "val": 10 + 1 + 1, "test": 12}
    for split, each in {"train": 9, "val": 1, "test": 1}.items():
        found = rows(dataset, split)
        counts = Counter(dataset.target.classes[row["target"]] for row in found)
        assert counts == Counter(dict.fromkeys(KEYWORDS, each) | {UNKNOWN: each, SILENCE: each})
        assert len({row["id"] for row in found}) == len(found)
        assert {dataset.group_of(row["id"].decode()) for row in found if row["target"] == 0} <= {""}
    unknown = [row for row in rows(dataset, "train") if row["target"] == 1]
    for row in unknown:
        word, file = row["id"].decode().split("/")
        assert word not in KEYWORDS
        assert int(file[:8], 16) < 9
        np.testing.assert_array_equal(row["input"] * 32768, clip(word, int(file[:8], 16)))


def test_silence_for_val_is_from_where_train_never_hears(source: Source):
    dataset = speech_commands.load(source, words=12)
    silent = {split: [row["input"] for row in rows(dataset, split) if row["target"] == 0] for split in ("train", "val")}
    assert all((cut > 0).all() for cut in silent["train"])
    assert all((cut < 0).all() for cut in silent["val"])
    assert {len(cut) for cut in silent["train"] + silent["val"]} == {SECOND}


def test_variants_are_other_words_other_cuts_and_noise_behind(source: Source):
    dataset = speech_commands.load(source, words=12)
    by_class = {int(row["target"]): row for row in rows(dataset, "train")}
    seeds = [tf.constant([0, number]) for number in range(60)]
    unknown = [dataset.vary(by_class[1], seed)["input"].numpy() for seed in seeds]
    assert len({len(values) for values in unknown}) > 5  # speakers have lengths of their own
    silent = [dataset.vary(by_class[0], seed)["input"].numpy() for seed in seeds]
    loudness = [float(np.abs(values).max() * 32768) for values in silent]
    assert min(loudness) < 2
    assert 15 < max(loudness) <= 20
    assert all((values >= 0).all() for values in silent)  # never from the end, which is for val
    word = by_class[2]
    added = [dataset.vary(word, seed)["input"].numpy() - word["input"] for seed in seeds]
    clean = sum(not values.any() for values in added)
    assert 4 <= clean <= 22  # a fifth of 60
    assert max(float(values.max()) for values in added) * 32768 <= 0.1 * 20 + 1e-3
    for example in by_class.values():
        again = dataset.vary(example, seeds[3])
        np.testing.assert_array_equal(again["input"], dataset.vary(example, seeds[3])["input"])
        assert again["target"] == example["target"]


def test_thirty_five_words_have_noise_behind_too(source: Source):
    dataset = speech_commands.load(source, words=35)
    example = rows(dataset, "train")[0]
    changed = [(dataset.vary(example, [1, number])["input"] - example["input"]).numpy().any() for number in range(40)]
    assert 24 <= sum(changed) <= 39


def test_features_of_variants_differ_and_the_first_is_plain(source: Source):
    dataset = speech_commands.load(source, words=12)
    recipe = catalog.load(catalog.find("speech_commands"), {"variants": 3, "units": 4, "mel": 8})
    chain = Chain(recipe, dataset.input, dataset.target)
    made = features.prepare(recipe, chain, dataset, "train", variants=3)
    plain = features.compute(recipe, chain, dataset.splits["train"])
    for some, alone in zip(made.take(20).as_numpy_iterator(), plain.as_numpy_iterator(), strict=False):
        ends = some["splits"]
        np.testing.assert_allclose(some["features"][: ends[1]], alone["features"], atol=1e-5)
        first, second = some["features"][ends[1] : ends[2]], some["features"][ends[2] :]
        assert first.shape != second.shape or not np.allclose(first, second, atol=1e-3)


def test_another_number_of_words_is_refused(source: Source):
    with pytest.raises(UsageError, match="`words` must be 12 or 35, got 20"):
        speech_commands.load(source, words=20)


def test_the_publishers_test_set_is_asked_for(source: Source, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / ARCHIVE).symlink_to(source.manual_dir / ARCHIVE)
    message = rf"`{TEST_ARCHIVE}` is not here and http://127.0.0.1:9/data/{TEST_ARCHIVE} cannot be fetched"
    with pytest.raises(RunError, match=message):
        speech_commands.load(Source(manual_dir=tmp_path / "only"))
    assert speech_commands.load(Source(manual_dir=tmp_path / "only"), words=35).sizes["test"] == 70


def test_another_archive_is_refused(source: Source, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(speech_commands.CHECKSUMS, ARCHIVE, "0" * 64)
    with pytest.raises(UsageError, match=r"is not the publisher's file: its SHA-256 is [0-9a-f]{64}, expected 0000"):
        speech_commands.load(source, words=35)


def test_short_recordings_of_noise_are_repeated():
    train, val = keyword_draws.parts([np.arange(10, dtype=np.int16), np.arange(100, 105, dtype=np.int16)], 20)
    assert train.tolist() == [*range(8), *range(100, 104), *range(8)]
    assert val.tolist() == [8, 9, 104] * 6 + [8, 9]
