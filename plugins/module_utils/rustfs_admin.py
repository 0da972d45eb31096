# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of RustFS's admin API, and what has to be done for an access key to be as wanted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_policy import check_policy, normalise

# The alias /minio/admin/v3 wants encrypted bodies.
ADMIN = "/rustfs/admin/v3"
ACCESS_KEY_MIN = 3
SECRET_KEY_MIN = 8
TIMEOUT_SECONDS = 30

_NAME = re.compile(r"[A-Za-z0-9_.@+-]+")
_CODE = re.compile(r"<Code>(.*?)</Code>", re.DOTALL)
_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)


class RustfsError(Exception):
    """A request that RustFS did not do; the message is one sentence."""


class RefusedError(RustfsError):
    """An answer that is an error."""

    def __init__(self, place: str, status: int, code: str, message: str) -> None:
        """Keep what the answer said."""
        said = " ".join(part for part in (str(status), code, message) if part)
        super().__init__(f"RustFS at {place} answered {said}; {_advice(status, code)}.")
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Answer:
    """Status and body of an HTTP answer."""

    status: int
    body: bytes


class Transport(Protocol):
    """Something that signs a request with a key and sends it."""

    def send(self, method: str, url: str, body: bytes, access_key: str, secret_key: str) -> Answer:
        """Return the answer, or raise RustfsError where there is none."""


class BotocoreTransport:
    """Signing and sending with botocore, which has to be on the server."""

    def __init__(self, region: str, verify: bool | str) -> None:
        """Take how certificates are checked: not at all, as the system does, or with a file."""
        from botocore.httpsession import URLLib3Session

        self._region = region
        # Built without proxies: the object store is on a network of its own.
        self._session: Any = URLLib3Session(verify=verify, timeout=TIMEOUT_SECONDS)

    def send(self, method: str, url: str, body: bytes, access_key: str, secret_key: str) -> Answer:
        """Return the answer."""
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        from botocore.exceptions import BotoCoreError

        request = AWSRequest(method=method, url=url, data=body)
        # Its plain sibling SigV4Auth leaves out the header x-amz-content-sha256, which RustFS wants.
        S3SigV4Auth(Credentials(access_key, secret_key), "s3", self._region).add_auth(request)
        try:
            response = self._session.send(request.prepare())
        except BotoCoreError as exc:
            parts = urlsplit(url)
            raise RustfsError(
                f"RustFS at {parts.scheme}://{parts.netloc} does not answer ({_reason(exc)}); look whether it runs."
            ) from exc
        return Answer(int(response.status_code), bytes(response.content))


def _reason(error: Exception) -> str:
    cause = getattr(error, "kwargs", {}).get("error", error)
    text = " ".join(str(cause).split())
    return re.sub(r"^<[^>]*>: |^.*?object at 0x[0-9a-f]+>: ", "", text)[:200]


def _advice(status: int, code: str) -> str:
    if code in ("SignatureDoesNotMatch", "InvalidAccessKeyId", "UnauthorizedAccess"):
        return "look at the administrator's access key and secret key"
    if status == 403:
        return "look whether the key is the administrator's"
    if status == 503:
        return "wait until /health/ready answers 200"
    if status >= 500:
        return "look at the log of RustFS"
    return "look at the options of this task"


@dataclass(frozen=True)
class User:
    """An access key as RustFS has it."""

    enabled: bool
    policies: tuple[str, ...]


