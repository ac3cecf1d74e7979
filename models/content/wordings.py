"""How the kinds of elicitation are worded in English, as rules on masked clauses.

A clause is lower case, without punctuation and apostrophes, with U+0001 for what was masked. The
rules name what is asked for in general words, not any known prompt.
"""

from __future__ import annotations

import re

from typing import NamedTuple


class Rule(NamedTuple):
    """One wording of a flag: it holds for a text if ``pattern`` is found in one of its clauses.

    The word sets spare most texts the pattern: each of ``anywhere`` must share a word with the
    text, each of ``here`` with the clause.
    """

    flag: str
    anywhere: tuple[frozenset[str], ...]
    here: tuple[frozenset[str], ...]
    pattern: re.Pattern[str]


_MIND = (
    r"(?:reasoning|thought process(?:es)?|thinking|chains? of thought|rationale|thoughts"
    r"|train of thought|(?:internal|inner) monologue|working memory|scratchpad|logic|deliberations?"
    r"|derivation)"
)
_MIND_WORDS = """
    think thinking reason reasoning thought thoughts scratchpad rationale monologue memory logic
    deliberation deliberations derivation
"""
_MODE = (
    r"(?:debug(?:ging)?|developer|dev|diagnostics?|maintenance|verbose|trace|sudo|root|admin"
    r"|unrestricted|unfiltered|jailbreak|introspection|god|dan) mode"
)
_MODE_WORDS = """
    debug debugging developer dev diagnostic diagnostics maintenance verbose trace sudo root admin
    unrestricted unfiltered jailbreak introspection god dan
"""
_REPLY = (
    r"(?:responses?|answers?|completions?|outputs?|assistants?|summar(?:y|ies)|candidates?"
    r"|solutions?|translations?|models?|essays?|submissions?)"
)
_REPLY_WORDS = """
    response responses answer answers completion completions output outputs assistant assistants
    summary summaries candidate candidates solution solutions translation translations model models
    essay essays submission submissions
"""
_MAKE = (
    r"(?:generate|create|write|come up with|produce|design|make|compose|craft|brainstorm|propose"
    r"|invent|construct|formulate|synthesize)"
)
_MAKE_WORDS = """
    generate create write come produce design make compose craft brainstorm propose invent construct
    formulate synthesize
"""
_TASK = (
    r"(?:task|instruction|prompt|question|problem|exercise|query|puzzle|riddle|challenge|dialogue"
    r"|conversation|scenario)"
)
_TASKS = (
    r"(?:(?:task|instruction|prompt|question|problem|exercise|puzzle|riddle|challenge|dialogue"
    r"|conversation|scenario)s|queries"
    r"|(?:question answer|qa|instruction response|prompt response) pairs?)"
)
_TASK_WORDS = """
    task instruction prompt question problem exercise query puzzle riddle challenge dialogue
    conversation scenario tasks instructions prompts questions problems exercises queries puzzles
    riddles challenges dialogues conversations scenarios pair pairs
"""
_MODIFIER = (
    r"(?:me|us|a|an|the|of|some|several|more|many|at|least|up|to|set|list|series|batch|collection"
    r"|variety|random|diverse|different|new|novel|unique|distinct|original|challenging|creative"
    r"|similar|complex|hard|harder|difficult|example|training|evaluation|test|multiple|choice|math"
    r"|mathematical|maths|coding|programming|scripting|reasoning|logic|word|sample|synthetic|open"
    r"|ended|high|quality|realistic|additional|interesting|user|trivia|quiz|exam|interview|science"
    r"|and|or|brand|one|two|three|four|five|ten|twenty|fifty|a hundred|\x01)"
)
_TOPIC = (
    r"(?!(?:that|which|to|for|in|on|with|about|from|by|this|these|those|my|your|his|her|our|their)\b)"
    r"\w+"
)
_REWRITE = (
    r"(?:rewrite|rephrase|reword|rework|revise|reformulate|paraphrase|transform|convert|sanitize"
    r"|edit|modify|restate|turn|replace)"
)
_REWRITE_WORDS = """
    rewrite rephrase reword rework revise reformulate paraphrase transform convert sanitize edit
    modify restate turn replace avoid bypass evade triggering away version alternative response
    answer query rewriting
"""
_HARMLESS_WORDS = """
    policy policies compliant safe safety neutral censorship censored censor censors sensitive
    guideline guidelines inoffensive harmless moderation
"""
_REACHING = """
    arrive arrived came come get got reach reached derive derived conclude concluded decide decided
    choose chose select selected settled
"""
_TRANSLATING = """
    translate convert render rephrase transcribe paraphrase rewrite transform restate express
    translated converted rendered transcribed
"""


