# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes that several modules have."""

from __future__ import annotations


class ModuleDocFragment:
    """Where a module runs, and what one that changes nothing does in check mode."""

    DOCUMENTATION = r"""
attributes:
  platform:
    description: Platforms the module runs on.
    platforms: posix
    support: full
"""

    READ_ONLY = r"""
attributes:
  check_mode:
    description: Changes nothing, and reads in check mode too.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: N/A
"""
