"""UCI's pen digits, on small files laid out as the publisher's, packed in every way, and on the publisher's own."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import os
import shutil
import subprocess
import threading
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from zoo.datasets import pen_digits
from zoo.datasets.cache import cache_dir
from zoo.datasets.ink import strokes_of
from zoo.types import RunError, Source, UsageError

HEAD = '.INCLUDE        dene.doc\n\n.LEXICON "0" "1" "2" "3" "4" "5" "6" "7" "8" "9"\n.HIERARCHY      DIGIT\n\n'


def segment(digit: int, writer: int, *strokes: list[tuple[int, int]]) -> str:
    """One digit as the publisher writes it."""
    spans = f"{' ' * (len(strokes) == 1)}{'0-1' if len(strokes) > 1 else '0'}"
    lines = [f'.SEGMENT DIGIT  {spans} ? "{digit}"', f".COMMENT {digit}  {writer}  138"]
    for stroke in strokes:
        lines += [".PEN_DOWN", *(f" {x}  {y}" for x, y in stroke), ".PEN_UP", ".DT 100"]
    return "\n".join(lines) + "\n"


def unipen(writers: int) -> str:
    """For each writer a one of one stroke and a seven of two."""
    made = [
        segment(1, writer, [(100, 400), (100 + writer, 100)])
        + segment(7, writer, [(100, 400), (200, 400), (150, 90)], [(110, 250), (190, 250)])
        for writer in range(1, writers + 1)
    ]
    return HEAD + "".join(made)


TEXTS = {"pendigits-orig.tra": unipen(30).encode(), "pendigits-orig.tes": unipen(3).encode()}


def lzw(content: bytes) -> bytes:
    """Content as Unix `compress` packs it: codes of 9 to 16 bits, lowest bit first, in groups of eight codes."""
    table = {bytes([byte]): byte for byte in range(256)}
    packed, bits, following, group = bytearray(b"\x1f\x9d\x90"), 9, 257, []

    def flush(padded: bool) -> None:
        value = sum(code << bits * place for place, code in enumerate(group))
        packed.extend(value.to_bytes(bits if padded else -(-bits * len(group) // 8), "little"))
        group.clear()

    known = b""
    for byte in content:
        longer = known + bytes([byte])
        if longer in table:
            known = longer
            continue
        group.append(table[known])
        if len(group) == 8:
            flush(padded=True)
        if following < 1 << 16:
            table[longer] = following
            if following == 1 << bits:
                if group:
                    flush(padded=True)
                bits += 1
            following += 1
        known = bytes([byte])
    group.append(table[known])
    flush(padded=False)
    return bytes(packed)


def write_files(folder: Path, kind: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "zip":
        with zipfile.ZipFile(folder / pen_digits.ARCHIVE, "w") as archive:
            for name, content in TEXTS.items():
                archive.writestr(f"{name}.Z", lzw(content))
        return folder
    packers = {"": bytes, ".gz": gzip.compress, ".Z": lzw}
    for name, content in TEXTS.items():
        (folder / f"{name}{kind}").write_bytes(packers[kind](content))
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)
    sums = [hashlib.sha256(content).hexdigest() for content in TEXTS.values()]
    monkeypatch.setattr(pen_digits, "CHECKSUMS", dict(zip(("train", "test"), sums, strict=True)))
    monkeypatch.setattr(pen_digits, "URL", "http://127.0.0.1:9/pendigits.zip")  # where nothing listens
    return tmp_path / "manual"


@pytest.mark.skipif(shutil.which("gzip") is None, reason="no gzip")
def test_the_tests_pack_as_unix_does(tmp_path):
    draws = np.random.default_rng(0)
    for content in (b"a", TEXTS["pendigits-orig.tra"], draws.integers(0, 9, 200_000).astype(np.uint8).tobytes()):
        unpacked = subprocess.run(["gzip", "-dc"], input=lzw(content), stdout=subprocess.PIPE, check=True).stdout
        assert unpacked == content


@pytest.mark.parametrize("kind", ["", ".gz", ".Z", "zip"])
def test_splits_and_examples_however_packed(folder, kind, untouched):
    source = Source(manual_dir=write_files(folder, kind))
    with untouched(source.manual_dir):
        dataset = pen_digits.load(source)
    assert dict(dataset.sizes) == {"train": 54, "val": 6, "test": 6}
    seen = {split: list(examples.as_numpy_iterator()) for split, examples in dataset.splits.items()}
    assert [example["id"].decode() for example in seen["val"]] == [
        f"tra-{2 * (writer - 1) + place:05d}" for writer in (8, 18, 28) for place in (0, 1)
    ]
    assert [example["id"].decode() for example in seen["test"]] == [f"tes-0000{number}" for number in range(6)]
    assert dataset.grouped_by == "writer"
    assert [dataset.group_of(example["id"].decode()) for example in seen["val"]] == ["8", "8", "18", "18", "28", "28"]
    for examples in seen.values():
        assert [int(example["target"]) for example in examples] == [1, 7] * (len(examples) // 2)
    one, seven = seen["val"][2]["input"], seen["val"][3]["input"]
    assert one.tolist() == [[100, 100, 0], [118, 400, 1]]  # y turned over, from 500
    assert seven.tolist() == [[100, 100, 0], [200, 100, 0], [150, 410, 1], [110, 250, 0], [190, 250, 1]]
    assert len(strokes_of(seven)) == 2
    assert dataset.target.classes == tuple("0123456789")
    assert (dataset.version, dataset.licence, dataset.origin) == ("1.0.0", "CC BY 4.0", "real")
    assert "Alpaydin" in dataset.citation
    assert pen_digits.load(Source(seed=3)).fingerprint == dataset.fingerprint  # prepared by now


def test_what_was_prepared_and_then_damaged_is_prepared_again(folder, caplog):
    source = Source(manual_dir=write_files(folder, ""))
    fingerprint = pen_digits.load(source).fingerprint
    record = max(cache_dir().rglob("*.tfrecord*"), key=lambda file: file.stat().st_size)
    record.write_bytes(record.read_bytes()[:-9])
    assert pen_digits.load(source).fingerprint == fingerprint
    assert caplog.messages == [f"prepared data in {record.parent} are damaged and are made again"]


def test_files_are_found_in_the_environment_and_in_a_subfolder_and_are_not_touched(folder, monkeypatch, untouched):
    write_files(folder / "pendigits", ".gz")
    (folder / "pendigits-orig.tra").write_bytes(b"one of two is not enough")
    monkeypatch.setenv("ZOO_MANUAL_DIR", str(folder))
    with untouched(folder):
        assert pen_digits.load(Source()).sizes["test"] == 6


def test_a_fold_is_three_writers_and_folds_share_none(folder):
    source = Source(manual_dir=write_files(folder, ""))
    ids, fingerprints = Counter(), set()
    for fold in range(10):
        dataset = pen_digits.load(source, fold=fold)
        ids.update(example["id"] for example in dataset.splits["val"].as_numpy_iterator())
        fingerprints.add(dataset.fingerprint)
    assert len(ids) == 60 and set(ids.values()) == {1}
    assert len(fingerprints) == 10
    with pytest.raises(UsageError, match="`fold` must be from 0 to 9, got 10"):
        pen_digits.load(source, fold=10)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_wrong_file_is_refused_with_both_sums(folder, split):
    write_files(folder, "")
    name = pen_digits.FILES[split]
    (folder / name).write_text("not these")
    found, expected = hashlib.sha256(b"not these").hexdigest(), pen_digits.CHECKSUMS[split]
    said = f"`{folder / name}` is not the publisher's file: the SHA-256 of {name}, unpacked, is {found}, "
    with pytest.raises(UsageError, match=f"{said}expected {expected}; fetch it again"):
        pen_digits.load(Source(manual_dir=folder))


@pytest.mark.parametrize("kind", [".gz", ".Z", "zip"])
@pytest.mark.parametrize("content", [b"", b"rubbish", None])
def test_what_cannot_be_unpacked_is_refused(folder, kind, content):
    write_files(folder, kind)
    file = folder / (pen_digits.ARCHIVE if kind == "zip" else f"pendigits-orig.tra{kind}")
    file.write_bytes(file.read_bytes()[:300] if content is None else content)
    with pytest.raises(UsageError, match=r"(cannot be unpacked \(.*\)|is not the publisher's file.*); fetch it again"):
        pen_digits.load(Source(manual_dir=folder))
    assert file.is_file()


def test_without_files_and_network_one_line_says_what_to_do(folder):
    write_files(folder, "")
    (folder / "pendigits-orig.tes").unlink()
    for source in (Source(), Source(manual_dir=folder)):
        with pytest.raises(RunError, match=r"is not here and http://127\.0\.0\.1:9/pendigits\.zip cannot be") as caught:
            pen_digits.load(source)
        assert "put that file into a folder FOLDER and add `--manual-dir FOLDER`" in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.fixture
def server(folder, monkeypatch):
    """Serves the archive over HTTP at `pen_digits.URL`."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    write_files(folder, "zip")
    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(pen_digits, "URL", f"http://127.0.0.1:{running.server_port}/{pen_digits.ARCHIVE}")
        yield running
        running.shutdown()


