"""What a world was made of, for whoever judges alerts raised on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict
from typing import Any

from models.eventtime import format_time
from streams.simulate.people import DAY_MS, YOUNG_DAYS, Population
from streams.simulate.traffic import Sent
from tests.worlds.spec import Spec


CAMPAIGN = "campaign"
YOUNG_MS = YOUNG_DAYS * DAY_MS
PEOPLE = (
    "ben_arena1k_users",
    "ben_realhumaneval",
    "ben_arena_hard_v0.1",
    "ben_arena_hard_v2.0",
)
SITTINGS = ("trace_mooncake_conversation", "trace_arena1k_users", "ben_realhumaneval")
CLIENTS = (
    "profile_servegen_m-large",
    "profile_servegen_m-small",
    "profile_servegen_deepseek-r1",
)
SOURCES = {
    "chat": {"prompts": PEOPLE, "timing": SITTINGS},
    "chat_offensive": {"prompts": ("grey_hh_harmless",), "timing": SITTINGS},
    "role_prompt": {"prompts": ("ben_awesome_prompts", *PEOPLE), "timing": SITTINGS},
    "api_client": {
        "prompts": (
            "ben_clinc150",
            "ben_tau_airline_agent",
            "ben_awesome_prompts",
            "atk_t0_templates",
            *PEOPLE,
        ),
        "timing": CLIENTS,
    },
    "evaluation": {"prompts": ("atk_gsm8k", "atk_mmlu", "atk_humaneval", "atk_math")},
    "batch_labeller": {"prompts": ("ben_clinc150",)},
    "moderation_vendor": {"prompts": ("grey_hh_harmless",)},
    CAMPAIGN: {
        "prompts": (
            "atk_gsm8k",
            "atk_math",
            "atk_flan_cot",
            "atk_mbpp",
            "atk_bfcl",
            "atk_gpteacher_toolformer",
            *PEOPLE,
        )
    },
}
"""Which part of the data set each family is made of; timing without a source is synthetic."""


class Truth:
    """Counts while events are written; ``start`` in ms since the epoch."""

    def __init__(self, spec: Spec, start: int) -> None:
        self._spec = spec
        self._start = start
        self._requests: Counter[str] = Counter()
        self._by_account: Counter[str] = Counter()
        self._times: list[int] = []
        self._wrapped = 0
        self._errors: Counter[str] = Counter()

    def count(self, sent: Sent, event: dict[str, Any]) -> None:
        """Take one event into account."""
        self._requests[sent.account.family.name] += 1
        self._by_account[sent.account.id] += 1
        self._errors["refused"] += bool(event.get("refused"))
        self._errors["failed"] += "error.type" in event
        if sent.account.family.name == CAMPAIGN:
            self._times.append(self._start + sent.time)
            self._wrapped += sent.prompt.wrapped

    def summary(self, population: Population) -> dict[str, Any]:
        """What goes into ``truth.json``; ``campaign.times`` are ms since the epoch."""
        families = defaultdict[str, dict[str, set[str]]](lambda: defaultdict(set))
        young = 0
        for account in population.accounts:
            families[account.family.name]["accounts"].add(account.id)
            families[account.family.name]["organizations"].add(account.organization.id)
            young += account.family.name != CAMPAIGN and self._is_young(account.created)
        benign = len(population.accounts) - len(families[CAMPAIGN]["accounts"])
        return {
            "spec": asdict(self._spec),
            "start": format_time(self._start),
            "requests": self._requests.total(),
            "accounts": len(population.accounts),
            "organizations": len(population.organizations),
            "benign_young_share": round(young / max(1, benign), 4),
            **self._errors,
            "families": {
                family: {name: len(ids) for name, ids in found.items()}
                | {"requests": self._requests[family]}
                for family, found in sorted(families.items())
            },
            "campaign": self._campaign(population),
            "sources": SOURCES,
        }

    def _campaign(self, population: Population) -> dict[str, Any]:
        members = [account for account in population.accounts if account.family.name == CAMPAIGN]
        return {
            "accounts": {account.id: self._by_account[account.id] for account in members},
            "organizations": sorted({account.organization.id for account in members}),
            "requests": len(self._times),
            "wrapped": self._wrapped,
            "first": format_time(self._times[0]),
            "five_percent": format_time(self._times[len(self._times) // 20]),
            "last": format_time(self._times[-1]),
            "times": self._times,
        }

    def _is_young(self, created: int) -> bool:
        """Whether it was younger than two weeks when the world began, or not yet there."""
        return created > -YOUNG_MS