# What the doc fragment rustfs_endpoint describes.
ENDPOINT_OPTIONS: dict[str, Any] = {
    "endpoint_url": {"type": "str", "required": True},
    "region": {"type": "str", "default": "us-east-1"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
}


class AdminClient:
    """What the administrator asks and tells RustFS."""

    def __init__(self, endpoint_url: str, access_key: str, secret_key: str, transport: Transport) -> None:
        """Check the address and keep the keys."""
        parts = urlsplit(endpoint_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise InputError(f"endpoint_url: found {endpoint_url!r}, write an address such as 'http://127.0.0.1:9000'.")
        self._place = f"{parts.scheme}://{parts.netloc}"
        self._keys = (access_key, secret_key)
        self._transport = transport

    @classmethod
    def of(cls, params: Mapping[str, Any], access_key: str, secret_key: str) -> AdminClient:
        """Take the options of a module that say where RustFS is."""
        verify = (params["ca_path"] or True) if params["validate_certs"] else False
        return cls(params["endpoint_url"], access_key, secret_key, BotocoreTransport(params["region"], verify))

    def users(self) -> dict[str, User]:
        """Return all access keys that are neither temporary nor service accounts."""
        found = self._json("GET", "list-users")
        return {
            name: User(info.get("status") == "enabled", tuple(_split(info.get("policyName"))))
            for name, info in found.items()
        }

    def policies(self) -> dict[str, dict[str, Any]]:
        """Return all policies."""
        return self._json("GET", "list-canned-policies")

    def put_policy(self, name: str, policy: Mapping[str, Any]) -> None:
        """Make or replace a policy."""
        self._call("PUT", "add-canned-policy", {"name": name}, policy)

    def remove_policy(self, name: str) -> None:
        """Remove a policy that no key has."""
        self._call("DELETE", "remove-canned-policy", {"name": name})

    def put_user(self, access_key: str, secret_key: str, enabled: bool) -> None:
        """Make an access key, or give it another secret; the policies attached to it stay."""
        body = {"secretKey": secret_key, "status": _status(enabled)}
        self._call("PUT", "add-user", {"accessKey": access_key}, body)

    def set_status(self, access_key: str, enabled: bool) -> None:
        """Switch an access key on or off."""
        self._call("PUT", "set-user-status", {"accessKey": access_key, "status": _status(enabled)})

    def remove_user(self, access_key: str) -> None:
        """Remove an access key."""
        self._call("DELETE", "remove-user", {"accessKey": access_key})

    def attach(self, access_key: str, policy_name: str) -> None:
        """Let an access key have this policy and no other."""
        query = {"policyName": policy_name, "userOrGroup": access_key, "isGroup": "false"}
        self._call("PUT", "set-user-or-group-policy", query)

    def secret_is(self, access_key: str, secret_key: str) -> bool:
        """Tell whether the secret belongs to an enabled access key, by asking for its buckets with it."""
        answer = self._transport.send("GET", f"{self._place}/", b"", access_key, secret_key)
        if answer.status == 200:
            return True
        error = self._error(answer)
        if error.code in ("SignatureDoesNotMatch", "InvalidAccessKeyId"):
            return False
        if error.code == "AccessDenied":
            # The signature was right, or RustFS would have said so.
            return True
        raise error

    def _json(self, method: str, action: str) -> dict[str, Any]:
        body = self._call(method, action)
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise RustfsError(
                f"{self._place} answered {action} with something that is not RustFS's; look at the address."
            )
        return document

    def _call(
        self,
        method: str,
        action: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> bytes:
        url = f"{self._place}{ADMIN}/{action}"
        if query:
            url += "?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
        content = b"" if body is None else json.dumps(body).encode()
        answer = self._transport.send(method, url, content, *self._keys)
        if answer.status != 200:
            raise self._error(answer)
        return answer.body

    def _error(self, answer: Answer) -> RefusedError:
        text = answer.body.decode(errors="replace")
        code, message = _CODE.search(text), _MESSAGE.search(text)
        said = " ".join((message[1] if message else "").split())[:200].rstrip(".")
        return RefusedError(self._place, answer.status, code[1].strip() if code else "", said)


@dataclass(frozen=True)
class WantedKey:
    """An access key as it shall be."""

    access_key: str
    secret_key: str
    policy_name: str
    policy: Mapping[str, Any]
    enabled: bool = True

    def check(self, root_access_key: str) -> None:
        """Raise InputError where RustFS would refuse it."""
        check_access_key(self.access_key, root_access_key)
        if len(self.secret_key.encode()) < SECRET_KEY_MIN:
            raise InputError(f"secret_key: is too short, write at least {SECRET_KEY_MIN} characters.")
        if not _NAME.fullmatch(self.policy_name):
            raise InputError(
                f"policy_name: found {self.policy_name!r}, write letters, digits and the characters _ . @ + - only."
            )
        check_policy(self.policy)


def check_access_key(access_key: str, root_access_key: str) -> None:
    """Raise InputError where an access key cannot be."""
    if len(access_key) < ACCESS_KEY_MIN or not _NAME.fullmatch(access_key):
        raise InputError(
            f"access_key: found {access_key!r}, write at least {ACCESS_KEY_MIN} letters, digits"
            " and the characters _ . @ + - only."
        )
    if access_key == root_access_key:
        raise InputError(f"access_key: {access_key!r} is the administrator's own, write another.")


@dataclass
class Report:
    """What was done, or would be, and how it looks before and after; never with a secret."""

    actions: list[str] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Tell whether anything was to be done."""
        return bool(self.actions)


def ensure_present(client: AdminClient, wanted: WantedKey, dry_run: bool) -> Report:
    """Bring the policy, the key, its secret, its status and its attachment to what is wanted.

    In this order a killed run leaves no key with more rights than wanted, and the next run goes on.
    """
    report = Report()
    policy = normalise(wanted.policy)
    present_policy = client.policies().get(wanted.policy_name)
    present = client.users().get(wanted.access_key)
    same_policy = present_policy is not None and normalise(present_policy) == policy
    # RustFS does not tell secrets; that of a disabled key cannot be tried either.
    same_secret = present is None or not present.enabled or client.secret_is(wanted.access_key, wanted.secret_key)

    report.before = {
        "policy": normalise(present_policy) if present_policy is not None else None,
        "key": None if present is None else _describe(present.enabled, present.policies, same_secret),
    }
    report.after = {"policy": policy, "key": _describe(wanted.enabled, (wanted.policy_name,), True)}

    def do(name: str) -> bool:
        report.actions.append(name)
        return not dry_run

    if not same_policy and do("policy written"):
        client.put_policy(wanted.policy_name, wanted.policy)
    if present is None:
        if do("key made"):
            client.put_user(wanted.access_key, wanted.secret_key, wanted.enabled)
    elif not same_secret or (wanted.enabled and not present.enabled):
        # Enabling sets the secret too, which could not be tried before.
        for name, needed in (("secret changed", not same_secret), ("key enabled", not present.enabled)):
            if needed:
                do(name)
        if not dry_run:
            client.put_user(wanted.access_key, wanted.secret_key, wanted.enabled)
    if present is not None and present.enabled and not wanted.enabled and do("key disabled"):
        client.set_status(wanted.access_key, enabled=False)
    if (present is None or present.policies != (wanted.policy_name,)) and do("policy attached"):
        client.attach(wanted.access_key, wanted.policy_name)
    if report.changed and not dry_run and wanted.enabled and not client.secret_is(wanted.access_key, wanted.secret_key):
        raise RustfsError("RustFS took the access key and refuses its secret; look at the log of RustFS.")
    return report


def ensure_absent(client: AdminClient, access_key: str, policy_name: str | None, dry_run: bool) -> Report:
    """Remove the key, and then the policy unless another key has it."""
    report = Report()
    users = client.users()
    present = users.get(access_key)
    if present is not None:
        report.before["key"] = _describe(present.enabled, present.policies, True)
        report.after["key"] = None
        report.actions.append("key removed")
        if not dry_run:
            client.remove_user(access_key)
    if policy_name is None:
        return report
    policy = client.policies().get(policy_name)
    needed = any(policy_name in user.policies for name, user in users.items() if name != access_key)
    if policy is not None and not needed:
        report.before["policy"] = normalise(policy)
        report.after["policy"] = None
        report.actions.append("policy removed")
        if not dry_run:
            client.remove_policy(policy_name)
    return report


def _describe(enabled: bool, policies: tuple[str, ...], same_secret: bool) -> dict[str, Any]:
    return {
        "status": _status(enabled),
        "policies": sorted(policies),
        "secret": "as given" if same_secret else "another",
    }


def _status(enabled: bool) -> str:
    return "enabled" if enabled else "disabled"


def _split(names: object) -> list[str]:
    return [name.strip() for name in str(names or "").split(",") if name.strip()]
