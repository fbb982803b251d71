"""What a result came from: code, packages and machine."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

import nbutils


def environment() -> dict[str, Any]:
    """Versions and machine of this process, as JSON values."""
    return {
        "python": platform.python_version(),
        "packages": package_versions(),
        "machine": {
            "processor": processor_name(),
            "cores": os.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "system": platform.platform(),
            "accelerator": _accelerator(),
        },
    }


def package_versions() -> dict[str, str]:
    """Installed version of nbutils and of each package that it requires at run time."""
    versions = {"nbutils": nbutils.__version__}
    try:
        required = metadata.requires("nbutils") or []
    except metadata.PackageNotFoundError:
        required = []
    for requirement in required:
        if "extra ==" in requirement:
            continue
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_state(root: Path | None) -> dict[str, Any] | None:
    """Commit checked out in `root` and whether files differ from it; None where there is no root or no checkout."""
    commit = None if root is None else _git(root, "rev-parse", "HEAD")
    if root is None or commit is None:
        return None
    return {"commit": commit, "dirty": bool(_git(root, "status", "--porcelain", "--untracked-files=normal"))}


def processor_name() -> str:
    """Model name of the processor, or its architecture where the system does not tell."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _accelerator() -> str | None:
    # Only a run that has used torch can have used an accelerator; reporting alone must not load it.
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name())
