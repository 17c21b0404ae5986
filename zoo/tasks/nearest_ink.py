"""The baseline of ink: its nearest neighbour by a few points evenly along it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer


def nearest_ink(points: int) -> Pipeline:
    """A classifier of inks float32[point, 3] by the nearest one, in Euclidean distance, of those it was fitted on.

    Args:
      points: How many are compared, as of `evenly`.

    Source:
      Alimoglu and Alpaydin 1997, Combining Multiple Representations and Classifiers for Pen-based Handwritten Digit
      Recognition, section 2: 8 points, spaced by arc length.
    """
    placed = FunctionTransformer(_placed, kw_args={"points": points})
    return make_pipeline(placed, KNeighborsClassifier(1))


def evenly(ink: np.ndarray, points: int) -> np.ndarray:
    """float64[points, 2]: places evenly along an ink, pen lifts counted as if written, both ends included.

    The middle of the ink's box is the origin, the larger of its sides 1; an ink without extent is all zeros.

    Args:
      ink: float32[point, 3].
      points: At least 2.
    """
    places = ink[:, :2].astype(np.float64) if len(ink) else np.zeros((1, 2))
    low, high = places.min(axis=0), places.max(axis=0)
    places = (places - (low + high) / 2) / (max(high - low) or 1.0)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))])
    wanted = np.linspace(0.0, along[-1], points)
    return np.stack([np.interp(wanted, along, places[:, axis]) for axis in (0, 1)], axis=1)


def _placed(inks: Sequence[np.ndarray], points: int) -> np.ndarray:
    return np.stack([evenly(ink, points).ravel() for ink in inks])
