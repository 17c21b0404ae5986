"""Which keyword was said in a second of sound, among other words and noise.

Data      Speech Commands 0.02, 105,829 one-second clips of 35 words; ten of them, unknown ones and silence, or all
Licence   CC BY 4.0
Model     log-mel, 2 convolutions, 2 bidirectional LSTM, attention of 4 heads from the middle (Rybakov et al. 2020)
Result    not measured; on 1,920 clips of ten digits as own data, by `benchmarks/digit_clips.py`, trained on four
          speakers and tested on a sixth: test_accuracy 0.9313 ± 0.0188, seeds 0 to 2, baseline 0.6188; 7 to 8 minutes
          on one CPU core
Command   zoo run speech_commands
"""

from typing import Literal

import zoo


def recipe(
    *,
    words: Literal[12, 35] = 12,
    units: int = 128,
    layers: int = 2,
    heads: int = 4,
    dropout: float = 0.2,
    mel: int = 40,
    variants: int = 10,
    label_smoothing: float = 0.1,
    epochs: int = 80,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
) -> zoo.Recipe:
    """Classifies one word a clip.

    Args:
      words: Ten words, unknown ones and silence, tested on the publisher's set of those; or all 35 words.
      units: Memory cells of each LSTM in each direction.
      layers: Bidirectional LSTM layers.
      heads: Of the attention.
      dropout: Behind each LSTM, and before the logits.
      mel: Mel bands.
      variants: Cached copies of each train clip: other shift, speed and noise, other unknown words and silences.
      label_smoothing: Share of the target spread over all classes.
      epochs: Passes over the train clips.
      batch_size: Clips per step.
      learning_rate: Peak learning rate.
    """
    audio = zoo.Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=16_000)

    def network(features, target):
        return zoo.architectures.attention_classifier(
            features, target, units=units, layers=layers, heads=heads, dropout=dropout
        )

    def augment_raw(audio, seed):
        augment = zoo.layers.audio_augment
        audio = augment.shift_time(augment.change_speed(audio, seed, low=0.85, high=1.2), seed, most=1600)
        return augment.add_noise(audio, seed, low_db=5, high_db=35, share=0.2)

    def augment_features(steps, seed):
        augment = zoo.layers.audio_augment
        steps = augment.raise_floor(steps, seed, depth=2.0, most=0.7, share=0.2)
        steps = augment.shift_mel(augment.stretch_time(steps, seed), seed)
        steps = augment.change_contrast(augment.colour(steps, seed), seed)
        return augment.mask_time(augment.mask_mel(steps, seed, most=5), seed)

    return zoo.Recipe(
        input=audio,
        dataset=lambda source: zoo.datasets.speech_commands.load(source, words=words),
        sample=lambda source: zoo.datasets.samples.load("spoken_digits", audio, "classification"),
        frontend=lambda: zoo.layers.LogMel(rate_hz=audio.rate_hz, mel=mel),
        network=network,
        task=zoo.tasks.Classification(label_smoothing=label_smoothing),
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
        augment_features=augment_features,
    )
