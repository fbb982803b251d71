"""Teachers that are not trained here: ONNX files made in the test, a module with its weights, a function."""

import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from torch import nn

from nbutils.data import SyntheticData
from nbutils.data.pixels import to_unit_range
from nbutils.errors import ParameterError
from nbutils.models import FaceNetwork, MobileIDStudent, extract_features
from nbutils.training import (
    FaceInput,
    FunctionTeacher,
    ModelSpec,
    ModuleTeacher,
    OnnxTeacher,
    Schedule,
    SelectionSpec,
    Store,
    Term,
    TrainingSpec,
    train,
)
from nbutils.training.given_teachers import OnnxTeacherNetwork
from nbutils.training.plan import plan
from tests.unit.training.conftest import MakeSpec

NEURONS, PEOPLE = 20, 6
CROP = (55, 47)
NHWC = FaceInput(axes="NHWC")
Pixels = npt.NDArray[np.uint8]


def _save(
    nodes: list[Any],
    shape: list[Any],
    outputs: dict[str, int],
    file: Path,
    kind: int,
    **weights: npt.NDArray[np.float64],
) -> Path:
    graph = helper.make_graph(
        nodes,
        "teacher",
        [helper.make_tensor_value_info("faces", kind, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width]) for name, width in outputs.items()],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, file)
    return file


def _mirror(file: Path, shape: tuple[int, int, int], kind: int) -> Path:
    """A network whose neurons are its input, one by one."""
    nodes = [
        helper.make_node("Cast", ["faces"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["pixels"], ["neurons"]),
    ]
    return _save(nodes, ["N", *shape], {"neurons": int(np.prod(shape))}, file, kind)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Neurons by the mean colours of four quarters of the face, some silent, and logits over six people."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Cast", ["faces"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["maps"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["maps"], ["means"], kernel_shape=[27, 23], strides=[27, 23]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "first"], ["summed"]),
        helper.make_node("Relu", ["summed"], ["neurons"]),
        helper.make_node("MatMul", ["neurons", "second"], ["logits"]),
    ]
    weights = {"first": rng.normal(0, 0.01, (12, NEURONS)), "second": rng.normal(0, 0.5, (NEURONS, PEOPLE))}
    widths = {"neurons": NEURONS, "logits": PEOPLE}
    return _save(nodes, ["N", *CROP, 3], widths, tmp_path / "teacher.onnx", TensorProto.UINT8, **weights)


def _pixels(height: int, width: int) -> Pixels:
    return np.random.default_rng(1).integers(0, 256, (5, height, width, 3), dtype=np.uint8)


def _soft() -> dict[str, Term]:
    return {"soft": Term("SoftTargetLoss", options={"temperature": 3.0})}


@pytest.mark.parametrize("axes", ["NHWC", "NCHW"])
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        (TensorProto.UINT8, 0, 255),
        (TensorProto.FLOAT, 0, 255),
        (TensorProto.FLOAT, 0, 1),
        (TensorProto.FLOAT, -1, 1),
        (TensorProto.FLOAT, -2.1, 2.6),
    ],
)
def test_faces_arrive_as_the_file_wants_them(
    tmp_path: Path,
    kind: int,
    axes: Literal["NCHW", "NHWC"],
    channels: Literal["RGB", "BGR"],
    low: float,
    high: float,
) -> None:
    pixels = _pixels(8, 6)
    expected = pixels if channels == "RGB" else pixels[..., ::-1]
    expected = expected if axes == "NHWC" else expected.transpose(0, 3, 1, 2)
    wanted = FaceInput(axes=axes, channels=channels, low=low, high=high)
    teacher = OnnxTeacher(file=_mirror(tmp_path / "m.onnx", expected.shape[1:], kind), neurons="neurons", input=wanted)

    features = extract_features(teacher.network((8, 6)), pixels)

    scaled = expected if kind == TensorProto.UINT8 else low + (high - low) * (expected / 255)
    np.testing.assert_allclose(features, scaled.reshape(5, -1), atol=1e-5 * max(abs(low), abs(high)))


def test_crops_are_resampled_as_pillow_does_to_the_size_that_the_file_fixes(tmp_path: Path) -> None:
    pixels = _pixels(*CROP)
    file = _mirror(tmp_path / "m.onnx", (20, 30, 3), TensorProto.UINT8)

    features = extract_features(OnnxTeacher(file=file, neurons="neurons", input=NHWC).network(CROP), pixels)

    resized = [np.asarray(Image.fromarray(face).resize((30, 20), Image.Resampling.BILINEAR)) for face in pixels]
    assert np.abs(features - np.stack(resized).reshape(5, -1)).max() <= 1