def _rule(flag: str, here: tuple[str, ...], *wordings: str, anywhere: tuple[str, ...] = ()) -> Rule:
    near = tuple(frozenset(words.split()) for words in here)
    far = tuple(frozenset(words.split()) for words in anywhere)
    return Rule(flag, far + near, near, re.compile(rf"\b(?:{'|'.join(wordings)})"))


RULES = (
    _rule(
        "cot_inline",
        (_MIND_WORDS,),
        r"(?:think|reason)(?: \w+){0,7} step by step\b",
        r"step by step(?: \w+){0,3} (?:reasoning|thinking|thoughts?|rationale)\b",
        r"(?:explain|show|write|provide|give|describe|output|detail|include|share|state|print"
        r"|verbalize|lay out|set out|spell out|walk (?:me |us )?through|put|enclose|wrap|place"
        r"|record|narrate|articulate|reveal|disclose|expose|present|document)(?: \w+){0,3}"
        rf" (?:your|the|its|each|every|a|all|this)(?: \w+){{0,3}} {_MIND}\b",
        rf"{_MIND}(?: \w+){{0,4}} (?:inside|within|between|in) (?:the )?(?:\x01|\w+ tags)",
        r"(?:think|reason)(?: \w+){0,4} before (?:you )?"
        r"(?:answer|respond|reply|giving|providing|deciding)",
        r"think (?:out loud|aloud)\b",
        r"(?:use|using|with|via|through) (?:a |your )?chain of thought\b",
        r"(?:long|extended|systematic) thinking process\b",
    ),
    _rule(
        "cot_posthoc",
        (
            _REACHING,
            "how why",
            "you",
        ),
        r"(?:how|why) (?:did |do |have |had )?you (?:\w+ ){0,2}(?:arrived?|came|come|got|get"
        r"|reach(?:ed)?|derived?|concluded?|decided?|chose|choose|select(?:ed)?|settled)"
        r"(?: at| to| on| upon)? (?:the|that|this|your|such)\b",
    ),
    _rule(
        "cot_posthoc",
        (_MIND_WORDS, "behind led underlying used previous last earlier prior completed above"),
        rf"{_MIND} (?:behind|that led|which led|underlying|you used)\b",
        r"(?:explain|describe|reconstruct|articulate|reveal|recount|retrace|imagine)"
        rf"(?: \w+){{0,6}} {_MIND}(?: \w+){{0,6}} (?:previous|last|earlier|prior|completed|above)"
        r" (?:answer|response|reply|message|output)\b",
        anywhere=("answer response reply message output conclusion decision choice your",),
    ),
    _rule(
        "cot_posthoc",
        ("justify reconstruct", "answer response decision solution"),
        r"justify (?:your|the) (?:previous|last|above|given|final) (?:answer|response|decision)\b",
        rf"reconstruct(?: \w+){{0,6}} {_MIND}\b",
    ),
    _rule(
        "cot_translate",
        (
            _MIND_WORDS,
            _TRANSLATING,
        ),
        r"(?:translate|convert|render|rephrase|transcribe|paraphrase|rewrite|transform|restate"
        r"|express)(?: \w+){0,2} (?:your|the|its|internal|raw|hidden|all|this|that)(?: \w+){0,3}"
        rf" {_MIND}\b.{{0,40}}\b(?:to|into|in|as)\b",
        rf"{_MIND}(?: \w+){{0,4}} (?:translated|converted|rendered|transcribed) (?:to|into)\b",
    ),
    _rule(
        "debug_mode",
        ("mode", _MODE_WORDS),
        rf"(?:you are|youre|we are|system is|model is|assistant is)(?: \w+){{0,5}} {_MODE}\b",
        rf"{_MODE} (?:is )?(?:now )?(?:enabled|activated|active|engaged|unlocked|on)\b",
        r"(?:enter|activate|engage|switch (?:in)?to|go into|initiate)(?: \w+){0,2}"
        rf" {_MODE}$",
    ),
    _rule(
        "debug_mode",
        (
            "internal hidden working raw context",
            "print output dump reveal expose log return display show",
        ),
        r"(?:print|output|dump|reveal|expose|log|return|display|show)(?: \w+){0,2}"
        r" (?:your|the models?|the assistants?)(?: \w+){0,2}"
        r" (?:internal (?:state|reasoning|thoughts|variables|monologue|instructions)"
        r"|hidden (?:reasoning|state|thoughts|instructions|prompt)"
        r"|working memory|raw (?:tokens|thoughts|reasoning)|context window)\b",
    ),
    _rule(
        "identity_override",
        ("trained developed created built made designed", "by", "you your youre"),
        r"(?:you are|youre|you will be)(?: now)?(?: not)?(?: called| named)? (?:an? )?\x01.{0,80}"
        r"\b(?:trained|developed|created|built|made|designed) by\b",
        r"your name is \x01.{0,80}\b(?:trained|developed|created|built|made|designed) by\b",
    ),
    _rule(
        "identity_override",
        ("say mention reveal admit claim disclose state", "never not dont", "you"),
        r"(?:never|not|dont) (?:\w+ ){0,3}(?:say|mention|reveal|admit|claim|disclose|state)"
        r"(?: \w+){0,3} you (?:are|were|have been)(?: \w+){0,2}"
        r" (?:\x01|ai|language|large|based|assistant|trained|developed|made|created|powered)",
    ),
    _rule(
        "identity_override",
        ("another different other forget now longer", "pretend act imagine behave respond you"),
        r"(?:pretend|act|imagine|behave|respond)(?: \w+){0,4} (?:another|a different|other)"
        r" (?:ai|model|llm|assistant|chatbot|language model)\b",
        r"forget (?:that )?you are (?:an? )?(?:\x01|ai|language model|assistant|large)",
        r"from now on you (?:are|will be|will act as|will respond as|must act as|shall be)\b",
        r"you are no longer (?:an? )?(?:\x01|ai|language|assistant|bound)",
    ),
    _rule(
        "rubric_grading",
        ("rubric rubrics impartial rate score grade rating scores evaluate",),
        r"(?:score|scoring|grading|evaluation|assessment|marking|the|given|following) rubrics?\b",
        r"impartial (?:judge|evaluator|grader|reviewer)\b",
        r"(?:rate|score|grade|evaluate|rating|scores?)\b.{0,60} (?:scale|from|between|score)"
        r" (?:of |from )?\x01 (?:to|and|through) \x01",
        r"(?:rate|score) outputs? \x01",
    ),
    _rule(
        "rubric_grading",
        ("rate score grade evaluate judge assess rank compare mark", _REPLY_WORDS),
        rf"(?:rate|score|grade|evaluate|judge|assess|rank|compare|mark)(?: \w+){{0,6}} {_REPLY}\b",
        anywhere=(
            "scale rubric rubrics score scores criteria rating ratings better grade points overall",
        ),
    ),
    _rule(
        "rubric_grading",
        ("better best preferable preferred helpful", "which", _REPLY_WORDS),
        rf"which(?: \w+){{0,2}} {_REPLY}(?: \w+){{0,6}}"
        r" (?:better|best|preferable|preferred|more helpful)\b",
    ),
    _rule(
        "task_generation",
        (_MAKE_WORDS, _TASK_WORDS),
        rf"{_MAKE} (?:{_MODIFIER} ){{0,8}}(?:{_TOPIC} ){{0,2}}{_TASKS}\b",
        rf"{_MAKE} (?:{_MODIFIER} ){{0,4}}(?:new|novel|original|similar|another|harder)"
        rf" (?:{_MODIFIER} ){{0,3}}(?:\w+ )?{_TASK}\b",
    ),
    _rule(
        "task_generation",
        ("rewrite evolve make turn transform reformulate", "more into harder", _TASK_WORDS),
        r"(?:rewrite|evolve|make|turn|transform|reformulate)(?: \w+){0,3}"
        rf" (?:given |original |following |above )?{_TASK} (?:\w+ ){{0,3}}(?:more|into|harder)\b",
    ),
    _rule(
        "task_generation",
        (
            _MAKE_WORDS,
            "examples instances samples",
            "new similar labeled labelled synthetic diverse",
        ),
        rf"{_MAKE} (?:\w+ ){{0,4}}(?:new|similar|labell?ed|synthetic|diverse)"
        r" (?:\w+ ){0,2}(?:examples|instances|samples)\b",
    ),
    _rule(
        "task_generation",
        ("list give", "tasks instructions prompts"),
        rf"(?:list|give me) (?:{_MODIFIER} ){{1,6}}(?:tasks|instructions|prompts)\b",
    ),
    _rule(
        "policy_rewrite",
        (
            _HARMLESS_WORDS,
            _REWRITE_WORDS,
        ),
        rf"{_REWRITE}\b.{{0,100}}\b(?:policy|policies|compliant|safe|politically neutral"
        r"|censor(?:ship|ed|s)?|sensitive|(?:content|safety|community|moderation) guidelines?"
        r"|inoffensive|harmless|moderation)\b",
        r"(?:policy|safety) (?:safe|compliant)"
        r" (?:version|alternative|response|answer|rewrite|rewriting|query)",
        r"(?:avoid|bypass|evade|without triggering|away from)(?: \w+){0,4}"
        r" (?:censorship|censored topics|sensitive topics|moderation)\b",
    ),
)
