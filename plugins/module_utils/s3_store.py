# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An S3 store: where it is, the key to it, a client of it, and what its errors mean to an operator."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

CONNECT_SECONDS = 10
# A store on slow disks may take a minute for a page of its listing.
READ_SECONDS = 120
ATTEMPTS = 5
# What S3 lets the clocks differ.
SKEW_SECONDS = 15 * 60
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

STORE_OPTIONS: dict[str, Any] = {
    "endpoint_url": {"type": "str", "required": True},
    "access_key": {"type": "str", "required": True, "no_log": False},
    "secret_key": {"type": "str", "required": True, "no_log": True},
    "region": {"type": "str", "default": "us-east-1"},
    "ca_certificate": {"type": "path"},
}


@dataclass(frozen=True)
class Store:
    """Address of an S3 store and the key to use."""

    endpoint_url: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    ca_certificate: str | None = None

    @property
    def tls(self) -> bool:
        """Tell whether the address is an https one."""
        return self.endpoint_url.startswith("https:")


def store_of(option: Mapping[str, Any], variable: str = "store") -> Store:
    """Return the store that a module's option describes; raise InputError, naming the variable, where it cannot be."""
    url = str(option["endpoint_url"]).strip().rstrip("/")
    _check_url(url, f"{variable}.endpoint_url")
    for name in ("access_key", "secret_key"):
        value = str(option[name])
        if not value.strip() or not value.isprintable():
            raise InputError(
                f"{variable}.{name}: is empty or has a line break or another control character, write the key alone."
            )
    certificate = option.get("ca_certificate") or None
    if certificate is not None and not Path(certificate).is_file():
        raise InputError(
            f"{variable}.ca_certificate: found {certificate!r}, which is no file on this server,"
            " write the path of a PEM file on it."
        )
    return Store(url, str(option["access_key"]), str(option["secret_key"]), _region(option), certificate)


def _region(option: Mapping[str, Any]) -> str:
    return str(option.get("region") or "us-east-1")


def _check_url(url: str, variable: str) -> None:
    wanted = "write an address such as 'http://minio.example.org:9000'"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as exc:
        raise InputError(f"{variable}: is no address ({exc}), {wanted}.") from exc
    if parts.username is not None:
        # The address is not shown: it holds a password.
        raise InputError(f"{variable}: has a key in it, write the address alone and the key as access_key, secret_key.")
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable():
        raise InputError(f"{variable}: found {url!r}, {wanted}.")
    if parts.path or parts.query or parts.fragment:
        raise InputError(f"{variable}: found {url!r} with a path, {wanted}, without a path.")


def client(store: Store, connections: int = 16) -> Any:
    """Return a boto3 client of the store that takes nothing from the environment, the home folder or a proxy."""
    import boto3.session
    import botocore.session
    from botocore.config import Config

    variables = {
        name: (None, None, default, convert)
        for name, (_file, _environment, default, convert) in botocore.session.Session.SESSION_VARIABLES.items()
    }
    # Both would be read from the home folder.
    variables["config_file"] = variables["credentials_file"] = (None, None, os.devnull, None)
    settings: dict[str, Any] = {
        "signature_version": "s3v4",
        "s3": {"addressing_style": "path"},
        "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "max_pool_connections": connections,
        "proxies": {},
        "use_dualstack_endpoint": False,
        "use_fips_endpoint": False,
        # A trailing checksum is what some stores refuse. Older botocore does not know the settings, and sends none.
        **{
            name: "when_required"
            for name in ("request_checksum_calculation", "response_checksum_validation")
            if name in Config.OPTION_DEFAULTS
        },
    }
    session = boto3.session.Session(botocore_session=botocore.session.Session(session_vars=variables))
    return session.client(
        "s3",
        endpoint_url=store.endpoint_url,
        aws_access_key_id=store.access_key,
        aws_secret_access_key=store.secret_key,
        region_name=store.region,
        verify=store.ca_certificate or True,
        config=Config(**settings),
    )


def check_bucket(side: Any, store: Store, bucket: str, variable: str) -> None:
    """Raise InputError where a bucket is missing or its store does not answer; `side` is the store's client."""
    try:
        side.head_bucket(Bucket=bucket)
    except Exception as error:
        raise InputError(f"{explain(error, store, variable)} (bucket {bucket})") from error


