"""Sentiment of a sentence: whether it is negative or positive.

Data      Stanford Sentiment Treebank, binary, 9,613 sentences; no phrase labels, no outside vectors
Licence   none stated
Model     word and character n-gram embedding (Bojanowski et al. 2017), bidirectional LSTM (Schuster and Paliwal 1997),
          max pooling (Collobert et al. 2011) and attention pooling (Lin et al. 2017)
Result    test_accuracy 0.8287 ± 0.0052 (3 seeds), baseline 0.8133, 2 CPU cores
Command   zoo run sst2 members=3
"""

import zoo


def recipe(
    *,
    least: int = 2,
    buckets: int = 10_000,
    embedding: int = 200,
    units: int = 96,
    layers: int = 1,
    members: int = 1,
    word_dropout: float = 0.3,
    embedding_dropout: float = 0.6,
    dropout: float = 0.6,
    label_smoothing: float = 0.1,
    balance: bool = False,
    epochs: int = 8,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
) -> zoo.Recipe:
    """Classifies one text.

    Args:
      least: A word is known if it occurs so often in the train texts.
      buckets: Different character n-grams.
      embedding: Size of a word's vector.
      units: Memory cells of each LSTM in each direction.
      layers: Bidirectional LSTM layers.
      members: Networks side by side whose scores are averaged.
      word_dropout: Share of the words made unknown while training.
      embedding_dropout: Share of the features dropped at every word.
      dropout: Share of the pooled features dropped.
      label_smoothing: Share of the target spread over all classes.
      balance: Weigh each class by the inverse of how often it occurs.
      epochs: Passes over the train texts.
      batch_size: Texts per step.
      learning_rate: Peak learning rate.
    """

    def frontend():
        return zoo.layers.Words(least=least, buckets=buckets)

    def network(features, target):
        return zoo.architectures.text_classifier(
            features,
            target,
            buckets=buckets,
            embedding=embedding,
            units=units,
            layers=layers,
            members=members,
            embedding_dropout=embedding_dropout,
            dropout=dropout,
        )

    return zoo.Recipe(
        input=zoo.datasets.texts.INPUT,
        dataset=zoo.datasets.sst2.load,
        sample=lambda source: zoo.datasets.samples.load("sentiment", zoo.datasets.texts.INPUT, "classification"),
        frontend=frontend,
        network=network,
        task=zoo.tasks.Classification(label_smoothing=label_smoothing),
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=1e-3,
            average=0.98,
            balance=balance,
            keep="last",
        ),
        sample_settings={"epochs": 28},
        augment_features=lambda words, seed: zoo.layers.drop_words(words, seed, word_dropout),
    )
