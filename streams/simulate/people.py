"""Who sends: organisations and accounts, how old, paid by what, connected from where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from streams.simulate.chance import stream, token, weighted


DAY_MS = 86_400_000
YOUNG_DAYS = 14.0
OLD_DAYS = (30.0, 900.0)
YOUNG_SHARE = 0.065
"""New customers among the accounts that are active in a week."""
STAY_SHARE = 0.2
ADOPTION_DAYS = 3.0
"""A fifth never moves to a new model; the others do after three days in the mean."""
NEVER_MS = 1 << 50

CLOUDS = 14
CARRIERS = 40
HOMES = 2500
"""Networks (/24) to draw from: clouds are shared by many, carriers by dozens, homes by few."""
OWN_NETWORK_SHARE = 0.3
"""Programs that do not run in a shared cloud, and people who are also at work or on the move."""
CLOUD_ASNS = (16509, 8075, 15169, 14061, 24940)
ACCESS_ASNS = (7922, 3320, 3215, 4134, 17676, 7018, 5089, 1221)
MODELS = (("meridian-large", 5), ("meridian-small", 4), ("meridian-reason", 2))
BUILDS = (
    ("openai-python/1.61", 30),
    ("openai-node/4.77", 18),
    ("openai-python/1.40", 16),
    ("langchain/0.3", 12),
    ("litellm/1.55", 8),
    ("python-httpx/0.27", 7),
    ("go-http-client/2.0", 5),
    ("curl/8.5", 2),
    ("java-http-client/17", 2),
)
BROWSERS = (
    ("Mozilla/5.0 Chrome/132", 50),
    ("Mozilla/5.0 Safari/18", 22),
    ("Mozilla/5.0 Edge/131", 14),
    ("app-ios/3.2", 12),
    ("app-android/3.2", 10),
    ("Mozilla/5.0 Firefox/134", 9),
)
"""Clients with their weight; everybody with the same build has the same fingerprint."""

Networks = tuple[tuple[str, int], ...]
"""(network hash, autonomous system), the usual one first."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """What accounts of a kind have in common; ``plans`` and ``pathways`` are (name, weight)."""

    name: str
    plans: Sequence[tuple[str, int]]
    pathways: Sequence[tuple[str, int]] = (("api", 8), ("cloud-a", 1), ("cloud-b", 1))
    place: Literal["cloud", "home", "proxy"] = "cloud"
    """Where from: data centres, homes, or homes that a residential proxy goes out of."""
    young: float = YOUNG_SHARE
    keys: int = 1
    refused: float = 0.001
    """Share of requests that the model refuses."""
    interactive: bool = False
    """People at a window rather than programs."""
    temperature: float | None = None


@dataclass(frozen=True)
class Organization:
    """A customer. ``payment`` is None for one that never paid."""

    id: str
    payment: str | None
    office: str


@dataclass(frozen=True)
class Account:
    """An account and what stays the same about it; times in ms since the world began."""

    id: str
    family: Family
    organization: Organization
    created: int
    plan: str
    networks: Networks
    build: str
    pathway: str
    keys: tuple[str, ...]
    model: str
    adopts_after: int
    """How long after a release it moves to the new model."""


class Population:
    """Makes organisations and accounts; their identifiers tell nothing about them."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.organizations: list[Organization] = []
        self.accounts: list[Account] = []

    def organization(self, *, pays: bool = True, payment: str | None = None) -> Organization:
        """A new organisation with a payment instrument of its own, unless ``payment`` names one."""
        number = len(self.organizations)
        own = token(self._seed, "payment", number) if pays else None
        made = Organization(
            id="org_" + token(self._seed, "org", number),
            payment=payment or own,
            office=token(self._seed, "office", number),
        )
        self.organizations.append(made)
        return made

    def account(
        self,
        family: Family,
        organization: Organization,
        first: int,
        *,
        created: int | None = None,
        networks: Networks = (),
    ) -> Account:
        """A new account that begins at ``first`` (ms); age and networks are drawn if not given."""
        number = len(self.accounts)
        rng = stream(self._seed, "account", number)
        adopts = rng.random() >= STAY_SHARE
        made = Account(
            id="acct_" + token(self._seed, "account-id", number),
            family=family,
            organization=organization,
            created=_created(rng, first, family.young) if created is None else created,
            plan=weighted(rng, family.plans),
            networks=networks or self._networks(rng, family, organization),
            build=weighted(rng, BROWSERS if family.interactive else BUILDS),
            pathway=weighted(rng, family.pathways),
            keys=tuple(token(self._seed, "key", number, key) for key in range(family.keys)),
            model=weighted(rng, MODELS),
            adopts_after=int(rng.expovariate(1 / ADOPTION_DAYS) * DAY_MS) if adopts else NEVER_MS,
        )
        self.accounts.append(made)
        return made

    def network(self, kind: str, number: int) -> str:
        """The hash of a network."""
        return token(self._seed, "network", kind, number)

    def _networks(self, rng: Random, family: Family, organization: Organization) -> Networks:
        own = rng.random() < OWN_NETWORK_SHARE
        if family.place == "cloud":
            clouds = rng.sample(range(CLOUDS), rng.choice((1, 1, 2, 3)))
            shared = [self.network("cloud", number) for number in clouds]
            names = [organization.office] if own else shared
            return tuple((name, rng.choice(CLOUD_ASNS)) for name in names)
        homes = [self.network("home", rng.randrange(HOMES))]
        if family.place == "proxy":
            # Exits of a residential proxy: others live behind some of them.
            exits = [rng.randrange(3 * HOMES) for _ in range(rng.randint(1, 3))]
            homes.extend(self.network("home", number) for number in exits)
        elif own:
            carrier = self.network("carrier", rng.randrange(CARRIERS))
            homes.append(rng.choice((carrier, organization.office)))
        return tuple((name, rng.choice(ACCESS_ASNS)) for name in homes)


def _created(rng: Random, first: int, young: float) -> int:
    days = rng.uniform(0, YOUNG_DAYS) if rng.random() < young else rng.uniform(*OLD_DAYS)
    return first - int(days * DAY_MS)
