"""Settings: one frozen object from a file, the environment, and nothing else.

Precedence, highest first: arguments of :func:`load_settings`, ``PROBEWATCH_*`` and ``KAFKA_*`` in
the environment, the file named by ``--config`` or ``PROBEWATCH_CONFIG`` (TOML or YAML), defaults.
A nested setting joins its parts with two underscores: ``PROBEWATCH_PARTITIONS__REQUESTS=32``.
"""

from __future__ import annotations

import os

from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
    YamlConfigSettingsSource,
)

from models.content import Keys
from models.evidence import Budget
from models.stage import Deployment
from schemas.errors import ConfigError
from schemas.frame import StageName
from schemas.topics import Partitions
from streams.log import LogFormat, LogLevel


DEMO_KEY = "probewatch-demo"
"""Public, so that replay and demo work at once; fingerprints made with it protect nobody."""
CONFIG_VARIABLE = "PROBEWATCH_CONFIG"
STAGES: tuple[StageName, ...] = get_args(StageName)

Seconds = Annotated[float, Field(gt=0, le=3600)]

_file: ContextVar[Path | None] = ContextVar("settings_file", default=None)


class KafkaSettings(BaseModel):
    """How to reach the cluster, under the names every Kafka client knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_servers: str = Field(default="localhost:9092", min_length=1)
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_password_file: Path | None = None
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    ssl_password: SecretStr | None = None

    @model_validator(mode="after")
    def _credentials_fit_protocol(self) -> KafkaSettings:
        if self.security_protocol.startswith("SASL") and (
            not self.sasl_username or not (self.sasl_password or self.sasl_password_file)
        ):
            raise ValueError(f"{self.security_protocol} needs sasl_username and sasl_password")
        return self

    @property
    def servers(self) -> list[str]:
        """``host:port`` of each broker to begin with."""
        return [server.strip() for server in self.bootstrap_servers.split(",") if server.strip()]

    def password(self) -> str | None:
        """The SASL password. Raises :class:`ConfigError` if its file cannot be read."""
        if self.sasl_password is not None:
            return self.sasl_password.get_secret_value()
        if self.sasl_password_file is None:
            return None
        try:
            return self.sasl_password_file.read_text().strip()
        except OSError as error:
            raise ConfigError(f"kafka.sasl_password_file: {error.strerror}") from error


class Settings(BaseSettings):
    """Everything an operator decides. Times in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="PROBEWATCH_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    app_id: str = Field(default="probewatch", pattern=r"^[a-zA-Z0-9._-]{1,200}$")
    """Consumer group, and the first part of every transactional id."""
    instance_id: str | None = Field(default=None, min_length=1)
    """Static membership: a worker that is back within the session timeout causes no rebalance."""
    stages: Annotated[tuple[StageName, ...], NoDecode] = STAGES
    """What this worker runs; in the environment separated by commas."""
    kafka: KafkaSettings = KafkaSettings()
    embedded: bool = False
    """The demo broker: records carry no checksum there, and nothing can be recovered."""
    replication_factor: int | None = Field(default=None, ge=1, le=32_767)
    """Of topics that ``topics create`` creates; the brokers' default if not given."""

    partitions: Partitions = Partitions()
    tick_ms: int = Field(default=1000, ge=100, le=60_000)
    lateness_ms: int = Field(default=2000, ge=0, le=3_600_000)

    idle_s: Seconds = 1.0
    """A source partition without records for so long gets a heartbeat."""
    idle_clock: Literal["wall", "off"] = "wall"
    """Off in demo, tests and backfill: event time then never passes the greatest one seen."""
    read_ahead_ticks: int = Field(default=20, ge=1)
    flush_s: Seconds = 0.4
    """Between two barriers of a partition, so also the age of what a crash does again."""
    urgent_s: Seconds = 0.02
    """Between two barriers when an alert waits: p50 184 ms from event to visible alert."""
    session_timeout_s: Seconds = 10.0
    """After so long without a sign of life a worker's partitions go to others."""
    ready_s: Seconds = 120.0
    """A worker that has not recovered by then hangs, and exits to be started again."""

    alert_budget: float = Field(default=0.05, gt=0, le=1000)
    """False pages per 1,000 accounts per day."""
    reference: Path | None = None
    """The reference file in force at the start; others are looked for beside it."""

    fingerprint_key: SecretStr = Field(default=SecretStr(DEMO_KEY), min_length=1)
    fingerprint_previous_key: SecretStr | None = None
    fingerprint_epoch: int = Field(default=0, ge=0)
    allow_demo_key: bool = False

    metrics_port: int = Field(default=0, ge=0, le=65_535)
    """0: no metrics over HTTP."""
    log_format: LogFormat = "json"
    log_level: LogLevel = "info"

    @field_validator("stages", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("stages")
    @classmethod
    def _each_once(cls, value: tuple[StageName, ...]) -> tuple[StageName, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError(f"name each of {', '.join(STAGES)} at most once, and at least one")
        return value

    @field_validator("partitions")
    @classmethod
    def _at_least_one(cls, value: Partitions) -> Partitions:
        for name in Partitions.__slots__:
            if getattr(value, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        return value

    @property
    def deployment(self) -> Deployment:
        """What is fixed for the life of the deployment."""
        return Deployment(self.partitions, self.tick_ms, self.lateness_ms)

    @property
    def budget(self) -> Budget:
        """The alert budget, and who may spend it."""
        return Budget(self.alert_budget)

    @property
    def uses_demo_key(self) -> bool:
        """Whether fingerprints are made with the public key."""
        return self.fingerprint_key.get_secret_value() == DEMO_KEY

    def keys(self) -> Keys:
        """The keys that fingerprints are made with."""
        previous = self.fingerprint_previous_key
        return Keys(
            current=self.fingerprint_key.get_secret_value().encode(),
            epoch=self.fingerprint_epoch,
            previous=None if previous is None else previous.get_secret_value().encode(),
        )

    def refuse_demo_key(self) -> None:
        """Raise :class:`ConfigError` if real traffic would be fingerprinted with the public key."""
        if self.uses_demo_key and not self.allow_demo_key:
            raise ConfigError(
                "fingerprint_key is the public demo key: set PROBEWATCH_FINGERPRINT_KEY to a "
                "secret of your own, or allow_demo_key for a demo"
            )

    def redacted(self) -> dict[str, Any]:
        """Every setting as it is in force, secrets hidden; fit for JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - one file is enough
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where values come from, highest precedence first."""
        sources = (init_settings, env_settings, _KafkaEnvironment(settings_cls))
        path = _file.get()
        if path is None:
            return sources
        if path.suffix == ".toml":
            return (*sources, TomlConfigSettingsSource(settings_cls, toml_file=path))
        return (*sources, YamlConfigSettingsSource(settings_cls, yaml_file=path))


class _KafkaEnvironment(PydanticBaseSettingsSource):
    """``KAFKA_BOOTSTRAP_SERVERS`` and its like, as other Kafka tools read them."""

    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - one nested value, no fields
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {
            name: os.environ[f"KAFKA_{name.upper()}"]
            for name in KafkaSettings.model_fields
            if f"KAFKA_{name.upper()}" in os.environ
        }
        return {"kafka": found} if found else {}


def load_settings(config: Path | None = None, **overrides: object) -> Settings:
    """Read the settings; ``config`` defaults to ``PROBEWATCH_CONFIG``.

    Raises :class:`ConfigError` with one line per mistake; a secret is never quoted.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    path = config or (Path(named) if named else None)
    if path is not None and path.suffix not in {".toml", ".yaml", ".yml"}:
        raise ConfigError(f"{path}: a configuration file ends in .toml, .yaml or .yml")
    if path is not None and not path.is_file():
        raise ConfigError(f"{path}: no such file")
    token = _file.set(path)
    try:
        return Settings(**_as_arguments(overrides))
    except ValidationError as error:
        raise ConfigError(_readable(error)) from None
    except yaml.YAMLError as error:
        # Its text quotes the file, where a secret may stand.
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{path}: not YAML{where}") from None
    except (ValueError, OSError) as error:
        raise ConfigError(f"{path or 'settings'}: {error}") from None
    finally:
        _file.reset(token)


def _as_arguments(overrides: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in overrides.items() if value is not None}


def _readable(error: ValidationError) -> str:
    lines = []
    for mistake in error.errors(include_input=False, include_url=False):
        where = ".".join(str(part) for part in mistake["loc"]) or "settings"
        if mistake["type"] == "extra_forbidden":
            lines.append(f"{where}: there is no such setting")
        else:
            lines.append(f"{where}: {mistake['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)
