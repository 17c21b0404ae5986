"""Speech Commands 0.02: 105,829 clips of a second or less of 35 words by 2,618 speakers, 16 kHz."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile
import tensorflow as tf
import tensorflow_datasets as tfds

from zoo.datasets import archives, keyword_draws
from zoo.datasets.clips import as_dataset, target_spec
from zoo.inputs.audio import FULL_SCALE
from zoo.types import Dataset, Source, Spec, UsageError

URL = "http://download.tensorflow.org/data"
ARCHIVE, TEST_ARCHIVE = "speech_commands_v0.02.tar.gz", "speech_commands_test_set_v0.02.tar.gz"
CHECKSUMS = {  # SHA-256 of the files, as the catalogue of TFDS has them
    ARCHIVE: "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
    TEST_ARCHIVE: "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
}
HOME = "https://arxiv.org/abs/1804.03209"
LICENCE = "CC BY 4.0"
CITATION = "Warden, P. (2018). Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition. arXiv:1804.03209."
KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
WORDS = (
    *("backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow", "forward", "four", "go", "happy"),
    *("house", "learn", "left", "marvin", "nine", "no", "off", "on", "one", "right", "seven", "sheila", "six", "stop"),
    *("three", "tree", "two", "up", "visual", "wow", "yes", "zero"),
)
SILENCE, UNKNOWN, NOISE = "_silence_", "_unknown_", "_background_noise_"
TWELVE = (SILENCE, UNKNOWN, *KEYWORDS)
LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
SHARE = 0.1  # of unknown words and of silence, each, beside the ten words
SECOND = 16_000  # samples
Splits = dict[str, tf.data.Dataset]
Vary = Callable[[dict[str, tf.Tensor], tf.Tensor], dict[str, tf.Tensor]]
INPUT = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=SECOND)


class SpeechCommandsV2(tfds.core.GeneratorBasedBuilder):
    """TFDS builder of all clips by the publisher's lists, the ten words and the other 25 apart, and the noise."""

    VERSION = tfds.core.Version("0.0.2")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"0.0.2": "35 words, six recordings of noise."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Put {ARCHIVE} from {URL} into the manual folder; without it, it is downloaded."

    def _info(self) -> tfds.core.DatasetInfo:
        return _info(self)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        archive = _archive(dl_manager, ARCHIVE)
        listed = {path.name: content.decode().split() for path, content in archives.files(archive, "_list.txt")}
        for name in LISTS.values():
            if name not in listed:
                raise UsageError(f"`{archive}` has no {name}; fetch it again.")
        split_of = {path: split for split, name in LISTS.items() for path in listed[name]}
        generators = {"noise": self._generate_examples(archive, lambda path, word: word == NOISE)}
        for split in ("train", *LISTS):
            for group, keyword in (("keywords", True), ("others", False)):
                generators[f"{split}_{group}"] = self._generate_examples(archive, _chosen(split_of, split, keyword))
        return generators

    def _generate_examples(
        self, archive: Path, wanted: Callable[[str, str], bool]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from _clips(archive, wanted)


class SpeechCommandsV2TestSet(tfds.core.GeneratorBasedBuilder):
    """TFDS builder of the publisher's test set for ten words, unknown ones and silence."""

    VERSION = tfds.core.Version("0.0.2")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"0.0.2": "4,890 clips of twelve classes."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Put {TEST_ARCHIVE} from {URL} into the manual folder; without it, it is downloaded."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        return _info(self)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        return {"test": self._generate_examples(_archive(dl_manager, TEST_ARCHIVE))}

    def _generate_examples(self, archive: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from _clips(archive, lambda path, word: True)


def _info(builder: tfds.core.DatasetBuilder) -> tfds.core.DatasetInfo:
    features = {
        "audio": tfds.features.Audio(sample_rate=SECOND, dtype=np.int16),
        "word": tfds.features.Text(),
        "id": tfds.features.Text(),
    }
    return tfds.core.DatasetInfo(
        builder=builder,
        description=__doc__,
        features=tfds.features.FeaturesDict(features),
        supervised_keys=("audio", "word"),
        homepage=HOME,
        license=LICENCE,
        citation=CITATION,
    )


def _archive(dl_manager: tfds.download.DownloadManager, name: str) -> Path:
    """The verified archive, from the user's folder or downloaded."""
    try:
        folder = Path(dl_manager.manual_dir)
    except AssertionError:  # how TFDS says that there is no such folder or nothing in it
        folder = None
    given = archives.find(folder, "speech_commands", (name,))
    archive = given or Path(dl_manager.download(f"{URL}/{name}"))
    try:
        archives.verify_file(archive, CHECKSUMS[name])
    except UsageError:
        if not given:
            archives.forget_download(archive)
        raise
    return archive


def _chosen(split_of: Mapping[str, str], split: str, keyword: bool) -> Callable[[str, str], bool]:
    def wanted(path: str, word: str) -> bool:
        return word != NOISE and split_of.get(path, "train") == split and (word in KEYWORDS) == keyword

    return wanted


def _clips(archive: Path, wanted: Callable[[str, str], bool]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, content in archives.files(archive, ".wav"):
        word, name = path.parts[-2:]
        if wanted(f"{word}/{name}", word):
            samples, _ = soundfile.read(io.BytesIO(content), dtype="int16")
            yield f"{word}/{name}", {"audio": samples, "word": word, "id": f"{word}/{name}"}


def load(source: Source, *, words: int = 12) -> Dataset:
    """Loads the publisher's splits: train, `validation_list.txt` and the test.

    With 35 words the test is `testing_list.txt`. With 12 classes, ten words, unknown words and silence, it is the
    publisher's test set, an archive of its own with 4,890 clips, by which results are reported. Train then has beside
    the ten words a tenth as many unknown ones, and as many silences; in each cached variant of a train example, these
    are other words of the 25, and other cuts from the recordings of noise. The val split has a tenth of each too, drawn
    by name and always the same. Silence for val is cut from the last fifth of each recording, which train never hears.

    Variants of words have noise behind them, in 80 % of the cases and with at most a tenth of its amplitude.

    Args:
      source: Where the archives may lie, themselves or in the subfolder `speech_commands`; nothing else is drawn.
      words: 12 or 35.

    Returns:
      Examples `{"id": string[], "input": float32[sample] in [-1, 1], "target": int64[]}`; ids are the publisher's
      paths. The 25 other words of train are held in memory, 1.7 GB, for 12 classes.

    Raises:
      UsageError: `words` is neither, or an archive is not the publisher's.
      RunError: An archive is not there and there is no network.

    Source:
      Warden 2018, sections 6 and 7; shares, volumes and frequency are those of kws_streaming, Rybakov et al. 2020.
    """
    if words not in (12, 35):
        raise UsageError(f"`words` must be 12 or 35, got {words}.")
    folder = archives.manual_dir(source)

    def prepared(make: type[tfds.core.DatasetBuilder], name: str) -> tfds.core.DatasetBuilder:
        archive = archives.find(folder, "speech_commands", (name,))
        return archives.prepare(make, archive, url=f"{URL}/{name}", name=name)

    builder = prepared(SpeechCommandsV2, ARCHIVE)
    if words == 12:
        splits, vary = _twelve(builder, prepared(SpeechCommandsV2TestSet, TEST_ARCHIVE))
    else:
        splits, vary = _thirty_five(builder)
    rule = f"{CHECKSUMS} {words} {SHARE} {keyword_draws.NOISY} {keyword_draws.LOUDEST} {keyword_draws.VAL_NOISE}"
    return Dataset(
        name=f"Speech Commands, {words} classes",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=target_spec(TWELVE if words == 12 else WORDS),
        splits=splits,
        sizes={split: int(part.cardinality()) for split, part in splits.items()},
        fingerprint=hashlib.sha256(rule.encode()).hexdigest()[:16],
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
        vary=vary,
        grouped_by="speaker",
        group_of=_speaker,
    )


def _speaker(id: str) -> str:
    """The publisher's name of who said it, "" for silence."""
    name, said, _ = id.rsplit("/", 1)[-1].partition("_nohash_")
    return name if said else ""


def _twelve(builder: tfds.core.DatasetBuilder, test_set: tfds.core.DatasetBuilder) -> tuple[Splits, Vary]:
    noise = dict(zip(("train", "val"), keyword_draws.parts(_noise(builder), SECOND), strict=True))
    unknown, silence = TWELVE.index(UNKNOWN), TWELVE.index(SILENCE)
    splits, pools = {}, {}
    for split, theirs in (("train", "train"), ("val", "validation")):
        keywords = _examples(builder, f"{theirs}_keywords", TWELVE)
        count = max(1, round(SHARE * int(keywords.cardinality())))
        pool = pools[split] = _pool(builder, f"{theirs}_others")
        others = [pool.clip(place, unknown) for place in keyword_draws.some(pool.ids, count)]
        silences = keyword_draws.silences(noise[split], count, SECOND, silence, f"{SILENCE}/{split}")
        splits[split] = _mixed(keywords, _mixed(as_dataset(others), as_dataset(silences)))
    splits["test"] = _examples(test_set, "test", TWELVE)
    return splits, keyword_draws.drawn(noise["train"], pools["train"], unknown=unknown, silence=silence)


def _thirty_five(builder: tfds.core.DatasetBuilder) -> tuple[Splits, Vary]:
    noise, _ = keyword_draws.parts(_noise(builder), SECOND)
    splits = {}
    for split, theirs in (("train", "train"), ("val", "validation"), ("test", "test")):
        splits[split] = _mixed(*(_examples(builder, f"{theirs}_{group}", WORDS) for group in ("keywords", "others")))
    return splits, keyword_draws.noisy(noise)


def _mixed(first: tf.data.Dataset, second: tf.data.Dataset) -> tf.data.Dataset:
    """Both, evenly mixed, since a large split is shuffled part by part."""
    size, both = int(first.cardinality()), int(first.cardinality() + second.cardinality())
    turns = tf.data.Dataset.range(both).map(lambda number: 1 - (number + 1) * size // both + number * size // both)
    mixed = tf.data.Dataset.choose_from_datasets([first, second], turns, stop_on_empty_dataset=False)
    return mixed.apply(tf.data.experimental.assert_cardinality(both))


def _noise(builder: tfds.core.DatasetBuilder) -> list[np.ndarray]:
    rows = sorted(_rows(builder, "noise").as_numpy_iterator(), key=lambda row: row["id"])
    return [row["audio"].astype(np.int16) for row in rows]


def _pool(builder: tfds.core.DatasetBuilder, split: str) -> keyword_draws.Pool:
    rows = _rows(builder, split)
    pool = keyword_draws.Pool(int(rows.cardinality()), SECOND)
    for row in rows.as_numpy_iterator():
        pool.add(row["id"].decode(), row["audio"][:SECOND])
    return pool


def _examples(builder: tfds.core.DatasetBuilder, split: str, classes: tuple[str, ...]) -> tf.data.Dataset:
    words = tf.lookup.KeyValueTensorInitializer([*classes], [*range(len(classes))], tf.string, tf.int64)
    table = tf.lookup.StaticHashTable(words, default_value=-1)

    def example(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        samples = tf.cast(row["audio"], tf.float32) / FULL_SCALE
        return {"id": row["id"], "input": samples, "target": table.lookup(row["word"])}

    return _rows(builder, split).map(example)


def _rows(builder: tfds.core.DatasetBuilder, split: str) -> tf.data.Dataset:
    """Read from disk in the order in which TFDS wrote them, by a hash of their ids."""
    return builder.as_dataset(split=split, read_config=tfds.ReadConfig(interleave_cycle_length=1))
