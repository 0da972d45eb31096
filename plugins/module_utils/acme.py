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
# lego's own prefix, what it has to tell before the reasons, and the names that the protocol has for them.
_TIME = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
_BEFORE_REASONS = ("error: one or more domains had a problem:", "Could not obtain certificates:")
_TRIES = re.compile(r"^.*giving up after \d+ attempt\(s\): ")
_KIND = re.compile(
    r"(?:invalid authorization: )?acme: error: \d+ :: urn:ietf:params:acme:error:(\w+) :: (.*?)(?:, problem: .*)?"
)


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
    """Return what lego says at its end, where it can have a reason for each domain."""
    lines = [" ".join(line.split()) for line in said if line.strip()]
    begins = max((number for number, line in enumerate(lines) if line in _BEFORE_REASONS), default=len(lines) - 2)
    return "; ".join(_sentence(line) for line in lines[max(begins + 1, 0) :]) or "lego said nothing"


def _sentence(line: str) -> str:
    """Leave out what repeats the address and the protocol's own words around the reason."""
    domain, _, rest = line.partition("] ") if line.startswith("[") else ("", "", line)
    rest = _TRIES.sub("", rest)
    match = _KIND.fullmatch(rest)
    text = f"{match[2]} ({match[1]})" if match else rest
    return (f"{domain[1:]}: {text}" if domain else text).rstrip(".")
