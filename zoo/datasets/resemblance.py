"""Examples that are nearly the same: a recording louder or saved again, a text in other case, a copied ink."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_COMPARED = 20_000  # examples a side; of more, as many spread evenly
TEXT_ALIKE = 0.95  # cosine of groups of letters; two words of fifty differ
SHORT_TEXT = 40  # characters; shorter ones are alike only where letters and digits are the same
CANDIDATES = {"audio": 0.9, "ink": 0.999, "image": 0.98}  # cosine of the summaries below
SOUND_ALIKE = 0.8  # cross-correlation; another recording of the same word stays below a half
BANDS, SPANS = 16, 24  # of a sound's summary
POINTS = 48  # of an ink's


def near(kind: str, left: Sequence[Any], right: Sequence[Any] | None = None) -> list[tuple[int, int]]:
    """Pairs of examples that are nearly the same.

    Args:
      kind: Of the raw input: "text", "audio", "ink" or "image".
      left: Raw examples.
      right: The others; None to look for pairs within `left`.

    Returns:
      For each example on the left that resembles one on the right, (its number, the number of the nearest).
    """
    within = right is None
    right = left if within else right
    chosen, others = (_spread(len(side)) for side in (left, right))
    mine, theirs = [left[index] for index in chosen], [right[index] for index in others]
    finder = _texts if kind == "text" else _signals
    found = finder(kind, mine, theirs, within)
    return [(int(chosen[one]), int(others[other])) for one, other in found]


def _spread(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_COMPARED)).astype(int)) if count else np.zeros(0, int)


def _best(scores: np.ndarray, within: bool, first: int) -> np.ndarray:
    """Scores float32[row, other], where within one list only those before the row itself count."""
    if within:
        rows, columns = np.arange(len(scores))[:, None] + first, np.arange(scores.shape[1])[None]
        scores = np.where(columns < rows, scores, -1.0)
    return scores


def canonical(text: bytes | str) -> str:
    """Letters and digits of a text, without case, accents' variants and all between them."""
    plain = text.decode(errors="replace") if isinstance(text, bytes) else text
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", plain).casefold()).strip()


def _texts(kind: str, left: Sequence[bytes], right: Sequence[bytes], within: bool) -> list[tuple[int, int]]:
    from sklearn.feature_extraction.text import HashingVectorizer

    mine, theirs = [canonical(text) for text in left], [canonical(text) for text in right]
    first: dict[str, int] = {}
    for index, text in enumerate(theirs):
        first.setdefault(text, index)
    found = {
        index: first[text] for index, text in enumerate(mine) if text in first and (not within or first[text] < index)
    }
    long = [index for index, text in enumerate(mine) if index not in found and len(text) >= SHORT_TEXT]
    wide = [index for index, text in enumerate(theirs) if len(text) >= SHORT_TEXT]
    if long and wide:
        letters = HashingVectorizer(analyzer="char_wb", ngram_range=(4, 4), alternate_sign=False, n_features=2**18)
        base = letters.transform([theirs[index] for index in wide]).T.tocsr()
        for at in range(0, len(long), 256):
            rows = long[at : at + 256]
            scores = (letters.transform([mine[index] for index in rows]) @ base).toarray()
            if within:
                scores[np.array(wide)[None] >= np.array(rows)[:, None]] = -1.0
            for index, score, best in zip(rows, scores.max(axis=1), scores.argmax(axis=1), strict=True):
                if score >= TEXT_ALIKE:
                    found[index] = wide[best]
    return sorted(found.items())


def _signals(kind: str, left: Sequence[Any], right: Sequence[Any], within: bool) -> list[tuple[int, int]]:
    summary = {"audio": _sound, "ink": _ink, "image": _image}.get(kind)
    if summary is None or not left or not right:
        return []
    base = np.stack([summary(value) for value in right])
    mine = base if within else np.stack([summary(value) for value in left])
    found = []
    for at in range(0, len(mine), 512):
        scores = _best(mine[at : at + 512] @ base.T, within, at)
        for row, best in enumerate(scores.argmax(axis=1)):
            if scores[row, best] < CANDIDATES[kind]:
                continue
            if kind != "audio" or correlation(left[at + row], right[best]) >= SOUND_ALIKE:
                found.append((at + row, int(best)))
    return found


def _unit(values: np.ndarray) -> np.ndarray:
    """float32[size] of length 1; zeros where there is nothing to tell."""
    flat = values.astype(np.float64).ravel()
    flat = flat - flat.mean()
    size = np.linalg.norm(flat)
    return (flat / size if size > 1e-9 else np.zeros_like(flat)).astype(np.float32)


def _heard(samples: np.ndarray) -> np.ndarray:
    """A sound without what is quieter than a fiftieth of its peak before and behind it."""
    samples = np.asarray(samples, np.float64)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max(initial=1e-9))
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:1]


def _sound(samples: np.ndarray) -> np.ndarray:
    """Energy of bands over spans of a sound, in decibels."""
    heard = _heard(samples)
    spans = np.array_split(np.pad(heard, (0, max(0, 64 * SPANS - len(heard)))), SPANS)
    spectra = [np.abs(np.fft.rfft(span)) ** 2 for span in spans]
    energy = [[band.mean() if len(band) else 0.0 for band in np.array_split(each, BANDS)] for each in spectra]
    return _unit(10 * np.log10(np.array(energy) + 1e-6 * np.max(energy) + 1e-12))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The highest normalised cross-correlation of two sounds, whatever their loudness and their start."""
    from scipy.signal import correlate

    one, other = _heard(one), _heard(other)
    if min(len(one), len(other)) < 0.9 * max(len(one), len(other)):
        return 0.0
    size = np.linalg.norm(one) * np.linalg.norm(other)
    return float(np.abs(correlate(one, other, method="fft")).max() / size) if size > 0 else 0.0


def _ink(points: np.ndarray) -> np.ndarray:
    """Points of an ink evenly along its path, wherever it stands and however large it is."""
    places = np.asarray(points, np.float64)[:, :2]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))])
    at = np.linspace(0, along[-1], POINTS)
    even = np.stack([np.interp(at, along, places[:, axis]) for axis in (0, 1)])
    return _unit(even - even.mean(axis=1, keepdims=True))


def _image(content: bytes) -> np.ndarray:
    """A small grey copy of an image."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return _unit(np.asarray(image.convert("L").resize((96, 16)), np.float64))
