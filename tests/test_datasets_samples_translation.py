from __future__ import annotations

import calendar
import itertools
from collections import Counter

import numpy as np
import pytest

from zoo.datasets import pairs, samples, texts
from zoo.datasets.samples import translation
from zoo.datasets.samples.translation import clock, number, ordinal
from zoo.types import Dataset, UsageError

GERMAN = """null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn
    siebzehn achtzehn neunzehn zwanzig einundzwanzig zweiundzwanzig dreiundzwanzig vierundzwanzig fünfundzwanzig
    sechsundzwanzig siebenundzwanzig achtundzwanzig neunundzwanzig dreißig einunddreißig""".split()  # noqa: SIM905
AFTER_AM = """ersten zweiten dritten vierten fünften sechsten siebten achten neunten zehnten elften zwölften
    dreizehnten vierzehnten fünfzehnten sechzehnten siebzehnten achtzehnten neunzehnten zwanzigsten
    einundzwanzigsten""".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return samples.load("translation", texts.INPUT, "translation")


def rows(dataset: Dataset, split: str) -> list[tuple[str, str]]:
    examples = dataset.splits[split].as_numpy_iterator()
    return [(example["input"].decode(), example["target"].decode()) for example in examples]


def test_numbers_in_german():
    assert [number(value)[1] for value in range(32)] == GERMAN
    for tens, word in zip(range(20, 100, 10), "zwan drei vier fünf sech sieb acht neun".split(), strict=True):  # noqa: SIM905
        ending = "ßig" if tens == 30 else "zig"
        assert number(tens)[1] == word + ending
        assert number(tens + 7)[1] == f"siebenund{word}{ending}"
    assert len({number(value) for value in range(100)}) == 100


def test_numbers_against_tables_of_tens_and_ones():
    """All from 0 to 99, by what stands before "und" and before "zig" instead of by the words that are translated."""
    english = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen""".split()  # noqa: SIM905
    for tens in "twenty thirty forty fifty sixty seventy eighty ninety".split():  # noqa: SIM905
        english += [tens, *(f"{tens} {ones}" for ones in english[1:10])]
    german = GERMAN[:20]
    for tens in "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split():  # noqa: SIM905
        ones = "ein zwei drei vier fünf sechs sieben acht neun".split()  # noqa: SIM905
        german += [tens, *(f"{one}und{tens}" for one in ones)]
    assert len(english) == len(german) == 100
    assert [number(value) for value in range(100)] == list(zip(english, german, strict=True))


def test_ordinals():
    english = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
        fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third
        twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth
        thirty-first""".split()  # noqa: SIM905
    german = [*AFTER_AM, *(f"{word}sten" for word in GERMAN[22:32])]
    spoken = [word.replace("-", " ") for word in english]
    assert [ordinal(value) for value in range(1, 32)] == list(zip(spoken, german, strict=True))


def test_months_and_weekdays_are_in_the_order_of_the_calendar():
    assert list(translation.MONTHS) == [month.lower() for month in calendar.month_name[1:]]
    assert list(translation.WEEKDAYS) == [day.lower() for day in calendar.day_name]
    german = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
    assert " ".join(translation.MONTHS.values()) == german
    days = "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"
    assert " ".join(translation.WEEKDAYS.values()) == days


@pytest.mark.parametrize(
    ("hour", "minute", "english", "german"),
    [
        (1, 0, "at one o'clock", "um ein Uhr"),
        (5, 0, "at five o'clock", "um fünf Uhr"),
        (5, 30, "at half past five", "um halb sechs"),
        (12, 30, "at half past twelve", "um halb eins"),
        (5, 15, "at a quarter past five", "um Viertel nach fünf"),
        (5, 45, "at a quarter to six", "um Viertel vor sechs"),
        (12, 50, "at ten to one", "um zehn vor eins"),
        (7, 25, "at twenty five past seven", "um fünfundzwanzig nach sieben"),
    ],
)
def test_times(hour, minute, english, german):
    assert clock(hour, minute) == (english, german)


