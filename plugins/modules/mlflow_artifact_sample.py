#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.mlflow_artifact_sample."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mlflow_artifact_sample
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Read a sample of logged artifacts through MLflow and hold them against a store
description:
  - Draws artifacts of runs, of logged models and of model versions from what MLflow lists, reads each through the front
    door to its end, and holds its size and SHA-256 against the object in an S3 store. Before and after MLflow is moved
    to another store, the store is the one that it comes from.
  - Fails with one sentence if an artifact differs, cannot be read through MLflow, is not listed by it, or is not in the
    store. It is no failure if MLflow has no artifacts.
  - A proxied artifact is read by the route that MLflow's clients take, one with an V(s3://) URI by the route of its UI,
    for which the server needs no more than its own key.
  - Runs and logged models of active experiments are drawn, and no deleted runs. Of a server with workspaces, those of
    the default one. From each kind and scheme in turn, and one file of a run before a second one of it.
  - Files of a drawn run are both what MLflow lists and what the store has, so that what is missing on one side is
    found. Up to 5000 files and 100 folders of each are looked at, and up to 5000 runs of each kind and scheme, since
    many have none. Beyond the first 50, MLflow is not asked for files of a run that has none in the store.
  - Memory does not grow with the number of runs, nor with the size of files. All runs are listed, which takes some
    seconds for each 1000 of them; with O(expected) none is.
  - Proxy settings of the environment are not followed.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.attributes.read_only
  - onprem.mlflow.front_door
  - onprem.mlflow.s3_store
options:
  timeout:
    description:
      - For how many seconds a connection to MLflow may be silent. MLflow fetches a file as a whole before it sends the
        first byte.
    type: int
    default: 300
  store:
    description: The store that is right, and a key that may list the buckets and read their objects.
  store_name:
    description: What error messages call O(store), such as the variable it comes from.
    type: str
    default: store
  artifacts_destination:
    description:
      - What MLflow's server has as E(MLFLOW_ARTIFACTS_DESTINATION), V(s3://BUCKET) or V(s3://BUCKET/PREFIX).
      - It is an error if it is left out and an artifact with a proxied URI is drawn.
    type: str
  bucket_map:
    description:
      - What has another name in the store than MLflow has for it. The keys are buckets or V(BUCKET/PREFIX) as in
        MLflow's URIs and in O(artifacts_destination), the values are those in O(store).
      - Prefixes are compared by whole segments, and the longest one that fits decides.
    type: dict
    default: {}
  sample:
    description: How many artifacts are read, at least 1. All of them where there are fewer.
    type: int
    default: 20
  max_bytes:
    description: Artifacts that are larger are passed over, in bytes.
    type: int
    default: 1073741824
  seed:
    description:
      - Two runs with the same one draw the same artifacts of the same server. A new run or file changes no more than
        one of the sample's.
      - Each run draws others where it is left out.
    type: str
  expected:
    description:
      - RV(drawn) of a former result. These artifacts are read, and none is drawn.
      - It is an error if one cannot be read on either side.
    type: list
    elements: dict
    suboptions:
      kind:
        description: What it belongs to.
        type: str
        choices: [run, logged_model, model_version]
        required: true
      id:
        description: Identifier of the run or logged model, or V(NAME/NUMBER) of the model version.
        type: str
        required: true
      path:
        description: Path below what it belongs to.
        type: str
        required: true
      uri:
        description: URI that MLflow had for it. The one that it has now is what counts.
        type: str
      bytes:
        description: Size that came through MLflow.
        type: int
      sha256:
        description: Digest that came through MLflow.
        type: str
      source_bytes:
        description: Size in the store.
        type: int
      source_sha256:
        description: Digest in the store.
        type: str
      same:
        description: Whether both were the same.
        type: bool
requirements:
  - boto3, on the host that the module runs on
"""

EXAMPLES = r"""
- name: Draw artifacts and read them before the migration
  onprem.mlflow.mlflow_artifact_sample:
    url: http://mlflow.example.org:15000
    connect_address: 127.0.0.1
    username: alice
    password: "{{ vault_alice_password }}"
    store: &minio
      endpoint_url: http://127.0.0.1:9000
      access_key: "{{ vault_minio_access_key }}"
      secret_key: "{{ vault_minio_secret_key }}"
    artifacts_destination: s3://mlflow/artifacts
  register: before

- name: Read the same ones after it
  onprem.mlflow.mlflow_artifact_sample:
    url: http://mlflow.example.org:15000
    connect_address: 127.0.0.1
    username: alice
    password: "{{ vault_alice_password }}"
    store: *minio
    artifacts_destination: s3://artifacts/mlflow
    bucket_map:
      artifacts/mlflow: mlflow/artifacts
    expected: "{{ before.drawn }}"
"""

RETURN = r"""
drawn:
  description:
    - The artifacts that were read. Sizes in bytes; C(bytes) and C(sha256) are what came through MLflow and are null
      if it could not be read, C(source_bytes) and C(source_sha256) are those of the object in the store.
  type: list
  elements: dict
  returned: always, once MLflow has answered
  sample:
    - kind: run
      id: 6ffcd384cb974d9dbb7c0bfcc51b84e1
      path: model/MLmodel
      uri: mlflow-artifacts:/2/6ffcd384cb974d9dbb7c0bfcc51b84e1/artifacts/model/MLmodel
      bytes: 784
      sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      source_bytes: 784
      source_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      same: true