@contextlib.contextmanager
def explained(store: Store, variable: str) -> Iterator[None]:
    """Turn errors of botocore into InputError; they cannot be named where it is not installed."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "boto3")):
            raise
        raise InputError(explain(error, store, variable)) from error


def explain(error: Exception, store: Store, variable: str) -> str:
    """Say in one sentence what a failed request means: which variable, what was found, what to write."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        text = _answered(response, store, variable)
    else:
        text = _unanswered(error, store, variable)
    return text.replace(store.secret_key, "***")


def _unanswered(error: Exception, store: Store, variable: str) -> str:
    """Explain an error without an HTTP answer, by the names of botocore's exceptions."""
    url = store.endpoint_url
    kinds = {kind.__name__ for kind in type(error).__mro__}
    reason = _reason(error)
    if "SSLError" in kinds:
        return _tls(reason, store, variable)
    if "ConnectionClosedError" in kinds and not store.tls:
        return (
            f"{variable}.endpoint_url: {url} takes connections and closes them without an answer,"
            " write https:// if the store speaks TLS, or look at its log."
        )
    if "ConnectTimeoutError" in kinds:
        return (
            f"{variable}.endpoint_url: {url} did not answer within {CONNECT_SECONDS} seconds,"
            " write an address that this server reaches, or look at the firewall."
        )
    if "ReadTimeoutError" in kinds:
        return (
            f"{variable}.endpoint_url: {url} took a request and did not answer within {READ_SECONDS} seconds,"
            " look at the load and the log of the store, and run this again."
        )
    if "EndpointConnectionError" in kinds:
        return (
            f"{variable}.endpoint_url: {url} cannot be reached from this server ({reason}),"
            " write an address where the store runs."
        )
    if "ResponseParserError" in kinds:
        return _not_s3(url, variable)
    return (
        f"{variable}.endpoint_url: a request to {url} failed ({type(error).__name__}: {reason}),"
        " look at the network and the log of the store, and run this again."
    )


def _tls(reason: str, store: Store, variable: str) -> str:
    url = store.endpoint_url
    if "CERTIFICATE_VERIFY_FAILED" in reason or "doesn't match" in reason:
        why = reason.partition("certificate verify failed:")[2].strip() or reason
        why = re.sub(r" *\(_ssl\.c:\d+\)", "", why)
        if "doesn't match" in reason or "hostname" in why.lower() or "ip address" in why.lower():
            return (
                f"{variable}.endpoint_url: the certificate of {url} is for another name ({why}),"
                " write an address with a name that the certificate has."
            )
        if "expired" in why or "not yet valid" in why:
            return (
                f"{variable}.endpoint_url: the certificate of {url} is not valid now ({why}),"
                " renew it, or set the clock of this server."
            )
        found = f"{store.ca_certificate!r} does not vouch" if store.ca_certificate else "is empty and nobody vouches"
        return (
            f"{variable}.ca_certificate: {found} for the certificate of {url} ({why}),"
            " write the path of a PEM file on this server with the authority that signed it."
        )
    if "WRONG_VERSION_NUMBER" in reason or "record layer failure" in reason.lower() or "HTTP_REQUEST" in reason:
        return f"{variable}.endpoint_url: {url} does not speak TLS there, write http:// instead of https://."
    if store.ca_certificate and re.search(r"No such file|NO_CERTIFICATE|PEM|NO_START_LINE|Permission", reason):
        return (
            f"{variable}.ca_certificate: {store.ca_certificate!r} cannot be read as certificates ({reason}),"
            " write the path of a PEM file on this server."
        )
    return (
        f"{variable}.endpoint_url: no TLS connection to {url} ({reason}),"
        " write an address whose port speaks TLS 1.2 or newer."
    )


