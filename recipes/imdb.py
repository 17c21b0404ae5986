"""Sentiment of a long review: whether it is negative or positive.

Data      IMDB Large Movie Review Dataset, 25,000 labelled reviews to train on, 25,000 to test, 50,000 without labels
Licence   none stated
Model     word embedding, bidirectional LSTM (Schuster and Paliwal 1997) over the last words, max pooling (Collobert et
          al. 2011) and attention pooling (Lin et al. 2017); optionally a language model first (Dai and Le 2015)
Result    not measured
Command   zoo run imdb
"""

import zoo


def recipe(
    *,
    last: int = 400,
    largest: int = 20_000,
    embedding: int = 128,
    units: int = 96,
    members: int = 1,
    word_dropout: float = 0.1,
    embedding_dropout: float = 0.4,
    dropout: float = 0.5,
    label_smoothing: float = 0.1,
    balance: bool = False,
    epochs: int = 5,
    batch_size: int = 32,
    learning_rate: float = 2e-3,
    pretrain_epochs: int = 0,
) -> zoo.Recipe:
    """Classifies one long text by its last words.

    Args:
      last: Words of a review that are read, from its end, where the verdict is.
      largest: Words in the vocabulary, the most frequent ones.
      embedding: Size of a word's vector.
      units: Memory cells of the LSTM in each direction.
      members: Networks side by side whose scores are averaged.
      word_dropout: Share of the words made unknown while training.
      embedding_dropout: Share of the features dropped at every word.
      dropout: Share of the pooled features dropped.
      label_smoothing: Share of the target spread over all classes.
      balance: Weigh each class by the inverse of how often it occurs.
      epochs: Passes over the labelled reviews.
      batch_size: Reviews per step.
      learning_rate: Peak learning rate.
      pretrain_epochs: Passes as a language model over all train reviews, those without labels too, before the labels
        are seen; 0 for labels only.
    """

    def network(features, target):
        return zoo.architectures.text_classifier(
            features,
            target,
            buckets=0,
            embedding=embedding,
            units=units,
            members=members,
            embedding_dropout=embedding_dropout,
            dropout=dropout,
        )

    return zoo.Recipe(
        input=zoo.datasets.texts.INPUT,
        dataset=lambda source: zoo.datasets.imdb.load(source, unlabelled=pretrain_epochs > 0),
        sample=lambda source: zoo.datasets.samples.load("sentiment", zoo.datasets.texts.INPUT, "classification"),
        frontend=lambda: zoo.layers.Words(largest=largest, ngrams=(), last=last),
        network=network,
        task=zoo.tasks.Classification(label_smoothing=label_smoothing),
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=1e-3,
            average=0.99,
            balance=balance,
        ),
        sample_settings={"epochs": 16},
        augment_features=lambda words, seed: zoo.layers.drop_words(words, seed, word_dropout),
        pretraining=zoo.Training(epochs=pretrain_epochs, batch_size=batch_size, learning_rate=learning_rate),
        pretraining_network=zoo.architectures.language_model,
    )
