"""Handwriting as an image, lines of English, as text.

Data      IAM, 6,161 / 966 / 2,915 lines in the Aachen splits, by registration; or your own images
Licence   non-commercial research, by registration
Model     5 convolutions, 3 bidirectional LSTM of 256, connectionist temporal classification (Puigcerver 2017; Retsinas
          et al. 2022)
Result    not measured
Command   zoo run iam_lines
"""

import zoo


def recipe(
    *,
    height: int = 64,
    units: int = 256,
    layers: int = 3,
    dropout: float = 0.5,
    ngram: int = 6,
    beam: int = 16,
    language_weight: float = 0.5,
    symbol_bonus: float = 1.0,
    epochs: int = 80,
    batch_size: int = 16,
    learning_rate: float = 1e-3,
) -> zoo.Recipe:
    """Transcribes the image of one line.

    Args:
      height: Rows that a line is scaled to.
      units: Memory cells of each LSTM in each direction.
      layers: Bidirectional LSTM layers.
      dropout: Behind each LSTM.
      ngram: Longest n-gram of the language model of the train texts; 0 for none.
      beam: Texts that the search follows.
      language_weight: Of the language model.
      symbol_bonus: For every character, in nats.
      epochs: Passes over the train lines.
      batch_size: Lines per step.
      learning_rate: Peak learning rate.
    """

    def network(features, target):
        return zoo.architectures.image_transcriber(features, target, units=units, layers=layers, dropout=dropout)

    def augment_features(columns, seed):
        augment = zoo.layers.audio_augment
        return augment.mask_time(augment.stretch_time(columns, seed), seed, most=0.05, count=2)

    return zoo.Recipe(
        input=zoo.datasets.images.INPUT,
        dataset=zoo.datasets.iam_lines.load,
        sample=lambda source: zoo.datasets.samples.load("line_images", zoo.datasets.images.INPUT, "transcription"),
        frontend=lambda: zoo.layers.LineImage(height=height),
        labels=lambda: zoo.layers.Characters(ngram=ngram),
        network=network,
        task=zoo.tasks.Transcription(beam=beam, language_weight=language_weight, symbol_bonus=symbol_bonus),
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=1e-4,
            clip_norm=10.0,
            average=0.99,
        ),
        sample_settings={"epochs": 12},
        augment_features=augment_features,
    )
