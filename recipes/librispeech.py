"""What was read out in an utterance, in English, from 100 hours of it; one way also while it is still being said.

Data      LibriSpeech, train-clean-100 (251 speakers, 16 kHz), tested on test-clean and test-other
Licence   CC BY 4.0
Model     log-mel, 2 convolutions, 4 LSTM, both ways or one, connectionist temporal classification (Graves et al. 2006)
Result    not measured
Command   zoo run librispeech
"""

import zoo


def recipe(
    *,
    units: int = 320,
    layers: int = 4,
    stride: int = 4,
    dropout: float = 0.3,
    one_way: bool = False,
    subwords: int = 0,
    mel: int = 80,
    variants: int = 3,
    ngram: int = 6,
    beam: int = 32,
    language_weight: float = 0.5,
    symbol_bonus: float = 1.0,
    epochs: int = 60,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
) -> zoo.Recipe:
    """Transcribes one utterance.

    Args:
      units: Memory cells of each LSTM in each direction.
      layers: Of LSTM.
      stride: Steps of 10 ms that become one frame: 1, 2 or 4.
      dropout: Behind each LSTM.
      one_way: Read forward only, so that the model can answer while it listens.
      subwords: How many pieces of words are learnt, two marks included; 0 for characters.
      mel: Mel bands.
      variants: Cached copies of each train utterance at other speeds.
      ngram: Longest n-gram of the language model of the train texts; 0 for none.
      beam: Texts that the search follows.
      language_weight: Of the language model.
      symbol_bonus: For every symbol, in nats.
      epochs: Passes over the train utterances.
      batch_size: Utterances per step.
      learning_rate: Peak learning rate.
    """
    normalise = "train" if one_way else "clip"
    decoding = {"beam": beam, "language_weight": language_weight, "symbol_bonus": symbol_bonus}
    audio = zoo.Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=16_000)
    mel_bands = {"rate_hz": audio.rate_hz, "mel": mel, "band_mean": 1.0, "range_db": None, "normalise": normalise}
    tokens = "subwords" if subwords else "characters"
    small = {"units": 96, "layers": 2, "batch_size": 16, "learning_rate": 2e-3, "epochs": 30 if one_way else 16}

    def network(features, target):
        shape = {"units": units, "layers": layers, "width": 2 * units, "stride": stride, "one_way": one_way}
        return zoo.architectures.speech_transcriber(features, target, dropout=dropout, **shape)

    def augment_raw(audio, seed):
        augment = zoo.layers.audio_augment
        audio = augment.change_speed(audio, seed, low=0.9, high=1.1)
        return augment.change_gain(audio, seed) if one_way else audio  # else the gain is taken off

    def augment_features(steps, seed):
        augment = zoo.layers.audio_augment
        return augment.mask_time(augment.mask_mel(steps, seed, most=20, count=2), seed, most=0.05, count=4)

    return zoo.Recipe(
        input=audio,
        dataset=zoo.datasets.librispeech.load,
        sample=lambda source: zoo.datasets.samples.load("spoken_numbers", audio, "transcription"),
        frontend=lambda: zoo.layers.LogMel(**mel_bands),
        labels=lambda: zoo.layers.Characters(tokens=tokens, size=subwords, ngram=ngram),
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
        sample_settings=small,
        augment_raw=augment_raw,
        augment_features=augment_features,
    )
