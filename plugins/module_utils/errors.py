# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection's plugins raise when an operator's input cannot be used."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used; the message is one sentence that says what to write instead."""
