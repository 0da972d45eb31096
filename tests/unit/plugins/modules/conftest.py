# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two stores and the comparison of them, for the tests of the modules that compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import s3_wire
from ansible_collections.onprem.mlflow.plugins.modules import s3_compare

from tests.unit.plugins.s3_fake import FakeStore, serving

RunModule = Callable[..., dict[str, Any]]


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_wire, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def source() -> Iterator[FakeStore]:
    yield from serving()


@pytest.fixture
def target() -> Iterator[FakeStore]:
    yield from serving()


@pytest.fixture
def compare(source: FakeStore, target: FakeStore, run_module: RunModule, short_pauses: None) -> RunModule:
    def run(*, check: bool = False, **options: Any) -> dict[str, Any]:
        stores = {
            name: {"endpoint_url": server.url, "access_key": "reader", "secret_key": "geheim"}
            for name, server in (("source", source), ("target", target))
        }
        return run_module(s3_compare.main, {**stores, "bucket": "bucket", "patience": 3, **options}, check=check)

    return run
