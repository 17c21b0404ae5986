"""The adding problem: remember two marked numbers across a long sequence and give their sum.

Data      adding problem of Hochreiter and Schmidhuber 1997, section 5.4, generated
Licence   none needed, generated
Model     one LSTM layer, Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000
Result    test_mae 0.0034 ± 0.0002 (3 seeds), no test sequence off by more than 0.04, after 36,000
          sequences; baseline 0.1636, 85 % off by more, 2 CPU cores; with length=500 sequences=34000, 102,000 in all,
          0.0017 ± 0.0004, with 0, 0 and 1 of 2,560 off by more; with length=1000 sequences=34000 0.0015 ± 0.0005, with
          0, 1 and 2 of 2,560; cell=rnn learning_rate=2e-3, seed 0: 85 %
Command   zoo run adding
"""

from typing import Literal

import zoo


def recipe(
    *,
    length: int = 100,
    sequences: int = 12_000,
    cell: Literal["lstm", "gru", "rnn"] = "lstm",
    match: Literal["units", "weights"] = "units",
    units: int = 64,
    forget_bias: float = 1.0,
    chrono: bool = True,
    epochs: int = 3,
    batch_size: int = 10,
    learning_rate: float = 3e-2,
    warmup: float = 0.1,
    clip_norm: float = 1.0,
    average: float = 0.98,
) -> zoo.Recipe:
    """One recurrent layer on the adding problem; an answer is wrong if it is off by more than 0.04.

    Args:
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
        return zoo.datasets.adding.load(source, length=length, train=sequences)

    def sample(source):
        return zoo.datasets.adding.load(source, length=min(length, 30), train=min(sequences, 5_000), origin="sample")

    return zoo.Recipe(
        input=zoo.datasets.adding.INPUT,
        dataset=dataset,
        sample=sample,
        network=network,
        task=zoo.tasks.Regression(tolerance=0.04),
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=warmup,
            clip_norm=clip_norm,
            average=average,
        ),
    )