def minutes(said: str, words: tuple[str, str, str], numbers: dict[str, int]) -> int:
    """What a time says, in minutes since twelve; `words` are a quarter, past and to."""
    quarter, past, to = words
    for half, offset in (("half past ", 30), ("halb ", -30)):
        if said.startswith(half):
            return (60 * numbers[said.removeprefix(half)] + offset) % 720
    for word, sign in ((past, 1), (to, -1)):
        distance, found, hour = said.partition(f" {word} ")
        if found:
            return (60 * numbers[hour] + sign * (15 if distance == quarter else numbers[distance])) % 720
    return 60 * numbers[said.removesuffix(" o'clock").removesuffix(" Uhr")] % 720


def test_every_time_read_back_is_the_time_said():
    english, german = ({number(value)[side]: value for value in range(1, 30)} for side in (0, 1))
    german["ein"] = 1
    for hour, minute in itertools.product(range(1, 13), range(0, 60, 5)):
        one, other = clock(hour, minute)
        wanted = (60 * hour + minute) % 720
        assert minutes(one.removeprefix("at "), ("a quarter", "past", "to"), english) == wanted
        assert minutes(other.removeprefix("um "), ("Viertel", "nach", "vor"), german) == wanted


@pytest.mark.parametrize(
    "pair",
    [
        (
            "the ferry leaves on september the first at five to one",
            "die Fähre fährt am ersten September um fünf vor eins ab",
        ),
        ("we will meet at ten to three on sunday", "wir werden uns am Sonntag um zehn vor drei treffen"),
        (
            "my sister will be seventy on january the twenty fifth",
            "meine Schwester wird am fünfundzwanzigsten Januar siebzig Jahre alt",
        ),
    ],
)
def test_sentences_that_were_read_by_hand(sample, pair):
    assert pair in rows(sample, "test")


def test_splits_share_no_sentence(sample):
    assert dict(sample.sizes) == translation.SIZES == {"train": 4000, "val": 300, "test": 400}
    sources = [source for split in sample.splits for source, _ in rows(sample, split)]
    assert len(set(sources)) == len(sources) == 4700
    found = [{translation.content(source) for source, _ in rows(sample, split)} for split in sample.splits]
    assert not found[0] & found[1] and not found[0] & found[2] and not found[1] & found[2]
    assert (sample.origin, sample.input, sample.target) == ("sample", texts.INPUT, pairs.TARGET)
    assert sample.licence == "CC0 1.0"


def test_it_is_the_same_everywhere(sample):
    assert sample.fingerprint == "386d8178a00f19bb"
    assert rows(sample, "train")[0] == (
        "on thursday he paid twenty seven euros for forty three tickets",
        "am Donnerstag hat er siebenundzwanzig Euro für dreiundvierzig Karten bezahlt",
    )


def test_every_word_of_test_is_in_train(sample):
    for side in (0, 1):
        train = {word for row in rows(sample, "train") for word in row[side].split()}
        assert len(train) < 300
        assert {word for row in rows(sample, "test") for word in row[side].split()} <= train


@pytest.mark.parametrize("split", translation.SIZES)
def test_sentences_are_short_and_of_letters(sample, split):
    for source, target in rows(sample, split):
        assert 5 <= len(source.split()) <= 20
        assert len(target.split()) <= 20
        assert source == source.lower()
        assert (source + target).replace(" ", "").replace("'", "").isalpha()


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_no_dictionary_gets_a_sentence_right(sample, power):
    """In place of each word the one most often in its translations, or most often measured by how common it is."""
    together: Counter[tuple[str, str]] = Counter()
    alone: Counter[str] = Counter()
    for source, target in rows(sample, "train"):
        words = set(target.split())
        alone.update(words)
        together.update((one, other) for one in set(source.split()) for other in words)
    best: dict[str, tuple[float, str]] = {}
    for (one, other), count in together.items():
        best[one] = max(best.get(one, (0.0, "")), (count / alone[other] ** power, other))
    test = rows(sample, "test")
    found = [" ".join(best[word][1] for word in source.split()) for source, _ in test]
    assert np.mean([one == target for one, (_, target) in zip(found, test, strict=True)]) < 0.05


def test_other_tasks_are_refused():
    with pytest.raises(UsageError, match="`translation` is text translation, it cannot be used for text classif"):
        samples.load("translation", texts.INPUT, "classification")
