# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of MLflow's REST API with nothing but the standard library.

It can connect to another address than the URL's, which http.client allows and the usual libraries do not.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
SERVER_INFO = "/api/3.0/mlflow/server-info"
CHUNK_BYTES = 1 << 20
MAX_JSON_BYTES = 16 << 20
# X509_V_FLAG_PARTIAL_CHAIN, which Python has a name for since 3.10.
PARTIAL_CHAIN = 0x80000

FRONT_DOOR_OPTIONS: dict[str, Any] = {
    "url": {"type": "str", "required": True},
    "connect_address": {"type": "str"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "ca_path": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
}
FRONT_DOOR_TOGETHER = [("username", "password")]

_PRINTABLE = re.compile(r"[!-~]+")
_ADDRESS = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+)(?::(?P<port>\d+))?|(?P<bare>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)"
)

_Client = TypeVar("_Client", bound="RestClient")


class RestError(Exception):
    """A request that got no good answer."""


class ConnectionFailedError(RestError):
    """No HTTP answer at all."""

    def __init__(self, reason: str, advice: str) -> None:
        """Keep the reason, and what to look at."""
        super().__init__(reason)
        self.advice = advice


class StatusError(RestError):
    """An answer with another status than 200."""

    def __init__(self, status: int, message: str, code: str = "", location: str = "") -> None:
        """Keep what the answer said."""
        super().__init__(f"HTTP {status} {message}".rstrip())
        self.status = status
        self.message = message
        self.code = code
        self.location = location


@dataclass(frozen=True)
class Endpoint:
    """Where MLflow is, as clients name it, and where to connect to."""

    tls: bool
    host: str
    port: int
    prefix: str
    connect_host: str
    connect_port: int

    @classmethod
    def parse(cls, url: str, connect_address: str | None = None) -> Endpoint:
        """Check a URL and the address that takes its place."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise InputError(f"url: found {url!r}, write an address that is one ({exc}).") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or not _PRINTABLE.fullmatch(url):
            raise InputError(f"url: found {url!r}, write an address such as 'http://mlflow.example.org:15000'.")
        if parts.username is not None:
            raise InputError("url: holds a user, write username and password as options of their own.")
        if parts.query or parts.fragment:
            raise InputError(f"url: found {url!r}, write it without a query.")
        tls = parts.scheme == "https"
        number = port or (443 if tls else 80)
        connect_host, connect_port = parts.hostname, number
        if connect_address:
            match = _ADDRESS.fullmatch(connect_address)
            if not match or (match["port"] and not 1 <= int(match["port"]) <= 65535):
                raise InputError(f"connect_address: found {connect_address!r}, write a host or a host:port.")
            connect_host = (match["host"] or match["bare"]).strip("[]")
            connect_port = int(match["port"] or number)
        return cls(tls, parts.hostname, number, parts.path.rstrip("/"), connect_host, connect_port)

    @property
    def host_header(self) -> str:
        """What clients send as Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def connects_to(self) -> str:
        """Describe the address that connections are made to."""
        host = f"[{self.connect_host}]" if ":" in self.connect_host else self.connect_host
        return f"{host}:{self.connect_port}"


