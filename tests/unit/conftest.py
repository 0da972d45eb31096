# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit tests share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from botocore.loaders import JSONFileLoader
from hypothesis import settings

settings.register_profile("unit", max_examples=60, deadline=None)
settings.load_profile("unit")

Result = dict[str, Any]
RunModule = Callable[..., Result]


@pytest.fixture(scope="session", autouse=True)
def _models_of_botocore_are_read_once() -> Iterator[None]:
    """Making a client reads megabytes of JSON, and hundreds of tests make one."""
    read = JSONFileLoader.load_file
    models: dict[str, Any] = {}

    def load_file(loader: JSONFileLoader, path: str) -> Any:
        if path not in models:
            models[path] = read(loader, path)
        return models[path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", load_file)
        yield


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str]) -> RunModule:
    """Run a module's main function in this process and return what it printed."""

    def run(
        main: Callable[[], None], args: dict[str, Any], *, check: bool = False, diff: bool = False
    ) -> dict[str, Any]:
        with (
            patch_module_args({**args, "_ansible_check_mode": check, "_ansible_diff": diff}),
            pytest.raises(SystemExit) as exit_status,
        ):
            main()
        result: Result = json.loads(capsys.readouterr().out)
        assert bool(exit_status.value.code) == bool(result.get("failed", False))
        return result

    return run
