"""Alerts as a person reads them in a terminal.

What an alert says comes from outside in part (identifiers), so it is shown as text: no markup and
no control characters of it reach the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from models.eventtime import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, parse_time
from schemas.alert import Alert, Benign, Evidence, Kind, Severity, State


STYLES: Mapping[Severity, str] = {
    Severity.INFO: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "bold red",
    Severity.CRITICAL: "bold white on red",
}
MEMBERS_SHOWN = 3
EVIDENCE_SHOWN = 6
"""The strongest; the alert on the topic has all."""
INDENT = 4
UNITS = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s"))


def alert_block(alert: Alert, *, brief: bool = False) -> RenderableType:
    """One revision: headline, sentence, and unless ``brief`` or closed, members and reasons."""
    details: list[RenderableType] = [Text(printable(alert.summary))]
    if not brief and alert.state is not State.CLOSED:
        if alert.members:
            details.append(_members(alert.members))
        if alert.evidence:
            details.append(_evidence(alert.evidence))
        if alert.benign:
            details.append(_benign(alert.benign[0]))
        if alert.counterfactuals:
            details.append(Text(printable(alert.counterfactuals[0]), style="dim"))
    return Group(_headline(alert), Padding(Group(*details), (0, 0, 0, INDENT)))


def facts_table(rows: Iterable[tuple[str, str]]) -> RenderableType:
    """Facts, each a name and a value."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def duration(millis: int) -> str:
    """A length of time in its two largest units.

    >>> duration(22_320_000), duration(59_000), duration(0)
    ('6 h 12 min', '59 s', '0 s')
    """
    left = max(0, millis)
    parts: list[str] = []
    for size, unit in UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}")
        if len(parts) == 2:  # noqa: PLR2004 - two units, as promised
            break
    return " ".join(part for part in parts if not part.startswith("0 ")) or "0 s"


def printable(text: str) -> str:
    r"""``text`` on one line, without anything a terminal would act on.

    >>> printable("acct\x1b[31m_1\n")
    'acct?[31m_1?'
    """
    return "".join(char if char.isprintable() else "?" for char in text)


def _headline(alert: Alert) -> Text:
    page = " PAGE" if alert.severity.pages and alert.state is not State.CLOSED else ""
    line = Text.assemble(
        (f" {alert.severity.value.upper()}{page} ", STYLES[alert.severity]),
        " ",
        (f"{alert.kind.value} {_subject(alert)}", "bold"),
        f" {_what_happened(alert)}",
    )
    age = parse_time(alert.time) - parse_time(alert.first_seen)
    line.append(f"  {alert.time[:16].replace('T', ' ')}", "dim")
    line.append(f", {duration(age)} after the first sign" if age > 0 else "", "dim")
    return line


def _subject(alert: Alert) -> str:
    if alert.kind is Kind.CAMPAIGN:
        return f"of {len(alert.members):,} accounts"
    return printable(alert.subject)


def _what_happened(alert: Alert) -> str:
    if alert.state is State.CLOSED:
        reason = f" ({printable(alert.close_reason)})" if alert.close_reason is not UNSET else ""
        return f"closed{reason}"
    return "opened" if alert.state is State.OPENED else f"updated, revision {alert.revision}"


def _members(members: Sequence[str]) -> Text:
    shown = ", ".join(printable(member) for member in members[:MEMBERS_SHOWN])
    more = len(members) - MEMBERS_SHOWN
    return Text(f"{shown} and {more:,} more" if more > 0 else shown, style="dim")


def _benign(best: Benign) -> Text:
    name = printable(best.name).replace("_", " ")
    return Text(
        f"best harmless explanation: {name}, fits {best.fit:.0%} ({printable(best.note)})",
        style="dim",
    )


def _evidence(evidence: Sequence[Evidence]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    strongest = sorted(evidence, key=lambda each: -abs(each.weight))[:EVIDENCE_SHOWN]
    for each in strongest:
        value = f"{each.value:,.3g}"
        if each.expected is not UNSET:
            value += f" (expected {each.expected:,.3g})"
        table.add_row(
            Text(f"{each.family}: {printable(each.signal)}"),
            Text(value, justify="right"),
            Text(f"{each.weight:+.1f}" if each.weight else "", justify="right", style="dim"),
            Text(printable(each.note), style="dim"),
        )
    return table
