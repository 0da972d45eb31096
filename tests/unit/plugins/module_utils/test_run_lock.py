# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file on a server that says which run is at work."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.run_lock import Run, let_go, take

ANNA = Run("a1", "c1", "laptop", 4711, "100 boot", "site.yml", "anna")
BERT = Run("b1", "c2", "tower", 4712, "200 boot", "backup.yml", "bert")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_a_free_server_is_taken_and_let_go(path: Path) -> None:
    assert take(path, ANNA) is None
    written = json.loads(path.read_text())
    assert written.pop("since").endswith(" UTC")
    assert Run.of(written) == ANNA
    assert path.stat().st_mode & 0o777 == 0o644
    let_go(path, ANNA)
    assert list(path.parent.iterdir()) == []


def test_a_run_has_it_once(path: Path) -> None:
    take(path, ANNA)
    before = path.read_text()
    assert take(path, ANNA) is None
    assert path.read_text() == before


def test_another_run_is_told_who_has_it(path: Path) -> None:
    take(path, ANNA)
    holder = take(path, BERT)
    assert holder
    assert replace(holder, since="") == ANNA
    let_go(path, BERT)
    assert take(path, BERT) == holder, "what another run has was released"


def test_only_the_run_that_has_ended_is_replaced(path: Path) -> None:
    take(path, ANNA)
    assert take(path, BERT, "other")
    assert take(path, BERT, ANNA.id) is None
    assert take(path, ANNA, ANNA.id), "the one that was replaced has it no more"


def test_a_look_writes_nothing(path: Path) -> None:
    assert take(path, ANNA, write=False) is None
    assert not path.exists()
    take(path, BERT)
    before = path.read_text()
    assert take(path, ANNA, write=False)
    assert take(path, ANNA, BERT.id, write=False) is None
    assert path.read_text() == before


def test_what_is_not_there_is_let_go(path: Path) -> None:
    let_go(path, ANNA)
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"id": "a1"}', json.dumps({**ANNA.as_dict(), "pid": "4711"})])
def test_another_content_is_refused(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(InputError, match="is not what a run writes, remove it if no run is at work"):
        take(path, ANNA)
    with pytest.raises(InputError):
        let_go(path, ANNA)


def try_to_take(path: Path, number: int) -> bool:
    return take(path, replace(ANNA, id=str(number))) is None


def test_of_many_at_once_one_has_it(path: Path) -> None:
    with multiprocessing.Pool(8) as pool:
        won = pool.starmap(try_to_take, [(path, number) for number in range(200)])
    assert won.count(True) == 1
    assert json.loads(path.read_text())["id"] == str(won.index(True))
