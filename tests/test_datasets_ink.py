"""Strokes, points, and the data made of them."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from zoo.datasets.ink import INPUT, MOST_POINTS, Ink, as_dataset, fingerprint, points_of, read, strokes_of
from zoo.types import BadData, UsageError


def test_strokes_become_points_with_the_pen_up_at_their_ends():
    points = points_of(json.loads("[[[1, 2], [3.5, 4, 120]], [[5, -6e0]], [[0, 0, 1], [1, 1, 2], [2, 0, 3]]]"))
    assert points.dtype == np.float32
    expected = [[1, 2, 0], [3.5, 4, 1], [5, -6, 1], [0, 0, 0], [1, 1, 0], [2, 0, 1]]
    np.testing.assert_array_equal(points, expected)
    found = strokes_of(points)
    assert [stroke.tolist() for stroke in found] == [[[1, 2], [3.5, 4]], [[5, -6]], [[0, 0], [1, 1], [2, 0]]]


def test_an_ink_whose_pen_is_still_down_has_its_last_stroke():
    found = strokes_of(np.array([[1, 2, 1], [3, 4, 0], [5, 6, 0]], np.float32))
    assert [len(stroke) for stroke in found] == [1, 2]
    assert strokes_of(np.zeros((0, 3), np.float32)) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("7", "`strokes` must be a list of strokes, each a list of points, got 7"),
        ('"[[[1, 2]]]"', "`strokes` must be a list of strokes, each a list of points, got '"),
        ("null", "`strokes` must be a list of strokes, each a list of points, got None"),
        ("[]", "has no stroke"),
        ("[[[1, 2]], []]", "stroke 2 has no point"),
        ("[[[1, 2]], 5]", r"stroke 2 must be a list of points \[x, y\], got 5"),
        ("[[1, 2], [3, 4]]", r"stroke 1, point 1 must be \[x, y\] or \[x, y, ms\], got 1"),
        ("[[[[1, 2]]]]", r"stroke 1, point 1 must be \[x, y\] or \[x, y, ms\], got \[\[1, 2\]\]"),
        ("[[[1, 2], [1]]]", r"stroke 1, point 2 must be \[x, y\] or \[x, y, ms\], got \[1\]"),
        ("[[[1, 2, 3, 4]]]", r"stroke 1, point 1 must be \[x, y\] or \[x, y, ms\], got \[1, 2, 3, 4\]"),
        ('[[[1, "2"]]]', r"stroke 1, point 1 must have numbers only, got \[1, '2'\]"),
        ("[[[1, true]]]", r"stroke 1, point 1 must have numbers only, got \[1, True\]"),
        ("[[[1, 2, null]]]", r"stroke 1, point 1 must have numbers only, got \[1, 2, None\]"),
        ("[[[1, 2], [NaN, 2]]]", r"stroke 1, point 2 must have numbers from -1,000,000 to 1,000,000, got \[nan, 2\]"),
        ("[[[1, -Infinity]]]", r"stroke 1, point 1 must have numbers from .*, got \[1, -inf\]"),
        ("[[[1, 1e300]]]", r"stroke 1, point 1 must have numbers from .*, got \[1, 1e\+300\]"),
        (f"[[[{10**400}, 0]]]", "stroke 1, point 1 must have numbers from "),
    ],
)
def test_each_fault_has_one_reason(text: str, reason: str):
    with pytest.raises(ValueError, match=f"^{reason}"):
        points_of(json.loads(text))


def test_more_points_than_a_page_are_refused():
    stroke = [[0, 0]] * MOST_POINTS
    assert points_of([stroke]).shape == (MOST_POINTS, 3)
    with pytest.raises(ValueError, match=r"^has 50,001 points, an ink may have 50,000; cut it into several$"):
        points_of([stroke, [[1, 1]]])


def test_examples_come_out_as_they_went_in():
    inks = [Ink("a", points_of([[[1, 2]]]), 4), Ink("b", points_of([[[3, 4], [5, 6]], [[7, 8]]]), 1)]
    data = as_dataset(inks)
    assert data.element_spec["input"].shape.as_list() == list(INPUT.shape)
    for example, ink in zip(data.as_numpy_iterator(), inks, strict=True):
        assert example["id"].decode() == ink.id
        np.testing.assert_array_equal(example["input"], ink.points)
        assert example["target"] == ink.target and example["target"].dtype == np.int64
    (text,) = as_dataset([Ink("c", points_of([[[1, 2]]]), "caf\u00e9")]).as_numpy_iterator()
    assert text["target"] == "caf\u00e9".encode()


def test_a_file_is_read_line_by_line(tmp_path):
    lines = [
        '{"strokes": [[[1, 2], [3, 4]]], "label": null, "group": "x"}',
        "",
        '{"strokes": [[[5, 6]]], "group": "y"}',
    ]
    (tmp_path / "inks.jsonl").write_text("\n".join(lines))
    (tmp_path / "inks.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    for name in ("inks.jsonl", "inks.jsonl.gz"):
        found = read(tmp_path / name)
        assert [place for place, _ in found] == [f"{tmp_path / name}:1", f"{tmp_path / name}:3"]
        assert [points.tolist() for _, points in found] == [[[1, 2, 0], [3, 4, 1]], [[5, 6, 1]]]


def test_every_fault_of_a_file_is_named(tmp_path):
    file = tmp_path / "inks.jsonl"
    file.write_text('{"strokes": []}\n{"strokes": [[[NaN, 1]]]}\n{"points": []}\n{"strokes": [[[1, 1]]]}\n{')
    with pytest.raises(BadData) as caught:
        read(file)
    said = sorted(fault.removeprefix(f"{file}:") for fault in caught.value.faults)
    assert said[:3] == [
        "1: has no stroke",
        "2: stroke 1, point 1 must have numbers from -1,000,000 to 1,000,000, got [nan, 1]",
        "3: no value for `strokes`",
    ]
    assert len(said) == 4 and said[3].startswith("5: is not JSON: ")


def test_what_is_no_such_file_is_refused(tmp_path):
    (tmp_path / "inks.csv").write_text("strokes\n")
    for name, said in (("inks.csv", "must be JSON Lines"), ("none.jsonl", "does not exist")):
        with pytest.raises(UsageError, match=rf"{name}` {said}.*; give a file with one ink a line, {{\"strokes\": "):
            read(tmp_path / name)


def test_fingerprint_follows_ids_points_targets_and_order():
    one, two = Ink("a", points_of([[[1, 2], [3, 4]]]), 0), Ink("b", points_of([[[1, 2], [3, 4]]]), 0)
    others = [
        [two, one],
        [one],
        [Ink("c", one.points, 0), two],
        [Ink("a", points_of([[[1, 2]], [[3, 4]]]), 0), two],
        [Ink("a", one.points, 1), two],
    ]
    assert fingerprint([one, two]) == fingerprint([Ink("a", one.points.copy(), 0), two])
    assert len({fingerprint(inks) for inks in [[one, two], *others]}) == 6