def _answered(response: Mapping[str, Any], store: Store, variable: str) -> str:
    """Explain an answer that is an error."""
    url = store.endpoint_url
    said = response.get("Error", {})
    meta = response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode") or 0)
    code = error_code(response)
    speaks_s3 = any(name.startswith("x-amz-") for name in meta.get("HTTPHeaders", {}))
    if code == "InvalidAccessKeyId":
        return (
            f"{variable}.access_key: {url} does not know the access key {store.access_key!r},"
            " write one that exists and is enabled there."
        )
    if code == "SignatureDoesNotMatch":
        return (
            f"{variable}.secret_key: {url} knows the access key {store.access_key!r} and refuses its secret,"
            " write the secret that belongs to it."
        )
    ahead = _seconds_ahead(meta)
    if code in ("RequestTimeTooSkewed", "RequestExpired") or (code == "403" and abs(ahead) > SKEW_SECONDS):
        return (
            f"{variable}.endpoint_url: the clock of {url} {_skew(ahead)} that of this server,"
            " set both by NTP, and run this again."
        )
    if code == "AuthorizationHeaderMalformed":
        return (
            f"{variable}.region: {url} is not of the region {store.region!r} ({_message(said)}),"
            " write the region that the store is set to."
        )
    if code == "NoSuchBucket":
        name = said.get("BucketName")
        return (
            f"{variable}: {url} has no bucket{f' {name!r}' if name else ' of that name'},"
            " write the name of a bucket that it has."
        )
    if code == "InvalidBucketName":
        return f"{variable}: {url} refuses the name of the bucket, write one of 3 to 63 of the characters a-z 0-9 . -."
    if code in ("AccessDenied", "AllAccessDisabled", "UnauthorizedAccess"):
        return (
            f"{variable}.access_key: {url} does not let the access key {store.access_key!r} do that ({code}),"
            " write a key that may, or give this one the permission."
        )
    if code == "404" and speaks_s3:
        # An answer to HEAD, which has no body that would name the code.
        return f"{variable}: {url} has no bucket or no object of that name, write the name of one that it has."
    if code == "400" and not store.tls and not speaks_s3:
        # A TLS port's answer to plain HTTP.
        return f"{variable}.endpoint_url: {url} refuses plain HTTP there, write https:// instead of http://."
    if code == "403":
        return (
            f"{variable}.access_key: {url} refuses the access key {store.access_key!r} or its secret (403),"
            " write a key that may do this, with its secret."
        )
    if code.isdigit() and status < 500 and not speaks_s3:
        return _not_s3(url, variable)
    if status >= 500:
        return (
            f"{variable}.endpoint_url: {url} is not able to serve now ({status} {code}),"
            " look at its log and its disks, and run this again."
        )
    return f"{variable}: {url} answered {status} {code} ({_message(said)}), look at the log of the store."


def error_code(response: Mapping[str, Any]) -> str:
    """Return the S3 error code; answers to HEAD have no body, and MinIO tells the code in a header."""
    code = str(response.get("Error", {}).get("Code") or "")
    if code and not code.isdigit():
        return code
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(headers.get("x-minio-error-code") or code)


def _not_s3(url: str, variable: str) -> str:
    return (
        f"{variable}.endpoint_url: what answers at {url} does not speak S3,"
        " write the address of the S3 API, not that of the console or of a proxy."
    )


def _seconds_ahead(meta: Mapping[str, Any]) -> int:
    """Tell how far the store's clock is ahead of ours, by the Date header of its answer; 0 where it has none."""
    try:
        theirs = parsedate_to_datetime(str(meta["HTTPHeaders"]["date"]))
        return round((theirs - datetime.now(timezone.utc)).total_seconds())
    except (KeyError, TypeError, ValueError):
        return 0


def _skew(seconds: int) -> str:
    if abs(seconds) < 60:
        return "differs too much from"
    return f"is {abs(seconds)} seconds {'ahead of' if seconds > 0 else 'behind'}"


def _reason(error: Exception) -> str:
    """Return the cause that botocore wraps, in one line without the addresses of Python objects."""
    cause = getattr(error, "kwargs", {}).get("error", error)
    text = " ".join(str(cause).split())
    return re.sub(r"^<[^>]*>: |^\S*HTTPS?Connection\([^)]*\): ", "", text)[:200].rstrip(".")


def _message(said: Mapping[str, Any]) -> str:
    return " ".join(str(said.get("Message") or "").split())[:200].rstrip(".")
