"""Makes the sample of ink: letters and digits, or short words, written by hands that no two splits share.

Which stroke comes first and from which end it is begun is a hand's own habit, so that what an ink has on the average
(where, in which direction) says little, and one has to follow the pen. Of words, those of val and test are not in train
either. Nothing is shipped but the letter shapes, `hershey.json`: the same inks are made anew at each call, on any
machine.
"""

from __future__ import annotations

from zoo.datasets.clips import target_spec
from zoo.datasets.ink import INPUT, TEXT, Ink, as_dataset, fingerprint, points_of
from zoo.datasets.samples.draws import Draws, split_of
from zoo.datasets.samples.hands import draw_hand, write
from zoo.types import Dataset

TASKS = ("classification", "transcription")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIGNS = "0123456789abcdefghijkmnpqrstuvwxyz"  # o and l, alone, are 0 and 1
HANDS = {"train": 40, "val": 5, "test": 8}
WORDS_A_HAND = 40
SHARES = {"train": 8, "val": 1, "test": 2}  # of the words
WORD_LIST = """
    able about above acid across add after again age air all alone along also among and animal any apple are area arm
    army art ask aunt autumn away baby back bad bag ball bank base bath be bear beauty bed bee before begin bell best
    big bird bit black blood blow blue board boat body bone book both box boy brain bread break bridge bright brother
    brown brush bucket build burn bus butter button by cake call camera card care carry cat cause chain chair chalk
    cheap cheese chest chief chin church circle clean clear clock cloth cloud coal coat cold colour come cook copper
    copy cord cork corn cotton cough count cover cow crack crime cross cry cup current curve cut damage dance danger
    dark day dead dear debt deep desire detail dinner dirty dog door doubt down drain dress drink drive drop dry dust
    ear early earth east edge egg end engine enough equal even event ever every eye face fact fall family far farm fat
    father fear feel field fight film fire first fish flag flame flat floor flower fly fold food foot force form frame
    free friend from front fruit full garden gate get girl give glass glove go goat gold good grain grass great green
    grey grip group grow guide hair half hammer hand happy hard hat hate have head heart heat help here high hole
    hook hope horn horse hour house how humour ice idea if ink insect iron island jelly jewel join judge juice jump keep
    kettle key kick kind king kiss knee knife knot know lake lamp land last late laugh law lead leaf leg lemon less
    letter level lift light like limit line lip list little lock long look loud love low make man map mark mass match
    may meal mean meat metal middle milk mind minute mist money monkey month moon more move much muscle music nail name
    narrow near neck needle nerve net new night noise north nose note now number nut off office oil old only open orange
    order other out oven over owner page pain paint paper parcel part past paste pay peace pen person place plane plant
    plate play please pocket point polish porter potato powder power price print prison public pull pump punish purple
    push put quick quiet quite rail rain range rat rate ray reach ready reason record red regret rest rice right ring
    river road rod roll roof room root rough round rub rule run sad safe sail salt same sand say scale school science
    sea seat second secret see seed self send sense serious shade shake shame sharp sheep shelf ship shirt shock
    shoe short shut side sign silk silver simple sister size skin skirt sky sleep slip slope slow small smash smell
    smile smoke smooth snake snow soap sock soft solid some son song sort sound soup south space spade sponge spoon
    spring square stage stamp star start steam steel stem step stick stiff still stitch stone stop store story street
    strong sudden sugar summer sun swim system table tail take talk tall taste tax test then there thick thin thing this
    thread throat thumb ticket tight time tin tired toe tongue tooth top touch town trade train tray tree trick trouble
    true turn twist under unit use value verse very vessel view violet voice waiting walk wall war warm wash waste watch
    water wave wax way week weight well west wet wheel when where whip white who why wide will wind window wine wing
    winter wire wise with woman wood wool word work worm wound write wrong year yellow yes young zinc zoo
"""
WORDS = tuple(WORD_LIST.split())


def load(task: str) -> Dataset:
    """The sample in its splits.

    Args:
      task: "classification" for 34 letters and digits, once by each hand; "transcription" for words, 40 by each hand.

    Returns:
      Examples `{"id": string[], "input": float32[point, 3], "target": int64[] or string[]}` by 40 hands in train, 5
      other ones in val and 8 in test: 1,360, 170 and 272 signs, or 1,600, 200 and 320 words.
    """
    made = _signs() if task == "classification" else _words()
    return Dataset(
        name="ink, written by a model of hands",
        version="",
        origin="sample",
        input=INPUT,
        target=target_spec(SIGNS) if task == "classification" else TEXT,
        splits={split: as_dataset(inks) for split, inks in made.items()},
        sizes={split: len(inks) for split, inks in made.items()},
        fingerprint=fingerprint([ink for inks in made.values() for ink in inks]),
        citation="Letter shapes by A. V. Hershey, hands made for this project; never to be reported as a result.",
        licence="public domain (letter shapes), CC0 1.0 (the rest)",
    )


def _signs() -> dict[str, list[Ink]]:
    draws = Draws(0)
    made: dict[str, list[Ink]] = {}
    for split, count in HANDS.items():
        made[split] = []
        for number in range(count):
            hand = draw_hand(draws, SIGNS)
            for target, sign in enumerate(SIGNS):
                points = points_of(write(hand, sign, draws))
                made[split].append(Ink(f"{split}-{number:02d}-{sign}", points, target))
    return made


def _words() -> dict[str, list[Ink]]:
    draws = Draws(1)
    known = {split: [word for word in WORDS if split_of(word, SHARES) == split] for split in HANDS}
    made: dict[str, list[Ink]] = {}
    for split, count in HANDS.items():
        made[split] = []
        for number in range(count):
            hand = draw_hand(draws, LETTERS)
            for word in sorted(draws.shuffled(known[split])[:WORDS_A_HAND]):
                points = points_of(write(hand, word, draws))
                made[split].append(Ink(f"{split}-{number:02d}-{word}", points, word))
    return made
