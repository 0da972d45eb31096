# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of an htpasswd file, changed no more than it must be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

SCHEMES = ("bcrypt", "sha512_crypt", "apr_md5_crypt")
DEFAULT_ROUNDS: dict[str, int | None] = {"bcrypt": 12, "sha512_crypt": 656_000, "apr_md5_crypt": None}
ROUNDS_LIMITS = {"bcrypt": (4, 17), "sha512_crypt": (1000, 10_000_000)}
BCRYPT_MAX_BYTES = 72

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_B64 = r"[./A-Za-z0-9]"
# What nginx verifies, by itself or through crypt(3); unsalted and plain forms are left out.
_KNOWN_HASHES = (
    re.compile(rf"\$2[aby]\$\d\d\${_B64}{{53}}"),
    re.compile(rf"\$6\$(rounds=\d+\$)?{_B64}{{0,16}}\${_B64}{{86}}"),
    re.compile(rf"\$5\$(rounds=\d+\$)?{_B64}{{0,16}}\${_B64}{{43}}"),
    re.compile(rf"\$y\${_B64}+\${_B64}+\${_B64}{{43}}"),
    re.compile(rf"\$apr1\${_B64}{{0,8}}\${_B64}{{22}}"),
    re.compile(r"\{SSHA\}[A-Za-z0-9+/]{32,}={0,2}"),
)


class Handler(Protocol):
    """The part of a passlib hash handler that is used here."""

    def identify(self, value: str) -> bool:
        """Tell whether `value` looks like a hash of this scheme."""

    def needs_update(self, value: str) -> bool:
        """Tell whether `value` has another cost than the wanted one."""

    def verify(self, secret: str, value: str) -> bool:
        """Tell whether `value` is a hash of `secret`."""

    def hash(self, secret: str) -> str:
        """Make a hash of `secret`."""


def htpasswd(users: object, current: str | None = "", scheme: str = "bcrypt", rounds: int | None = None) -> str:
    """Return the file's text for `users`, keeping each hash of `current` that is still right."""
    handler = _handler(scheme, rounds)
    if isinstance(users, (str, Mapping)) or not isinstance(users, Sequence):
        raise InputError(f"The users are a list of dicts with name and password or hash, not a {type(users).__name__}.")
    names: set[str] = set()
    for user in users:
        check_user(user, scheme)
        name = str(user["name"])
        if name in names:
            raise InputError(f"User {name!r} stands twice in the list of users, keep one of them.")
        names.add(name)

    known = _parse(current or "")
    lines = []
    for user in users:
        name = str(user["name"])
        if user.get("hash") is not None:
            lines.append(f"{name}:{user['hash']}")
        else:
            lines.append(f"{name}:{_hash(handler, str(user['password']), known.get(name))}")
    return "".join(f"{line}\n" for line in lines)


def check_user(user: object, scheme: str = "bcrypt") -> None:
    """Raise InputError where a user cannot stand in an htpasswd file."""
    if not isinstance(user, Mapping):
        raise InputError(f"A user is a dict with name and password or hash, not a {type(user).__name__}.")
    name = check_user_name(user.get("name"))
    password, ready = user.get("password"), user.get("hash")
    if password is None and ready is None:
        raise InputError(f"User {name!r} has neither password nor hash, write one of them.")
    if password is not None and ready is not None:
        raise InputError(f"User {name!r} has both password and hash, write only one of them.")
    if ready is not None:
        _check_hash(name, ready)
    else:
        _check_password(name, password, scheme)


def check_user_name(name: object) -> str:
    """Raise InputError where a name cannot stand in an htpasswd file."""
    if not isinstance(name, str) or not name:
        raise InputError("A user has no name, write one as a quoted string.")
    if ":" in name or _CONTROL.search(name):
        raise InputError(f"User name {name!r} holds a colon or a control character, write one without.")
    if name.startswith("#") or name != name.strip():
        raise InputError(f"User name {name!r} begins with # or has a space at an end, write one without.")
    return str(name)


def _check_password(name: str, password: object, scheme: str) -> None:
    if not isinstance(password, str):
        raise InputError(f"The password of user {name!r} is a {type(password).__name__}, quote it.")
    if not password:
        raise InputError(f"The password of user {name!r} is empty, write one.")
    if _CONTROL.search(password):
        raise InputError(f"The password of user {name!r} holds a control character, which HTTP does not carry.")
    size = len(password.encode())
    if scheme == "bcrypt" and size > BCRYPT_MAX_BYTES:
        raise InputError(
            f"The password of user {name!r} is {size} bytes long and bcrypt reads {BCRYPT_MAX_BYTES},"
            " write a shorter one."
        )


def _check_hash(name: str, ready: object) -> None:
    if not isinstance(ready, str) or not any(pattern.fullmatch(ready) for pattern in _KNOWN_HASHES):
        raise InputError(
            f"The hash of user {name!r} is of no known form, write one that begins with"
            " $2y$ (bcrypt), $6$, $5$, $y$, $apr1$ or {SSHA}."
        )


def _handler(scheme: str, rounds: int | None) -> Handler:
    if scheme not in SCHEMES:
        raise InputError(f"htpasswd does not know the scheme {scheme!r}, write one of: {', '.join(SCHEMES)}.")
    try:
        from passlib import hash as passlib_hash
    except ImportError:
        raise InputError("htpasswd needs passlib on the controller, install it with: pip install passlib.") from None
    handler: Any = getattr(passlib_hash, scheme)
    if scheme not in ROUNDS_LIMITS:
        if rounds is not None:
            raise InputError(f"The scheme {scheme} has no rounds, leave them out.")
        return cast("Handler", handler)
    low, high = ROUNDS_LIMITS[scheme]
    wanted = DEFAULT_ROUNDS[scheme] if rounds is None else rounds
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not low <= wanted <= high:
        raise InputError(f"The rounds of {scheme} are {wanted!r}, write a number from {low} to {high}.")
    return cast("Handler", handler.using(rounds=wanted))


def _parse(text: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            entries.setdefault(name, value)
    return entries


def _hash(handler: Handler, password: str, current: str | None) -> str:
    if current is not None and handler.identify(current):
        try:
            if not handler.needs_update(current) and handler.verify(password, current):
                return current
        except ValueError:
            # Damaged: a new hash replaces it.
            pass
    return handler.hash(password)
