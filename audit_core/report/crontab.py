"""A monitoring plan as lines of a crontab: when windows are counted, each line with its reason above it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import PurePath

from audit_core.cube.calendar import Unit
from audit_core.decision.plan import Plan
from audit_core.errors import UsageError
from audit_core.report.escape import visible
from audit_core.report.numbers import counted
from audit_core.report.plan import EVERY, escalation_sentence

PROM_FILE = "/var/lib/prometheus/node-exporter/evenhand.prom"
"""Where Debian's node_exporter looks for textfiles."""
_WHEN: dict[Unit, tuple[str, str]] = {
    "day": (
        "17 6 * * *",
        "every morning: the day before has ended, and its data have had six hours to come in",
    ),
    "week": ("17 6 * * 2", "on Tuesdays: the week ends on Sunday, and its data have had a day to come in"),
    "month": ("17 6 2 * *", "on the 2nd: the month has ended, and its data have had a day to come in"),
}
_DAILY = "47 6 * * *"
LONGEST_COMMAND = 990
"""Bytes; cron cuts a longer one off without a word."""
_LINE_ENDS = ("\n", "\r", "\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where things are on the machine that monitors; each is a path there.

    `windows` is a folder into which the data of each period are put as CSV, one file or more a period.
    """

    plan: str
    windows: str
    prom: str = PROM_FILE
    workspace: str = ""
    log: str = "evenhand-monitor.log"
    command: str = "evenhand"


def crontab(plan: Plan, places: Places) -> bytes:
    """Return the crontab that runs a plan, in UTF-8, with a comment in plain words above each line.

    Guarantee: a path is one word of the command, whatever stands in it; `%` is no line end; every run can be
    repeated, since a period that comes again takes the place of what it held.

    Raises
    ------
    UsageError
        A path holds a line end, which a crontab can't, or a line is longer than cron reads.
    """
    when, why = _WHEN[plan.window.unit]
    command = _command(places)
    lines = [
        f"# Monitoring plan {visible(plan.id)}: {visible(plan.model_name)}, {plan.starts} to {plan.ends}.",
        "# Install it with: crontab FILE (it takes the place of the user’s own crontab) or add these lines",
        "# with crontab -e. Check the paths: they must be those of the machine that monitors.",
        "# Cron mails what a line prints: name the people in MAILTO.",
        f"#MAILTO={visible(plan.silence_owner)}",
        "SHELL=/bin/sh",
        "",
        f"# Judges the window that has just ended, {EVERY[plan.window.unit]}, {why}.",
        "# Every file of the folder is given: what was counted before is recognised and not counted twice.",
        "# Where the files hold neither scores nor decisions, add: --model FILE",
        f"{when} {command}",
    ]
    if plan.window.unit != "day":
        lines += [
            "",
            "# The same every day: outcomes that came late are judged, and a window that did not come in is",
            f"# noticed {counted(plan.silence_days, 'days')} after its end and not weeks later.",
            f"{_DAILY} {command}",
        ]
    said = escalation_sentence(plan)
    lines += [
        "",
        "# A line prints only where it ends with another code than 0:",
        "# 1: a page is open · 2: a ticket at its limit is open, or a watch that pages is undecided ·",
        "# 3 or 4: the run itself failed and no number was written, which Prometheus reports as silence.",
        *([f"# {visible(said)}"] if said else []),
    ]
    return ("\n".join(lines) + "\n").encode()


def _command(places: Places) -> str:
    """The command of a line, with cron's own `%` written so that it stays one."""
    files = f'set -- {_word(places.windows.rstrip("/"))}/*.csv; [ -e "$1" ] || set --;'
    words = [files, _word(places.command), "monitor --plan", _word(places.plan)]
    words += ['${1:+--window "$@"}', "--prom", _word(places.prom)]
    if places.workspace:
        words += ["--workspace", _word(places.workspace)]
    log = _word(places.log)
    paths = (places.plan, places.windows, places.prom, places.workspace, places.log, places.command)
    for path in paths:
        if any(end in path for end in _LINE_ENDS):
            raise UsageError(
                "A crontab can't hold a path with a line end", where=visible(path), remedy="Rename the file"
            )
    said = 'echo "evenhand monitor ended with code $?; see"'
    command = f"{' '.join(words)} >>{log} 2>&1 || {said} {log}".replace("%", "\\%")
    if len(command.encode()) > LONGEST_COMMAND:
        raise UsageError(
            "The line of the crontab is longer than cron reads", remedy="Use folders with shorter names"
        )
    return command


def _word(path: str) -> str:
    """A path as one word of a shell's command; one that begins with a hyphen is no option.

    A backslash before `%` is kept apart from it by quotes that end and begin again: cron would pair the two.
    """
    return shlex.quote(f"./{path}" if path.startswith("-") else path).replace("\\%", "\\''%")


def places_for(plan: PurePath, workspace: str = "", command: str = "evenhand") -> Places:
    """Return the places beside a plan file: the folder `windows`, and the log."""
    folder = plan.parent
    return Places(
        plan=str(plan),
        windows=str(folder / "windows"),
        workspace=workspace,
        log=str(folder / "evenhand-monitor.log"),
        command=command,
    )
