#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.migration_report."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_report
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Write the report of a migration from MinIO to RustFS
description:
  - Puts the results of all steps together and writes them as C(report.json) and as C(report.html), one page for people
    that needs nothing but itself, in the light and in the dark, on a phone and on paper.
  - A comparison that found a difference, an artifact that did not read back the same and a bucket that was copied and
    not compared each make the verdict a bad one.
  - The same input gives the same files, so a second run changes nothing. Keys from the stores are escaped.
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  directory:
    description: Folder on the server for both files. It is an error if it does not exist, except in check mode.
    type: path
    required: true
  outcome:
    description:
      - V(moved) where MLflow works with RustFS now, V(copied) where the copy is done and MLflow still uses MinIO,
        V(back) where it went back to MinIO, V(failed) where a step failed.
    type: str
    choices: [moved, copied, back, failed]
    required: true
  reason:
    description: Why it failed or went back, one sentence.
    type: str
    default: ""
  source_url:
    description: Address of the old store.
    type: str
    default: ""
  target_url:
    description: Address of the new store.
    type: str
    default: ""
  started_at:
    description: When the migration began, in UTC, such as V(2026-11-21T10:00:00Z).
    type: str
  ended_at:
    description: When the migration ended, in UTC.
    type: str
  frozen_at:
    description: When MLflow stopped taking writes, in UTC.
    type: str
  thawed_at:
    description: When MLflow took writes again, in UTC.
    type: str
  phases:
    description: Steps of the migration, each with C(name), C(started_at) and C(ended_at).
    type: list
    elements: dict
    default: []
  inventory:
    description: What M(onprem.mlflow.s3_inventory) found on the source, with C(buckets) and C(limits).
    type: dict
    default: {}
  accepted:
    description: Codes of limits that the operator accepted.
    type: list
    elements: str
    default: []
  copies:
    description: Results C(copied) of M(onprem.mlflow.mc_mirror) and M(onprem.mlflow.s3_copy_keys), of all buckets.
    type: list
    elements: dict
    default: []
  comparisons:
    description:
      - Results of M(onprem.mlflow.s3_compare) in their order. Only the last one of a bucket and prefix counts, the one
        after objects were copied again.
    type: list
    elements: dict
    default: []
  settings:
    description: Lists C(carried) and C(by_hand) of sentences, or of dicts with C(text) and C(bucket).
    type: dict
    default: {}
  sample:
    description: Artifacts that were read back through MLflow, RV(onprem.mlflow.mlflow_artifact_sample#module:drawn).
    type: list
    elements: dict
    default: []
  next_steps:
    description: What the operator should do next, one sentence each.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Can run in check mode and return what would be written.
    support: full
  diff_mode:
    description: Shows the difference of C(report.json).
    support: full
"""

EXAMPLES = r"""
- name: Write the report
  onprem.mlflow.migration_report:
    directory: /opt/mlflow/migration
    outcome: moved
    started_at: "{{ migration_started_at }}"
    ended_at: "{{ migration_ended_at }}"
    frozen_at: "{{ migration_frozen_at }}"
    thawed_at: "{{ migration_thawed_at }}"
    inventory: "{{ source_inventory }}"
    copies: "{{ first_pass.results | map(attribute='copied') }}"
    comparisons: "{{ comparison.results }}"
"""

RETURN = r"""
report:
  description: The content of C(report.json).
  type: dict
  returned: success
html_path:
  description: Path of the page.
  type: str
  returned: success
json_path:
  description: Path of the data.
  type: str
  returned: success
msg:
  description: The verdict in one sentence.
  type: str
  returned: always
"""

import json
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.migration_report import OUTCOMES, build
from ansible_collections.onprem.mlflow.plugins.module_utils.migration_report_html import page
from ansible_collections.onprem.mlflow.plugins.module_utils.server_files import Access, write_whole

ARGUMENT_SPEC: dict[str, Any] = {
    "directory": {"type": "path", "required": True},
    "outcome": {"type": "str", "choices": list(OUTCOMES), "required": True},
    "reason": {"type": "str", "default": ""},
    "source_url": {"type": "str", "default": ""},
    "target_url": {"type": "str", "default": ""},
    "started_at": {"type": "str"},
    "ended_at": {"type": "str"},
    "frozen_at": {"type": "str"},
    "thawed_at": {"type": "str"},
    "phases": {"type": "list", "elements": "dict", "default": []},
    "inventory": {"type": "dict", "default": {}},
    "accepted": {"type": "list", "elements": "str", "default": []},
    "copies": {"type": "list", "elements": "dict", "default": []},
    "comparisons": {"type": "list", "elements": "dict", "default": []},
    "settings": {"type": "dict", "default": {}},
    "sample": {"type": "list", "elements": "dict", "default": []},
    "next_steps": {"type": "list", "elements": "str", "default": []},
}


def read(path: Path) -> str:
    """Return what a file holds; nothing where it is missing."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def write(path: Path, content: str) -> None:
    """Replace a file at once; only its owner may read it, since keys of objects may tell something."""
    write_whole(path, content.encode(), Access(os.geteuid(), os.getegid(), 0o600))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    directory = Path(module.params["directory"])
    try:
        report = build(module.params)
        contents = {
            directory / "report.json": json.dumps(report, indent=2, ensure_ascii=False, sort_keys=True) + "\n",
            directory / "report.html": page(report),
        }
        before = {path: read(path) for path in contents}
        changed = [path for path, content in contents.items() if before[path] != content]
        if not module.check_mode:
            for path in changed:
                write(path, contents[path])
    except InputError as exc:
        module.fail_json(msg=str(exc))
    except KeyError as exc:
        module.fail_json(msg=f"A result that was given lacks {exc}; give the results of the modules as they are.")
    except OSError as exc:
        module.fail_json(msg=f"directory: {directory} cannot be written to ({exc.strerror}); make it, or become root.")
    json_path, html_path = contents
    result: dict[str, Any] = {
        "changed": bool(changed),
        "report": report,
        "json_path": str(json_path),
        "html_path": str(html_path),
        "msg": f"{report['verdict']['headline']}. {report['verdict']['text']}".strip(),
    }
    if module._diff:
        result["diff"] = {
            "before_header": str(json_path),
            "after_header": str(json_path),
            "before": before[json_path],
            "after": contents[json_path],
        }
    module.exit_json(**result)


if __name__ == "__main__":
    main()
