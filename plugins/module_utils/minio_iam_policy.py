# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MinIO's policies rewritten for RustFS: the same rights or fewer, never more, and what could not be kept by name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_policy import S3_ARN, VERSION
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_actions import (
    ALL_ACTIONS,
    MINIO_ACTIONS,
    denied,
    granted,
    is_pattern,
)

# Why something is in a rewritten policy's list.
WILDCARD = "wildcard_actions"
ACTION = "policy_action"
CONDITION = "policy_condition"
RESOURCE = "policy_resource"
STATEMENT = "policy_statement"
SOURCE_IP = "policy_source_ip"

CONDITION_KEYS = frozenset(
    {
        "s3:x-amz-copy-source",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-customer-algorithm",
        "s3:signatureversion",
        "s3:authType",
        "s3:signatureAge",
        "s3:x-amz-content-sha256",
        "s3:x-amz-acl",
        "s3:LocationConstraint",
        "s3:versionid",
        "s3:VersionId",
        "s3:object-lock-retain-until-date",
        "s3:object-lock-legal-hold",
        "s3:object-lock-mode",
        "s3:max-keys",
        "s3:x-amz-metadata-directive",
        "s3:x-amz-storage-class",
        "s3:prefix",
        "s3:delimiter",
        "s3:x-amz-grant-full-control",
        "s3:x-amz-grant-read",
        "s3:x-amz-grant-write",
        "s3:x-amz-grant-read-acp",
        "s3:x-amz-grant-write-acp",
        "s3:ExistingObjectTag",
        "s3:RequestObjectTagKeys",
        "s3:RequestObjectTag",
        "aws:Referer",
        "aws:SourceIp",
        "aws:UserAgent",
        "aws:SecureTransport",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:principaltype",
        "aws:userid",
        "aws:username",
        "aws:groups",
    }
)
OPERATORS = frozenset(
    {
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
        "BinaryEquals",
        "IpAddress",
        "NotIpAddress",
        "Null",
        "Bool",
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanIfExists",
        "NumericGreaterThanEquals",
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
    }
)
VERSIONS = "s3:GetObjectVersion"
QUALIFIERS = ("ForAllValues:", "ForAnyValue:")
# What RustFS puts values in for, in policies of users; in those of buckets it does for nothing.
VARIABLES = frozenset({"aws:username", "aws:userid"})
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_VARIABLE = re.compile(r"\$\{([^}]*)\}?")


@dataclass(frozen=True)
class Loss:
    """Something of a policy that is not in the rewritten one, or not as it was."""

    code: str
    text: str


@dataclass
class Rewritten:
    """A policy for RustFS, None where nothing is left of it, and what it lacks."""

    policy: dict[str, Any] | None
    losses: list[Loss] = field(default_factory=list)


def rewrite(policy: Mapping[str, Any]) -> Rewritten:
    """Return what RustFS takes of a policy of MinIO's, of a user or of a bucket."""
    losses: list[Loss] = []
    statements = []
    raw = policy.get("Statement") or []
    for number, statement in enumerate([raw] if isinstance(raw, Mapping) else raw, start=1):
        place = f"statement {number}" + (f" ({statement['Sid']})" if statement.get("Sid") else "")
        kept = _statement(statement, place, losses)
        if kept is not None:
            statements.append(kept)
    # Denials alone give nothing, yet they hold against what other policies allow.
    return Rewritten({"Version": VERSION, "Statement": statements} if statements else None, losses)


def _statement(statement: Mapping[str, Any], place: str, losses: list[Loss]) -> dict[str, Any] | None:
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        losses.append(Loss(STATEMENT, f"{place} is left out: its Effect is {effect!r}."))
        return None
    deny = effect == "Deny"
    kept: dict[str, Any] = {}
    if statement.get("Sid"):
        kept["Sid"] = str(statement["Sid"])
    kept["Effect"] = effect
    if "Principal" in statement:
        kept["Principal"] = statement["Principal"]
    for part in (_actions, _resources, _conditions):
        found = part(statement, deny, place, losses)
        if found is None:
            return None
        kept |= found
    return kept


def _actions(statement: Mapping[str, Any], deny: bool, place: str, losses: list[Loss]) -> dict[str, Any] | None:
    excepted = _strings(statement.get("NotAction"))
    written = _strings(statement.get("Action")) or excepted
    _name_actions(sorted(written), place, losses)
    if not excepted:
        names = {name for action in written for name in (denied if deny else granted)(action)}
        if not deny and VERSIONS not in written:
            _drop_implied(names, place, losses)
        if not names:
            # Where all of them were foreign, each is named already.
            return None
        return {"Action": _collapse(names)}
    if deny:
        # What is spared from a denial must not become more.
        spared = {name for action in excepted for name in granted(action)}
        if VERSIONS not in excepted:
            _drop_implied(spared, place, losses)
        return {"NotAction": _collapse(spared)} if spared else {"Action": [ALL_ACTIONS]}
    barred = {name for action in excepted for name in denied(action)}
    if VERSIONS in excepted:
        # Excepted exactly, MinIO excepts objects with it.
        barred.add("s3:GetObject")
    names = set() if ALL_ACTIONS in barred else set(MINIO_ACTIONS.values()) - barred - {"s3:ForceDeleteBucket"}
    _drop_implied(names, place, losses)
    losses.append(Loss(WILDCARD, f"{place}: its NotAction is written out as the {len(names)} other actions."))
    return {"Action": _collapse(names)} if names else None


