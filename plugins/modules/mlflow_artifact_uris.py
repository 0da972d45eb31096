#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.mlflow_artifact_uris."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mlflow_artifact_uris
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Rewrite the artifact URIs in MLflow's database
description:
  - Replaces prefixes of the URIs that MLflow stored with experiments, runs, logged models, model versions, traces and
    workspaces, where artifacts got another bucket, another prefix, or are served by MLflow instead of S3.
  - Prefixes are compared by whole segments, letter for letter, V(s3://bucket) is no prefix of V(s3://bucket2/1).
  - All columns are rewritten in one transaction, or none, by the client program in the container of the database. A
    second run changes nothing.
  - B(MLflow must be stopped), or take no writes. The tables are locked; it is an error if that takes more than 10
    seconds.
  - Back the database up before.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.container_database
options:
  rules:
    description:
      - What is replaced. Where several rules fit, the one with the longest O(rules[].from) decides, and no other is
        applied after it.
      - It is an error if a rewritten URI would lie under a O(rules[].from) again, would be longer than its column,
        or would mean something else under the new scheme.
    type: list
    elements: dict
    required: true
    suboptions:
      from:
        description: V(s3://BUCKET), V(s3://BUCKET/PREFIX), V(mlflow-artifacts:/) or V(mlflow-artifacts:/PREFIX).
        type: str
        required: true
      to:
        description: What it becomes, written likewise.
        type: str
        required: true
  artifacts_destination:
    description:
      - What MLflow's server has as E(MLFLOW_ARTIFACTS_DESTINATION), which is where V(mlflow-artifacts:/) leads.
      - It is an error if a rule leads to another place than before, unless O(copied). Nothing is checked where it is
        left out.
    type: str
  copied:
    description: Whether the objects have been copied to where O(rules) lead.
    type: bool
    default: false
  origins:
    description:
      - Whether addresses that data of users came from are rewritten too, in C(datasets.dataset_source) and
        C(evaluation_dataset_records.source). They name files that users chose, not artifacts of MLflow.
      - Rules that change the scheme are not applied to them, since data is read where it lies.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check mode. Everything is read and counted then, nothing is locked or written.
    support: full
  diff_mode:
    description: Returns up to three URIs of each column before and after.
    support: full
"""

EXAMPLES = r"""
- name: Let MLflow serve what clients read from S3 until now
  onprem.mlflow.mlflow_artifact_uris:
    database:
      container: mlflow-postgres-1
      engine: postgres
      name: mlflow
      username: mlflow
      password: "{{ postgres_connection.password }}"
    rules:
      - from: s3://mlflow/artifacts
        to: mlflow-artifacts:/

- name: Show what another bucket would change
  onprem.mlflow.mlflow_artifact_uris:
    database: "{{ database }}"
    rules:
      - {from: "s3://old", to: "s3://new/old"}
  check_mode: true
  diff: true
  register: preview
"""

RETURN = r"""
counts:
  description:
    - How many rows were rewritten, or would be, by table and column. Columns that this version of MLflow does not have
      are missing.
  type: dict
  returned: success
  sample:
    experiments.artifact_location: 12
    runs.artifact_uri: 3400
    logged_models.artifact_location: 0
total:
  description: Their sum.
  type: int
  returned: success
  sample: 3412
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import DATABASE_OPTIONS, Place
from ansible_collections.onprem.mlflow.plugins.module_utils.container_session import transaction
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_artifact_uris import (
    DIALECTS,
    Report,
    Rewriter,
    parse_rules,
    refuse_other_places,
)

ARGUMENT_SPEC = {
    "database": {"type": "dict", "required": True, "options": DATABASE_OPTIONS},
    "rules": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"from": {"type": "str", "required": True}, "to": {"type": "str", "required": True}},
    },
    "artifacts_destination": {"type": "str"},
    "copied": {"type": "bool", "default": False},
    "origins": {"type": "bool", "default": False},
}


def rewrite(params: dict[str, Any], *, dry_run: bool) -> Report:
    """Check the rules, log in, and rewrite in one transaction."""
    rules = parse_rules(params["rules"])
    if params["artifacts_destination"] and not params["copied"]:
        refuse_other_places(rules, params["artifacts_destination"])
    place = Place.parse(params["database"], "database")
    dialect = DIALECTS[place.engine]
    with transaction(place, keep=not dry_run, end=dialect.end) as session:
        rewriter = Rewriter(dialect, rules, session.query, session.execute)
        return rewriter.run(origins=params["origins"], dry_run=dry_run)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        report = rewrite(module.params, dry_run=module.check_mode)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    result: dict[str, Any] = {
        "changed": report.changed,
        "counts": report.counts,
        "total": sum(report.counts.values()),
    }
    if module._diff:
        result["diff"] = report.diff
    module.exit_json(**result)


if __name__ == "__main__":
    main()
