# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps of old MySQL servers, made fit for ours."""

from __future__ import annotations

import io

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.mysql_dump import (
    collation_of,
    for_our_mysql,
    utf8mb4_collation,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("charset", "collation", "expected"),
    [
        ("utf8mb4", "utf8mb4_0900_ai_ci", "utf8mb4_0900_ai_ci"),
        ("utf8mb4", None, "utf8mb4_general_ci"),
        ("utf8", None, "utf8mb4_general_ci"),
        ("utf8mb3", "utf8mb3_bin", "utf8mb4_bin"),
        ("utf8", "utf8_unicode_ci", "utf8mb4_unicode_ci"),
        ("utf8mb3", "utf8mb3_turkish_ci", "utf8mb4_0900_ai_ci"),
        ("latin1", None, "utf8mb4_0900_ai_ci"),
        ("latin1", "latin1_bin", "utf8mb4_bin"),
    ],
)
def test_collations(charset: str, collation: str | None, expected: str) -> None:
    assert utf8mb4_collation(charset, collation) == expected


OLD_DUMP = b"""/*!40101 SET NAMES utf8mb4 */;
CREATE TABLE `other` (
  `id` int(11) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1;
CREATE TABLE `experiments` (
  `experiment_id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(256) CHARACTER SET utf8 COLLATE utf8_bin NOT NULL DEFAULT 'a',
  `kind` enum('a','b') COLLATE utf8mb4_bin DEFAULT NULL,
  CONSTRAINT `c` CHECK (`kind` in (_utf8mb4'a',_utf8mb4'b'))
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8;
INSERT INTO `experiments` VALUES (1,') ENGINE=InnoDB DEFAULT CHARSET=latin1; DEFINER=`a`@`b`');
/*!50003 SET sql_mode              = 'ONLY_FULL_GROUP_BY,NO_AUTO_CREATE_USER,STRICT_TRANS_TABLES' */ ;
/*!50003 CREATE*/ /*!50017 DEFINER=`mlflow`@`%`*/ /*!50003 TRIGGER `t` BEFORE UPDATE ON `secrets` FOR EACH ROW BEGIN
END */;;
ALTER DATABASE `old` CHARACTER SET latin1 COLLATE latin1_swedish_ci ;
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
CREATE DEFINER=`root`@`10.0.0.%` PROCEDURE `p`()
"""


def test_dump_of_an_old_server_is_made_fit() -> None:
    lines = list(for_our_mysql(io.BytesIO(OLD_DUMP)))
    text = b"".join(lines).decode()
    assert ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;" in text
    assert ") ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;" in text
    assert "`name` varchar(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'a'," in text
    assert "`kind` enum('a','b') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL," in text
    assert "sql_mode              = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES'" in text
    assert "/*!50003 CREATE*/ /*!50003 TRIGGER `t` BEFORE UPDATE" in text
    assert "CREATE PROCEDURE `p`()" in text
    assert "ALTER DATABASE" not in text
    assert collation_of(io.BytesIO(OLD_DUMP)) == "utf8mb4_general_ci"
    insert = next(line for line in OLD_DUMP.splitlines(keepends=True) if line.startswith(b"INSERT"))
    assert insert in lines


@given(st.lists(st.binary(max_size=80).map(lambda data: data.replace(b"\n", b"\\n"))))
def test_data_passes_as_it_is(values: list[bytes]) -> None:
    lines = [b"INSERT INTO `runs` VALUES (" + value + b");\n" for value in values]
    assert list(for_our_mysql(lines)) == lines