def test_the_archive_is_downloaded_and_a_wrong_one_is_not_kept(server, folder):
    right = (folder / pen_digits.ARCHIVE).read_bytes()
    (folder / pen_digits.ARCHIVE).write_bytes(right[:100])
    with pytest.raises(UsageError, match="cannot be unpacked"):
        pen_digits.load(Source())
    (folder / pen_digits.ARCHIVE).write_bytes(right)
    assert dict(pen_digits.load(Source()).sizes) == {"train": 54, "val": 6, "test": 6}


def publishers_folder() -> Path | None:
    folders = [os.environ.get("ZOO_MANUAL_DIR"), Path(__file__).parents[2] / "shared" / "data" / "pendigits"]
    return next((Path(place) for place in folders if place and pen_digits.find(Path(place))), None)


PUBLISHED = publishers_folder()  # the tests take ZOO_MANUAL_DIR away before they run


@pytest.mark.slow
@pytest.mark.skipif(PUBLISHED is None, reason="no pendigits-orig.* in ZOO_MANUAL_DIR or ../shared/data/pendigits")
def test_the_publishers_files(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    dataset = pen_digits.load(Source(manual_dir=PUBLISHED))
    assert dict(dataset.sizes) == {"train": 6744, "val": 750, "test": 3498}
    seen = {split: list(examples.as_numpy_iterator()) for split, examples in dataset.splits.items()}
    both = Counter(int(example["target"]) for split in ("train", "val") for example in seen[split])
    # class sizes as in the publisher's pendigits.names
    assert [both[digit] for digit in range(10)] == [780, 779, 780, 719, 780, 720, 720, 778, 719, 719]
    tested = Counter(int(example["target"]) for example in seen["test"])
    assert [tested[digit] for digit in range(10)] == [363, 364, 364, 336, 364, 335, 336, 364, 336, 336]
    strokes = {split: sum(len(strokes_of(each["input"])) for each in rows) for split, rows in seen.items()}
    assert (strokes["train"] + strokes["val"], strokes["test"]) == (9433, 4257)  # .PEN_DOWN in the files
    assert max(len(example["input"]) for example in seen["test"]) == 231
