"""Handwriting as the pen wrote it, lines of English on a whiteboard, as text.

Data      IAM-OnDB, 12,195 lines, by registration; or your own ink
Licence   research only, by registration
Model     equally spaced steps with direction and pen, bidirectional LSTM, connectionist temporal classification (Graves
          et al. 2009; Carbune et al. 2020, whose Bezier curves are not used)
Result    not measured
Command   zoo run iam_online
"""

from typing import Literal

import zoo


def recipe(
    *,
    tokens: Literal["characters", "words"] = "characters",
    step: float = 0.1,
    level: bool = True,
    unslant: bool = True,
    units: int = 96,
    layers: int = 3,
    stride: int = 4,
    dropout: float = 0.3,
    variants: int = 4,
    ngram: int = 6,
    beam: int = 16,
    language_weight: float = 0.5,
    symbol_bonus: float = 1.0,
    epochs: int = 60,
    batch_size: int = 32,
    learning_rate: float = 3e-3,
) -> zoo.Recipe:
    """Transcribes one line.

    Args:
      tokens: What a symbol is; words for LaTeX.
      step: Distance between two steps, in heights of the line.
      level: Take out the slope of a line.
      unslant: Take out the slant of the down strokes.
      units: Memory cells of each LSTM in each direction.
      layers: Bidirectional LSTM layers.
      stride: Steps joined into one frame; 2 takes twice the time, and reads short symbols better.
      dropout: Behind each LSTM.
      variants: Cached copies of each train line, distorted.
      ngram: Longest n-gram of the language model of the train texts; 0 for none.
      beam: Texts that the search follows.
      language_weight: Of the language model.
      symbol_bonus: For every symbol, in nats.
      epochs: Passes over the train lines.
      batch_size: Lines per step.
      learning_rate: Peak learning rate.
    """

    def network(features, target):
        return zoo.architectures.ink_transcriber(
            features, target, units=units, layers=layers, stride=stride, dropout=dropout
        )

    def augment_raw(ink, seed):
        augment = zoo.layers.ink_augment
        ink = augment.jitter_strokes(augment.change_speed(ink, seed), seed)
        return augment.rotate(augment.slant(augment.scale(ink, seed), seed), seed, most=0.1)

    decoding = {"beam": beam, "language_weight": language_weight, "symbol_bonus": symbol_bonus}
    headline = "wer" if tokens == "words" else "cer"  # where words are the symbols, it is the symbol error rate

    return zoo.Recipe(
        input=zoo.datasets.ink.INPUT,
        dataset=zoo.datasets.iam_online.load,
        sample=lambda source: zoo.datasets.samples.load("ink", zoo.datasets.ink.INPUT, "transcription"),
        frontend=lambda: zoo.layers.Ink(layout="line", step=step, level=level, unslant=unslant),
        labels=lambda: zoo.layers.Characters(tokens=tokens, ngram=ngram),
        network=network,
        task=zoo.tasks.Transcription(headline=headline, **decoding),
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=1e-4,
            clip_norm=10.0,
            average=0.99,
            variants=variants,
        ),
        sample_settings={"epochs": 12},
        augment_raw=augment_raw,
    )
