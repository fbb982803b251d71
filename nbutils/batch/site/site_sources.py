"""What Sphinx makes a site from: documents, and files that the site has as they are."""

from __future__ import annotations

import base64
import hashlib
import io
import posixpath
import re
from pathlib import Path

from PIL import Image

_PICTURE = re.compile(r'src="data:image/(png|jpeg|webp);base64,([^"]+)"')


class Sources:
    """Folders for Sphinx: `documents`, `files` that go to the site's root, and `static` ones.

    Args:
        folder: To write to.
    """

    def __init__(self, folder: Path) -> None:
        self.documents, self.files, self.static = (folder / name for name in ("documents", "files", "static"))
        for each in (self.documents, self.files, self.static):
            each.mkdir(parents=True)
        self._names: dict[str, str] = {}

    def add_document(self, name: str, text: str, suffix: str = ".md") -> None:
        """Writes a document under its name, which may have folders."""
        _write(self.documents / f"{name}{suffix}", text.encode("utf-8"))

    def add_file(self, name: str, content: bytes) -> None:
        """Writes a file of the site."""
        _write(self.files / name, content)
        self._names.setdefault(hashlib.sha256(content).hexdigest(), name)

    def add_picture(self, content: bytes, kind: str) -> str:
        """Writes a picture, unless the site has it already; returns the name of its file."""
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._names:
            self.add_file(f"pictures/{digest[:16]}.{kind}", content)
        return self._names[digest]

    def with_picture_files(self, html: str, document: str) -> str:
        """`html` of a document with each embedded picture as a file: a page then opens before its pictures are read."""

        def linked(found: re.Match[str]) -> str:
            content = base64.b64decode(found[2])
            name = self.add_picture(content, found[1])
            width, height = Image.open(io.BytesIO(content)).size
            return f'src="{relative(name, document)}" width="{width}" height="{height}" loading="lazy"'

        return _PICTURE.sub(linked, html)


def relative(target: str, document: str) -> str:
    """Address of a file of the site, seen from a document.

    Example:
        >>> from nbutils.batch.site.site_sources import relative
        >>> relative("pictures/a.png", "luo2016/05"), relative("luo2016/02.html", "luo2016/05")
        ('../pictures/a.png', '02.html')
    """
    return posixpath.relpath(target, posixpath.dirname(document) or ".")


def raw(html: str) -> str:
    """HTML as a block of a document in Markdown."""
    return f"``````````{{raw}} html\n{html}\n``````````\n"


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
