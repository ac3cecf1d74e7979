"""Near-duplicates share a band, strangers do not."""

from __future__ import annotations

import random

from models.content.keyed import secrets
from models.content.minhash import minhash


SECRETS = secrets(b"probewatch-demo")
VOCABULARY = [a + b + c for a in "bdfglmnprst" for b in "aeiou" for c in ("n", "ck", "lt", "st")]


def text(rng: random.Random, words: int = 120) -> list[str]:
    return rng.choices(VOCABULARY, k=words)


def shared_bands(one: str, other: str) -> int:
    pair = [minhash(it, SECRETS) for it in (one, other)]
    return sum(pair[0][i : i + 8] == pair[1][i : i + 8] for i in range(0, 32, 8))


def test_near_duplicates_collide_and_strangers_do_not() -> None:
    rng = random.Random(3)
    near = far = 0
    for _ in range(300):
        words = text(rng)
        changed = [rng.choice(VOCABULARY) if rng.random() < 0.02 else word for word in words]
        near += shared_bands(" ".join(words), " ".join(changed)) > 0
        far += shared_bands(" ".join(words), " ".join(text(rng))) > 0
    assert near >= 285
    assert far == 0


def test_the_share_of_equal_rows_estimates_resemblance() -> None:
    rng = random.Random(4)
    matches = 0.0
    expected = 0.0
    for _ in range(300):
        words = text(rng)
        cut = rng.randrange(20, 100)
        other = [*words[:cut], *text(rng, 120 - cut)]
        expected += (cut / (240 - cut)) ** 2
        matches += shared_bands(" ".join(words), " ".join(other)) / 4
    assert abs(matches - expected) / 300 < 0.05


def test_scripts_without_spaces_are_compared_too() -> None:
    poem = "床前明月光疑是地上霜举头望明月低头思故乡白日依山尽黄河入海流欲穷千里目更上一层楼"
    assert shared_bands(poem, poem[1:]) > 0
    assert shared_bands(poem, poem[::-1]) == 0


def test_short_text_has_bands_and_no_text_has_none() -> None:
    assert len(minhash("a", SECRETS)) == 32
    assert minhash("", SECRETS) == b""
