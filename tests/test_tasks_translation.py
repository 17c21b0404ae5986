from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
import tensorflow as tf
from matplotlib.figure import Figure

import zoo.tasks
from zoo.architectures.translation import translator
from zoo.layers.subwords import words_of
from zoo.tasks.translation import Translation, attention_figure
from zoo.tasks.word_by_word import lexicon, word_by_word
from zoo.types import Spec

PIECES = ("<padding>", "<begin>", "<end>", "▁Ein", "▁Hund", "e", ".", "▁rennt")
TARGET = Spec(name="pieces", kind="text", shape=(None,), dtype="int32", axes=("piece",), classes=PIECES)
GIVEN = np.array([[1, 3, 4, 7, 6, 2], [1, 4, 5, 2, -1, -1], [1, 2, -1, -1, -1, -1]], np.int32)
TRUTH = np.array(["Ein Hund rennt durch das Gras.", "Zwei Männer stehen am Herd.", "Eine Frau schläft."])
FOUND = np.array(["ein hund rennt über das gras.", "zwei männer stehen am herd.", ""])
TRUTH, FOUND = (np.char.encode(texts).astype(object) for texts in (TRUTH, FOUND))


def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 2, (3, 5, len(PIECES))).astype(np.float32)


def log_chances() -> np.ndarray:
    values = logits().astype(np.float64)
    return values - np.log(np.exp(values).sum(-1, keepdims=True))


def real_pieces() -> list[tuple[int, int, int]]:
    """(row, step of the logits, piece) of everything that is to be written."""
    return [(row, t - 1, GIVEN[row, t]) for row in range(3) for t in range(1, 6) if GIVEN[row, t] >= 0]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_is_smoothed_cross_entropy_over_real_pieces(smoothing: float):
    values = Translation(label_smoothing=smoothing).loss()(tf.constant(GIVEN), tf.constant(logits()))
    rows = np.zeros(3)
    for row, t, piece in real_pieces():
        wanted = np.full(len(PIECES), smoothing / len(PIECES))
        wanted[piece] += 1 - smoothing
        rows[row] -= (wanted * log_chances()[row, t]).sum()
    np.testing.assert_allclose(values, rows * 3 / 9, rtol=1e-5)
    assert float(tf.reduce_mean(values)) == pytest.approx(rows.sum() / 9, rel=1e-5)


def test_metrics_are_over_real_pieces():
    cross_entropy, accuracy = Translation().metrics()
    for rows in ([0, 1], [2]):  # batches of unlike numbers of pieces weigh by their pieces
        for metric in (cross_entropy, accuracy):
            metric.update_state(GIVEN[rows], logits()[rows])
    pieces = real_pieces()
    expected = -np.mean([log_chances()[row, t, piece] for row, t, piece in pieces])
    assert (cross_entropy.name, accuracy.name) == ("cross_entropy", "accuracy")
    assert float(cross_entropy.result()) == pytest.approx(expected, rel=1e-5)
    right = [logits()[row, t].argmax() == piece for row, t, piece in pieces]
    assert float(accuracy.result()) == pytest.approx(np.mean(right))
    assert f"val_{cross_entropy.name}" == Translation.watch and Translation.watch_mode == "min"


def test_keras_gives_the_same_numbers_of_a_translator():
    task, source = Translation(label_smoothing=0.1), [np.array([[3, 2, 4], [5, 0, 0], [3, 3, 0]]), np.array([3, 1, 2])]
    network = translator(TARGET, TARGET, units=4, embedding=4)
    network.compile("sgd", task.loss(), metrics=task.metrics(), jit_compile=False)
    made = network([*source, GIVEN])
    found = network.evaluate([*source, GIVEN], GIVEN, verbose=0, return_dict=True)
    cross_entropy, accuracy = task.metrics()
    for metric in (cross_entropy, accuracy):
        metric.update_state(GIVEN, made)
        assert found[metric.name] == pytest.approx(float(metric.result()), rel=1e-5)
    assert found["loss"] == pytest.approx(float(tf.reduce_mean(task.loss()(GIVEN, made))), rel=1e-5)


def test_answer_joins_the_pieces():
    made = {
        "pieces": tf.constant([[3, 5, 4, 6], [4, 0, 0, 0], [0, 0, 0, 0]]),
        "length": tf.constant([4, 1, 0]),
        "score": tf.constant([-1.0, -2.0, -3.0]),
    }
    answer = Translation().answer(made, TARGET)
    assert answer["translation"].numpy().tolist() == [b"Eine Hund.", b"Hund", b""]
    assert answer["score"].numpy().tolist() == [-1, -2, -3]


