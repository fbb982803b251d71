import numpy as np

from nbutils.memory import memory_growth


def test_growth_is_what_was_held_at_the_fullest_moment() -> None:
    mebibyte = 2**20
    held = np.ones(64 * mebibyte, np.uint8)
    with memory_growth() as growth:
        for _ in range(3):  # freed each time: it does not add up
            np.ones(96 * mebibyte, np.uint8).sum()
    assert held.sum() == 64 * mebibyte
    assert 90 * mebibyte < growth.most < 120 * mebibyte


def test_nothing_held_is_no_growth() -> None:
    with memory_growth() as growth:
        pass
    assert growth.most < 2**20
