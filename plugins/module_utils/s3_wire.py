# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP/1.1 to an S3 store with as little work as possible: many questions in one go, bodies into given memory.

A client such as boto3's needs milliseconds of processor time for each question, and a comparison has two for each
object. Questions here only read, so that each may be asked again when a connection breaks.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from ansible_collections.onprem.mlflow.plugins.module_utils.s3_signature import Signer
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import CONNECT_SECONDS, READ_SECONDS, Store

# Questions sent before the first answer is read, and how long they may be: both sides' socket buffers hold them.
DEPTH = 16
GROUP_BYTES = 32 << 10
RECEIVE_BYTES = 64 << 10
HEAD_BYTES = 256 << 10
# A page of a listing, or an error; larger bodies are streamed.
BODY_BYTES = 64 << 20
PAUSE_SECONDS = 5.0
BUSY_ATTEMPTS = 5
BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))

_CODE = re.compile(rb"<Code>\s*([^<]{1,100}?)\s*</Code>")


class WireError(Exception):
    """A store that gave no good answer for as long as it was waited for; the message is the last reason."""


class StuckError(WireError):
    """A store that answers, and only that it cannot do this now."""


class BusyError(OSError):
    """An answer that the store cannot do it now, which may be about a single object that is broken."""


class ProtocolError(OSError):
    """An answer that is not HTTP as expected."""


class Question(NamedTuple):
    """A request without a body."""

    method: str
    path: str
    query: str = ""
    signed: tuple[tuple[str, str], ...] = ()
    plain: str = ""


class Answer(NamedTuple):
    """Status, headers by their names in small letters (Latin-1, so that no byte is lost), and body."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def code(self) -> str:
        """S3's name of an error; answers to HEAD have no body, and MinIO tells it in a header."""
        found = _CODE.search(self.body)
        return found[1].decode(errors="replace") if found else self.headers.get("x-minio-error-code", "")


