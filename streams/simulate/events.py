"""From a request to a raw event, as a gateway would write it."""

from __future__ import annotations

from typing import Any

from models.eventtime import format_time
from streams.simulate.chance import stream, token
from streams.simulate.traffic import Message, Sent


NEW_MODEL = "meridian-large-2"
CHARACTERS_PER_TOKEN = 4
MESSAGE_TOKENS = 4
"""What a message costs beside its text."""
THROTTLED, FAILED = 0.006, 0.003
"""Shares of answers with status 429 and 529."""
REFUSAL_TOKENS = 60
USUAL_NETWORK = 0.7
STRANGE_REFERENCE = 0.0005
"""A router inside a customer hands a conversation to another session."""


class EventWriter:
    """Makes events in the order of time; ``start`` in ms since 1970, ``released`` ms after it."""

    def __init__(self, seed: int, start: int, released: int) -> None:
        self._seed = seed
        self._start = start
        self._released = released
        self._rng = stream(seed, "events")
        self._number = 0

    def release(self) -> dict[str, Any]:
        """The control record of the new model."""
        time = format_time(self._start + self._released)
        return {"type": "model.released", "time": time, "gen_ai.request.model": NEW_MODEL}

    def event(self, sent: Sent) -> dict[str, Any]:
        """The raw event of the next request."""
        account, rng = sent.account, self._rng
        usual = rng.random() < USUAL_NETWORK
        network, asn = account.networks[0 if usual else rng.randrange(len(account.networks))]
        moved = sent.time >= self._released + account.adopts_after
        event: dict[str, Any] = {
            "id": "req_" + token(self._seed, "request", self._number),
            "time": format_time(self._start + sent.time),
            "account.id": account.id,
            "organization.id": account.organization.id,
            "api_key.id": rng.choice(account.keys),
            "gen_ai.request.model": NEW_MODEL if moved else account.model,
            "gen_ai.usage.input_tokens": _tokens(sent.prompt.messages),
            "gen_ai.usage.output_tokens": sent.output_tokens,
            "gen_ai.response.finish_reasons": ["stop"],
            "http.response.status_code": 200,
            "account.created": format_time(self._start + account.created),
            "account.plan": account.plan,
            "client.address.hash": token(self._seed, "address", network, account.id),
            "client.network.hash": network,
            "client.hash": token(self._seed, "build", account.build),
            "client.asn": asn,
            "user_agent.original": account.build,
            "service.pathway": account.pathway,
        }
        self._number += 1
        if account.organization.payment is not None:
            event["payment.hash"] = account.organization.payment
        self._sampling(event, sent)
        self._outcome(event, sent)
        event |= sent.prompt.extra
        event["messages"] = sent.prompt.messages
        return event

    def _sampling(self, event: dict[str, Any], sent: Sent) -> None:
        family = sent.account.family
        if family.interactive:
            event["gen_ai.request.stream"] = True
        else:
            event["gen_ai.request.max_tokens"] = 4096
        if family.temperature is not None:
            event["gen_ai.request.temperature"] = family.temperature
        if not family.interactive and len(sent.prompt.messages) > 1:
            strange = self._rng.random() < STRANGE_REFERENCE
            event["reasoning.reference"] = "other_session" if strange else "same_session"

    def _outcome(self, event: dict[str, Any], sent: Sent) -> None:
        luck = self._rng.random()
        if luck < THROTTLED + FAILED:
            throttled = luck < THROTTLED
            event["http.response.status_code"] = 429 if throttled else 529
            event["error.type"] = "rate_limit" if throttled else "overloaded"
            event["gen_ai.usage.output_tokens"] = 0
            del event["gen_ai.response.finish_reasons"]
        elif luck < THROTTLED + FAILED + sent.account.family.refused:
            event["refused"] = True
            event["gen_ai.response.finish_reasons"] = ["refusal"]
            event["gen_ai.usage.output_tokens"] = min(REFUSAL_TOKENS, sent.output_tokens)


def _tokens(messages: list[Message]) -> int:
    return sum(
        MESSAGE_TOKENS + len(message["content"]) // CHARACTERS_PER_TOKEN for message in messages
    )
