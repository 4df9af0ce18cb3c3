"""Make the wheel of a bundle: the folder that runs anywhere, inside the Python package. script/wheel runs this.

    wheel.py BUNDLE OUTPUT          prints the wheel's path

A wheel is a zip file whose names say what it is for (Python's binary distribution format).

    llama_cli/                            the package (python/llama_cli)
    llama_cli/bundle/                     the bundle's folder, as it is
    llama_cli-VERSION.dist-info/          METADATA, WHEEL, entry_points.txt, RECORD, licenses/, sboms/

The same bytes each time: sorted names, the time of SOURCE_DATE_EPOCH, no owners. pip gives the executable bit to files
that have it in the zip's attributes. auditwheel is not asked for the tags: it would read the symbols of the bundle's
own C library, which needs no other; testing/wheel_test.sh runs the wheel instead.
"""
import argparse
import base64
import hashlib
import os
import pathlib
import re
import time
import zipfile

TOP = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = TOP / "python/llama_cli"
# The oldest pip that takes a tag decides where the wheel is offered: these are glibc 2.17 and musl 1.1 and all later.
SYSTEMS = ("manylinux_2_17", "musllinux_1_1")
NEEDED = ("numpy>=1.26.0", "pyarrow>=14.0.1")
PYTHON = ">=3.11"
LIMIT = 100_000_000  # bytes; PyPI takes no more of a file
# Each of DuckDB's extensions holds a copy of DuckDB: https and s3 fit below the limit, databases do not.
LEFT_OUT = tuple(f"{name}_scanner.duckdb_extension" for name in ("mysql", "postgres", "sqlite"))

METADATA = """\
Metadata-Version: 2.4
Name: llama-cli
Version: {version}
Summary: Embeds texts with GGUF models: the program llama-cli, and a package that talks to it
License-Expression: (MIT OR Apache-2.0) AND LicenseRef-Bundled-Libraries
{licences}Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3
Classifier: Typing :: Typed
Requires-Python: {python}
{needed}Description-Content-Type: text/markdown

{description}"""


def version(bundle):
    return re.fullmatch(r"llama-cli-([\d.]+)-linux-\w+", bundle.name)[1]


def architecture(bundle):
    return bundle.name.rsplit("-", 1)[1]


def description():
    """The documentation's page, without its links to other pages."""
    return re.sub(r"\[([^]]+)\]\([^)]+\.md[^)]*\)", r"\1", (TOP / "doc/python.md").read_text())


class Wheel:
    """Files by their names in the zip, until write()."""

    def __init__(self, name):
        self.name = name
        self.files = {}  # name -> (bytes, is a program)

    def add(self, name, content, is_program=False):
        assert name not in self.files, name
        self.files[name] = (content.encode() if isinstance(content, str) else content, is_program)

    def add_folder(self, folder, at, leaves_out=()):
        """Links become what they point at: a zip that pip unpacks has none."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not set(path.relative_to(folder).parts) & set(leaves_out):
                self.add(f"{at}/{path.relative_to(folder)}", path.read_bytes(), bool(path.stat().st_mode & 0o100))

    def record(self, own_name):
        lines = []
        for name, (content, _) in sorted(self.files.items()):
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(content)}\n")
        return "".join([*lines, f"{own_name},,\n"])

    def write(self, path, epoch):
        moment = time.gmtime(max(epoch, 315532800))[:6]  # a zip knows no time before 1980
        partial = path.with_suffix(".partial")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            # The description comes last, so that tools find it near the zip's directory.
            for name in sorted(self.files, key=lambda name: (".dist-info/" in name, name)):
                content, is_program = self.files[name]
                entry = zipfile.ZipInfo(name, moment)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # Unix: the attributes are a file's mode
                entry.external_attr = (0o100755 if is_program else 0o100644) << 16
                archive.writestr(entry, content)
        partial.rename(path)


def make(bundle, output, epoch):
    number = version(bundle)
    tags = [f"py3-none-{system}_{architecture(bundle)}" for system in SYSTEMS]
    information = f"llama_cli-{number}.dist-info"
    wheel = Wheel(f"llama_cli-{number}-py3-none-{'.'.join(tag.split('-')[2] for tag in tags)}.whl")
    wheel.add_folder(PACKAGE, "llama_cli", leaves_out=("__pycache__",))
    wheel.add_folder(bundle, "llama_cli/bundle", leaves_out=("licences", "sbom.spdx.json", *LEFT_OUT))
    licences = sorted(path for path in (bundle / "licences").rglob("*") if path.is_file())
    for path in licences:
        wheel.add(f"{information}/licenses/{path.relative_to(bundle / 'licences')}", path.read_bytes())
    wheel.add(f"{information}/sboms/llama-cli.spdx.json", (bundle / "sbom.spdx.json").read_bytes())
    wheel.add(f"{information}/METADATA", METADATA.format(
        version=number, python=PYTHON, needed="".join(f"Requires-Dist: {name}\n" for name in NEEDED),
        licences="".join(f"License-File: {path.relative_to(bundle / 'licences')}\n" for path in licences),
        description=description()))
    wheel.add(f"{information}/WHEEL", "Wheel-Version: 1.0\nGenerator: llama-cli packaging/wheel.py\n"
              "Root-Is-Purelib: false\n" + "".join(f"Tag: {tag}\n" for tag in tags))
    wheel.add(f"{information}/entry_points.txt", "[console_scripts]\nllama-cli = llama_cli.program:main\n")
    wheel.add(f"{information}/RECORD", wheel.record(f"{information}/RECORD"))
    path = output / wheel.name
    wheel.write(path, epoch)
    if path.stat().st_size >= LIMIT:
        raise SystemExit(f"wheel: {path} has {path.stat().st_size:,} bytes, and the limit is {LIMIT:,}")
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    print(make(arguments.bundle.resolve(), arguments.output, int(os.environ["SOURCE_DATE_EPOCH"])))


if __name__ == "__main__":
    main()
