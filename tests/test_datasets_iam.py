"""IAM-OnDB and IAM in their publishers' layouts, made small, with what goes wrong in the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.datasets import iam_lines, iam_online
from zoo.types import RunError, Source

STROKES = """<?xml version="1.0" encoding="ISO-8859-1"?>
<WhiteboardCaptureSession><WhiteboardDescription><SensorLocation corner="top_left"/></WhiteboardDescription>
<StrokeSet>{}</StrokeSet></WhiteboardCaptureSession>"""


def session(count: int) -> str:
    points = "".join(f'<Point x="{10 * step}" y="{step % 7}" time="{step}.5"/>' for step in range(count))
    return STROKES.format(f'<Stroke colour="black">{points}</Stroke><Stroke></Stroke>' * 2)


def form(folder: Path, name: str, texts: list[str], points: dict[int, int]) -> None:
    """A form with its transcript, and strokes of some of its lines with so many points each."""
    place = f"{name[:3]}/{name[:7]}"
    (folder / "ascii" / place).mkdir(parents=True, exist_ok=True)
    (folder / "lineStrokes" / place).mkdir(parents=True, exist_ok=True)
    (folder / "ascii" / place / f"{name}.txt").write_text("OCR:\n\nwrong\n\nCSR:\n\n" + "\n".join(texts) + "\n")
    for number, count in points.items():
        (folder / "lineStrokes" / place / f"{name}-{number:02d}.xml").write_text(session(count))


@pytest.fixture
def ondb(tmp_path: Path) -> Path:
    form(tmp_path, "a01-000u", ["A MOVE to  stop", "Mr. Gaitskell"], {1: 30, 2: 30})
    form(tmp_path, "a01-001w", ["one", "two", "far too long for five points"], {1: 20, 3: 5, 4: 20})
    form(tmp_path, "b02-000z", ["val"], {1: 20})
    form(tmp_path, "b02-001z", ["second val"], {1: 40})
    form(tmp_path, "c03-000a", ["test"], {1: 20})
    broken = tmp_path / "lineStrokes" / "c03" / "c03-000" / "c03-000a-02.xml"
    broken.write_text("<WhiteboardCaptureSession>")
    (tmp_path / "ascii" / "c03" / "c03-000" / "c03-000a.txt").write_text("CSR:\n\ntest\nbroken\n")
    for name, forms in {
        "trainset.txt": " a01-000u\n a01-001w\n a09-000x\n",
        "testset_v.txt": "b02-000z\n",
        "testset_t.txt": "b02-001z\n",
        "testset_f.txt": "c03-000a\n",
    }.items():
        (tmp_path / name).write_text(forms)
    return tmp_path


def test_lines_go_with_their_transcripts(ondb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, untouched):
    monkeypatch.setenv("ZOO_CACHE", f"{tmp_path}-cache")
    with untouched(ondb):
        dataset = iam_online.load(Source(manual_dir=ondb))
    found = {
        split: {row["id"].decode(): row["target"].decode() for row in examples.as_numpy_iterator()}
        for split, examples in dataset.splits.items()
    }
    assert found == {
        "train": {"a01-000u-01": "A MOVE to stop", "a01-000u-02": "Mr. Gaitskell", "a01-001w-01": "one"},
        "val": {"b02-000z-01": "val", "b02-001z-01": "second val"},
        "test": {"c03-000a-01": "test"},
    }
    first = next(iter(dataset.splits["train"].as_numpy_iterator()))["input"]
    assert first.shape == (60, 3)
    np.testing.assert_array_equal(np.flatnonzero(first[:, 2]), [29, 59])
    assert first[1].tolist() == [10, 1, 0]


def test_what_cannot_be_used_is_said_with_its_reason(ondb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ZOO_CACHE", f"{tmp_path}-cache")
    left_out = set(iam_online.load(Source(manual_dir=ondb)).left_out)
    assert left_out == {
        "a09-000x: no transcript (No such file or directory)",
        "a01-001w-02: no strokes for 'two'",
        "a01-001w-03: 10 points cannot be 'far too long for five points'",
        "a01-001w-04: strokes without a line in the transcript",
        "c03-000a-02: its strokes cannot be read (no element found: line 1, column 26)",
    }


def test_who_has_not_registered_is_told_where(tmp_path: Path):
    with pytest.raises(RunError, match=r"IAM-OnDB is not here; register at https://fki.*`--manual-dir FOLDER`\."):
        iam_online.load(Source(manual_dir=tmp_path))
    with pytest.raises(RunError, match=r"IAM is not here; register at https://fki.*Laia.*`--manual-dir FOLDER`\."):
        iam_lines.load(Source(manual_dir=tmp_path))


def test_line_images_go_with_their_texts_and_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, untouched):
    monkeypatch.setenv("ZOO_CACHE", f"{tmp_path}-cache")
    (tmp_path / "ascii").mkdir()
    (tmp_path / "ascii" / "lines.txt").write_text(
        "#--- lines.txt ---#\n"
        "a01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to|stop|Mr.|Gaitskell|from\n"
        "a01-000u-01 err 156 19 395 932 1850 105 nominating|any|more\n"
        "b02-000-00 ok 157 16 408 1106 1986 105 is|to|be , made\n"
        "c03-000-00 ok 157 16 408 1106 1986 105 test\n"
        "c03-000-01 ok 157 16 408 1106 1986 105 gone\n"
    )
    for name in (
        "a01/a01-000u/a01-000u-00",
        "a01/a01-000u/a01-000u-01",
        "b02/b02-000/b02-000-00",
        "c03/c03-000/c03-000-00",
    ):
        (tmp_path / "lines" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 30), 200, np.uint8)).save(tmp_path / "lines" / f"{name}.png")
    for name, listed in {"tr.lst": "a01-000u\n", "va.lst": "b02-000-00\n", "te.lst": "c03-000\n"}.items():
        (tmp_path / name).write_text(listed)
    with untouched(tmp_path):
        dataset = iam_lines.load(Source(manual_dir=tmp_path))
    found = {
        split: {row["id"].decode(): row["target"].decode() for row in examples.as_numpy_iterator()}
        for split, examples in dataset.splits.items()
    }
    assert found == {
        "train": {"a01-000u-00": "A MOVE to stop Mr. Gaitskell from", "a01-000u-01": "nominating any more"},
        "val": {"b02-000-00": "is to be , made"},
        "test": {"c03-000-00": "test"},
    }
    assert dataset.left_out == ("c03-000-01: No such file or directory",)
