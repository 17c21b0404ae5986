"""Handwritten digits read pixel by pixel, 784 steps, in lines or in a scrambled order.

Data      MNIST, 55,000 / 5,000 / 10,000 images of 28 x 28 pixels
Licence   CC BY-SA 3.0
Model     one LSTM layer, Hochreiter and Schmidhuber 1997; the task of Le et al. 2015
Result    not measured
Command   zoo run sequential_mnist
"""

from typing import Literal

import zoo


def recipe(
    *,
    permuted: bool = False,
    cell: Literal["lstm", "gru", "rnn"] = "lstm",
    match: Literal["units", "weights"] = "units",
    units: int = 128,
    forget_bias: float = 1.0,
    chrono: bool = False,
    epochs: int = 60,
    batch_size: int = 100,
    learning_rate: float = 2e-3,
    warmup: float = 0.1,
    clip_norm: float = 1.0,
    average: float = 0.99,
) -> zoo.Recipe:
    """One recurrent layer that tells the digit after the last pixel.

    Args:
      permuted: Read the pixels in one scrambled order, the same for every image.
      cell: The LSTM, or for contrast the gated recurrent unit or the plain recurrent layer, whose gradients vanish.
      match: Give the other cells the same number of units, or about the same number of weights.
      units: Memory cells of the LSTM.
      forget_bias: First bias of the forget gates.
      chrono: Draw the first biases of the gates for dependences of up to 784 steps instead.
      epochs: Passes over the train images.
      batch_size: Images per step.
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
            span=784 if chrono else None,
        )

    return zoo.Recipe(
        input=zoo.datasets.sequential_mnist.INPUT,
        dataset=lambda source: zoo.datasets.sequential_mnist.load(source, permuted=permuted),
        sample=lambda source: zoo.datasets.sequential_mnist.digits(source, permuted=permuted),
        network=network,
        task=zoo.tasks.Classification(),
        sample_settings={"batch_size": 32, "epochs": 30, "learning_rate": 4e-3},
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=warmup,
            clip_norm=clip_norm,
            average=average,
        ),
    )
