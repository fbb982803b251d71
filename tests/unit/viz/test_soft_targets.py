import numpy as np
import pytest
from matplotlib.patches import Rectangle

from nbutils.errors import ParameterError
from nbutils.evaluation import effective_classes
from nbutils.viz import soft_target_bars, temperature_explorer

LOGITS = np.array([4.0, 1.0, -2.0, 0.5])


def test_a_soft_target_spreads_from_one_class_to_all() -> None:
    spread = [effective_classes(LOGITS, t) for t in (0.01, 1, 5, 20, np.inf)]
    assert spread == sorted(spread)
    assert spread[0] == pytest.approx(1)
    assert spread[-1] == pytest.approx(4)


def test_two_equal_classes_count_as_two() -> None:
    assert effective_classes(np.array([30.0, 30.0, -30.0]), 1) == pytest.approx(2)


def test_the_last_panel_is_the_limit_of_the_others() -> None:
    """N t (p − 1/N) tends to the centred logits."""
    image = np.zeros((4, 4, 1), np.uint8)
    figure = soft_target_bars(image, LOGITS, "abcd", 0, temperatures=(1e6,))
    softened, centred = (
        [bar.get_width() for bar in ax.patches if isinstance(bar, Rectangle)] for ax in figure.axes[1:]
    )
    np.testing.assert_allclose(4e6 * (np.array(softened) / 100 - 0.25), centred, atol=1e-4)
    assert [text.get_text() for text in figure.axes[1].get_yticklabels()] == ["a", "b", "d", "c"]


def test_an_image_without_logits() -> None:
    with pytest.raises(ParameterError, match="2 images and 1 rows of logits"):
        temperature_explorer(np.zeros((2, 4, 4, 1), np.uint8), LOGITS[None], "abcd")


def test_the_true_class_is_drawn_though_it_is_not_among_the_likeliest() -> None:
    image = np.zeros((4, 4, 1), np.uint8)
    figure = soft_target_bars(image, np.array([4.0, 3.0, 2.0, 1.0]), "abcd", label=3, temperatures=(1,), shown=2)

    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == ["a", "d"]
