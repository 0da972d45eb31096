#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: docker_engine_info
short_description: Find Docker Engine and its compose plugin
version_added: 0.1.0
description:
  - Tells the versions of the engine and of the compose plugin of a server, and that there is none where there is none.
  - Needs no Python library on the server.
author:
  - onprem.mlflow contributors (@onprem)
attributes:
  check_mode:
    description: Changes nothing, and reads in check mode too.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: N/A
  platform:
    description: Servers it runs on.
    support: full
    platforms: posix
options: {}
"""

EXAMPLES = r"""
- name: Find the engine
  onprem.mlflow.docker_engine_info:
  register: engine
"""

RETURN = r"""
engine_version:
  description: Version of the engine that answers. V(none) where there is none, or where it does not answer.
  returned: always
  type: str
  sample: 26.1.5
compose_version:
  description: Version of the compose plugin. V(none) where there is none.
  returned: always
  type: str
  sample: 2.26.1
"""

from collections.abc import Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.docker_engine import find_engine


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)

    def run(words: Sequence[str]) -> tuple[int, str, str]:
        status, out, err = module.run_command(list(words))
        return status, out, err

    module.exit_json(changed=False, **find_engine(module.get_bin_path("docker"), run)._asdict())


if __name__ == "__main__":
    main()
