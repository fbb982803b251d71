import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from PIL import Image
from torch import Tensor

from nbutils.errors import DataError, ParameterError
from nbutils.evaluation import OnnxNetwork, check_onnx, export_onnx, quantise_onnx
from nbutils.evaluation.onnx_digest import with_digest
from nbutils.models import DeepID2Plus, FaceNetwork, MobileIDStudent, Outputs

pytestmark = pytest.mark.slow

Images = npt.NDArray[np.uint8]
README = Path(__file__).parents[3] / "README.md"


@pytest.fixture(scope="module")
def images() -> Images:
    return np.random.default_rng(0).integers(0, 256, (70, 55, 47, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def student() -> MobileIDStudent:
    torch.manual_seed(0)
    return MobileIDStudent(out_features=7, width=4)


@pytest.fixture(scope="module")
def file(student: MobileIDStudent, images: Images, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("onnx") / "student.onnx"
    export_onnx(student, file, images[:3], metadata={"network": "S"})
    return file


def test_the_file_gives_the_networks_outputs_for_any_number_of_images(
    student: MobileIDStudent, file: Path, images: Images
) -> None:
    for count in (1, 2, 70):
        pixels = torch.from_numpy(images[:count]).permute(0, 3, 1, 2) / 127.5 - 1
        with torch.no_grad():
            wanted = student.eval()(pixels).output
        np.testing.assert_allclose(OnnxNetwork.open(file).features(images[:count]), wanted, atol=1e-5)
    assert {p.key: p.value for p in onnx.load(file).metadata_props}["network"] == "S"


def test_a_file_that_disagrees_with_its_weights(student: MobileIDStudent, file: Path, images: Images) -> None:
    assert check_onnx(file, student, images) < 1e-4
    other = MobileIDStudent(out_features=7, width=4)
    with pytest.raises(DataError, match=r"student.onnx: disagrees with its network's weights: .* export it again"):
        check_onnx(file, other, images)
    with pytest.raises(DataError, match=r"gives features \(70, 7\), expected \(70, 9\)"):
        check_onnx(file, MobileIDStudent(out_features=9, width=4), images)


def test_a_failed_check_leaves_the_former_file(
    student: MobileIDStudent, file: Path, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    monkeypatch.setattr("nbutils.evaluation.onnx.TOLERANCE", -1.0)
    with pytest.raises(DataError, match="disagrees"):
        export_onnx(student, file, images[:3])
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


def test_int8_is_smaller_and_near(file: Path, images: Images, tmp_path: Path) -> None:
    small = tmp_path / "student.int8.onnx"
    quantise_onnx(file, small, images)
    assert small.stat().st_size < 0.45 * file.stat().st_size
    exact, rough = (OnnxNetwork.open(f).features(images) for f in (file, small))
    assert not np.array_equal(exact, rough)
    assert np.abs(exact - rough).max() < 0.5 * exact.std()


def test_a_teachers_features_leave_its_classifier_out(images: Images, tmp_path: Path) -> None:
    teacher: FaceNetwork = DeepID2Plus(num_classes=5000, width=4)
    export_onnx(teacher, tmp_path / "T1.onnx", images[:3], layer="features")
    names = [weight.name for weight in onnx.load(tmp_path / "T1.onnx").graph.initializer]
    assert not [name for name in names if "classifier" in name or "supervision" in name]
    assert OnnxNetwork.open(tmp_path / "T1.onnx").features(images[:3]).shape == (3, 512)


def test_what_is_no_image_and_no_file(file: Path, images: Images, tmp_path: Path) -> None:
    for wrong in (images[:, :50], images[..., :1], images.astype(np.int16).view(np.uint8), images[:0]):
        with pytest.raises(ParameterError, match=r"expected \(N, 55, 47, 3\) uint8"):
            OnnxNetwork.open(file).features(wrong)
    (tmp_path / "other.onnx").write_bytes(b"no model")
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "sealed.onnx").write_bytes(with_digest(onnx.ModelProto(producer_name="none")))
    for name, says in {
        "other.onnx": "carries no digest",
        "missing.onnx": "cannot be read: No such file",
        "folder.onnx": "cannot be read: Is a directory",
        "sealed.onnx": "ONNX Runtime cannot read it",
    }.items():
        with pytest.raises(DataError, match=f"{name}: {says}"):
            OnnxNetwork.open(tmp_path / name)


def test_every_flipped_bit_is_found(file: Path, tmp_path: Path) -> None:
    """Of weights, of the graph, of metadata and of the digest itself; and a file cut short."""
    sound, copy = file.read_bytes(), tmp_path / "copy.onnx"
    rng = np.random.default_rng(0)
    places = [*rng.integers(len(sound), size=40).tolist(), *range(len(sound) - 74, len(sound), 3)]
    for place in places:
        content = bytearray(sound)
        content[place] ^= 1 << int(rng.integers(8))
        copy.write_bytes(content)
        with pytest.raises(DataError, match=r"copy\.onnx: (is damaged|carries no digest)"):
            OnnxNetwork.open(copy)
    copy.write_bytes(sound[:-1])
    with pytest.raises(DataError, match=r"copy\.onnx: is damaged"):
        OnnxNetwork.open(copy)
    copy.write_bytes(sound)
    assert OnnxNetwork.open(copy).metadata["network"] == "S"


def test_the_readmes_example_runs_without_pytorch(file: Path, images: Images, tmp_path: Path) -> None:
    (tmp_path / "student.onnx").write_bytes(file.read_bytes())
    for name, pixels in zip(("first.png", "second.png"), images, strict=False):
        Image.fromarray(pixels).save(tmp_path / name)
    found = re.search(
        r"```python\n(import hashlib\n[^`]*import onnxruntime.*?)```", README.read_text("utf-8"), re.DOTALL
    )
    assert found
    script = f"import sys; sys.modules['torch'] = None\n{found[1]}"
    run = partial(subprocess.run, [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    done = run(check=False)
    assert done.returncode == 0, done.stderr
    features = OnnxNetwork.open(file).features(images[:2])
    damaged = bytearray((tmp_path / "student.onnx").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "student.onnx").write_bytes(damaged)
    assert "AssertionError: student.onnx is damaged" in run(check=False).stderr
    assert float(done.stdout.split()[-1]) == pytest.approx(np.linalg.norm(features[0] - features[1]), rel=1e-4)


def test_a_network_that_fixes_the_number_of_images_is_one_clear_error(tmp_path: Path) -> None:
    class Fixed(MobileIDStudent):
        def forward(self, images: Tensor) -> Outputs:
            features = super().forward(images).features.reshape(len(images), 512)
            return Outputs(features=features, output=self.output_from(features))

    images = np.random.default_rng(0).integers(0, 256, (5, 55, 47, 3), dtype=np.uint8)
    with pytest.raises(DataError, match=r"cannot run it on 5 images .*asks for `len` of its input"):
        export_onnx(Fixed(4, width=4).eval(), tmp_path / "fixed.onnx", images)
    assert not list(tmp_path.iterdir())
