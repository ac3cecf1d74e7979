"""Reading reference files: the one that is shipped, and the user's own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from models.reference.reference import Reference
from schemas.errors import ConfigError
from streams.settings import Settings


def load_default() -> Reference:
    """The reference that is shipped with the package, fitted on generated benign traffic."""
    return Reference.from_bytes(files("models.reference").joinpath("default.json").read_bytes())


def load(path: Path) -> Reference:
    """The reference in a file. Raises ``ConfigError`` if it cannot be read or is none."""
    try:
        return Reference.from_bytes(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read the reference file {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def load_for(settings: Settings) -> tuple[Reference, dict[str, Reference]]:
    """The reference in force at the start, and by hash those a control record may switch to.

    The others lie beside the file that the settings name. Raises ``ConfigError``.
    """
    default = load_default()
    if settings.reference is None:
        return default, {default.sha256: default}
    chosen = load(settings.reference)
    beside = [load(path) for path in sorted(settings.reference.parent.glob("*.json"))]
    return chosen, {reference.sha256: reference for reference in (default, *beside)}
