"""What was said in an utterance: addresses, dates, spelled words and commands, as text.

Data      CMU AN4, 1,078 utterances at 16 kHz, tested on ten speakers that train does not have
Licence   CMU, BSD-like
Model     log-mel, 2 convolutions, 3 bidirectional LSTM, connectionist temporal classification (Graves et al. 2006),
          and an n-gram model of characters beside it
Result    test_wer 0.0655 ± 0.0094 (3 seeds), test_cer 0.0265 ± 0.0024, greedy; rescored by the n-gram model 0.0569 ±
          0.0013 and 0.0240 ± 0.0006; baseline test_wer 1.03; 31 to 40 minutes on one CPU core beside other work
Command   zoo run an4
"""

import zoo


def recipe(
    *,
    units: int = 192,
    layers: int = 3,
    stride: int = 4,
    dropout: float = 0.3,
    one_way: bool = False,
    mel: int = 80,
    variants: int = 6,
    ngram: int = 10,
    beam: int = 32,
    language_weight: float = 0.5,
    symbol_bonus: float = 1.0,
    epochs: int = 70,
    batch_size: int = 16,
    learning_rate: float = 2e-3,
) -> zoo.Recipe:
    """Transcribes one utterance.

    Args:
      units: Memory cells of each LSTM in each direction.
      layers: Bidirectional LSTM layers.
      stride: Steps of 10 ms that become one frame: 1, 2 or 4.
      dropout: Behind each LSTM.
      one_way: Read forward only, so that the model can answer while it listens.
      mel: Mel bands.
      variants: Cached copies of each train utterance at other speeds.
      ngram: Longest n-gram of the language model of the train texts; 0 for none.
      beam: Texts that the search follows.
      language_weight: Of the language model.
      symbol_bonus: For every character, in nats.
      epochs: Passes over the train utterances.
      batch_size: Utterances per step.
      learning_rate: Peak learning rate.
    """
    normalise = "train" if one_way else "clip"
    decoding = {"beam": beam, "language_weight": language_weight, "symbol_bonus": symbol_bonus}
    audio = zoo.Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=16_000)
    # No floor under the log-mel values: one at 35 dB would hide four fifths of them.
    mel_bands = {"rate_hz": audio.rate_hz, "mel": mel, "band_mean": 1.0, "range_db": None, "normalise": normalise}

    def network(features, target):
        return zoo.architectures.speech_transcriber(
            features, target, units=units, layers=layers, stride=stride, dropout=dropout, one_way=one_way
        )

    def augment_raw(audio, seed):
        augment = zoo.layers.audio_augment
        audio = augment.change_speed(audio, seed, low=0.9, high=1.1)
        return augment.change_gain(audio, seed) if one_way else audio  # else the gain is taken off

    def augment_features(steps, seed):
        augment = zoo.layers.audio_augment
        return augment.mask_time(augment.mask_mel(steps, seed, most=15, count=2), seed, most=0.1, count=2)

    return zoo.Recipe(
        input=audio,
        dataset=zoo.datasets.an4.load,
        sample=lambda source: zoo.datasets.samples.load("spoken_numbers", audio, "transcription"),
        frontend=lambda: zoo.layers.LogMel(**mel_bands),
        labels=lambda: zoo.layers.Characters(ngram=ngram),
        network=network,
        task=zoo.tasks.Transcription(headline="wer", **decoding),
        training=zoo.Training(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=1e-4,
            clip_norm=10.0,
            average=0.99,
            variants=variants,
        ),
        sample_settings={"units": 96, "layers": 2, "epochs": 16},
        augment_raw=augment_raw,
        augment_features=augment_features,
    )
