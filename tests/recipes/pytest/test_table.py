# SPDX-License-Identifier: MIT
import table


def test_squares():
    assert table.squares(4) == 14
