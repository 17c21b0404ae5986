"""Translation of captions from English into German.

Data      Multi30k, task 1: 29,000 / 1,014 / 1,000 captions, tested on test_2016_flickr
Licence   Flickr30k terms: non-commercial research and education
Model     bidirectional LSTM encoder (Bahdanau et al. 2015), two LSTM decoders with general attention (Luong et al.
          2015) between them and no input feeding, word pieces (Sennrich et al. 2016), beam search (Wu et al. 2016)
Result    test_bleu 36.99 ± 0.15 (3 seeds), sacreBLEU 13a, lower-cased; baseline word by word 11.22, the source
          copied 0.7; 54 minutes on 2 CPU cores, 78 on one
Command   zoo run multi30k
"""

from typing import Literal

import zoo


def recipe(
    *,
    flickr: Literal["2016", "2017", "both"] = "2016",
    source_pieces: int = 4_000,
    target_pieces: int = 4_000,
    lower: bool = False,
    embedding: int = 256,
    units: int = 256,
    layers: int = 1,
    dropout: float = 0.2,
    word_dropout: float = 0.0,
    label_smoothing: float = 0.1,
    beam: int = 5,
    length_penalty: float = 0.6,
    epochs: int = 20,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
) -> zoo.Recipe:
    """Translates one text.

    Args:
      flickr: Captions of which year to test on.
      source_pieces: Word pieces that are read; fewer where the train texts do not give as many.
      target_pieces: Word pieces that are written.
      lower: Write in lower case.
      embedding: Size of a piece's vector.
      units: Memory cells of each LSTM, in each direction.
      layers: Of the encoder.
      dropout: On vectors, between layers and before the answer.
      word_dropout: Share of the pieces hidden while training.
      label_smoothing: Share of the target spread over all pieces.
      beam: Answers that the search follows; 1 is greedy.
      length_penalty: Of the search; 0 favours short answers, 1 the mean over pieces.
      epochs: Passes over the train pairs.
      batch_size: Pairs per step.
      learning_rate: Peak learning rate.
    """

    def network(features, target):
        return zoo.architectures.translator(
            features,
            target,
            units=units,
            embedding=embedding,
            layers=layers,
            dropout=dropout,
            word_dropout=word_dropout,
            beam=beam,
            length_penalty=length_penalty,
        )

    return zoo.Recipe(
        input=zoo.datasets.texts.INPUT,
        dataset=lambda source: zoo.datasets.multi30k.load(source, test=flickr),
        sample=lambda source: zoo.datasets.samples.load("translation", zoo.datasets.texts.INPUT, "translation"),
        frontend=lambda: zoo.layers.Subwords(size=source_pieces),
        labels=lambda: zoo.layers.Subwords(size=target_pieces, lower=lower, ends=True),
        network=network,
        task=zoo.tasks.Translation(label_smoothing=label_smoothing),
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=0.05,
            weight_decay=1e-2,
            average=0.99,
        ),
        sample_settings={"epochs": 10},
    )
