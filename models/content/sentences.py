"""Which masked sentences get a key, and the hash of what surrounds each.

There is room for 16 and no memory of what recurred before. What recurs is instruction, and
templates put it around the payload: at the head of the system text, at the head and the foot of the
user message. So sentences are taken from both ends inwards, and one with an instruction's
vocabulary before its neighbours. How far a sentence is from its end does not depend on how long the
payload in the middle is, so a template keeps giving the same sentences.
"""

from __future__ import annotations

import re

from collections.abc import Container, Iterable
from struct import pack
from typing import NamedTuple

import xxhash

from models.content.keyed import Secrets, digest
from models.content.masking import Masked


SENTENCES = 16
"""128 bytes on the wire. Public collection templates have four on average, the longest thirty."""
SYSTEM_SHARE = 6
"""Of a system text if the user message could fill the rest: enough to know an application by."""
CUE_LEAD = 4
"""How much nearer to its end an instruction's vocabulary makes a sentence: rules in the middle of a
template beat payload, but a few of them do not push out its first and last lines."""

_CUES = frozenset(
    """
    above according accurate analyze answer answers appropriate assess assistant based begin below
    carefully choose classify clear compare complete concise consider context correct create
    criteria describe detailed determine document ensure evaluate exactly example examples explain
    explanation extract final following follows format generate given identify include input
    instruction instructions json judge language list must never only option options output passage
    please prompt provide provided question questions rate rating reasoning respond response
    responses return rewrite rubric score select sentence should solution solve statement step steps
    summarize task text thinking translate use using write you your
    """.split()
)
_WIDE_CUES = re.compile(
    "请|必须|输出|回答|步骤|格式|以下|根据|不要|评分|任务|生成|答案|してください|出力|回答"
)
_UINT64 = (1 << 64) - 1


class Chosen(NamedTuple):
    """The sentences that get a key, and everything else that was looked at."""

    sentences: list[str]
    """At most ``SENTENCES``, distinct, message order."""
    occurrences: list[tuple[int, str]]
    """(position in ``sentences``, parameters), for each time one was said."""
    leftover: str


def pick(masked: Masked, room: int, taken: Container[str] = ()) -> list[str]:
    """At most ``room`` distinct sentences not in ``taken``, in order."""
    distinct = [sentence for sentence in dict.fromkeys(masked.sentences) if sentence not in taken]
    if len(distinct) <= room:
        return distinct
    last = len(distinct) - 1
    reach = room + CUE_LEAD
    near = [i for i in range(last + 1) if i < reach or last - i < reach]
    near.sort(key=lambda i: min(i, last - i) - (CUE_LEAD if _has_cue(distinct[i]) else 0))
    return [distinct[i] for i in sorted(near[:room])]


def choose(sentences: list[str], looked_at: Iterable[Masked]) -> Chosen:
    """Split what was looked at into occurrences of the picked ``sentences`` and the rest."""
    index = {sentence: i for i, sentence in enumerate(sentences)}
    occurrences = []
    leftover: list[str] = []
    for masked in looked_at:
        for sentence, parameter in zip(masked.sentences, masked.parameters, strict=True):
            position = index.get(sentence)
            if position is None:
                leftover += (sentence, parameter)
            else:
                occurrences.append((position, parameter))
        if masked.residue:
            leftover.append(masked.residue)
    return Chosen(sentences, occurrences, "\x03".join(leftover))


def sentence_keys(chosen: Chosen, secrets: Secrets) -> tuple[bytes, bytes]:
    """``content.sentences`` and ``content.context``: 8 and 2 bytes little-endian a sentence.

    A context is a keyed hash of the multiset of all else that was said: the sum of the hashes of
    everything, less the sentence's own, times a secret odd factor, top 16 bits (multiply-shift:
    Dietzfelbinger et al. 1997). The sum makes it one pass over the request. Parameters of other
    sentences count, the sentence's own do not; a long value counts for all (see ``PAYLOAD``).
    """
    keys = [digest(secrets.sentence, sentence.encode()) for sentence in chosen.sentences]
    numbers = [int.from_bytes(key, "little") for key in keys]
    own = [0] * len(keys)
    total = xxhash.xxh3_64_intdigest(chosen.leftover.encode())
    for position, parameter in chosen.occurrences:
        weight = numbers[position]
        if parameter:
            weight += xxhash.xxh3_64_intdigest(parameter.encode(), weight)
        own[position] += weight
        total += weight
    factor = secrets.context
    contexts = [((total - weight) * factor & _UINT64) >> 48 for weight in own]
    return b"".join(keys), pack(f"<{len(contexts)}H", *contexts)


def _has_cue(sentence: str) -> bool:
    if not _CUES.isdisjoint(sentence.split()):
        return True
    return not sentence.isascii() and _WIDE_CUES.search(sentence) is not None
