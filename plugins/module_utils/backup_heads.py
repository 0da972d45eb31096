# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Headers of many objects, which a listing does not tell: asked for in groups, over a few connections."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.onprem.mlflow.plugins.module_utils.backup_objects import Entry, told
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_signature import object_path
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_wire import Answer, Question, Wire, WireError

CONNECTIONS = 4
PATIENCE_SECONDS = 60.0


class Heads:
    """Asks a bucket for the headers of its objects."""

    def __init__(self, store: Store, bucket: str) -> None:
        """Take where they are; nothing is asked yet."""
        self._store = store
        self._bucket = bucket
        self._wires = [Wire(store, PATIENCE_SECONDS) for _number in range(CONNECTIONS)]

    def of(self, entries: Sequence[Entry]) -> list[Entry | None]:
        """Return each as it is now, with its headers, None where it is gone; raise InputError without an answer."""
        shares = [entries[number::CONNECTIONS] for number in range(CONNECTIONS)]
        found: list[Entry | None] = [None] * len(entries)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for number, share in enumerate(pool.map(self._ask, self._wires, shares)):
                found[number::CONNECTIONS] = share
        return found

    def _ask(self, wire: Wire, entries: Sequence[Entry]) -> list[Entry | None]:
        questions = [Question("HEAD", object_path(self._bucket, entry.key)) for entry in entries]
        try:
            answers = wire.ask_all(questions)
        except WireError as error:
            raise InputError(f"backup: {self._store.endpoint_url} does not answer ({error}), see to it.") from error
        return [self._told(entry, answer) for entry, answer in zip(entries, answers)]

    def _told(self, entry: Entry, answer: Answer) -> Entry | None:
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise InputError(
                f"backup: {self._store.endpoint_url} answers {answer.status} {answer.code} for {entry.key!r} of"
                f" {self._bucket}, see to it."
            )
        return told(entry, answer.headers)
