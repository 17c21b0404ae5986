"""The temporal order problem: in which order two or three symbols came, far apart among many that say nothing.

Data      temporal order problem of Hochreiter and Schmidhuber 1997, section 5.6, generated
Licence   none needed, generated
Model     one LSTM layer, Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000
Result    test_accuracy 1.0000 ± 0.0000 (3 seeds), all test scores within 0.3, after 3,100 sequences;
          baseline 0.7448, 2 CPU cores; with classes=8 sequences=18500 epochs=3 the same, baseline 0.5013; with
          cell=rnn, seed 0: 0.2516
Command   zoo run temporal_order
"""

from typing import Literal

import zoo


def recipe(
    *,
    classes: Literal[4, 8] = 4,
    length: int = 100,
    sequences: int = 3_100,
    cell: Literal["lstm", "gru", "rnn"] = "lstm",
    match: Literal["units", "weights"] = "units",
    units: int = 64,
    forget_bias: float = 1.0,
    chrono: bool = True,
    epochs: int = 1,
    batch_size: int = 5,
    learning_rate: float = 1e-2,
    warmup: float = 0.1,
    clip_norm: float = 1.0,
    average: float = 0.98,
) -> zoo.Recipe:
    """One recurrent layer on the temporal order problem; an answer is wrong if a score is off by more than 0.3.

    Args:
      classes: 4 for two symbols that count, 8 for three.
      length: Shortest sequence in steps; each has up to a tenth more.
      sequences: Different train sequences; each is seen once an epoch.
      cell: The LSTM, or for contrast the gated recurrent unit or the plain recurrent layer, whose gradients vanish.
      match: Give the other cells the same number of units, or about the same number of weights.
      units: Memory cells of the LSTM.
      forget_bias: First bias of the forget gates.
      chrono: Draw the first biases of the gates for dependences of up to `length` steps, and not as `forget_bias` says.
      epochs: Passes over the train sequences.
      batch_size: Sequences per step.
      learning_rate: Peak learning rate.
      warmup: Share of the steps in which the learning rate rises; it falls to zero in the others.
      clip_norm: Gradients are scaled down to this norm.
      average: Momentum of the average of the weights that is kept; 0 for the weights themselves.
    """

    def network(features, target):
        return zoo.architectures.memory_network(
            features,
            target,
            units=units,
            cell=cell,
            match=match,
            forget_bias=forget_bias,
            span=length if chrono else None,
        )

    def dataset(source):
        return zoo.datasets.temporal_order.load(source, classes=classes, length=length, train=sequences)

    def sample(source):
        steps = min(length, 40)
        return zoo.datasets.temporal_order.load(source, classes=classes, length=steps, train=sequences, origin="sample")

    return zoo.Recipe(
        input=zoo.datasets.temporal_order.INPUT,
        dataset=dataset,
        sample=sample,
        network=network,
        task=zoo.tasks.SureClassification(tolerance=0.3),
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=warmup,
            clip_norm=clip_norm,
            average=average,
        ),
    )