def test_scores_are_those_of_sacrebleu():
    score = Translation().score({"translation": FOUND}, TRUTH, TARGET)
    found, wanted = ([text.decode() for text in texts] for texts in (FOUND, TRUTH))
    assert score["bleu"] == pytest.approx(sacrebleu.corpus_bleu(found, [wanted], lowercase=True).score)
    lower = [[text.lower() for text in texts] for texts in (found, wanted)]
    assert score["chrf"] == pytest.approx(sacrebleu.corpus_chrf(lower[0], [lower[1]]).score)
    assert score["exact"] == pytest.approx(1 / 3) and set(score) == {"bleu", "chrf", "exact"}
    whole = Translation().score({"translation": TRUTH}, TRUTH, TARGET)
    assert whole == pytest.approx({"bleu": 100, "chrf": 100, "exact": 1})


def test_bleu_by_hand():
    """Six tokens each, 5 of 6 words, 3 of 5 pairs, 2 of 4 triples and 1 of 3 fours are the reference's."""
    answers = {"translation": np.array([b"the cat sat on a mat"], object)}
    score = Translation().score(answers, np.array([b"The cat sat on the mat"], object), TARGET)
    assert score["bleu"] == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)


def test_signature_says_how_bleu_was_counted():
    assert Translation().signature() == f"nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"


def test_example_scores_are_those_of_the_sentences():
    scores = Translation().example_scores({"translation": FOUND}, TRUTH, TARGET)
    expected = [
        sacrebleu.sentence_bleu(one.decode().lower(), [other.decode().lower()]).score
        for one, other in zip(FOUND, TRUTH, strict=True)
    ]
    np.testing.assert_allclose(scores, expected)
    assert scores[1] == pytest.approx(100) and scores[2] == 0


SOURCES = [b"the house", b"the book", b"a book", b"the small house", b"a small book", b"small"]
TARGETS = [b"das Haus", b"das Buch", b"ein Buch", b"das kleine Haus", b"ein kleines Buch", b"kleine"]


def model_1(sources: list[bytes], targets: list[bytes]) -> dict[bytes, bytes]:
    """IBM model 1 as the textbook writes it, with dictionaries."""
    pairs = [
        (["", *source], target)
        for source, target in zip(
            *(words_of(tf.constant(texts), True).to_list() for texts in (sources, targets)), strict=True
        )
    ]
    chance = {(one, other): 1.0 for source, target in pairs for one in source for other in target}
    for _ in range(5):
        count = dict.fromkeys(chance, 0.0)
        for source, target in pairs:
            for other in target:
                total = sum(chance[one, other] for one in source)
                for one in source:
                    count[one, other] += chance[one, other] / total
        sums = {one: sum(value for (given, _), value in count.items() if given == one) for one, _ in count}
        chance = {(one, other): value / sums[one] for (one, other), value in count.items()}
    words = {one for one, _ in chance if one}
    return {word: max((value, other) for (one, other), value in chance.items() if one == word)[1] for word in words}


def test_lexicon_is_that_of_the_textbook():
    expected = model_1(SOURCES, TARGETS)
    assert expected["▁house".encode()] == "▁haus".encode()
    assert lexicon(SOURCES, TARGETS) == expected


def test_baseline_translates_word_by_word_and_copies_what_it_does_not_know():
    train = SOURCES, np.array(TARGETS, object)
    answers = Translation().baseline(train, [b"A house, the Book", b"", b"ZZZ  book\n"], TARGET)
    assert answers["translation"].tolist() == [b"ein haus, das buch", b"", b"zzz buch"]
    assert word_by_word(([b"a"], [b""]), [b"a b"]) == [b"a b"]


def test_copied_is_the_source():
    assert Translation().beside([b"a b", b""], None)["copied"]["translation"].tolist() == [b"a b", b""]


def test_table_columns():
    table = Translation().describe({"translation": FOUND}, TRUTH, TARGET)
    assert list(table) == ["truth", "translation", "bleu", "badness"]
    assert table["truth"][1] == "Zwei Männer stehen am Herd." and table["translation"][2] == ""
    assert table["bleu"][1:] == [100, 0] and table["badness"][1:] == [0, 100]


def test_pictures_show_bleu_by_length_and_lengths():
    found = np.array([b"a", b"b c d e f g", b"h i j k l m n"], object)
    pictures = Translation().pictures({"translation": found}, found, TARGET)
    (bleu,) = pictures["bleu_by_length"].axes
    assert [label.get_text() for label in bleu.get_xticklabels()] == ["1 to 5", "6 to 10"]
    assert [text.get_text() for text in bleu.texts] == ["1 sentences", "2 sentences"]
    assert bleu.patches[1].get_height() == pytest.approx(100)
    (lengths,) = pictures["lengths"].axes
    assert lengths.get_title() == "Lengths, 1.000 of the references' in all"
    assert set(Translation().pictures({"translation": FOUND}, TRUTH, TARGET)) == set(pictures)


def test_attention_figure_shows_the_weights_beside_the_pieces():
    weights = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [1, 0, 0]], np.float32)
    figure = attention_figure(weights, ["▁a", "dog"], ["▁ein", "hund"])
    assert isinstance(figure, Figure)
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), weights[:2, :2])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["\u00b7a", "dog"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["\u00b7ein", "hund"]


def test_task_is_found_by_name():
    assert zoo.tasks.Translation is Translation and Translation.forced
