"""The adding problem: remember two marked numbers across a long sequence and give their sum.

Data      adding problem of Hochreiter and Schmidhuber 1997, section 5.4, generated
Licence   none needed, generated
Model     one LSTM layer, Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000
Result    not measured
Command   zoo run adding
"""

import zoo


def recipe(
    *,
    length: int = 100,
    sequences: int = 10_000,
    units: int = 64,
    epochs: int = 4,
    batch_size: int = 50,
    learning_rate: float = 5e-3,
) -> zoo.Recipe:
    """One LSTM layer on the adding problem.

    Args:
      length: Shortest sequence in steps; each has up to a tenth more.
      sequences: Train sequences; each is seen once an epoch.
      units: Memory cells.
      epochs: Passes over the train sequences.
      batch_size: Sequences per step.
      learning_rate: Peak learning rate.
    """

    def network(features, target):
        return zoo.architectures.recurrent_regressor(features, target, units=units)

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
        training=zoo.Training(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, average=0.98),
    )
