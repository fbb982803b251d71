import pytest

from nbutils.errors import ParameterError
from nbutils.training import ModelSpec, Schedule, SelectionSpec, Term, TrainingSpec, ViewSpec
from nbutils.training.digest import source_digest
from tests.unit.training.conftest import MakeSpec


def test_unknown_components_and_options_are_named() -> None:
    with pytest.raises(ParameterError, match="has no 'DeepID9'"):
        ModelSpec(kind="DeepID9")
    with pytest.raises(ParameterError, match="takes no 'depth'"):
        ModelSpec(kind="MobileIDStudent", options={"depth": 3})
    with pytest.raises(ParameterError, match="temperature must be above 0"):
        Term(kind="SoftTargetLoss", options={"temperature": 0.0})
    with pytest.raises(ParameterError, match="weight"):
        Term(kind="LabelLoss", weight=-1)
    with pytest.raises(ParameterError, match="epoch"):
        Schedule(epoch=3)  # type: ignore[call-arg]


def test_teacher_objective_and_selection_must_agree(make_student: MakeSpec) -> None:
    with pytest.raises(ParameterError, match="need a teacher"):
        make_student(teacher=())
    with pytest.raises(ParameterError, match="no term of the objective reads it"):
        make_student(objective={"labels": Term(kind="LabelLoss")})
    with pytest.raises(ParameterError, match="no term regresses them"):
        make_student(objective={"soft": Term(kind="SoftTargetLoss")}, selection=SelectionSpec())


def test_teachers_and_student_must_take_one_crop(make_student: MakeSpec) -> None:
    view = ViewSpec(region="nose", height=112, width=96)
    model = ModelSpec(kind="MobileIDStudent", options={"width": 4}, view=view)
    with pytest.raises(ParameterError, match="crops of 55 × 47, 112 × 96 pixels"):
        make_student(model=model)


def test_the_logits_kept_are_of_one_teacher(make_student: MakeSpec, teacher: TrainingSpec) -> None:
    soft = {"soft": Term(kind="SoftTargetLoss")}
    with pytest.raises(ParameterError, match="top_k is for a single teacher, and the spec has 2"):
        make_student(objective=soft, teacher=(teacher, teacher), targets="cached", top_k=3)


def test_the_key_is_of_what_decides_the_weights(make_student: MakeSpec, teacher: TrainingSpec) -> None:
    student = make_student()
    assert make_student(name="other").key == student.key
    other_teacher = teacher.model_copy(update={"seed": 1})
    changes: list[dict[str, object]] = [{"seed": 1}, {"targets": "cached"}, {"teacher": (other_teacher,)}]
    keys = [make_student(**change).key for change in changes]
    assert len({student.key, *keys}) == 4


def test_a_spec_survives_json(make_student: MakeSpec) -> None:
    student = make_student()
    assert TrainingSpec.model_validate_json(student.model_dump_json()) == student


def test_the_code_digest_is_blind_to_docstrings_and_comments_only() -> None:
    plain = source_digest("def f():\n    return 1\n")
    assert source_digest('"""Doc."""\ndef f():\n    """Doc."""\n    return 1  # why\n') == plain
    assert source_digest("def f():\n    return 2\n") != plain
