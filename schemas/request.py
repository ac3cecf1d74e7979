"""The request event: one answered API request, as it lies on ``llm.requests.v1``.

Names are the OpenTelemetry GenAI attribute names as flat dotted keys. There is no text on the wire:
raw input may carry ``messages`` and ``tools`` (:class:`RawRequest`), and whoever reads it
fingerprints and drops them first.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

from schemas.fields import Base64, Hash, Hex16, Identifier


Time = Annotated[str, Meta(min_length=20, max_length=35, description="RFC 3339, UTC")]
Tokens = Annotated[int, Meta(ge=0, le=1 << 31)]
Count = Annotated[int, Meta(ge=0, le=1 << 20)]
Temperature = Annotated[float, Meta(ge=0, le=100)]

Elicitation = Literal[
    "cot_inline",
    "cot_posthoc",
    "cot_translate",
    "debug_mode",
    "identity_override",
    "rubric_grading",
    "task_generation",
    "policy_rewrite",
]
Category = Literal[
    "other",
    "reasoning_math",
    "agentic_code",
    "tool_orchestration",
    "data_analysis",
    "computer_use",
    "grading",
    "task_generation",
    "safe_rewrite",
    "low_level_code",
    "translation",
    "writing",
    "question_answering",
    "extraction",
    "conversation",
    "vision",
]
ELICITATIONS: tuple[Elicitation, ...] = get_args(Elicitation)
"""Closed enum of ``content.elicitation``; the position is the bit in packed records."""
CATEGORIES: tuple[Category, ...] = get_args(Category)
"""Closed enum of ``content.category``; the position is the number in packed records."""

Script = Annotated[str, Meta(max_length=16, description="dominant Unicode script, lower case")]
Plan = Literal["free", "pro", "team", "enterprise", "api"]
PLANS: tuple[Plan, ...] = get_args(Plan)
Pathway = Literal["api", "console", "cloud-a", "cloud-b", "aggregator"]
ReasoningReference = Literal["none", "same_session", "other_session", "other_account"]


class RequestEvent(Struct, gc=False, omit_defaults=True, kw_only=True):
    """One request. Key of the Kafka record: ``account.id``."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    time: Time
    account_id: Identifier = field(name="account.id")
    organization_id: Identifier = field(name="organization.id")
    request_model: Annotated[str, Meta(min_length=1, max_length=128)] = field(
        name="gen_ai.request.model"
    )
    input_tokens: Tokens = field(name="gen_ai.usage.input_tokens")
    output_tokens: Tokens = field(name="gen_ai.usage.output_tokens")

    api_key_id: Identifier | UnsetType = field(name="api_key.id", default=UNSET)
    enduser_pseudo_id: Identifier | UnsetType = field(name="enduser.pseudo.id", default=UNSET)
    conversation_id: Identifier | UnsetType = field(name="gen_ai.conversation.id", default=UNSET)
    max_tokens: Tokens | UnsetType = field(name="gen_ai.request.max_tokens", default=UNSET)
    temperature: Temperature | UnsetType = field(name="gen_ai.request.temperature", default=UNSET)
    choice_count: Count | UnsetType = field(name="gen_ai.request.choice.count", default=UNSET)
    logprobs: bool | Count | UnsetType = field(name="gen_ai.request.logprobs", default=UNSET)
    stream: bool | UnsetType = field(name="gen_ai.request.stream", default=UNSET)
    finish_reasons: list[Annotated[str, Meta(max_length=64)]] | UnsetType = field(
        name="gen_ai.response.finish_reasons", default=UNSET
    )
    refused: bool = False
    status_code: Annotated[int, Meta(ge=0, le=999)] | UnsetType = field(
        name="http.response.status_code", default=UNSET
    )
    error_type: Annotated[str, Meta(max_length=128)] | UnsetType = field(
        name="error.type", default=UNSET
    )
    account_created: Time | UnsetType = field(name="account.created", default=UNSET)
    account_plan: Plan | UnsetType = field(name="account.plan", default=UNSET)
    payment_hash: Hash | UnsetType = field(name="payment.hash", default=UNSET)
    client_address_hash: Hash | UnsetType = field(name="client.address.hash", default=UNSET)
    client_network_hash: Hash | UnsetType = field(name="client.network.hash", default=UNSET)
    client_hash: Hash | UnsetType = field(name="client.hash", default=UNSET)
    client_asn: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)] | UnsetType = field(
        name="client.asn", default=UNSET
    )
    user_agent: Annotated[str, Meta(max_length=256)] | UnsetType = field(
        name="user_agent.original", default=UNSET
    )
    pathway: Pathway | UnsetType = field(name="service.pathway", default=UNSET)
    reasoning_reference: ReasoningReference = field(name="reasoning.reference", default="none")

    content_version: Annotated[int, Meta(ge=1, le=0xFF)] | UnsetType = field(
        name="content.version", default=UNSET
    )
    content_key_epoch: Annotated[int, Meta(ge=0, le=0xFFFF)] | UnsetType = field(
        name="content.key_epoch", default=UNSET
    )
    content_sentences: Base64 = field(name="content.sentences", default="")
    content_context: Base64 = field(name="content.context", default="")
    content_minhash: Base64 = field(name="content.minhash", default="")
    content_shape: Hex16 | UnsetType = field(name="content.shape", default=UNSET)
    content_tools: Hex16 | UnsetType = field(name="content.tools", default=UNSET)
    content_chain: Hex16 | UnsetType = field(name="content.chain", default=UNSET)
    content_chain_prev: Hex16 | UnsetType = field(name="content.chain.prev", default=UNSET)
    content_depth: Count = field(name="content.depth", default=0)
    content_elicitation: list[Elicitation] = field(name="content.elicitation", default_factory=list)
    content_category: Category = field(name="content.category", default="other")
    content_script: Script = field(name="content.script", default="")

    previous_sentences: Base64 = field(name="content.previous.sentences", default="")
    previous_context: Base64 = field(name="content.previous.context", default="")
    previous_minhash: Base64 = field(name="content.previous.minhash", default="")
    previous_shape: Hex16 | UnsetType = field(name="content.previous.shape", default=UNSET)
    previous_tools: Hex16 | UnsetType = field(name="content.previous.tools", default=UNSET)
    previous_chain: Hex16 | UnsetType = field(name="content.previous.chain", default=UNSET)
    previous_chain_prev: Hex16 | UnsetType = field(
        name="content.previous.chain.prev", default=UNSET
    )


MESSAGE_FIELDS = ("messages", "tools")
"""The only fields that may carry text; they exist before fingerprinting and nowhere after it."""
