#!/usr/bin/env python3
"""Writes the wheel of the Python package, with libnsajit.so inside: a zip file with three files of metadata. Needs only Python.

usage: build_wheel.py --library LIBNSAJIT.SO --version 0.1.0 --output FOLDER
"""

import argparse
import base64
import hashlib
import os
import platform
import zipfile
from pathlib import Path

METADATA = """Metadata-Version: 2.1
Name: nsajit
Version: {version}
Summary: Tuned Native Sparse Attention kernels on numpy arrays and torch tensors
License: Apache-2.0
Requires-Python: >=3.9
Requires-Dist: numpy
Provides-Extra: torch
Requires-Dist: torch>=2.4; extra == "torch"
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: nsajit\nRoot-Is-Purelib: false\nTag: {tag}\n"


def platform_tag() -> str:
    """The C library of this machine is the oldest that is promised: the library was built against it."""
    name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
    if name != "glibc":
        raise SystemExit(f"build_wheel: the C library is {name}; wheels are for glibc")
    return f"manylinux_{version.replace('.', '_')}_{platform.machine()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    if not options.library.is_file():
        raise SystemExit(f"build_wheel: {options.library} is not there; build or install it first")

    tag = f"py3-none-{platform_tag()}"
    info = f"nsajit-{options.version}.dist-info"
    package = Path(__file__).resolve().parent / "nsajit"
    files = {f"nsajit/{path.name}": path.read_bytes() for path in sorted(package.iterdir()) if path.suffix in (".py", ".typed")}
    files["nsajit/libnsajit.so"] = options.library.read_bytes()
    files[f"{info}/METADATA"] = METADATA.format(version=options.version).encode()
    files[f"{info}/WHEEL"] = WHEEL.format(tag=tag).encode()
    record = ""
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()

    options.output.mkdir(parents=True, exist_ok=True)
    wheel = options.output / f"nsajit-{options.version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    print(wheel)


if __name__ == "__main__":
    main()
