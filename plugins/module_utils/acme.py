# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of an ACME server: which ones the virtual hosts need, and why one was refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import (
    VirtualHost,
    address_of,
    file_of_certificate,
)

CHALLENGES = ("http-01", "dns-01")

# What the script in lego's container says before it begins, and around each certificate.
RUN_BEGINS = "onprem-acme: begins"
_BEGINS = re.compile(r"onprem-acme: (\S+) begins")
_FAILED = re.compile(r"onprem-acme: (\S+) failed")
# lego's own prefix, and what it writes on the way to the reason.
_TIME = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:\[[A-Z]+\] )?")
_REASON = re.compile(r"(?:error: |urn:ietf:params:acme:error:|[Cc]ould not|cannot|[Uu]nable|failed|unexpected|credentials)")


@dataclass(frozen=True)
class AcmeCertificate:
    """One certificate; all virtual hosts whose first name is the same share it."""

    name: str
    """Of its files, as lego names them after the first domain."""
    domains: tuple[str, ...]
    challenge: str


def acme_certificates(
    virtual_hosts: Sequence[Mapping[str, Any]], challenge: str = CHALLENGES[0]
) -> list[AcmeCertificate]:
    """List the certificates that the virtual hosts with `tls: acme` need."""
    found: dict[str, AcmeCertificate] = {}
    for value in virtual_hosts:
        host = VirtualHost.parse(value)
        if host.tls != "acme":
            continue
        name = file_of_certificate(host.host_names[0])
        domains = [address_of(domain) or domain for domain in host.host_names]
        before = found.get(name)
        known = before.domains if before else ()
        found[name] = AcmeCertificate(
            name,
            tuple(dict.fromkeys([*known, *domains])),
            before.challenge if before else challenge_of(value, challenge),
        )
    return list(found.values())


def challenge_of(host: Mapping[str, Any], challenge: str) -> str:
    """Return how a virtual host proves its names."""
    return str(host.get("acme_challenge") or challenge)


def refusals(log: str) -> list[str]:
    """Return why certificates were refused in the last run that the log holds, each in one line."""
    last = log.rpartition(RUN_BEGINS)[2].splitlines()
    found = list(_refusals(last))
    if found:
        return found
    # It ended before lego began: what compose or the engine said last is the reason.
    said = [line.strip() for line in last if line.strip()]
    return [said[-1].rstrip(".")] if said else ["there is no log"]


def _refusals(lines: Sequence[str]) -> Iterator[str]:
    said: list[str] = []
    for line in lines:
        if _BEGINS.search(line):
            said = []
        elif match := _FAILED.search(line):
            yield f"{match[1]}: {_reason(said)}"
        else:
            said.append(_TIME.sub("", line.strip()))


def _reason(said: Sequence[str]) -> str:
    """Return the last lines of lego that tell a reason: it says what went wrong at its end, in a line or some."""
    telling = [line for line in said if line and _REASON.search(line)]
    last = telling[-1] if telling else next((line for line in reversed(said) if line), "lego said nothing")
    return " ".join(last.split()).rstrip(".")
