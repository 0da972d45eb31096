# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the callback ansible.posix.json prints."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.filter.changed_tasks import changed_tasks


def test_tasks_by_host_in_their_order() -> None:
    tasks = [
        {"task": {"name": "first"}, "hosts": {"a": {"changed": True}, "b": {"changed": False}}},
        {"task": {"name": "second"}, "hosts": {"a": {"changed": True}}},
    ]
    printed = "[WARNING]: something\n" + json.dumps({"plays": [{"tasks": tasks}]})
    assert changed_tasks(printed) == {"a": ["first", "second"]}


@pytest.mark.parametrize("printed", ["", "PLAY [x] ***", "{ not json"])
def test_something_else(printed: str) -> None:
    with pytest.raises(AnsibleFilterError, match="is not what the callback"):
        changed_tasks(printed)
