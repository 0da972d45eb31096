# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action of onprem.mlflow.check_inputs; documented in the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError, AnsibleUndefinedVariable
from ansible.module_utils.common.yaml import yaml_load
from ansible.parsing.vault import AnsibleVaultError
from ansible.plugins.action import ActionBase
from ansible_collections.onprem.mlflow.plugins.module_utils.inputs import (
    check_groups,
    check_values,
    missing_variables,
    shared_options,
    unknown_variables,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.option_check import check_option, without_bad_items

ROLES = Path(__file__).parents[2] / "roles"
MAX_REASON = 200

Options = dict[str, dict[str, Any]]


class ActionModule(ActionBase):  # type: ignore[misc]
    """Check the variables of a host against the roles' argument specs, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Report every problem at once."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        _unused, args = self.validate_argument_spec(
            argument_spec={
                "roles": {"type": "list", "elements": "str", "required": True},
                "groups": {"type": "dict", "default": {}},
                "known_variables": {"type": "list", "elements": "str", "default": []},
                "required_variables": {"type": "dict", "default": {}},
            }
        )
        every_spec = load_specs()
        specs = {name: points.get("main", {}) for name, points in every_spec.items()}
        wanted = [name.rpartition(".")[2] for name in args["roles"]]
        for name in wanted:
            if name not in specs:
                raise AnsibleActionFail(f"roles: {name!r} is no role of this collection with an argument spec.")

        groups = self._template("groups", variables) if "groups" in variables else {}
        stores = groups.get("mlflow_object_store") or []
        problems = check_groups(args["groups"], groups)
        shared = shared_options(specs.values())
        known = {name for points in every_spec.values() for options in points.values() for name in names_of(options)}
        prefixes = [f"{name}_" for name in wanted] + ["mlflow_platform_"]
        problems += missing_variables(variables, args["required_variables"])
        problems += unknown_variables(variables, prefixes, {*known, *shared, *args["known_variables"]})

        sources: list[Mapping[str, Mapping[str, Any]]] = [shared, *(specs[name] for name in wanted)]
        values: dict[str, Any] = {}
        for options in sources:
            for name, spec in options.items():
                if is_plain_default(spec):
                    values.setdefault(name, spec["default"])
                if name in variables:
                    problems += self._check(name, spec, variables, values)
        network = (variables.get("ansible_facts") or {}).get("default_ipv4") or {}
        # What is set for the servers of the object store alone is not known on others.
        here = not stores or variables.get("inventory_hostname") in stores
        problems += check_values(values, network.get("address") or "", stores if here else None)

        problems = list(dict.fromkeys(problems))
        images = {name: value for name, value in values.items() if name.endswith("_image") and isinstance(value, str)}
        versions = {
            name: str(value)
            for name, value in values.items()
            if name.endswith("_version") and not isinstance(value, bool)
        }
        result.update(changed=False, problems=problems, images=images, versions=versions)
        if problems:
            result.update(failed=True, msg="\n".join(problems))
        return result

    def _check(
        self, name: str, spec: Mapping[str, Any], variables: dict[str, Any], values: dict[str, Any]
    ) -> list[str]:
        try:
            # A role's own default is not the operator's input.
            if variables[name] == spec.get("default"):
                return []
            value = self._template(name, variables)
        except AnsibleVaultError as exc:
            return [f"{name}: cannot be decrypted ({shorten(str(exc))}), run with the password of its vault."]
        except AnsibleUndefinedVariable as exc:
            return [f"{name}: cannot be computed ({shorten(str(exc))}), define what it refers to."]
        except AnsibleError as exc:
            # Other messages may quote the value.
            reason = "" if spec.get("no_log") else f" ({shorten(str(exc))})"
            return [f"{name}: cannot be computed{reason}, correct its expression."]
        complaints = check_option(name, spec, value)
        usable = without_bad_items(name, value, complaints)
        if usable is not None:
            values[name] = usable
        return complaints

    def _template(self, name: str, variables: dict[str, Any]) -> Any:
        return self._templar.template(variables[name])


def load_specs() -> dict[str, dict[str, Options]]:
    """Read the options of every role's entry points."""
    specs: dict[str, dict[str, Options]] = {}
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        document = yaml_load(path.read_text(encoding="utf-8")) or {}
        points = document.get("argument_specs") or {}
        specs[path.parents[1].name] = {name: point.get("options") or {} for name, point in points.items()}
    return specs


def names_of(options: Options) -> list[str]:
    """List the names that options can be set by."""
    return [alias for name, spec in options.items() for alias in (name, *(spec.get("aliases") or []))]


def is_plain_default(spec: Mapping[str, Any]) -> bool:
    """Tell whether an option has a default that needs no templating."""
    default = spec.get("default")
    return default is not None and "{{" not in str(default)


def shorten(reason: str) -> str:
    """Bring an error on one line of moderate length."""
    line = " ".join(reason.split()).rstrip(".")
    return line if len(line) <= MAX_REASON else f"{line[: MAX_REASON - 3]}..."