def _drop_implied(names: set[str], place: str, losses: list[Loss]) -> None:
    """Who may read versions may read objects: on MinIO only where that is written exactly, on RustFS always."""
    if VERSIONS in names and "s3:GetObject" not in names:
        names.discard(VERSIONS)
        losses.append(Loss(ACTION, f"{place}: {VERSIONS} is left out, RustFS takes it for s3:GetObject too."))


def _name_actions(actions: list[str], place: str, losses: list[Loss]) -> None:
    for action in actions:
        if action in ("*", ALL_ACTIONS) or action in MINIO_ACTIONS:
            continue
        names = granted(action) if is_pattern(action) else ()
        if names:
            losses.append(Loss(WILDCARD, f"{place}: {action} is written out as {len(names)} exact names."))
        elif action.startswith(("admin:", "kms:", "sts:")):
            losses.append(Loss(ACTION, f"{place}: {action} is left out, it is not about objects or buckets."))
        else:
            losses.append(Loss(ACTION, f"{place}: {action} is left out, RustFS does not know it."))


def _collapse(names: set[str]) -> list[str]:
    return [ALL_ACTIONS] if ALL_ACTIONS in names else sorted(names)


def _resources(statement: Mapping[str, Any], deny: bool, place: str, losses: list[Loss]) -> dict[str, Any] | None:
    key = "NotResource" if statement.get("NotResource") else "Resource"
    # In these a pattern that matches more gives fewer rights.
    widen = deny == (key == "Resource")
    kept = []
    for resource in _strings(statement.get(key)):
        found = _resource(resource, widen, _variables(statement))
        if found is None:
            losses.append(Loss(RESOURCE, f"{place}: the resource {resource} is left out, RustFS cannot match it."))
            continue
        if found != resource and resource != "*":
            losses.append(Loss(RESOURCE, f"{place}: the resource {resource} is written as {found}."))
        # MinIO matches bucket/* with the bucket too, and RustFS does not.
        kept += [found, found.removesuffix("/*")] if widen and found.endswith("/*") else [found]
    if kept:
        return {key: list(dict.fromkeys(kept))}
    losses.append(Loss(STATEMENT, f"{place} is left out: it names no resource that RustFS has."))
    # Without its exceptions an Allow would give more; a Deny of nothing that exists denies nothing.
    if key == "NotResource" and deny:
        losses.pop()
        return {"Resource": [f"{S3_ARN}*"]}
    return None


def _variables(statement: Mapping[str, Any]) -> frozenset[str]:
    """Return the variables that RustFS resolves in a statement; one with a principal is a bucket's."""
    return frozenset() if "Principal" in statement else VARIABLES


def _resource(resource: str, widen: bool, known: frozenset[str]) -> str | None:
    if resource == "*":
        return f"{S3_ARN}*"
    if not resource.startswith(S3_ARN) or resource == S3_ARN:
        return None
    if all(name in known for name in _VARIABLE.findall(resource)):
        return resource
    return _VARIABLE.sub(lambda found: found[0] if found[1] in known else "*", resource) if widen else None


def _conditions(statement: Mapping[str, Any], deny: bool, place: str, losses: list[Loss]) -> dict[str, Any] | None:
    kept: dict[str, Any] = {}
    for operator, tests in (statement.get("Condition") or {}).items():
        for key, values in tests.items():
            why = _refused(str(operator), str(key), _strings(values), _variables(statement))
            if why is None:
                kept.setdefault(str(operator), {})[str(key)] = _values(str(operator), _strings(values))
                if str(key) == "aws:SourceIp":
                    text = f"{place} asks for the client's address: behind a proxy RustFS sees the proxy's unless told"
                    losses.append(Loss(SOURCE_IP, f"{text} to trust it."))
            elif deny:
                losses.append(Loss(CONDITION, f"{place}: it denies without its condition on {key}, {why}."))
            else:
                losses.append(Loss(CONDITION, f"{place} is left out: it allows on a condition on {key}, {why}."))
                return None
    return {"Condition": kept} if kept else {}


def _refused(operator: str, key: str, values: list[str], known: frozenset[str]) -> str | None:
    if _plain(operator) not in OPERATORS:
        return f"and RustFS does not know {operator}"
    if key.partition("/")[0] not in CONDITION_KEYS or not key.isascii() or json.dumps(key) != f'"{key}"':
        return "which RustFS does not know"
    if _values(operator, values) is None:
        return f"whose value {', '.join(values)} RustFS does not take with {operator}"
    unknown = [name for value in values for name in _VARIABLE.findall(value) if name not in known]
    return f"whose variable {unknown[0]} RustFS does not resolve there" if unknown else None


def _plain(operator: str) -> str:
    for qualifier in QUALIFIERS:
        operator = operator.removeprefix(qualifier)
    return operator


def _values(operator: str, values: list[str]) -> list[str] | str | None:
    """Return a condition's values as RustFS reads them, None where it cannot."""
    kind = _plain(operator)
    if kind.startswith(("Numeric", "Date")):
        form = _NUMBER if kind.startswith("Numeric") else _DATE
        # One value, and not in a list.
        return values[0] if len(values) == 1 and form.fullmatch(values[0]) else None
    if kind in ("Bool", "Null"):
        return values if len(values) == 1 and values[0] in ("true", "false") else None
    if kind in ("IpAddress", "NotIpAddress"):
        try:
            # RustFS reads an IPv6 address without a length as a network of 32 bits.
            return [str(ip_network(value, strict=False)) for value in values]
        except ValueError:
            return None
    return values or None


def _strings(value: object) -> list[str]:
    if value is None:
        return []
    values = value if isinstance(value, (list, tuple)) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in values]
