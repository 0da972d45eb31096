# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a platform, in sentences, and its state as a table. All of it is pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

GIB = 1 << 30


def problems_of(status: Mapping[str, Any], limits: Mapping[str, float]) -> list[str]:
    """Return a sentence for each thing that somebody has to look at."""
    problems = [f"{service['name']}: {service['problem']}." for service in status["services"] if service["problem"]]
    problems += [f"{check['name']}: {check['problem']}." for check in status["checks"] if check["problem"]]
    for name in status["missing"]:
        problems.append(f"{name}: has no container, run site.yml.")
    for disk in status["disks"]:
        if disk["used_percent"] >= limits["disk_percent"]:
            problems.append(f"disk of {disk['paths'][0]}: {disk['used_percent']} % are used, make room.")
        elif disk["days_left"] is not None and disk["days_left"] < limits["disk_days"]:
            problems.append(
                f"disk of {disk['paths'][0]}: is full in {disk['days_left']} days if it grows on, make room."
            )
    for certificate in status["certificates"]:
        if certificate["days"] < limits["certificate_days"]:
            names = ", ".join(certificate["names"])
            problems.append(f"certificate of {names}: ends in {certificate['days']} days ({certificate['path']}).")
    for timer in status["timers"]:
        if not timer["active"]:
            problems.append(f"{timer['unit']}: does not run, run site.yml.")
        if timer["result"] != "success":
            service = timer["unit"].replace(".timer", ".service")
            problems.append(f"{service}: failed ({timer['result']}), see journalctl --unit={service}.")
    return problems + _backup_problems(status, limits)


def _backup_problems(status: Mapping[str, Any], limits: Mapping[str, float]) -> list[str]:
    if not status["backs_up"]:
        return []
    backup = status["backup"]
    if backup is None or not backup["snapshot"]:
        return ["backup: there is none yet, run backup.yml."]
    problems = []
    if backup["hours"] > limits["backup_hours"]:
        problems.append(f"backup: the last good one is {backup['hours']} hours old.")
    if not backup["checked"]:
        problems.append(f"backup: {backup['snapshot']} was not checked.")
    if backup["error"]:
        problems.append(f"backup: the last one failed: {backup['error']}")
    return problems


def table(name: str, status: Mapping[str, Any]) -> list[str]:
    """Return the state of a server as lines for people."""
    count = len(status["problems"])
    lines = [f"{name}: {f'{count} to look at' if count else 'in order'}"]
    lines += [f"  ! {problem}" for problem in status["problems"]]
    lines += _rows(
        ("service", "state", "version", "since", "restarts"),
        [
            (
                service["name"],
                "works" if not service["problem"] else service["state"] if service["state"] != "running" else "fails",
                service["version"],
                service["since"][:16].replace("T", " "),
                str(service["restarts"]),
            )
            for service in status["services"]
        ],
    )
    lines += _rows(
        ("asked now", "answer"), [(check["name"], check["problem"] or check["answer"]) for check in status["checks"]]
    )
    lines += _rows(
        ("disk", "used", "free", "grows"),
        [
            (
                ", ".join(disk["paths"]),
                f"{disk['used_percent']} %",
                f"{disk['free'] / GIB:.1f} GiB",
                "not known yet" if disk["growth"] is None else f"{disk['growth'] / GIB:+.2f} GiB a day",
            )
            for disk in status["disks"]
        ],
    )
    lines += _rows(
        ("certificate", "days left"),
        [(", ".join(certificate["names"]), str(certificate["days"])) for certificate in status["certificates"]],
    )
    lines += _rows(
        ("timer", "runs", "last ended"),
        [(timer["unit"], "yes" if timer["active"] else "no", timer["result"]) for timer in status["timers"]],
    )
    if status["backup"] is not None and status["backup"]["snapshot"]:
        backup = status["backup"]
        checked = "checked" if backup["checked"] else "not checked"
        lines += _rows(
            ("last backup", "hours ago", "objects", "looked at"),
            [(backup["snapshot"], str(backup["hours"]), str(backup["objects"]), checked)],
        )
    return lines


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in (tuple(word.upper() for word in head), *rows)
    ]
