"""The text of a whole example, learnt without knowing where in it each symbol is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import jiwer
import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from zoo.layers.subwords import SPACE
from zoo.tasks import ctc, transcription_pictures
from zoo.types import Answers, Spec

ALIGNED = 50  # worst examples that are shown symbol by symbol


@dataclass(frozen=True, kw_only=True)
class Transcription:
    """Transcription by connectionist temporal classification.

    Args:
      headline: The error rate that has to beat the baseline's: of characters or of words.
      beam: Rows of symbols that the search follows where there is a language model.
      language_weight: Of the language model's log-probability beside the network's.
      symbol_bonus: Added for every symbol, since a language model likes short texts.
    """

    headline: Literal["cer", "wer"] = "cer"
    beam: int = 32
    language_weight: float = 0.5
    symbol_bonus: float = 1.0

    name: ClassVar[str] = "transcription"
    watch: ClassVar[str] = "val_error"
    watch_mode: ClassVar[Literal["max", "min"]] = "min"
    forced: ClassVar[bool] = False

    def loss(self) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """As of `zoo.tasks.ctc.loss`, on (labels int32[batch, symbol] padded with -1, what the network returns)."""
        return ctc.loss

    def metrics(self) -> list[keras.metrics.Metric]:
        """`error`: symbols to be changed, put in or left out of the greedy answers, over the symbols of the labels."""
        return [SymbolError()]

    def fits(self, length: tf.Tensor, labels: tf.Tensor, stride: int) -> tf.Tensor:
        """bool[]: whether labels int32[symbol] can be told in the frames that `length` steps make, and are any."""
        return (ctc.needed(labels[None])[0] <= -(-length // stride)) & (tf.size(labels) > 0)

    def answer(
        self, output: tf.Tensor, target: Spec, language_model: keras.layers.Layer | None = None
    ) -> dict[str, tf.Tensor]:
        """The text.

        Args:
          output: What the network returns.
          target: Its classes are the symbols.
          language_model: How likely rows of symbols are as text.

        Returns:
          `text: string[batch]` and `score: float32[batch]` in (0, 1], greedy; with a language model also `text_lm:
          string[batch]`, the best of a beam by both.
        """
        ids, score = ctc.greedy(output)
        made = {"text": spelt(ids, target), "score": score}
        if language_model is None:
            return made
        ids, length, chances = ctc.beam(output, self.beam)
        shape = tf.shape(ids)
        flat = tf.reshape(ids, [-1, shape[2]]), tf.reshape(length, [-1])
        said = tf.reshape(language_model(*flat), shape[:2])
        total = chances + self.language_weight * said + self.symbol_bonus * tf.cast(length, tf.float32)
        best = tf.argmax(total, 1)
        rows = tf.RaggedTensor.from_tensor(
            tf.gather(ids, best, batch_dims=1), lengths=tf.gather(length, best, batch_dims=1)
        )
        return {**made, "text_lm": spelt(rows, target)}

    def score(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, float]:
        """Error rates of a whole split, white space counted as one space, case and all else as they are.

        Args:
          answers: With `text`, and perhaps `text_lm`.
          truth: bytes[example], as published.
          target: Not looked at.

        Returns:
          `cer`, `wer` and `exact` (the share without an error), and `cer_lm`, ... of `text_lm`.
        """
        found = {}
        wanted = texts(truth)
        for name, suffix in (("text", ""), ("text_lm", "_lm")):
            if name in answers:
                told = texts(answers[name])
                found[f"cer{suffix}"] = float(jiwer.cer(wanted, told))
                found[f"wer{suffix}"] = float(jiwer.wer(wanted, told))
                found[f"exact{suffix}"] = float(
                    np.mean([one == other for one, other in zip(wanted, told, strict=True)])
                )
        return found

    def example_scores(self, answers: Answers, truth: np.ndarray, target: Spec) -> np.ndarray:
        """float64[example]: the headline error rate of each answer by itself."""
        rate = jiwer.cer if self.headline == "cer" else jiwer.wer
        pairs = zip(texts(truth), texts(answers["text"]), strict=True)
        return np.array([rate(wanted, told) for wanted, told in pairs])

    def baseline(
        self, train: tuple[Sequence[np.ndarray], Sequence[bytes]], test: Sequence[np.ndarray], target: Spec
    ) -> Answers:
        """The text of the train example that is most alike by the mean and the spread of its features and its length.

        Args:
          train: Features float32[step, feature] of each train example, and its text.
          test: The same of each test example.
          target: Not looked at.
        """
        scaler = StandardScaler()
        known = scaler.fit_transform(np.stack([_summary(example) for example in train[0]]))
        nearest = NearestNeighbors(n_neighbors=1).fit(known)
        found = nearest.kneighbors(scaler.transform(np.stack([_summary(example) for example in test])))[1][:, 0]
        return {"text": np.array([train[1][index] for index in found], object)}

    def describe(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, list]:
        """Columns for a table of examples; `badness`, the headline error rate, sorts worst first."""
        columns = {"truth": texts(truth)}
        columns |= {name: texts(answers[name]) for name in ("text", "text_lm") if name in answers}
        return {**columns, "badness": self.example_scores(answers, truth, target).round(4).tolist()}

    def alignments(self, answers: Answers, truth: np.ndarray) -> str:
        """The worst answers under their truths, with what was changed, put in and left out marked, as text."""
        wanted, told = texts(truth), texts(answers["text"])
        worst = np.argsort(-self.example_scores(answers, truth, None), kind="stable")[:ALIGNED]
        process = jiwer.process_characters if self.headline == "cer" else jiwer.process_words
        found = process([wanted[index] for index in worst], [told[index] for index in worst])
        return jiwer.visualize_alignment(found)

    def pictures(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, Figure]:
        """Error by length of the truth, and the characters, or words as symbols, most often taken for others."""
        wanted, told = texts(truth), texts(answers["text"])
        unit = "words" if target.unit == "words" else "characters"
        return {
            "error_by_length": transcription_pictures.by_length(wanted, told, unit),
            "confusions": transcription_pictures.confusions(wanted, told, unit),
        }


@keras.saving.register_keras_serializable(package="zoo")
class SymbolError(keras.metrics.Metric):
    """Edit distance of greedy answers to their labels, summed, over the summed number of symbols."""

    def __init__(self, name: str = "error", **kwargs: object):
        super().__init__(name=name, **kwargs)
        self.edits = self.add_variable((), "zeros", name="edits")
        self.symbols = self.add_variable((), "zeros", name="symbols")

    def update_state(self, target: tf.Tensor, output: tf.Tensor, sample_weight: tf.Tensor | None = None) -> None:
        """Counts a batch: labels int32[batch, symbol] padded with -1, and what the network returned."""
        told, _ = ctc.greedy(output)
        labels = tf.cast(target, tf.int32)
        wanted = tf.ragged.boolean_mask(labels, labels >= 0)
        distance = tf.edit_distance(
            tf.cast(told, tf.int64).to_sparse(), tf.cast(wanted, tf.int64).to_sparse(), normalize=False
        )
        self.edits.assign_add(tf.reduce_sum(distance))
        self.symbols.assign_add(tf.cast(tf.size(wanted.flat_values), tf.float32))

    def result(self) -> tf.Tensor:
        """The rate, 0 before the first symbol."""
        return tf.math.divide_no_nan(self.edits.value, self.symbols.value)


def spelt(ids: tf.RaggedTensor, target: Spec) -> tf.Tensor:
    """string[batch]: the texts of rows of symbols int32[batch, (symbol)]."""
    return tf.strings.strip(joined(ids, target))


def joined(ids: tf.RaggedTensor, target: Spec) -> tf.Tensor:
    """The same, with white space at the ends: what comes in parts is put together from it."""
    written = {
        "words": [f"{symbol} " for symbol in target.classes],
        "subwords": [symbol.replace(SPACE, " ") for symbol in target.classes],
    }.get(target.unit, target.classes)
    return tf.strings.reduce_join(ids.with_flat_values(tf.gather(tf.constant(written), ids.flat_values)), axis=-1)


def texts(values: np.ndarray) -> list[str]:
    """Texts of bytes[example], white space as one space."""
    return [" ".join(value.decode(errors="replace").split()) for value in values]


def _summary(example: np.ndarray) -> np.ndarray:
    return np.concatenate([example.mean(axis=0), example.std(axis=0), [np.log(len(example))]])
