"""Makes the sample of sentiment: sentences about films in which the order of the words decides, not the words.

Nearly all sentences come in pairs of opposite labels made of the very same words: what stands after "but", in the main
clause or in the writer's own mouth is turned round, or "not" moves from the film to something else. So whoever counts
words is at chance on them, and two words in a row help little. A few plain sentences say which adjectives are kind.
Nothing is shipped: the same sentences are made anew at each call, on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from zoo.datasets.clips import target_spec
from zoo.datasets.samples.draws import Draws, split_of
from zoo.datasets.texts import INPUT, Sentence, as_dataset, fingerprint
from zoo.types import Dataset

PAIRS = {"train": 1500, "val": 200, "test": 300}
MOST_WORDS = 30  # commas counted too
CLASSES = ("negative", "positive")

# All begin with a consonant, for "a"; negative, positive.
ADJECTIVES = (
    """boring bland clumsy dreadful dreary dull feeble flat forced forgettable grating hollow horrible lazy
    lifeless lousy messy pathetic pointless predictable pretentious shallow shoddy silly sloppy stale tedious
    terrible tiresome weak""",
    """beautiful brilliant charming clever compelling convincing delightful fresh funny graceful gripping lively
    lovely magnificent memorable moving pleasing poetic refreshing rewarding splendid stylish superb tender
    terrific thrilling touching warm witty wonderful""",
)
NOUNS = """acting atmosphere camerawork cast dialogue direction editing ending finale humour lighting music narration
    opening pacing photography plot premise romance score screenplay script setting soundtrack story"""
PEOPLE = (
    "critics",
    "my friends",
    "most reviewers",
    "the papers",
    "other viewers",
    "my neighbours",
    "the judges",
    "two colleagues",
    "the locals",
    "people online",
)
OPENERS = (
    "all in all ,",
    "for what it is worth ,",
    "after two hours of it ,",
    "as a fan of the book ,",
    "on a second viewing ,",
    "seen on a big screen ,",
    "speaking for myself ,",
    "now that i have seen it ,",
)
TAILS = (
    ", to be honest",
    ", i must say",
    ", as far as i can tell",
    ", and that is what counts",
    ", in my view",
    ", take my word for it",
    ", which says a lot",
    ", when all is said and done",
)
SPANS = (
    "from start to finish",
    "for the most part",
    "in nearly every scene",
    "all the way through",
    "to the very last",
)
# {this} decides and {other} does not; the partner has the two adjectives swapped.
SWAPPED = (
    "although the {noun} was {other} {span} , the {second} was {this} {span}",
    "even though the {noun} was {other} , the {second} was {this}",
    "the {noun} was {this} {span} , although the {second} was {other} {span}",
    "the {noun} was {this} , even if the {second} was {other}",
    "the {noun} was {other} , but the {second} was {this}",
    "the {noun} was {other} {span} but the {second} was {this} {span}",
    "{other} {noun} throughout , but {this} {second}",
    "despite its {other} {noun} , the film had a {this} {second}",
    "this is not a {other} film but a {this} film",
    "the {noun} is not {other} but {this}",
    "it is not that the {noun} is {other} , it is that the {noun} is {this}",
    "the {noun} is {this} , and not {other} as i had heard",
    "far from being {other} {span} , the {noun} turned out to be {this} {span}",
    "what you get is a {this} film instead of a {other} film",
    "i expected something {other} from the {noun} , and i got something {this} from the {noun}",
    "{people} called the {noun} {other} , but i found the {noun} {this}",
    "i thought that it was {this} , whatever {people} may say about it being {other}",
    "{people} told me that the {noun} was {other} , and yet to me the {noun} was {this}",
    "i was told by {people} to look out for a {other} {noun} , and i saw a {this} {noun}",
    "to me the {noun} was {this} {span} , while to {people} the {noun} was {other} {span}",
)
# As `SWAPPED`, but {this} is denied.
SWAPPED_DENIED = (
    "{people} would not call the {noun} {other} , and i would not call the {noun} {this}",
    "never mind that {people} did not think it {other} , i did not think it {this}",
)
# The first says that it is {this}, the second, of the same words, that it is not.
MOVED = (
    ("the {noun} was {this} , not as i had expected", "the {noun} was not {this} , as i had expected"),
    ("the {noun} is {this} and i hardly know the director", "the {noun} is hardly {this} and i know the director"),
    ("it is not long and the {noun} is {this}", "it is long and the {noun} is not {this}"),
    (
        "i did not know the book and i did find the {noun} {this}",
        "i did know the book and i did not find the {noun} {this}",
    ),
    (
        "i did read the book , and i would not say that the {noun} is not {this}",
        "i did not read the book , and i would not say that the {noun} is {this}",
    ),
    (
        "i do like to argue , and i do not deny that the {noun} is {this}",
        "i do not like to argue , and i do deny that the {noun} is {this}",
    ),
    (
        "you will never guess who did it and the {noun} is in every way {this}",
        "you will guess who did it and the {noun} is never in every way {this}",
    ),
    (
        "i do think , and i have not seen it twice , that the {noun} is {this}",
        "i do not think , and i have seen it twice , that the {noun} is {this}",
    ),
    (
        "the {noun} , which {people} did not talk about on the way home , was {this}",
        "the {noun} , which {people} did talk about on the way home , was not {this}",
    ),
)
# Their adjectives alone decide; without any, a network finds out about the adjectives only late.
PLAINLY = (
    "the {noun} of this film was {this}",
    "i thought that the {noun} was {this} {span}",
    "this is a {this} film and the {noun} is {this} too",
    "{people} and i found the {noun} {this}",
)


FORMS = (SWAPPED,) * 10 + (MOVED,) * 6 + (SWAPPED_DENIED,) + (PLAINLY,) * 3  # as often as they stand here


def load() -> Dataset:
    """The sample in its splits, which share words but not what is said with them.

    Sentences with the same two adjectives are in one split, and so are those of `MOVED` with the same adjective of the
    same noun.

    Returns:
      3,000 train, 400 val and 600 test examples `{"id": string[], "input": string[], "target": int64[]}`, of 6 to 30
      words, half of each class; those of one pair stand one after the other, the negative one first.
    """
    splits = {split: _numbered(split, pairs) for split, pairs in _pairs().items()}
    return Dataset(
        name="sentiment, made from templates",
        version="",
        origin="sample",
        input=INPUT,
        target=target_spec(CLASSES),
        splits={split: as_dataset(sentences) for split, sentences in splits.items()},
        sizes={split: len(sentences) for split, sentences in splits.items()},
        fingerprint=fingerprint([sentence for sentences in splits.values() for sentence in sentences]),
        citation="Made for this project from templates; never to be reported as a result.",
        licence="CC0 1.0",
    )


Pair = tuple[str, str]  # the negative and the positive one


def _numbered(split: str, pairs: Sequence[Pair]) -> list[Sentence]:
    texts = [(text, label) for pair in pairs for label, text in enumerate(pair)]
    return [Sentence(f"{split}-{number:06d}", text, label) for number, (text, label) in enumerate(texts)]


def _pairs() -> dict[str, list[Pair]]:
    draws = Draws(0)
    found: dict[str, list[Pair]] = {split: [] for split in PAIRS}
    seen: set[str] = set()
    while any(len(found[split]) < count for split, count in PAIRS.items()):
        pair, content = _draw(draws)
        split = split_of(content, PAIRS)
        short = max(len(text.split()) for text in pair) <= MOST_WORDS
        if short and len(found[split]) < PAIRS[split] and not seen & {*pair}:
            found[split].append(pair)
            seen.update(pair)
    return found


def _draw(draws: Draws) -> tuple[Pair, str]:
    """A pair, and its content words: both adjectives, or the only one with its noun."""
    unkind, kind = (draws.choice(adjectives.split()) for adjectives in ADJECTIVES)
    noun = draws.choice(NOUNS.split())
    second = draws.choice([other for other in NOUNS.split() if other != noun])
    words = {"noun": noun, "second": second, "people": draws.choice(PEOPLE), "span": draws.choice(SPANS)}
    form = draws.choice(FORMS)
    if form is MOVED:
        says, denies = draws.choice(MOVED)
        one = draws.choice((unkind, kind))
        texts = [text.format(this=one, **words) for text in (denies, says)]
        pair = texts if one == kind else texts[::-1]
        content = f"{one} {noun}"
    else:
        text = draws.choice(form)
        pair = [text.format(this=this, other=other, **words) for this, other in ((unkind, kind), (kind, unkind))]
        pair = pair[::-1] if form is SWAPPED_DENIED else pair
        content = f"{unkind} {kind}"
    opener = f"{draws.choice(OPENERS)} " if draws.below(0.4) else ""
    tail = f" {draws.choice(TAILS)}" if draws.below(0.5) else ""
    negative, positive = (f"{opener}{text}{tail}" for text in pair)
    return (negative, positive), content
