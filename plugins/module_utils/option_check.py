# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values against a role's argument spec, with one sentence for each that does not fit."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

TYPE_WORDS = {
    "bool": "true or false",
    "bits": "a size in bits such as 10Mb",
    "bytes": "a size such as 512M",
    "dict": "keys with values",
    "float": "a number",
    "int": "an integer",
    "json": "JSON",
    "jsonarg": "JSON",
    "list": "a list",
    "path": "a path",
    "raw": "a value",
    "str": "a string",
}
RELATIONS = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
HIDDEN = "(hidden)"
MAX_SHOWN = 60

_SECRET_NAME = re.compile(r"(^|_)(password|passphrase|secret|token|secret_key|private_key)$")
# A role takes what the operator wrote, not what a module would make of it.
_NOT_CONVERTED: dict[str, tuple[type, ...]] = {
    "bool": (),
    "dict": (str,),
    "int": (bool,),
    "float": (bool,),
    "list": (str, int, float),
    "path": (bool, int, float, list, dict),
    "str": (bool, float, list, dict),
}


def check_option(path: str, spec: Mapping[str, Any], value: object, hidden: bool = False) -> list[str]:
    """Return what is wrong with the value of one option, down to its leaves."""
    kind = str(spec.get("type", "str"))
    secret = hidden or _is_secret(path, spec)
    if value is None:
        if spec.get("required") or spec.get("default") is not None:
            return [f"{path}: has no value, write {_wish(spec)} or remove the line."]
        return []
    if not _fits(kind, spec, value):
        # A container of the wrong type may hold its secrets in any form.
        shown = _show(value, hidden=secret or _holds_secret(spec))
        hint = " in quotes" if kind in ("str", "path") and isinstance(value, (bool, int, float)) else ""
        return [f"{path}: found {shown} ({_type_name(value)}), write {_wish(spec)}{hint}."]
    if kind == "list" and isinstance(value, Sequence):
        element = {key: spec[key] for key in ("options", "choices", "no_log", *RELATIONS) if key in spec}
        element["type"] = spec.get("elements", "raw")
        return [
            problem
            for index, item in enumerate(value)
            for problem in check_option(f"{path}[{index}]", {**element, "required": True}, item, secret)
        ]
    if kind == "dict" and isinstance(value, Mapping):
        return _check_keys(path, spec, value, secret)
    if secret and kind == "str":
        if not isinstance(value, str):
            return [f"{path}: found {HIDDEN} ({_type_name(value)}), write a string in quotes."]
        if not value:
            return [f"{path}: is empty, write a value or remove the line."]
    return []


def without_bad_items(path: str, value: object, problems: Sequence[str]) -> object:
    """Return what further checks can rely on: a list item with problems becomes None, as does any other value."""
    if not problems:
        return value
    if not isinstance(value, list):
        return None
    return [
        None if any(problem.startswith(f"{path}[{index}]") for problem in problems) else item
        for index, item in enumerate(value)
    ]


def suggest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return close[0] if close else None


def _fits(kind: str, spec: Mapping[str, Any], value: object) -> bool:
    # YAML reads a bare `off` as false.
    if value is False and kind == "str" and "off" in (spec.get("choices") or []):
        return True
    if isinstance(value, _NOT_CONVERTED.get(kind, ())):
        return False
    rule: dict[str, Any] = {"type": kind}
    if kind != "list" and spec.get("choices") is not None:
        rule["choices"] = spec["choices"]
    try:
        return not ArgumentSpecValidator({"value": rule}).validate({"value": value}).error_messages
    except OverflowError:
        # Ansible's own check of an integer stumbles over an infinite number.
        return False


def _check_keys(path: str, spec: Mapping[str, Any], value: Mapping[Any, Any], hidden: bool) -> list[str]:
    options: Mapping[str, Mapping[str, Any]] = spec.get("options") or {}
    if not options:
        return []
    names = {alias: name for name, sub in options.items() for alias in (name, *(sub.get("aliases") or []))}
    problems = []
    for key in value:
        if str(key) not in names:
            meant = suggest(str(key), names)
            advice = f"write {meant}" if meant else f"write one of: {', '.join(sorted(options))}"
            problems.append(f"{path}.{key}: is not an option, {advice}.")
    given = {names[str(key)]: item for key, item in value.items() if str(key) in names}
    for name, sub in options.items():
        if name in given:
            problems += check_option(f"{path}.{name}", sub, given[name], hidden)
        elif sub.get("required"):
            problems.append(f"{path}.{name}: is missing, write {_wish(sub)}.")
    relations = {key: spec[key] for key in RELATIONS if key in spec}
    if relations:
        present = {name: "given" for name, item in given.items() if item is not None}
        plain = {name: {"type": "raw"} for name in options}
        found = ArgumentSpecValidator(plain, **relations).validate(present)
        problems += [f"{path}: {message[:1].lower()}{message[1:].rstrip('.')}." for message in found.error_messages]
    return problems


def _wish(spec: Mapping[str, Any]) -> str:
    if spec.get("choices") and spec.get("type") != "list":
        return "one of: " + ", ".join(str(choice) for choice in spec["choices"])
    return TYPE_WORDS.get(str(spec.get("type", "str")), "a value")


def _is_secret(path: str, spec: Mapping[str, Any]) -> bool:
    return bool(spec.get("no_log")) or bool(_SECRET_NAME.search(path.rpartition(".")[2]))


def _holds_secret(spec: Mapping[str, Any]) -> bool:
    options: Mapping[str, Mapping[str, Any]] = spec.get("options") or {}
    return any(_is_secret(name, sub) or _holds_secret(sub) for name, sub in options.items())


def _type_name(value: object) -> str:
    for kind in (bool, int, float, str, list, dict):
        if isinstance(value, kind):
            return kind.__name__
    return type(value).__name__


def _show(value: object, hidden: bool) -> str:
    if hidden:
        return HIDDEN
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
