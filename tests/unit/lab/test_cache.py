"""The cache folder and the lock in it."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from lab import cache
from lab.console import Console


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"ONPREM_MLFLOW_CACHE": "/var/lab", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/var/lab"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/onprem-mlflow"),
        ({"ONPREM_MLFLOW_CACHE": "", "HOME": "/h"}, "/h/.cache/onprem-mlflow"),
    ],
)
def test_folder(environment: dict[str, str], folder: str) -> None:
    assert cache.folder(environment) == Path(folder)


def test_a_second_run_waits_and_says_for_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONPREM_MLFLOW_CACHE", str(tmp_path))
    said = io.StringIO()
    order = []

    def second() -> None:
        with cache.exclusive(Console(said)):
            order.append("second")

    with cache.exclusive(Console(io.StringIO())):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(timeout=0.3)
        assert waiting.is_alive()
        order.append("first")
    waiting.join(timeout=10)
    assert order == ["first", "second"]
    assert f"process {os.getpid()}" in said.getvalue()
    assert "waiting" in said.getvalue()
