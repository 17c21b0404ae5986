"""Pen digits: which digit was written, from the way of the pen.

Data      UCI Pen-Based Recognition of Handwritten Digits, original trajectories, 10,992 digits by 44 writers
Licence   CC BY 4.0
Model     equally spaced steps with direction and pen (Graves et al. 2009), 2 bidirectional LSTM (Schuster and Paliwal
          1997), attention pooling (Lin et al. 2017) and max pooling (Collobert et al. 2011)
Result    test_accuracy 0.9919 ± 0.0006 (3 seeds), baseline 0.9811; 5 minutes on one CPU core
Command   zoo run pen_digits
"""

import zoo


def recipe(
    *,
    fold: int = 8,
    step: float = 0.075,
    unslant: bool = False,
    units: int = 64,
    layers: int = 2,
    heads: int = 4,
    max_pooling: bool = True,
    dropout: float = 0.25,
    variants: int = 12,
    label_smoothing: float = 0.03,
    epochs: int = 30,
    batch_size: int = 64,
    learning_rate: float = 4e-3,
) -> zoo.Recipe:
    """Classifies one sign.

    Args:
      fold: Which writers validate, 0 to 9.
      step: Distance between two steps, in units of the ink's larger side.
      unslant: Take out the slant.
      units: Memory cells of each LSTM in each direction.
      layers: Bidirectional LSTM layers.
      heads: Of the attention pooling; divides 2 * units.
      max_pooling: Max pooling beside the attention pooling.
      dropout: Between layers.
      variants: Cached copies of each train ink, distorted.
      label_smoothing: Share of the target spread over all classes.
      epochs: Passes over the train inks.
      batch_size: Inks per step.
      learning_rate: Peak learning rate.
    """
    ink = zoo.Spec(name="points", kind="ink", shape=(None, 3), dtype="float32", axes=("point", "value"))

    def frontend():
        return zoo.layers.Ink(layout="character", step=step, unslant=unslant)

    def network(features, target):
        return zoo.architectures.recurrent_classifier(
            features, target, units=units, layers=layers, heads=heads, max_pooling=max_pooling, dropout=dropout
        )

    def augment_raw(ink, seed):
        augment = zoo.layers.ink_augment
        ink = augment.trim(augment.change_speed(ink, seed), seed, most=0.1)
        ink = augment.warp(augment.jitter_strokes(ink, seed), seed)
        return augment.rotate(augment.slant(augment.scale(ink, seed), seed), seed)

    return zoo.Recipe(
        input=ink,
        dataset=lambda source: zoo.datasets.pen_digits.load(source, fold=fold),
        sample=lambda source: zoo.datasets.samples.load("ink", ink, "classification"),
        frontend=frontend,
        network=network,
        task=zoo.tasks.Classification(label_smoothing=label_smoothing, neighbour_points=8),
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=1e-3,
            average=0.98,
            keep="last",
            variants=variants,
        ),
        sample_settings={"epochs": 10},
        augment_raw=augment_raw,
    )
