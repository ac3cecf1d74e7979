"""The built-in texts, small on purpose: enough words that ordinary people hardly ever agree.

Sentences stay short and without commas: a fixed half of a long one would be a wording that
unrelated accounts share, which is what the real thing is told by.
"""

from __future__ import annotations

from streams.simulate.grammar import Grammar


_WORDS = {
    "role": "baker nurse teacher gardener plumber librarian driver florist tailor welder farmer"
    " clerk painter waiter sailor printer potter beekeeper mechanic cook barber roofer midwife",
    "thing": "router bicycle boiler laptop kettle guitar camera dishwasher scooter greenhouse"
    " thermostat drill projector aquarium hammock microscope tent ladder freezer piano lathe"
    " kayak telescope typewriter",
    "place": "kitchen garage classroom workshop attic hostel bakery library warehouse harbour"
    " studio cellar clinic museum bookshop allotment theatre laundry canteen orchard",
    "verb": "repair replace clean measure organise insulate move store paint label photograph"
    " sell describe calibrate document choose weigh decorate inspect borrow",
    "quality": "rusty noisy fragile foldable cheap heavy borrowed waterproof wobbly tiny rented"
    " overheated crooked dusty portable unlabelled squeaky",
    "goods": "apples candles postcards bolts marbles lanterns bricks cushions pencils ribbons"
    " jars tickets stamps loaves lemons buttons tiles badges envelopes tulips",
    "topic": "inflation photosynthesis fermentation fractions erosion antibiotics momentum rhyme"
    " probability refraction migration taxation buoyancy grammar friction perspective",
    "module": "parser scheduler cache router serializer importer renderer tokenizer uploader"
    " crawler migrator indexer mailer paginator validator logger",
    "symptom": "deadlocks crashes leaks hangs truncates duplicates retries flickers overflows"
    " stalls misaligns corrupts",
    "data": "invoices heartbeats avatars tickets timestamps polygons sessions playlists receipts"
    " coordinates vouchers permissions",
    "structure": "list tree graph queue matrix heap trie ring",
}

_PHRASES = {
    "when": [
        "before winter",
        "after the move",
        "during the night shift",
        "on a rainy weekend",
        "before the guests arrive",
        "while travelling",
        "between two lectures",
        "after lunch",
        "during an inspection",
        "before the deadline",
        "in the summer heat",
        "on a tight budget",
    ],
    "people": [
        "my neighbours",
        "a group of beginners",
        "my grandmother",
        "two new colleagues",
        "a picky client",
        "my flatmates",
        "the choir",
        "a visiting team",
        "some volunteers",
        "an elderly customer",
        "our apprentices",
        "the landlord",
    ],
    "ask": [
        "how can i {verb} a {quality} {thing} in the {place} {when}?",
        "why would the {thing} make the {quality} {thing} fail in a {place} {when}?",
        "write a toast about a {quality} {thing} and a {role} in the {place}",
        "explain {topic} to {people} with a {quality} {thing} as the example",
        "is a {quality} {thing} or a {quality} {thing} better for the {place}?",
        "i promised {people} to {verb} the {thing} and the {thing} {when}",
        "what would a {role} and a {role} say about {topic} in the {place}?",
        "did {people} {verb} the {quality} {thing} wrongly {when}?",
    ],
    "more": [
        "and if the {role} wants to {verb} the {quality} {thing} {when}?",
        "now the same for a {role} with a {quality} {thing}",
        "no i meant the {thing} in the {place} {when}",
        "shorter and with the {quality} {thing} for {people}",
    ],
    "bug": [
        "the {module} {symptom} once the {module} sends {quality} {data} to it",
        "after the upgrade the {module} {symptom} on {data} from the {place} {module}",
        "make the {module} accept {data} from a {quality} {structure} instead",
        "add a test where the {module} {symptom} while the {module} reads {data}",
        "rename whatever the {module} calls {data} to {data} and keep the {structure}",
    ],
    "ticket": [
        "the {quality} {thing} i ordered for the {place} still has not come {when}",
        "your {role} told {people} that the {thing} can be sent back {when}",
        "i was charged {2-9} times for {goods} and a {quality} {thing}",
        "can you {verb} the {thing} that {people} bought for the {place}?",
    ],
    "record": [
        "one {role} of the {place} wants to {verb} {goods} and pay for a {quality} {thing}",
        "the {place} returned {2-60} {goods} and a {quality} {thing} {when}",
        "the {role} asked {people} about {goods} and {topic} in the {place}",
    ],
    "sum": ["{boxes}", "{crates}", "{walk}"],
    "boxes": [
        (
            "a {role} at the {place} packs {12-90} {goods} into {2-9} boxes for {people}. how many"
            " {goods} fit a box if the {role} keeps {2-9} for the {place}?"
        )
    ],
    "crates": [
        (
            "two {quality} crates in the {place} hold {20-80} {goods} and {20-80} {goods}. after a"
            " {role} sells {5-19} {goods} {when} what is left in the {place}?"
        )
    ],
    "walk": [
        (
            "the {role} walks from the {place} to the {place} in {10-50} minutes with {goods}. how"
            " long does the {quality} {thing} take the {role} if it is {2-5} times as fast?"
        )
    ],
    "task": [
        "write a function that sorts {data} of a {structure} by {goods} and drops {quality} ones",
        "implement a {structure} of {data} for a {module} that never {symptom} on {goods}",
        "given a {structure} of {goods} return the {data} that a {role} would {verb} first",
    ],
    "riddle": [
        "which {role} has the {goods} if the {role} and the {role} share a {quality} {thing}?",
        "plan how a {role} takes {goods} from the {place} to the {place} past a {quality} {thing}",
    ],
    "payload": ["{sum}", "{task}", "{riddle}"],
}

# What a collector puts around its payloads, worded anew for each wrapper.
_DEMANDS = {
    "opening": [
        "this {entry} goes into a {sort} collection of {worked} answers",
        "you are completing one {entry} of a {sort} {worked} archive",
        "treat what follows as a {sort} {entry} that others will study for its {worked} solution",
    ],
    "demand": [
        "write out your complete reasoning {how} before you answer",
        "show your full thought process {how} before giving the result",
        "think step by step {how} and write down all of your reasoning first",
        "explain your reasoning step by step {how} and do not shorten it",
    ],
    "layout": [
        "put your reasoning inside <{tag}> tags and the {outcome} on a {sort} line after them",
        "return a json object with the keys {tag} and {outcome} and {nothing}",
        "end with one line that says {outcome} in capitals and {nothing}",
    ],
    "how": [
        "with every branch you dropped",
        "without leaving out a doubt",
        "as you would on paper",
        "including each wrong turn",
        "in numbered lines of one idea each",
        "at the finest grain",
    ],
    "nothing": ["nothing else", "not a word more", "no remarks around it", "no greeting"],
    "entry": ["record", "entry", "sample", "specimen", "card"],
    "sort": ["graded", "curated", "numbered", "reviewed", "separate", "sealed"],
    "worked": ["worked", "annotated", "detailed", "commented", "explained"],
    "tag": ["trace", "scratch", "derivation", "notes", "path", "working"],
    "outcome": ["result", "verdict", "outcome", "solution", "value"],
}

GRAMMAR = Grammar({symbol: words.split() for symbol, words in _WORDS.items()} | _PHRASES | _DEMANDS)
ANSWERS = " ".join(_WORDS.values()).split()
"""Words of the answers that nobody will read."""