def test_a_changed_file_is_refused_before_training(file: Path, make_student: MakeSpec, tmp_path: Path) -> None:
    spec = make_student(teacher=OnnxTeacher(file=file, neurons="neurons", input=NHWC))
    model = onnx.load(file)
    model.doc_string = "another file"
    onnx.save(model, file)

    with pytest.raises(ParameterError, match=r"teacher\.onnx has changed since the spec was written: SHA-256"):
        train(spec, store=Store(tmp_path / "store"), progress=False)
    file.unlink()
    with pytest.raises(ParameterError, match=r"teacher\.onnx: cannot be read: No such file"):
        train(spec, store=Store(tmp_path / "store"), progress=False)


def test_what_the_file_does_not_have_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"'neurons' has 20 neurons, expected 21"):
        OnnxTeacher(file=file, neurons="neurons", width=21)
    with pytest.raises(ParameterError, match=r"has no output 'embedding'; it has neurons, logits"):
        OnnxTeacher(file=file, neurons="embedding")
    with pytest.raises(ParameterError, match=r"has no output 'classes'; it has neurons, logits"):
        OnnxTeacher(file=file, neurons="neurons", logits="classes")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ParameterError, match=r"text\.onnx: ONNX Runtime cannot read it"):
        OnnxTeacher(file=tmp_path / "text.onnx", neurons="neurons")
    with pytest.raises(ParameterError, match=r"nowhere\.onnx: there is no such file"):
        OnnxTeacher(file=tmp_path / "nowhere.onnx", neurons="neurons")


