"""Makes the sample of translation: English sentences with numbers, dates and times spoken out, and the same in German.

German says "one-and-twenty" in a single word, names the hour to come in "half six", puts the day before the month and
parts of the verb last. So no word stands for itself: whoever translates word by word gets hardly a sentence right.
Nothing is shipped: the same sentences are made anew at each call, on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zoo.datasets.pairs import TARGET, Pair, as_dataset, fingerprint
from zoo.datasets.samples.draws import Draws, split_of
from zoo.datasets.texts import INPUT
from zoo.types import Dataset

SIZES = {"train": 4000, "val": 300, "test": 400}

NUMBERS = {
    "zero": "null",
    "one": "eins",
    "two": "zwei",
    "three": "drei",
    "four": "vier",
    "five": "fünf",
    "six": "sechs",
    "seven": "sieben",
    "eight": "acht",
    "nine": "neun",
    "ten": "zehn",
    "eleven": "elf",
    "twelve": "zwölf",
    "thirteen": "dreizehn",
    "fourteen": "vierzehn",
    "fifteen": "fünfzehn",
    "sixteen": "sechzehn",
    "seventeen": "siebzehn",
    "eighteen": "achtzehn",
    "nineteen": "neunzehn",
}
TENS = {
    "twenty": "zwanzig",
    "thirty": "dreißig",
    "forty": "vierzig",
    "fifty": "fünfzig",
    "sixty": "sechzig",
    "seventy": "siebzig",
    "eighty": "achtzig",
    "ninety": "neunzig",
}
ORDINALS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
)
MONTHS = {
    "january": "Januar",
    "february": "Februar",
    "march": "März",
    "april": "April",
    "may": "Mai",
    "june": "Juni",
    "july": "Juli",
    "august": "August",
    "september": "September",
    "october": "Oktober",
    "november": "November",
    "december": "Dezember",
}
WEEKDAYS = {
    "monday": "Montag",
    "tuesday": "Dienstag",
    "wednesday": "Mittwoch",
    "thursday": "Donnerstag",
    "friday": "Freitag",
    "saturday": "Samstag",
    "sunday": "Sonntag",
}
RIDES = {"train": "der Zug", "bus": "der Bus", "ferry": "die Fähre", "boat": "das Boot", "tram": "die Straßenbahn"}
EVENTS = {"film": "der Film", "concert": "das Konzert", "lesson": "der Unterricht", "meal": "das Essen"}
GOODS = {"apples": "Äpfel", "books": "Bücher", "eggs": "Eier", "tickets": "Karten", "chairs": "Stühle"}
WOMEN = {"grandmother": "Großmutter", "sister": "Schwester", "mother": "Mutter", "neighbour": "Nachbarin"}
MEN = {"brother": "Bruder", "father": "Vater", "uncle": "Onkel", "friend": "Freund"}
COUNTED = {*NUMBERS, *TENS, *ORDINALS, "twentieth", *MONTHS, *WEEKDAYS, "half", "quarter", "past", "to", "o'clock"}
Both = tuple[str, str]  # the same in English and German


def number(value: int) -> Both:
    """0 to 99 in words."""
    if value < len(NUMBERS):
        return list(NUMBERS.items())[value]
    tens, ones = list(TENS.items())[value // 10 - 2], number(value % 10)
    if not value % 10:
        return tens
    return f"{tens[0]} {ones[0]}", f"{'ein' if value % 10 == 1 else ones[1]}und{tens[1]}"


def ordinal(value: int) -> Both:
    """1 to 31 as ordinals; in German as after "am" and "im"."""
    german = {1: "ersten", 3: "dritten", 7: "siebten", 8: "achten"}.get(value)
    german = german or number(value)[1] + ("ten" if value < 20 else "sten")
    if value <= len(ORDINALS):
        return ORDINALS[value - 1], german
    tens, ones = number(value - value % 10)[0], value % 10
    return f"{tens} {ORDINALS[ones - 1]}" if ones else f"{tens[:-1]}ieth", german


def clock(hour: int, minute: int) -> Both:
    """A time on a twelve-hour clock, minutes in steps of five."""
    this, following = number(hour), number(hour % 12 + 1)
    if minute == 0:
        return f"at {this[0]} o'clock", f"um {'ein' if hour == 1 else this[1]} Uhr"
    if minute == 30:
        return f"at half past {this[0]}", f"um halb {following[1]}"
    near, words = (this, ("past", "nach")) if minute < 30 else (following, ("to", "vor"))
    distance = min(minute, 60 - minute)
    said = ("a quarter", "Viertel") if distance == 15 else number(distance)
    return f"at {said[0]} {words[0]} {near[0]}", f"um {said[1]} {words[1]} {near[1]}"


def _one(draws: Draws, words: dict[str, str]) -> Both:
    return draws.choice(list(words.items()))


def _number(draws: Draws, low: int = 2, high: int = 99) -> Both:
    return number(draws.choice(range(low, high + 1)))


def _time(draws: Draws) -> Both:
    return clock(draws.choice(range(1, 13)), draws.choice(range(0, 60, 5)))


def _day(draws: Draws) -> Both:
    month, day = _one(draws, MONTHS), ordinal(draws.choice(range(1, 29)))
    return f"on {month[0]} the {day[0]}", f"am {day[1]} {month[1]}"


def _departure(draws: Draws) -> Both:
    ride, day, time = _one(draws, RIDES), _day(draws), _time(draws)
    return f"the {ride[0]} leaves {day[0]} {time[0]}", f"{ride[1]} fährt {day[1]} {time[1]} ab"


def _meeting(draws: Draws) -> Both:
    day, time = _one(draws, WEEKDAYS), _time(draws)
    return f"we will meet {time[0]} on {day[0]}", f"wir werden uns am {day[1]} {time[1]} treffen"


def _birth(draws: Draws) -> Both:
    who, day = _one(draws, MEN), _day(draws)
    return f"my {who[0]} was born {day[0]}", f"mein {who[1]} wurde {day[1]} geboren"


def _age(draws: Draws) -> Both:
    who, day, age = _one(draws, WOMEN), _day(draws), _number(draws)
    return f"my {who[0]} will be {age[0]} {day[0]}", f"meine {who[1]} wird {day[1]} {age[1]} Jahre alt"


def _event(draws: Draws) -> Both:
    event, time, long = _one(draws, EVENTS), _time(draws), _number(draws)
    return (
        f"the {event[0]} begins {time[0]} and lasts {long[0]} minutes",
        f"{event[1]} beginnt {time[1]} und dauert {long[1]} Minuten",
    )


def _purchase(draws: Draws) -> Both:
    goods, count, price, day = _one(draws, GOODS), _number(draws), _number(draws), _one(draws, WEEKDAYS)
    return (
        f"on {day[0]} he paid {price[0]} euros for {count[0]} {goods[0]}",
        f"am {day[1]} hat er {price[1]} Euro für {count[1]} {goods[1]} bezahlt",
    )


def _room(draws: Draws) -> Both:
    room, floor = _number(draws), ordinal(draws.choice(range(1, 13)))
    return f"room {room[0]} is on the {floor[0]} floor", f"Zimmer {room[1]} ist im {floor[1]} Stock"


def content(source: str) -> str:
    """The numbers, days and times in an English sentence, which are what it is about."""
    return " ".join(word for word in source.split() if word in COUNTED)


FRAMES: Sequence[Callable[[Draws], Both]] = (_departure, _meeting, _birth, _age, _event, _purchase, _room)


def load() -> Dataset:
    """The sample in its splits: the same numbers, days and times together, whatever they are of, are in one split only.

    Returns:
      4,000 train, 300 val and 400 test examples `{"id": string[], "input": string[], "target": string[]}`.
    """
    draws = Draws(0)
    found: dict[str, list[Pair]] = {split: [] for split in SIZES}
    seen: set[str] = set()
    while any(len(found[split]) < count for split, count in SIZES.items()):
        source, target = draws.choice(FRAMES)(draws)
        split = split_of(content(source), SIZES)
        if len(found[split]) < SIZES[split] and source not in seen:
            found[split].append(Pair(f"{split}-{len(found[split]):06d}", source, target))
            seen.add(source)
    return Dataset(
        name="translation, made by rule",
        version="",
        origin="sample",
        input=INPUT,
        target=TARGET,
        splits={split: as_dataset(pairs) for split, pairs in found.items()},
        sizes={split: len(pairs) for split, pairs in found.items()},
        fingerprint=fingerprint([pair for pairs in found.values() for pair in pairs]),
        citation="Made for this project by rule; never to be reported as a result.",
        licence="CC0 1.0",
    )
