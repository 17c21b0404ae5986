"""The copy problem: repeat ten symbols in order, long after they were read.

Data      copy problem of Arjovsky et al. 2016, section 5.1, generated
Licence   none needed, generated
Model     one LSTM layer, Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000
Result    test_cross_entropy 0.0004 ± 0.0002 (3 seeds), with a wrong letter in 0.6, 1.8 and 2.8 % of the sequences;
          baseline 0.1737, wrong in all; 32 to 36 minutes on one CPU core beside another run; cell=rnn
          learning_rate=2e-3 epochs=3, seed 0: val_loss 0.1733
Command   zoo run copy_memory
"""

from typing import Literal

import zoo


def recipe(
    *,
    length: int = 100,
    letters: int = 10,
    sequences: int = 100_000,
    cell: Literal["lstm", "gru", "rnn"] = "lstm",
    match: Literal["units", "weights"] = "units",
    units: int = 128,
    forget_bias: float = 1.0,
    chrono: bool = True,
    epochs: int = 12,
    batch_size: int = 50,
    learning_rate: float = 2e-2,
    warmup: float = 0.1,
    clip_norm: float = 1.0,
    average: float = 0.98,
) -> zoo.Recipe:
    """One recurrent layer on the copy problem; without memory the cross-entropy is 10 ln 8 / (length + 20).

    Args:
      length: Steps between the symbols and their repetition.
      letters: Symbols to repeat.
      sequences: Different train sequences; each is seen once an epoch.
      cell: The LSTM, or for contrast the gated recurrent unit or the plain recurrent layer, whose gradients vanish.
      match: Give the other cells the same number of units, or about the same number of weights.
      units: Memory cells of the LSTM.
      forget_bias: First bias of the forget gates.
      chrono: Draw the first biases of the gates for dependences of up to 3/2 `length`, and not as `forget_bias` says.
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
            span=max(2, 3 * length // 2) if chrono else None,
        )

    def dataset(source):
        return zoo.datasets.copy_memory.load(source, delay=length, letters=letters, train=sequences)

    def sample(source):
        return zoo.datasets.copy_memory.load(
            source, delay=min(length, 10), letters=min(letters, 3), train=min(sequences, 5_000), origin="sample"
        )

    return zoo.Recipe(
        input=zoo.datasets.copy_memory.INPUT,
        dataset=dataset,
        sample=sample,
        network=network,
        task=zoo.tasks.StepClassification(),
        sample_settings={"epochs": 8},
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=warmup,
            clip_norm=clip_norm,
            average=average,
        ),
    )