@dataclass(frozen=True)
class Login:
    """A user and a password for HTTP Basic authentication."""

    username: str
    password: str

    @property
    def header(self) -> str:
        """Return the value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def tls_context(ca_path: str | None, validate: bool) -> ssl.SSLContext:
    """Return how certificates are checked."""
    try:
        context = ssl.create_default_context(cafile=ca_path)
    except (OSError, ssl.SSLError):
        raise InputError(f"ca_path: {ca_path} holds no certificates, write the path of a PEM file.") from None
    if ca_path:
        # What the file holds is trusted, also where it is no authority; newer Pythons do so by themselves.
        context.verify_flags |= ssl.VerifyFlags(PARTIAL_CHAIN)
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def explain(error: RestError, endpoint: Endpoint, advice: Callable[[StatusError], str]) -> str:
    """Say who answered what, and what to look at: of a status, what the caller advises."""
    if isinstance(error, StatusError):
        return f"{endpoint.connects_to} answered {error}; {advice(error)}"
    look_at = error.advice if isinstance(error, ConnectionFailedError) else "look at what answers there"
    return f"{endpoint.connects_to} gave no answer, {error}; {look_at}"


class RestClient:
    """Requests to one MLflow server; each has a connection of its own."""

    def __init__(self, endpoint: Endpoint, login: Login | None, context: ssl.SSLContext, timeout: float) -> None:
        """Keep how to reach the server."""
        self.endpoint = endpoint
        self.login = login
        self._context = context
        self._timeout = timeout

    @classmethod
    def of(cls: type[_Client], endpoint: Endpoint, options: Mapping[str, Any]) -> _Client:
        """Take a module's options of the front door, and its timeout; InputError where they cannot be used."""
        login = None if options["username"] is None else Login(options["username"], options["password"])
        context = tls_context(options["ca_path"], options["validate_certs"])
        return cls(endpoint, login, context, options["timeout"])

    def as_user(self, login: Login | None) -> RestClient:
        """Return a client of the same server that logs in as somebody else, or as nobody."""
        return RestClient(self.endpoint, login, self._context, self._timeout)

    def get(self, path: str, query: Mapping[str, Any], host: str | None = None) -> dict[str, Any]:
        """Ask the API; another `host` than the URL's can be sent."""
        with self._exchange("GET", f"{API}/{path}?{urlencode(query)}", host=host) as response:
            return self._json(response)

    def lets_in(self, path: str, query: Mapping[str, Any]) -> bool:
        """Ask the API, and tell whether the login is right. Only 401 says no; any other error is raised."""
        try:
            self.get(path, query)
        except StatusError as exc:
            if exc.status != 401:
                raise
            return False
        return True

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Tell the API something."""
        return self._send("POST", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Have the API change something."""
        return self._send("PATCH", path, body)

    def delete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Have the API delete something."""
        return self._send("DELETE", path, body)

    def server_info(self) -> dict[str, Any]:
        """Ask what the server offers to its clients."""
        with self._exchange("GET", SERVER_INFO) as response:
            return self._json(response)

    def put_artifact(self, path: str, chunks: Iterable[bytes], size: int) -> None:
        """Upload an artifact, chunk by chunk."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with self._exchange("PUT", f"{ARTIFACTS}/{quote(path)}", headers, chunks) as response:
            self._json(response)

    def get_artifact(self, path: str) -> Iterator[bytes]:
        """Download an artifact, chunk by chunk."""
        with self._exchange("GET", f"{ARTIFACTS}/{quote(path)}") as response:
            while True:
                chunk = self._read(response, CHUNK_BYTES)
                if not chunk:
                    break
                yield chunk

    def delete_artifact(self, path: str) -> None:
        """Delete an artifact."""
        with self._exchange("DELETE", f"{ARTIFACTS}/{quote(path)}") as response:
            self._json(response)

    def _send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        with self._exchange(method, f"{API}/{path}", headers, [content]) as response:
            return self._json(response)

    @contextlib.contextmanager
    def _exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] | None = None,
        host: str | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request, and hand over an answer of status 200 for reading."""
        sent = {"Host": host or self.endpoint.host_header, "Accept": "*/*", "Connection": "close", **(headers or {})}
        if self.login:
            sent["Authorization"] = self.login.header
        connection = self._connect()
        try:
            with _translated():
                # A server that closes before it has taken everything has said why in its answer.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.request(method, self.endpoint.prefix + target, body=body, headers=sent)
                response = connection.getresponse()
            if response.status != 200:
                raise self._status_error(response)
            yield response
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        endpoint = self.endpoint
        with _translated():
            stream = socket.create_connection((endpoint.connect_host, endpoint.connect_port), self._timeout)
            try:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if endpoint.tls:
                    stream = self._context.wrap_socket(stream, server_hostname=endpoint.host)
            except BaseException:
                stream.close()
                raise
        connection = http.client.HTTPConnection(
            endpoint.host, endpoint.port, timeout=self._timeout, blocksize=CHUNK_BYTES
        )
        # With a socket in place, http.client does not connect by itself.
        connection.sock = stream
        return connection

    def _json(self, response: http.client.HTTPResponse) -> dict[str, Any]:
        content = self._read(response, MAX_JSON_BYTES)
        try:
            document = json.loads(content or b"{}")
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise StatusError(response.status, "with something that is not MLflow's JSON")
        return document

    def _status_error(self, response: http.client.HTTPResponse) -> StatusError:
        content = self._read(response, 4096).decode(errors="replace")
        try:
            document = json.loads(content)
            message, code = str(document["message"]), str(document.get("error_code", ""))
        except (ValueError, TypeError, KeyError):
            title = re.search(r"<title>(.*?)</title>", content, re.DOTALL | re.IGNORECASE)
            message, code = title[1] if title else content, ""
        message = " ".join(message.split())[:200].removeprefix(f"{response.status} ")
        return StatusError(response.status, message, code, response.getheader("Location") or "")

    def _read(self, response: http.client.HTTPResponse, size: int) -> bytes:
        with _translated():
            return response.read(size)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn the many errors of a connection into one."""
    try:
        yield
    except ssl.SSLCertVerificationError as exc:
        reason = f"the certificate is not trusted ({exc.verify_message})"
        raise ConnectionFailedError(reason, "write the file of its authority as ca_path") from exc
    except socket.gaierror as exc:
        reason = "the host name is not known here"
        raise ConnectionFailedError(reason, "write the server's address as connect_address") from exc
    except (socket.timeout, TimeoutError) as exc:
        raise ConnectionFailedError("no answer in time", "look at the load, or write a longer timeout") from exc
    except http.client.RemoteDisconnected as exc:
        reason = "the connection was closed"
        raise ConnectionFailedError(reason, "look whether the host name is one of the proxy's virtual hosts") from exc
    except (http.client.HTTPException, OSError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
        raise ConnectionFailedError(reason, "look whether the proxy runs and whether this is its address") from exc