class Wire:
    """One connection to a store, opened when needed and again when broken; for one thread."""

    def __init__(
        self, store: Store, patience: float, depth: int = DEPTH, busy_attempts: int | None = BUSY_ATTEMPTS
    ) -> None:
        """Take for how many seconds to wait for a store that does not answer, and how often it may say it is busy."""
        parts = urlsplit(store.endpoint_url)
        self._signer = Signer(store)
        self._address = (str(parts.hostname), parts.port or (443 if store.tls else 80))
        self._context = ssl.create_default_context(cafile=store.ca_certificate) if store.tls else None
        self._patience = patience
        self._busy_attempts = busy_attempts
        self._depth = depth
        self._socket: socket.socket | None = None
        self._buffer = bytearray()
        self._left: int | None = 0
        self._chunked = False
        self._closing = False

    def close(self) -> None:
        """Forget the connection and what was on its way."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None
        self._buffer.clear()
        self._left = 0

    def ask(self, question: Question) -> Answer:
        """Return the answer to one question, with its body."""
        return self.ask_all([question])[0]

    def ask_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers in order; asked again are those without a good one, until patience ends."""
        answers: list[Answer] = []
        depth = self._depth
        waiting = Waiting(self._patience, self._busy_attempts)
        while len(answers) < len(questions):
            try:
                for answer in self._group(questions[len(answers) :][:depth]):
                    if answer.status in BUSY:
                        self.close()
                        raise BusyError(f"answered {answer.status} {answer.code}".strip())
                    answers.append(answer)
                    waiting.end()
            except OSError as exc:
                self.close()
                # Something between may not bear questions in one go.
                depth = 1
                waiting.pause(exc)
        return answers

    def open(self, question: Question) -> Answer:
        """Return the head of an answer, whose body is then taken with read_into; errors come with their body."""
        answer = next(iter(self._group([question], stream=True)))
        if answer.status in BUSY:
            self.close()
            raise BusyError(f"answered {answer.status} {answer.code}".strip())
        return answer

    def read_into(self, view: memoryview) -> int:
        """Fill the view as far as the body goes now; 0 at its end. Raise OSError where the connection breaks."""
        if self._left == 0 and self._chunked:
            self._next_chunk()
        if self._left == 0:
            return 0
        wanted = len(view) if self._left is None else min(len(view), self._left)
        if self._buffer:
            count = min(wanted, len(self._buffer))
            view[:count] = self._buffer[:count]
            del self._buffer[:count]
        else:
            count = self._connection().recv_into(view[:wanted])
            if not count:
                if self._left is None:
                    self._left = 0
                    self.close()
                    return 0
                raise ProtocolError("closed the connection in the middle of an answer")
        if self._left is not None:
            self._left -= count
            if self._left == 0 and self._closing and not self._chunked:
                self.close()
        return count

    def _group(self, questions: Sequence[Question], stream: bool = False) -> Sequence[Answer]:
        """Send questions in one go and return the answers that came, at least one."""
        if self._left != 0 or self._chunked:
            # The rest of a body that nobody wanted.
            self.close()
        connection = self._connection()
        sent = bytearray()
        count = 0
        for question in questions:
            head = self._signer.head(*question)
            if count and len(sent) + len(head) > GROUP_BYTES:
                break
            sent += head
            count += 1
        connection.sendall(sent)
        answers: list[Answer] = []
        try:
            for question in questions[:count]:
                answers.append(self._answer(question.method, stream))
                if self._closing and (self._left == 0 or not stream):
                    self.close()
                    break
        except OSError:
            self.close()
            if not answers:
                raise
        return answers

    def _answer(self, method: str, stream: bool) -> Answer:
        status, headers = self._head()
        while 100 <= status < 200:
            status, headers = self._head()
        self._closing = headers.get("connection", "").lower() == "close"
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self._left = 0
        if method == "HEAD" or status in (204, 304):
            self._chunked = False
        elif not self._chunked:
            length = headers.get("content-length")
            if length is None:
                self._left, self._closing = None, True
            elif not length.isdigit():
                raise ProtocolError("told a length that is no number")
            else:
                self._left = int(length)
        if stream and status in (200, 206):
            return Answer(status, headers)
        return Answer(status, headers, self._body())

    def _head(self) -> tuple[int, dict[str, str]]:
        buffer = self._buffer
        seen = 0
        while (end := buffer.find(b"\r\n\r\n", seen)) < 0:
            seen = max(0, len(buffer) - 3)
            if len(buffer) > HEAD_BYTES:
                raise ProtocolError("sent headers without an end")
            self._receive()
        lines = buffer[:end].decode("latin-1").split("\r\n")
        del buffer[: end + 4]
        if not lines[0].startswith("HTTP/1.") or not lines[0][9:12].isdigit():
            raise ProtocolError("answered something that is not HTTP")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise ProtocolError("sent a header without a name")
            name, value = name.lower(), value.strip(" \t")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return int(lines[0][9:12]), headers

    def _body(self) -> bytes:
        body = bytearray()
        chunk = bytearray(RECEIVE_BYTES)
        view = memoryview(chunk)
        while count := self.read_into(view):
            body += view[:count]
            if len(body) > BODY_BYTES:
                raise ProtocolError("sent a body that is larger than such an answer can be")
        return bytes(body)

    def _next_chunk(self) -> None:
        """Read the size of the next chunk, and the trailer after the last one."""
        line = self._line()
        if not line:
            # The end of the chunk before.
            line = self._line()
        try:
            self._left = int(line.split(b";")[0], 16)
        except ValueError as exc:
            raise ProtocolError("sent a chunk without a size") from exc
        if self._left == 0:
            while self._line():
                pass
            self._chunked = False

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > HEAD_BYTES:
                raise ProtocolError("sent a line without an end")
            self._receive()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _receive(self) -> None:
        data = self._connection().recv(RECEIVE_BYTES)
        if not data:
            raise ProtocolError("closed the connection without an answer")
        self._buffer += data

    def _connection(self) -> socket.socket:
        if self._socket is None:
            plain = socket.create_connection(self._address, CONNECT_SECONDS)
            try:
                plain.settimeout(READ_SECONDS)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._socket = (
                    self._context.wrap_socket(plain, server_hostname=self._address[0]) if self._context else plain
                )
            except BaseException:
                plain.close()
                raise
            self._chunked = self._closing = False
        return self._socket


class Waiting:
    """How long a store that does not answer has been waited for."""

    def __init__(self, patience: float, busy_attempts: int | None = None) -> None:
        """Take the seconds after which to give up, and after how many answers that the store is busy."""
        self._patience = patience
        self._busy_attempts = busy_attempts
        self.end()

    def end(self) -> None:
        """Note a good answer."""
        self._since: float | None = None
        self.pauses = 0
        self._busy = 0

    def pause(self, reason: Exception) -> None:
        """Wait a little longer each time; raise WireError when patience ends."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        self._busy += isinstance(reason, BusyError)
        if self._busy_attempts is not None and self._busy >= self._busy_attempts:
            raise StuckError(str(reason)) from reason
        if now - self._since >= self._patience:
            raise WireError(str(reason)) from reason
        if self.pauses:
            # The first time it may be a connection that was only idle for too long.
            time.sleep(min(0.1 * 2**self.pauses, PAUSE_SECONDS))
        self.pauses += 1