same:
  description: How many of them are the same on both sides.
  type: int
  returned: always, once MLflow has answered
bytes:
  description: How many bytes were read through MLflow.
  type: int
  returned: always, once MLflow has answered
different:
  description: Those of RV(drawn) that differ.
  type: list
  elements: dict
  returned: always, once MLflow has answered
missing_in_store:
  description: Those of RV(drawn) that MLflow has and the store has not.
  type: list
  elements: dict
  returned: always, once MLflow has answered
missing_in_mlflow:
  description: Those of RV(drawn) that MLflow does not give or does not list, each with the C(reason).
  type: list
  elements: dict
  returned: always, once MLflow has answered
changed_since:
  description:
    - Those of O(expected) whose content is another one than it was then. It is no failure if the store has the same,
      such as a table that a run appended to.
  type: list
  elements: dict
  returned: always, once MLflow has answered
listed:
  description: How many C(run), C(logged_model) and C(model_version) MLflow has.
  type: dict
  returned: always, once MLflow has answered
looked_at:
  description: How many of each were asked for their artifacts. The others were not needed.
  type: dict
  returned: always, once MLflow has answered
passed_over:
  description:
    - What was met and not read. C(too_large) files; C(refused) files, whose names MLflow's server refuses or decodes to
      another name, such as those with V(#) or V(%41); C(gone) files, which were listed and are on neither side; and
      C(elsewhere) the runs, models and versions whose URI is neither V(s3://) nor proxied.
  type: dict
  returned: always, once MLflow has answered
  sample: {too_large: 0, refused: 1, elsewhere: 0, gone: 0}
msg:
  description: The sentence that says what is wrong, or why nothing was read.
  type: str
  returned: failure or empty RV(drawn)
"""

import secrets
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.onprem.mlflow.plugins.module_utils.artifact_sample import KINDS, Layout
from ansible_collections.onprem.mlflow.plugins.module_utils.artifact_sample_rest import ArtifactClient
from ansible_collections.onprem.mlflow.plugins.module_utils.artifact_sample_run import Outcome, SampleError, Sampler
from ansible_collections.onprem.mlflow.plugins.module_utils.artifact_sample_store import StoreReader, StoreReadError
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_rest import (
    FRONT_DOOR_OPTIONS,
    FRONT_DOOR_TOGETHER,
    Endpoint,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import STORE_OPTIONS, client, store_of

ARGUMENT_SPEC: dict[str, Any] = {
    **FRONT_DOOR_OPTIONS,
    "timeout": {"type": "int", "default": 300},
    "store": {"type": "dict", "required": True, "options": STORE_OPTIONS},
    "store_name": {"type": "str", "default": "store"},
    "artifacts_destination": {"type": "str"},
    "bucket_map": {"type": "dict", "default": {}},
    "sample": {"type": "int", "default": 20},
    "max_bytes": {"type": "int", "default": 1 << 30},
    "seed": {"type": "str", "no_log": False},
    "expected": {
        "type": "list",
        "elements": "dict",
        "options": {
            "kind": {"type": "str", "choices": list(KINDS), "required": True},
            "id": {"type": "str", "required": True},
            "path": {"type": "str", "required": True},
            "uri": {"type": "str"},
            "bytes": {"type": "int"},
            "sha256": {"type": "str"},
            "source_bytes": {"type": "int"},
            "source_sha256": {"type": "str"},
            "same": {"type": "bool"},
        },
    },
}


def read(params: dict[str, Any]) -> tuple[Outcome, str]:
    """Read the artifacts, and return what was seen and the address it was seen at."""
    for name in ("sample", "max_bytes", "timeout"):
        if params[name] < 1:
            raise InputError(f"{name}: found {params[name]}, write at least 1.")
    endpoint = Endpoint.parse(params["url"], params["connect_address"])
    store = store_of(params["store"], params["store_name"])
    layout = Layout.parse(params["artifacts_destination"], params["bucket_map"])
    sampler = Sampler(
        ArtifactClient.of(endpoint, params),
        StoreReader(store, client(store), params["store_name"]),
        layout,
        params["sample"],
        params["max_bytes"],
        secrets.token_hex() if params["seed"] is None else params["seed"],
    )
    if params["expected"] is None:
        return sampler.draw(), endpoint.connects_to
    return sampler.again(params["expected"]), endpoint.connects_to


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_together=FRONT_DOOR_TOGETHER,
        supports_check_mode=True,
    )
    try:
        outcome, place = read(module.params)
    except ImportError as exc:
        module.fail_json(msg=missing_required_lib("boto3"), exception=str(exc))
    except (InputError, SampleError, StoreReadError) as exc:
        module.fail_json(msg=str(exc))
    result = {"changed": False, **outcome.as_result()}
    failure = outcome.failure(place)
    if failure:
        module.fail_json(msg=failure, **result)
    if not outcome.drawn:
        empty = module.params["expected"] is not None
        result["msg"] = "No artifact is expected, so none was read." if empty else outcome.nothing()
    module.exit_json(**result)


if __name__ == "__main__":
    main()
