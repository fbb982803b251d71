import pytest

from nbutils.errors import ParameterError
from nbutils.papers import luo2016
from nbutils.training import TrainingSpec


@pytest.mark.parametrize(
    ("figure", "rows"),
    [
        ("fig4", ["T2", "soft t=1", "soft t=10", "logits", "neurons"]),
        ("fig5", ["soft t=1", "soft t=5", "soft t=10", "soft t=15", "logits", "neurons"]),
    ],
)
def test_a_figures_rows_are_searched_at_the_same_rates_on_people_held_out(figure: str, rows: list[str]) -> None:
    trials = luo2016.rate_search_trainings("synthetic", "", "", "", "smoke", 0, "cached", "0.1,0.2", figure)

    assert list(trials) == rows
    assert list(luo2016.recipe_rates(luo2016.large_face_data("synthetic", preset="smoke"), "smoke", figure)) == rows
    for own in trials.values():
        assert [spec.schedule.learning_rate for spec in own.values()] == [0.1, 0.2]
        for spec in own.values():
            assert spec.data.held_out_people > 0
            assert all(isinstance(each, TrainingSpec) and each.data == spec.data for each in spec.teacher)


def test_another_figure_is_refused() -> None:
    with pytest.raises(ParameterError, match="figure is 'fig7': expected fig3, fig4 or fig5"):
        luo2016.rate_search_trainings("synthetic", "", "", "", "smoke", 0, "cached", "0.1", "fig7")
