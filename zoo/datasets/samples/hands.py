"""Hands that write: a model of how people's writing differs, over single-stroke letter shapes.

A hand has habits that stay (printed or script shapes, slant, width, slope, size, how far letters stand apart, how it
slows down at the ends of strokes, how much it shakes; for each sign the order of its strokes and the end that each is
begun from; whether dots and bars wait for the end of the word). On top of them, everything written varies by itself:
each sign in size and slant, each stroke in place, length and shake.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from zoo.datasets.samples.draws import Draws

HEIGHT = 21  # of a tall letter in the shapes' units; the script's are as large
SPACE = 14  # between words, in the shapes' units
LATE = "ijtx"  # letters whose second stroke may wait for the end of the word
Shape = tuple[float, list[np.ndarray]]  # width, and strokes float64[point, 2]


@dataclass(frozen=True, kw_only=True)
class Hand:
    """The habits of one hand.

    Args:
      script: Whether letters are script; digits never are.
      slant: x moved for each unit of height.
      width: Factor of widths.
      slope: y moved for each unit to the right.
      size: Height of a tall letter, in points of the tablet.
      apart: Width added between letters, in units of the shapes.
      slowing: How much slower strokes are at their ends, 0 to 1.
      pace: Points per tall letter's height.
      shake: Amplitude, in units of the shapes.
      late: Whether dots and bars wait for the end of the word.
      order: Sign to the order of its strokes.
      begun: Sign to whether each of its strokes, as in the shape, is begun from its other end.
    """

    script: bool
    slant: float
    width: float
    slope: float
    size: float
    apart: float
    slowing: float
    pace: float
    shake: float
    late: bool
    order: Mapping[str, Sequence[int]]
    begun: Mapping[str, Sequence[bool]]

    def shape(self, sign: str) -> Shape:
        """The shape that this hand gives a letter or digit."""
        return shapes()["script" if self.script and sign.isalpha() else "print"][sign]


@cache
def shapes() -> dict[str, dict[str, Shape]]:
    """By alphabet ("print", "script") and sign, with rounded corners; `make_hershey.py` says where they come from."""
    read: dict[str, Any] = json.loads(importlib.resources.files(__package__).joinpath("hershey.json").read_text())
    return {
        alphabet: {
            sign: (width, [_rounded(_rounded(np.array(stroke, float))) for stroke in strokes])
            for sign, (width, strokes) in of.items()
        }
        for alphabet, of in read.items()
        if alphabet != "notice"
    }


def draw_hand(draws: Draws, signs: str, *, reversed_share: float = 0.25) -> Hand:
    """One of all the hands there could be.

    Args:
      draws: Decides.
      signs: That it can write.
      reversed_share: Of the strokes, those begun from the other end.
    """
    script = draws.below(0.4)
    order, begun = {}, {}
    for sign in signs:
        count = len(shapes()["script" if script and sign.isalpha() else "print"][sign][1])
        order[sign] = draws.shuffled(range(count)) if draws.below(0.5) else list(range(count))
        begun[sign] = [draws.below(reversed_share) for _ in range(count)]
    return Hand(
        script=script,
        slant=draws.between(-0.15, 0.5),
        width=draws.between(0.75, 1.25),
        slope=draws.between(-0.08, 0.08),
        size=draws.between(40, 160),
        apart=draws.between(-2, 4),
        slowing=draws.between(0, 0.8),
        pace=draws.between(8, 20),
        shake=draws.between(0.1, 0.6),
        late=draws.below(0.5),
        order=order,
        begun=begun,
    )


def write(hand: Hand, text: str, draws: Draws) -> list[list[list[float]]]:
    """Strokes of a text in the order written, in points of the tablet, y growing downwards, to a tenth.

    Args:
      hand: Writes.
      text: Of letters and digits that the hand knows, and spaces; dots and bars wait for the end of a word at most.
      draws: Decide what varies from time to time.
    """
    now, later, left = [], [], 0.0
    for sign in text:
        if sign == " ":
            now, later, left = [*now, *later], [], left + SPACE * hand.width
            continue
        width, strokes = hand.shape(sign)
        grown, lean = np.exp(draws.between(-0.1, 0.1)), draws.between(-0.06, 0.06)
        for number in hand.order[sign]:
            places = strokes[number][::-1] if hand.begun[sign][number] else strokes[number]
            places = _written(hand, places, draws) * grown
            places = places * [hand.width, 1] + [left, 0]
            places[:, 0] -= (hand.slant + lean) * places[:, 1]
            waits = hand.late and len(text) > 1 and sign in LATE and number > 0
            (later if waits else now).append(places)
        left += (width + hand.apart) * hand.width * grown
    slope = hand.slope + draws.between(-0.02, 0.02)
    scale, away = hand.size / HEIGHT, (draws.between(50, 500), draws.between(200, 500))
    written = []
    for places in [*now, *later]:
        level = places + np.outer(places[:, 0], [0, slope])
        written.append(np.round(level * scale + away, 1).tolist())
    return written


def _written(hand: Hand, stroke: np.ndarray, draws: Draws) -> np.ndarray:
    """One stroke: a little longer or shorter, shaken, moved, with points as close as the pen was slow."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    time = np.linspace(0, 1, max(2, round(along[-1] * hand.pace / HEIGHT) + 1))
    share = time - hand.slowing * np.sin(2 * np.pi * time) / (2 * np.pi)
    first, last = draws.between(0, 0.08), 1 - draws.between(0, 0.08)
    wanted = along[-1] * (first + (last - first) * share)
    placed = np.stack([np.interp(wanted, along, values) for values in stroke.T], axis=1)
    waves = np.outer(2 * np.pi * wanted / (1.2 * HEIGHT), [1, 1, 2, 2])
    phases = [draws.between(0, 2 * np.pi) for _ in range(4)]
    strengths = [hand.shake * draws.between(-1.5, 1.5) / waved for waved in (1, 1, 2, 2)]
    shaken = np.sin(waves + phases) * strengths
    moved = [draws.between(-0.7, 0.7), draws.between(-0.7, 0.7)]
    return placed + shaken[:, :2] + shaken[:, 2:] + moved


def _rounded(places: np.ndarray) -> np.ndarray:
    """Corners cut (Chaikin 1974, An algorithm for high-speed curve generation), the ends kept."""
    if len(places) < 3:
        return places
    before, after = places[:-1], places[1:]
    cut = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], axis=1).reshape(-1, 2)
    return np.concatenate([places[:1], cut[1:-1], places[-1:]])
