"""Images of short words, drawn from the sample of ink with pens of several widths on paper that is not quite white."""

from __future__ import annotations

import dataclasses
import hashlib
import io

import numpy as np
from PIL import Image, ImageDraw

from zoo.datasets.images import INPUT, Line, as_dataset
from zoo.datasets.ink import strokes_of
from zoo.datasets.samples import ink
from zoo.datasets.samples.draws import Draws
from zoo.types import Dataset

HEIGHT = 40  # pixels between the highest and the lowest point
MARGIN = 6
FINER = 4  # times, in which lines are drawn before they are made smooth
WIDTHS = (2, 3, 4)  # of the pen, in pixels
PAPERS = (215, 235, 255)  # grey values
SEED = 1


def load() -> Dataset:
    """The words of the sample `ink` as images, in its splits: other words and other hands in each."""
    written = ink.load("transcription")
    draws = Draws(SEED)
    splits, digest = {}, hashlib.sha256()
    for split, examples in written.splits.items():
        lines = []
        for example in examples.as_numpy_iterator():
            image = render(example["input"], pen=draws.choice(WIDTHS), paper=draws.choice(PAPERS))
            lines.append(Line(example["id"].decode(), image, example["target"].decode()))
            digest.update(image)
        splits[split] = as_dataset(lines)
    return dataclasses.replace(
        written,
        name="images of words, drawn from the ink of model hands",
        input=INPUT,
        splits=splits,
        fingerprint=digest.hexdigest()[:16],
    )


def render(points: np.ndarray, *, height: int = HEIGHT, pen: int = 3, paper: int = 255) -> bytes:
    """The bytes of a grey PNG file with ink on paper.

    Args:
      points: float32[point, 3], as `zoo.datasets.ink` has them.
      height: From the highest to the lowest point, in pixels; margins come on top.
      pen: Width of the line, in pixels.
      paper: Grey value, 255 for white.
    """
    low = points[:, :2].min(axis=0)
    scale = FINER * height / max(float(np.ptp(points[:, 1])), 1e-6, float(np.ptp(points[:, 0])) / 40)
    size = np.ceil((points[:, :2].max(axis=0) - low) * scale / FINER).astype(int) + 2 * MARGIN + 1
    drawn = Image.new("L", tuple((size * FINER).tolist()), paper)
    pencil = ImageDraw.Draw(drawn)
    for stroke in strokes_of(points):
        places = [tuple(place) for place in ((stroke - low) * scale + FINER * MARGIN).tolist()]
        pencil.line(places, fill=0, width=pen * FINER, joint="curve")
        for x, y in (places[0], places[-1]):  # round ends, and dots
            pencil.ellipse([x - pen * FINER / 2, y - pen * FINER / 2, x + pen * FINER / 2, y + pen * FINER / 2], fill=0)
    file = io.BytesIO()
    drawn.resize(tuple(size.tolist()), Image.Resampling.BOX).save(file, "PNG")
    return file.getvalue()
