"""What `nbutils.data` offers: sorted, whole, and imported only when asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import nbutils.data


def test_the_public_names_are_those_of_the_stub() -> None:
    stub = ast.parse(Path(nbutils.data.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    listed = next(ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign))
    imported = sorted(a.name for node in stub.body if isinstance(node, ast.ImportFrom) for a in node.names)
    assert nbutils.data.__all__ == sorted(listed) == imported
    for name in nbutils.data.__all__:
        assert getattr(nbutils.data, name) is not None
    assert set(nbutils.data.__all__) <= set(dir(nbutils.data))


def test_importing_it_imports_neither_torch_nor_opencv() -> None:
    code = "import sys, nbutils.data; print(sorted(sys.modules.keys() & {'torch', 'cv2', 'nbutils.data.spec'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
