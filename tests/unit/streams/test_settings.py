"""Settings: where they come from, what they refuse, and what they never show."""

from __future__ import annotations

import json
import os

from pathlib import Path

import pytest

from models.stage import Deployment
from schemas.errors import ConfigError
from schemas.topics import Partitions
from streams.settings import DEMO_KEY, load_settings


KEY = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("PROBEWATCH_", "KAFKA_")):
            monkeypatch.delenv(name)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_everything_has_a_default() -> None:
    settings = load_settings()
    assert settings.kafka.servers == ["localhost:9092"]
    assert settings.deployment == Deployment()
    assert settings.stages == ("account", "organization", "links", "campaign")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.toml", 'flush_s = 0.7\nstages = ["links"]\n[partitions]\nrequests = 32\n'),
        ("c.yaml", "flush_s: 0.7\nstages: [links]\npartitions: {requests: 32}\n"),
    ],
)
def test_file_in_either_format(tmp_path: Path, name: str, text: str) -> None:
    settings = load_settings(write(tmp_path, name, text))
    assert settings.flush_s == 0.7
    assert settings.stages == ("links",)
    assert settings.partitions == Partitions(requests=32), "the other counts keep their defaults"


def test_environment_overrides_the_file_and_arguments_override_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "c.toml", "flush_s = 0.1\nurgent_s = 0.1\nidle_s = 0.1\n")
    monkeypatch.setenv("PROBEWATCH_CONFIG", str(path))
    monkeypatch.setenv("PROBEWATCH_URGENT_S", "0.2")
    monkeypatch.setenv("PROBEWATCH_IDLE_S", "0.2")
    settings = load_settings(idle_s=0.3, tick_ms=None)
    assert (settings.flush_s, settings.urgent_s, settings.idle_s) == (0.1, 0.2, 0.3)


def test_nested_settings_and_lists_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBEWATCH_PARTITIONS__REQUESTS", "64")
    monkeypatch.setenv("PROBEWATCH_STAGES", "account, links")
    settings = load_settings()
    assert settings.partitions.requests == 64
    assert settings.stages == ("account", "links")


def test_common_kafka_names_are_read_and_mix_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "c.toml", '[kafka]\nsasl_username = "svc"\n')
    password = write(tmp_path, "password", f"{KEY}\n")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "a:9092, b:9092")
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD_FILE", str(password))
    kafka = load_settings(path).kafka
    assert kafka.servers == ["a:9092", "b:9092"]
    assert (kafka.sasl_username, kafka.password()) == ("svc", KEY)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flush = 1", "flush: there is no such setting"),
        ("[partitions]\nrequest = 1", "partitions.request"),
        ("[partitions]\nrequests = 0", "requests must be at least 1"),
        ('stages = ["account", "account"]', "at most once"),
        ('stages = ["accounts"]', "stages.0"),
        ("flush_s = 0", "flush_s: "),
        ('[kafka]\nsecurity_protocol = "SASL_SSL"', "needs sasl_username"),
        ("not toml", "c.toml: "),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(write(tmp_path, "c.toml", text))


def test_files_that_cannot_be_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "c.toml")
    with pytest.raises(ConfigError, match=r"ends in \.toml, \.yaml or \.yml"):
        load_settings(write(tmp_path, "c.ini", ""))
    with pytest.raises(ConfigError, match="not YAML at line 2"):
        load_settings(write(tmp_path, "c.yaml", "a: 1\nb: }\n"))
    with pytest.raises(ConfigError):
        load_settings(write(tmp_path, "list.yaml", "- a\n- b\n"))


@pytest.mark.parametrize("name", ["c.toml", "c.yaml"])
def test_no_error_and_no_dump_shows_a_secret(tmp_path: Path, name: str) -> None:
    separator = " = " if name == "c.toml" else ": "
    good = f'fingerprint_key{separator}"{KEY}"\n'
    settings = load_settings(write(tmp_path, name, good))
    assert KEY not in json.dumps(settings.redacted()) + repr(settings) + str(settings)
    assert settings.keys().current == KEY.encode()
    for bad in (good + f'flush_s{separator}"{KEY}"\n', good + "[[[\n"):
        with pytest.raises(ConfigError) as caught:
            load_settings(write(tmp_path, name, bad))
        assert KEY not in str(caught.value)


def test_live_refuses_the_public_key_unless_it_is_allowed() -> None:
    with pytest.raises(ConfigError, match="public demo key"):
        load_settings(fingerprint_key=DEMO_KEY).refuse_demo_key()
    load_settings(allow_demo_key=True).refuse_demo_key()
    load_settings(fingerprint_key=KEY).refuse_demo_key()


def test_settings_cannot_be_changed() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.flush_s = 1.0
