"""The broker's jars and the Java command line that runs them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess

from pathlib import Path

from infra.kafka.errors import BrokerError, MissingError


HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
HEAP = "512m"
"""Measured: 200 MB resident when idle, 280 MB after three million records."""
FORMAT_HEAP = "128m"
"""Formatting an empty folder needs next to nothing."""


class Jars:
    """A folder of jars that Maven fills from ``pom.xml``, and the class-data archive in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.archive = self.folder / "kafka.jsa"
        self._stamp = self.folder / "pom.sha256"

    def complete(self) -> bool:
        """Whether the folder holds what the present ``pom.xml`` names."""
        return self._stamp.is_file() and self._stamp.read_text() == _digest(POM)

    def fetch(self) -> None:
        """Fill the folder if it is not complete: 8 s with a warm Maven cache, 30 s without (44 MB).

        Raises :class:`MissingError` without Maven or Java, :class:`BrokerError` if Maven fails.
        """
        if self.complete():
            return
        mvn = _program("mvn", "install Maven 3.6.3 or newer")
        java()
        partial = self.folder.with_name(f"{self.folder.name}.partial-{os.getpid()}")
        # --strict-checksums: a jar that arrives damaged must fail here and not inside the broker.
        options = ["--batch-mode", "--quiet", "--strict-checksums", f"--file={POM}"]
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        done = subprocess.run(
            [mvn, *options, *goal, f"-DoutputDirectory={partial}"],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            raise BrokerError(f"mvn could not fetch the jars:\n{done.stdout}{done.stderr}".rstrip())
        (partial / self._stamp.name).write_text(_digest(POM))
        shutil.rmtree(self.folder, ignore_errors=True)
        partial.rename(self.folder)

    def require(self) -> None:
        """Raise :class:`MissingError` unless a broker could be started right now."""
        java()
        if not self.complete():
            raise MissingError("no Kafka jars: run `infra/kafka/kafka fetch`")

    def format_command(self, *arguments: str) -> list[str]:
        """Argv of Kafka's storage tool; the short-lived JVM skips the optimising compiler."""
        options = [f"-Xmx{FORMAT_HEAP}", "-XX:TieredStopAtLevel=1"]
        return self._command(options, "kafka.tools.StorageTool", "format", *arguments)

    def broker_command(self, properties: Path, record_archive: Path) -> list[str]:
        """Argv of the broker.

        Class-data sharing takes a third off the start (measured 3.0 s to 1.8 s). Without an archive
        the JVM records one to ``record_archive`` when it stops, which makes that one stop four
        seconds longer; :meth:`adopt` then puts it in place.
        """
        sharing = (
            f"-XX:SharedArchiveFile={self.archive}"
            if self.archive.exists()
            else f"-XX:ArchiveClassesAtExit={record_archive}"
        )
        return self._command([f"-Xmx{HEAP}", sharing], "kafka.Kafka", str(properties))

    def adopt(self, recorded: Path) -> None:
        """Take over a recorded archive, if any; the rename keeps readers from half a file."""
        if recorded.exists():
            staged = self.archive.with_name(f"{self.archive.name}.{os.getpid()}")
            shutil.move(recorded, staged)
            staged.rename(self.archive)

    def _command(self, options: list[str], main: str, *arguments: str) -> list[str]:
        return [
            java(),
            "-Xms64m",
            "-XX:+UseSerialGC",  # the smallest resident size and the fewest threads
            # An archive of another Java is left unused, silently: it is only a shortcut.
            "-Xshare:auto",
            "-Xlog:cds=off",
            "-Xlog:cds+dynamic=off",
            f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}",
            "-cp",
            f"{self.folder}/*",
            *options,
            main,
            *arguments,
        ]


def java() -> str:
    """Path of the ``java`` program: ``JAVA_HOME`` first, as every Java tool does, else ``PATH``."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return str(Path(home) / "bin" / "java")
    return _program("java", "Kafka 4 needs Java 17 or newer")


def _program(name: str, hint: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise MissingError(f"`{name}` is not installed: {hint}")
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