def test_faces_that_the_file_does_not_take_are_refused(file: Path, make_student: MakeSpec, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    turned = make_student(teacher=OnnxTeacher(file=file, neurons="neurons", input=FaceInput(axes="NCHW")))
    with pytest.raises(ParameterError, match=r"expected 3 colours where the axes are NCHW"):
        train(turned, store=store, progress=False)
    larger = FaceInput(axes="NHWC", height=112, width=96)
    with pytest.raises(ParameterError, match=r"takes faces of 55 × 47 pixels, not 112 × 96"):
        OnnxTeacher(file=file, neurons="neurons", input=larger).network(CROP)
    grey = _mirror(tmp_path / "grey.onnx", (8, 6, 1), TensorProto.FLOAT)
    with pytest.raises(ParameterError, match=r"expected 3 colours where the axes are NHWC"):
        OnnxTeacher(file=grey, neurons="neurons", input=NHWC).network(CROP)


@pytest.mark.slow
def test_soft_targets_need_its_logits_and_train_on_them(file: Path, make_student: MakeSpec, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(ParameterError, match=r"reads teacher\.logits, and the teacher 'teacher' has none"):
        train(
            make_student(teacher=OnnxTeacher(file=file, neurons="neurons", input=NHWC), objective=_soft()),
            store=store,
            progress=False,
        )
    given = OnnxTeacher(file=file, neurons="neurons", logits="logits", input=NHWC)
    result = train(make_student(teacher=given, objective=_soft()), store=store, progress=False)
    assert result.metrics["outputs"] == PEOPLE


@pytest.mark.slow
def test_its_answers_are_cached_with_logits_once(
    file: Path, make_student: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = OnnxTeacher(file=file, neurons="neurons", logits="logits", input=NHWC)
    store, seen = Store(tmp_path / "store"), list[int]()
    run = OnnxTeacherNetwork._run

    def count(self: OnnxTeacherNetwork, faces: npt.NDArray[Any]) -> Any:  # noqa: ANN401
        seen.append(len(faces))
        return run(self, faces)

    monkeypatch.setattr(OnnxTeacherNetwork, "_run", count)
    spec = make_student(teacher=given, objective=_soft(), targets="cached")
    data = spec.data.load()
    train(spec, store=store, progress=False)
    answers = [folder for folder in store.root.iterdir() if (folder / "features.npy").is_file()]
    kept = [np.load(answers[0] / name) for name in ("features.npy", "logits.npy")]
    images = np.asarray(data.train.images)
    np.testing.assert_array_equal(kept[0], extract_features(given.network(CROP), images))
    np.testing.assert_array_equal(kept[1][:, 0], extract_features(given.network(CROP), images, "output"))
    assert len(answers) == 1
    seen.clear()

    train(make_student(teacher=given, objective=_soft(), targets="cached", seed=1), store=store, progress=False)

    assert len(images) not in seen  # two to see what it gives, and those that no student saw


@pytest.mark.slow
def test_its_neurons_are_selected(file: Path, tmp_path: Path) -> None:
    spec = TrainingSpec(
        name="selection",
        data=SyntheticData(identities=5, images_per_identity=4, validation_images=60, pairs=20),
        model=ModelSpec("MobileIDStudent", options={"width": 4}),
        objective={"neurons": Term("NeuronLoss")},
        schedule=Schedule(epochs=1, batch_size=10),
        teacher=OnnxTeacher(file=file, neurons="neurons", input=NHWC),
        selection=SelectionSpec(count=6),
    )

    result = train(spec, store=Store(tmp_path / "store"), progress=False)

    assert result.metrics["outputs"] == len(result.metrics["neurons"]) <= 6
    assert set(result.metrics["neurons"]) <= set(range(NEURONS))


def test_a_key_does_not_depend_on_where_the_file_lies(file: Path, make_student: MakeSpec, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "renamed.onnx"
    elsewhere.parent.mkdir()
    shutil.copy(file, elsewhere)
    here, there = (OnnxTeacher(file=each, neurons="neurons", input=NHWC) for each in (file, elsewhere))
    assert make_student(teacher=here).key == make_student(teacher=there).key
    for other in (OnnxTeacher(file=file, neurons="logits", input=NHWC), OnnxTeacher(file=file, neurons="neurons")):
        assert make_student(teacher=other).key != make_student(teacher=here).key


def test_a_plan_measures_it(file: Path, make_student: MakeSpec) -> None:
    given = OnnxTeacher(file=file, neurons="neurons", logits="logits", input=NHWC)
    spec = make_student(teacher=given, objective=_soft(), targets="cached", name="taught")

    (training,) = plan([spec]).trainings

    assert (training.name, training.after, training.images) == ("taught", (), 24)
    assert training.disk >= 4 * 24 * NEURONS + 4 * training.parameters


class Tiny(nn.Module):
    """A plain module, whose forward gives logits."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(3, width, 5, stride=4), nn.ReLU())
        self.top = nn.Linear(width, PEOPLE)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        top: torch.Tensor = self.top(self.maps(images).mean(dim=(2, 3)))
        return top


@pytest.mark.slow
def test_a_module_is_saved_and_teaches_by_one_of_its_layers(make_student: MakeSpec, tmp_path: Path) -> None:
    module = Tiny(width=7).eval()
    given = ModuleTeacher.save(
        module, tmp_path / "tiny.safetensors", options={"width": 7}, neurons="maps", logits="top"
    )
    images = torch.rand(3, 3, *CROP) * 2 - 1

    outputs = given.network(CROP)(images)

    torch.testing.assert_close(outputs.features, module.maps(images).mean(dim=(2, 3)))
    torch.testing.assert_close(outputs.output, module(images))
    spec = make_student(teacher=given)
    assert TrainingSpec.model_validate_json(spec.model_dump_json()).key == spec.key
    assert train(spec, store=Store(tmp_path / "store"), progress=False).metrics["outputs"] == 7
    ModuleTeacher.save(Tiny(width=7), tmp_path / "tiny.safetensors", options={"width": 7})
    with pytest.raises(ParameterError, match=r"tiny\.safetensors has changed since the spec was written"):
        train(make_student(teacher=given, seed=1), store=Store(tmp_path / "store"), progress=False)


def test_weights_of_another_module_are_refused(tmp_path: Path) -> None:
    ModuleTeacher.save(Tiny(width=3), tmp_path / "tiny.safetensors")
    given = ModuleTeacher(module=Tiny, options={"width": 4}, weights=tmp_path / "tiny.safetensors")

    with pytest.raises(ParameterError, match=r"tiny\.safetensors: not the weights of Tiny"):
        given.network(CROP)


def test_a_face_network_is_a_teacher_by_its_features(tmp_path: Path) -> None:
    network: FaceNetwork = MobileIDStudent(PEOPLE, width=4).eval()
    options = {"out_features": PEOPLE, "width": 4}
    given = ModuleTeacher.save(network, tmp_path / "s.safetensors", options=options)
    images = to_unit_range(torch.from_numpy(_pixels(*CROP)))

    torch.testing.assert_close(given.network(CROP)(images).features, network(images).features)


def halves(faces: Pixels) -> npt.NDArray[np.float64]:
    """Mean brightness of the upper and the lower half."""
    assert faces.dtype == np.uint8
    assert faces.shape[1:] == (*CROP, 3)
    return np.stack([faces[:, :27].mean(axis=(1, 2, 3)), faces[:, 27:].mean(axis=(1, 2, 3))], axis=1) / 255


def flat(faces: Pixels) -> npt.NDArray[np.float64]:
    return np.asarray(faces.mean(axis=(1, 2, 3)))


def test_a_function_teaches(make_student: MakeSpec, tmp_path: Path) -> None:
    spec = make_student(teacher=halves, targets="cached")

    result = train(spec, store=Store(tmp_path / "store"), progress=False)

    assert isinstance(spec.teacher[0], FunctionTeacher)
    assert result.metrics["outputs"] == 2
    assert TrainingSpec.model_validate_json(spec.model_dump_json()) == spec
    pixels = _pixels(*CROP)
    np.testing.assert_allclose(extract_features(spec.teacher[0].network(CROP), pixels), halves(pixels), atol=1e-6)


def test_a_function_that_gives_no_neurons_is_refused(make_student: MakeSpec, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"flat returned \(2,\) for 2 faces: expected neurons \(faces, neurons\)"):
        train(make_student(teacher=flat), store=Store(tmp_path / "store"), progress=False)
