"""A page in which a student compares two faces: its ONNX file, run by ONNX Runtime for browsers, which comes along."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt
from PIL import Image

from nbutils.batch.planned_trainings import notebook_trainings
from nbutils.batch.site.site_runs import SiteRun
from nbutils.batch.site.site_sources import Sources, raw
from nbutils.data.batches import central_crops
from nbutils.data.faces import FaceData
from nbutils.data.probes import find_probes
from nbutils.errors import DataError, NbutilsError
from nbutils.evaluation.onnx import OnnxNetwork, export_onnx
from nbutils.evaluation.verification import equal_error_quantile, verify, wrong_pairs
from nbutils.reporting.claims import is_without_meaning
from nbutils.selection.discriminativeness import attribute_discriminativeness
from nbutils.training.store_places import open_store
from nbutils.training.trainer import TrainingResult

#: Name of the page's document.
STUDENT = "student"
#: ONNX Runtime for browsers, packed: its module, the module that loads its machine code, and that code.
RUNTIME = Path(__file__).with_name("onnxruntime_web")
_RUNTIME_FILES = {
    "module": "ort.wasm.min.mjs.gz",
    "loader": "ort-wasm-simd-threaded.mjs.gz",
    "code": "ort-wasm-simd-threaded.wasm.gz",
}
#: Gallery: people, and images of each. Images that a file is checked on.
_PEOPLE, _EACH, _CHECKED = 8, 3, 256
_BINS = 40
#: Below this balanced accuracy nothing is said of a neuron.
_TELLS = 0.6


def add_student(sources: Sources, runs: Sequence[SiteRun], name: str) -> str:
    """Writes the page; returns a sentence if no run's network is to be had, which the page then says.

    Args:
        sources: Where to.
        runs: Of the site; the first whose training of this name is in the store is taken.
        name: Of the training.
    """
    found = _find(runs, name)
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    ).get_template("student.html")
    if found is None:
        lack = f"no student: no run has a training '{name}' that the store holds and that can verify pairs of faces"
        text = f"This site has {lack}. Run <code>nbutils run quickstart</code> and make it again."
        sources.add_document(STUDENT, f"# Two faces, one student\n\n{raw(f'<p>{text}</p>')}")
        return lack
    run, result, data = found
    page = student_data(run.notebook, result, data)
    sources.add_file("student/student.js", f"window.nbutilsStudent = {json.dumps(page)};\n".encode())
    runtime = {part: _text((RUNTIME / file).read_bytes()) for part, file in _RUNTIME_FILES.items()}
    sources.add_file("student/runtime.js", f"window.nbutilsRuntime = {json.dumps(runtime)};\n".encode())
    sources.add_file("student/LICENSE.onnxruntime.txt", (RUNTIME / "LICENSE").read_bytes())
    script = Path(__file__).with_name("student.js").read_text(encoding="utf-8")
    html = template.render(page, run=run, script=script, meaningless=is_without_meaning(run.preset))
    sources.add_document(STUDENT, f"# Two faces, one student\n\n{raw(html)}")
    return ""


def student_data(source: str, result: TrainingResult, data: FaceData) -> dict[str, Any]:
    """What the page needs of a student: its file, a gallery, its threshold, and what its neurons respond to.

    Args:
        source: The notebook that trained it.
        result: The training.
        data: Its faces, with pairs.

    Raises:
        DataError: The file disagrees with PyTorch.
    """
    size = result.model.input_size
    crops = np.ascontiguousarray(central_crops(data.test.images, size))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "student.onnx"
        entries = {"network": result.spec.name, "source": source, "key": result.spec.key, "data": data.title}
        export_onnx(result.model, file, crops[:_CHECKED], layer=result.feature_layer, metadata=entries)
        network = OnnxNetwork.open(file)
        content = file.read_bytes()
    features = network.features(crops)
    verified = verify(features, data.test, data.pairs)
    wrong = wrong_pairs(verified, equal_error_quantile(verified))
    edges = np.histogram_bin_edges(verified.distances, _BINS)
    counts = (np.histogram(verified.distances[verified.same == same], edges)[0].tolist() for same in (True, False))
    gallery = _gallery(data.test.identity)
    names = result.metrics["neurons"] or range(features.shape[1])
    return {
        "network": result.spec.name,
        "source": source,
        "data": data.title,
        "size": list(size),
        "parameters": int(result.metrics["parameters"]),
        "model": _text(content),
        "digest": hashlib.sha256(content).hexdigest(),
        "faces": [{"picture": _png(crops[i]), "person": int(data.test.identity[i])} for i in gallery],
        "neurons": [int(neuron) for neuron in names],
        "imitates": bool(result.metrics["neurons"]),
        "mean": features.mean(axis=0).tolist(),
        "deviation": features.std(axis=0).tolist(),
        "tells": _tells(network, data),
        "threshold": wrong.threshold,
        "rejected": wrong.rejected_share,
        "accepted": wrong.accepted_share,
        "pairs": len(data.pairs),
        "edges": edges.tolist(),
        "one": next(counts),
        "two": next(counts),
    }


def _find(runs: Sequence[SiteRun], name: str) -> tuple[SiteRun, TrainingResult, FaceData] | None:
    store = open_store()
    for run in runs:
        if run.error or not run.parameters:
            continue
        try:
            specs = notebook_trainings(run.notebook, run.parameters)[0]
        except NbutilsError:
            continue
        spec = next((spec for spec in specs if spec.name == name), None)
        folder = store.find(spec.key) if spec else None
        if spec is None or folder is None:
            continue
        try:
            data = spec.data.load()
        except NbutilsError:  # the files are elsewhere now
            continue
        if len(data.pairs) and data.test.images.shape[-1] == 3:
            return run, TrainingResult(spec, folder, trained_now=False), data
    return None


def _gallery(identity: npt.NDArray[np.int64]) -> list[int]:
    """Positions of some images of some people, those first who have enough."""
    people, counts = np.unique(identity, return_counts=True)
    chosen = people[np.argsort(-np.minimum(counts, _EACH), kind="stable")][:_PEOPLE]
    return [int(i) for person in chosen for i in np.flatnonzero(identity == person)[:_EACH]]


def _tells(network: OnnxNetwork, data: FaceData) -> list[str]:
    """Of each neuron the attribute that it predicts best; empty where the faces have none, or it predicts none well."""
    try:
        probes = find_probes(data)
    except DataError:
        return []
    if probes.attributes is None:
        return []
    features = network.features(np.ascontiguousarray(central_crops(probes.images, network.input_size)))
    x = attribute_discriminativeness(features, probes.attributes, probes.known)
    best = x.argmax(axis=1)
    return [
        f"{probes.names[at].replace('_', ' ')}, {100 * row[at]:.0f} %" if row[at] >= _TELLS else ""
        for row, at in zip(x, best, strict=True)
    ]


def _png(pixels: npt.NDArray[np.uint8]) -> str:
    """An image as the address of itself, which a page from a file may read the pixels of."""
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="png")
    return f"data:image/png;base64,{_text(png.getvalue())}"


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
