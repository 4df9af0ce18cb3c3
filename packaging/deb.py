"""Make a Debian package of a bundle's folder. script/deb runs this inside the private root file system.

    deb.py FOLDER OUTPUT     prints the package's path

The folder goes to /usr/lib/llama-cli, where programs keep what is theirs alone (hier(7)); /usr/bin has a link to its
launcher. It depends on nothing: a package from source would run on the one release that has its libraries. llama.cpp's
own command has the same name, manual page and completion, so that the two packages cannot be installed together.
"""
import gzip
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import bundle

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
DESCRIPTION = """\
turn text into vectors, answer and chat, with GGUF models
 Embeds lines, tables and databases into Parquet or Arrow files, each
 distinct text once, and goes on after it was stopped; generates text and
 chats. Runs on the CPU. It brings its own libraries: any release will do."""


def packed(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(source, 9, mtime=0))


def fill(tree, folder, architecture):
    shutil.copytree(folder, tree / "usr/lib/llama-cli", symlinks=True)
    share = tree / "usr/share"
    ours = tree / "usr/lib/llama-cli/share"
    packed((ours / "llama-cli.1").read_bytes(), share / "man/man1/llama-cli.1.gz")
    (ours / "llama-cli.1").unlink()
    for shell, place in (("bash", "bash-completion/completions/llama-cli"),
                         ("zsh", "zsh/vendor-completions/_llama-cli"),
                         ("fish", "fish/vendor_completions.d/llama-cli.fish")):
        (share / place).parent.mkdir(parents=True)
        shutil.move(ours / f"llama-cli.{shell}", share / place)
    doc = share / "doc/llama-cli"
    doc.mkdir(parents=True)
    licence = "".join((bundle.TOP / name).read_text() + "\n" for name in ("LICENSE", "LICENSE-MIT"))
    (doc / "copyright").write_text(f"{licence}The Apache License 2.0: /usr/share/common-licenses/Apache-2.0\n"
                                   "The libraries: /usr/lib/llama-cli/licences\n")
    stamp = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"])))
    packed(f"llama-cli ({bundle.version()}) unstable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n"
           f" -- llama-cli <llama-cli@localhost>  {stamp}\n".encode(), doc / "changelog.gz")
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/llama-cli").symlink_to("../lib/llama-cli/llama-cli")
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        f"Package: llama-cli\nVersion: {bundle.version()}\nArchitecture: {architecture}\n"
        f"Maintainer: llama-cli <llama-cli@localhost>\nInstalled-Size: {size // 1024}\nSection: science\n"
        f"Priority: optional\nRecommends: ca-certificates\nConflicts: llama.cpp-tools\nDescription: {DESCRIPTION}\n")
    home = tree / "usr/lib/llama-cli"
    programs = {home / "llama-cli", home / "lib/llama-cli", *(home / "lib").glob("ld-linux-*")}
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path in programs else 0o644)


def main():
    folder, output = map(pathlib.Path, sys.argv[1:])
    architecture = ARCHITECTURES[folder.name.rsplit("-", 1)[1]]
    package = output / f"llama-cli_{bundle.version()}_{architecture}.deb"
    with tempfile.TemporaryDirectory(dir=output) as work:
        tree = pathlib.Path(work) / "tree"
        fill(tree, folder, architecture)
        # xz, which older dpkg know; a dictionary that holds the one copy of DuckDB beside the next.
        bundle.run("dpkg-deb", "--root-owner-group", "--threads-max=1", "-Zxz", "-z9", "--build", tree, package)
    print(package)


if __name__ == "__main__":
    main()
