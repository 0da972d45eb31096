# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action, with real templating on argument specs of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import EncryptedString, VaultSecretsContext
from ansible.template import Templar, trust_as_template
from ansible_collections.onprem.mlflow.plugins.action import check_inputs

SPECS = {
    "mysql": """
argument_specs:
  main:
    options:
      mysql_dir:
        type: path
        default: "{{ mlflow_platform_dir | default('/opt/mlflow') }}"
      mysql_port:
        type: int
        default: 3306
      mysql_password:
        no_log: true
      mysql_required:
        required: true
  restore:
    options:
      mysql_dump:
        type: path
""",
    "nginx": """
argument_specs:
  main:
    options:
      nginx_health_port:
        type: int
        default: 15080
      nginx_virtual_hosts:
        type: list
        elements: dict
""",
}

Check = Callable[..., dict[str, Any]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    for role, text in SPECS.items():
        (tmp_path / role / "meta").mkdir(parents=True)
        (tmp_path / role / "meta" / "argument_specs.yml").write_text(text)
    monkeypatch.setattr(check_inputs, "ROLES", tmp_path)

    def run(variables: dict[str, Any], **args: Any) -> dict[str, Any]:
        task = SimpleNamespace(
            args={"roles": ["mysql", "nginx"], **args},
            action="onprem.mlflow.check_inputs",
            async_val=0,
            check_mode=True,
        )
        loader = DataLoader()
        action = check_inputs.ActionModule(
            task=task,
            connection=SimpleNamespace(_shell=SimpleNamespace(tmpdir="")),
            play_context=None,
            loader=loader,
            templar=Templar(loader=loader, variables=variables),
            shared_loader_obj=None,
        )
        return action.run(task_vars=variables)

    return run


def test_good_variables_pass(check: Check) -> None:
    result = check(
        {
            "mysql_port": trust_as_template("{{ base + 1 }}"),
            "base": 3305,
            "mysql_dump": "/x",
            "mlflow_platform_dir": "/srv",
            "mysql_dir": trust_as_template("{{ mlflow_platform_dir | default('/opt/mlflow') }}"),
            "groups": {"all": ["server"]},
        },
        groups={"all": "a server"},
        roles=["onprem.mlflow.mysql"],
    )

    assert result["problems"] == []
    assert result["changed"] is False
    assert "failed" not in result


def test_all_problems_are_told_at_once(check: Check) -> None:
    result = check(
        {
            "mysql_port": trust_as_template("{{ 'abc' }}"),
            "mysql_prot": 1,
            "mysql_password": trust_as_template("{{ nowhere }}"),
            "mlflow_platform_dir": ["/srv"],
            "mlflow_platform_dri": "/srv",
            "nginx_virtual_hosts": [{"host_names": ["a"], "port": 15080}, {"host_names": ["a"], "port": 15080}],
            "groups": {},
        },
        groups={"mlflow_proxy": "the server of the proxy"},
    )

    assert result["failed"]
    assert result["msg"].split("\n") == result["problems"]
    assert result["problems"] == [
        "Group mlflow_proxy: is missing in the inventory, add it with the server of the proxy.",
        "mlflow_platform_dri: is not an option, write mlflow_platform_dir.",
        "mysql_prot: is not an option, write mysql_port.",
        "mlflow_platform_dir: found ['/srv'] (list), write a path.",
        "mysql_port: found 'abc' (str), write an integer.",
        "mysql_password: cannot be computed ('nowhere' is undefined), define what it refers to.",
        "nginx_virtual_hosts[1]: a with port 15080 stands twice, remove one of them.",
        "nginx_virtual_hosts[0].users: is missing or empty, write who may log in.",
        "nginx_virtual_hosts[1].users: is missing or empty, write who may log in.",
        "nginx_health_port: found 15080, which a virtual host listens on, write another port.",
    ]


def test_vault_without_password_is_a_sentence(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(secrets=[]))
    vaulted = EncryptedString(ciphertext="$ANSIBLE_VAULT;1.1;AES256\n6161\n")

    assert check({"mysql_password": vaulted})["msg"].startswith("mysql_password: cannot be decrypted (")


def test_failing_expression_of_a_secret_stays_hidden(check: Check) -> None:
    expression = trust_as_template("{{ {'hush': 1} | items2dict }}")

    assert check({"mysql_password": expression})["problems"] == [
        "mysql_password: cannot be computed, correct its expression."
    ]
    assert "mysql_port: cannot be computed (" in check({"mysql_port": expression})["msg"]


def test_own_names_can_be_made_known(check: Check) -> None:
    assert "mysql_mine: is not an option" in check({"mysql_mine": 1})["msg"]
    assert check({"mysql_mine": 1}, known_variables=["mysql_mine"])["problems"] == []


def test_needed_variable_that_is_not_set_is_a_sentence(check: Check) -> None:
    needed = {"nginx_virtual_hosts": "the host names of MLflow"}
    assert check({}, required_variables=needed)["problems"] == [
        "nginx_virtual_hosts: is not set, write the host names of MLflow."
    ]
    assert check({"mysql_port": 1}, required_variables={"mysql_port": "a port"})["problems"] == []


def test_only_the_named_roles_are_checked(check: Check) -> None:
    assert check({"nginx_health_port": "x", "nginx_mine": 1}, roles=["mysql"])["problems"] == []


def test_unknown_role_is_an_error_of_the_playbook(check: Check) -> None:
    with pytest.raises(AnsibleActionFail, match="no role of this collection"):
        check({}, roles=["mariadb"])
