"""Put a folder together that runs on any Linux. script/bundle runs this inside the private root file system.

    bundle.py [--archives] ARCHITECTURE BUILD OUTPUT     prints the folder's path

    llama-cli-VERSION-linux-ARCHITECTURE/
      llama-cli            the launcher (launcher.cc), static
      lib/                 the program, the plug-in, ggml's back ends, every library that they need, the loader
      share/               completions, the manual page, certificates for where the system has none
      licences/            of every package that something comes from
      sbom.spdx.json       which package, version and file that is (SPDX 2.3)
"""
import argparse
import compression.zstd
import dataclasses
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
# The private root's list of packages: inside of it /var is the machine's own.
PACKAGES = [f"--admindir={os.environ.get('BUNDLE_ROOT', '')}/var/lib/dpkg"]
LOADER = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1"}


@dataclasses.dataclass(frozen=True)
class Machine:
    """Whose bundle is made: this machine's, or another's, whose libraries are a folder and which is emulated."""
    architecture: str
    root: pathlib.Path        # /lib and /usr are below
    emulator: tuple = ()      # before each command
    tools: str = ""           # before a tool's name
    compiler_options: tuple = ()

    @staticmethod
    def named(architecture):
        if architecture == os.uname().machine:
            return Machine(architecture, pathlib.Path("/"))
        root = pathlib.Path(os.environ["BUNDLE_ROOT"])
        # A CPU that exists: the emulator's default has extensions that no machine has together yet.
        return Machine(architecture, root, (f"qemu-{architecture}", "-cpu", "neoverse-n1", "-L", root),
                       f"{architecture}-linux-gnu-", (f"--sysroot={root}",))

    @property
    def loader(self):
        return self.root / LOADER[self.architecture]

    def run(self, *command):
        return run(*self.emulator, *command)

    def needs(self, file):
        """What the loader says of a file's libraries, one a line. Natively ldd asks it."""
        return self.run(self.loader, "--list", file) if self.emulator else run("ldd", file)


def run(*command, **more):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, **more).stdout


def version():
    return re.search(r"project\(llama-cli VERSION ([\d.]+)", (TOP / "CMakeLists.txt").read_text())[1]


def back_ends(machine):
    """ggml's for CPUs, as Debian installs them."""
    return sorted((machine.root / "usr/lib").glob("*/ggml/backends*/libggml-cpu-*.so"))


def extensions(machine):
    """DuckDB's, which read SQLite, Postgres, MySQL, https:// and s3://, by the folders that DuckDB looks into."""
    folder = machine.root / "usr/lib/duckdb/extensions"
    wanted = ("httpfs", "mysql_scanner", "postgres_scanner", "sqlite_scanner")
    found = sorted(path for name in wanted for path in folder.rglob(f"{name}.duckdb_extension"))
    return {path.relative_to(folder): path for path in found}


def libraries(machine, files):
    """name -> file of all that these need. The loader itself says where each lies."""
    found = {}
    for file in files:
        for line in machine.needs(file).splitlines():
            if match := re.match(r"\s*([^/\s]+) => /(\S+)", line):
                found[match[1]] = (machine.root / match[2]).resolve()
            elif "not found" in line:
                raise SystemExit(f"bundle: {file}: {line.strip()}")
    return found


def package_of(machine, file):
    """The Debian package that a file comes from: /lib is a link to /usr/lib, and either may be listed."""
    file = pathlib.Path("/") / file.relative_to(machine.root.resolve())
    for path in (file, pathlib.Path("/usr") / file.relative_to("/"), pathlib.Path("/") / file.relative_to("/usr")):
        found = subprocess.run(["dpkg-query", *PACKAGES, "-S", str(path)], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split(":", 1)[0]
    raise SystemExit(f"bundle: no package has {file}")


def put(source, target, strip=None):
    shutil.copyfile(source, target)
    if strip:
        run(strip, "--strip-unneeded", target)
    target.chmod(0o755)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def certificates(root):
    """Mozilla's, as the package ca-certificates has them: the file in /etc may have more, of this machine's."""
    folder = root / "usr/share/ca-certificates/mozilla"
    return "".join(path.read_text().strip() + "\n" for path in sorted(folder.glob("*.crt")))


def licences(root, folder, packages):
    folder.mkdir()
    for name in ("LICENSE", "LICENSE-MIT", "LICENSE-APACHE"):
        shutil.copyfile(TOP / name, folder / f"llama-cli-{name}")
    for package in packages:
        shutil.copyfile(root / f"usr/share/doc/{package}/copyright", folder / f"{package}.txt")
    # Debian's copyright files point at these for the full texts.
    shutil.copytree(root / "usr/share/common-licenses", folder / "common-licenses", symlinks=True)


def bill(folder, origins, epoch):
    """SPDX 2.3: https://spdx.github.io/spdx-spec/v2.3/"""
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
    packages = [{"SPDXID": "SPDXRef-llama-cli", "name": "llama-cli", "versionInfo": version(), "licenseConcluded":
                 "MIT OR Apache-2.0", "downloadLocation": "NOASSERTION", "filesAnalyzed": False}]
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                  "relatedSpdxElement": "SPDXRef-llama-cli"}]
    files = []
    for package in sorted(set(origins.values())):
        number = run("dpkg-query", *PACKAGES, "-W", "-f", "${Version}\t${source:Package}\t${source:Version}",
                     package).split("\t")
        identity = "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", package)
        packages.append({"SPDXID": identity, "name": package, "versionInfo": number[0], "supplier":
                         "Organization: Debian", "licenseConcluded": "NOASSERTION", "downloadLocation": "NOASSERTION",
                         "filesAnalyzed": False, "sourceInfo": f"source package {number[1]} {number[2]}; licence: "
                         f"licences/{package}.txt", "externalRefs": [{
                             "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                             "referenceLocator": f"pkg:deb/debian/{package}@{number[0]}"}]})
        relations.append({"spdxElementId": "SPDXRef-llama-cli", "relationshipType": "CONTAINS",
                          "relatedSpdxElement": identity})
    for i, path in enumerate(sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())):
        name = f"./{path.relative_to(folder)}"
        files.append({"SPDXID": f"SPDXRef-file-{i}", "fileName": name, "licenseConcluded": "NOASSERTION",
                      "copyrightText": "NOASSERTION",
                      "checksums": [{"algorithm": "SHA256", "checksumValue": sha256(path)}]})
        owner = origins.get(path.name, "llama-cli") if path.relative_to(folder).parts[0] == "lib" else "llama-cli"
        relations.append({"spdxElementId": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", owner),
                          "relationshipType": "CONTAINS", "relatedSpdxElement": f"SPDXRef-file-{i}"})
    document = {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
                "name": folder.name, "documentNamespace": f"https://spdx.org/spdxdocs/{folder.name}-{epoch}",
                "creationInfo": {"created": created, "creators": ["Tool: llama-cli script/bundle"]},
                "packages": packages, "files": files, "relationships": relations}
    (folder / "sbom.spdx.json").write_text(json.dumps(document, indent=1) + "\n")


def make(machine, build, folder, epoch):
    program, plugin = build / "llama-cli/llama-cli", next(build.glob("lib*/llama-cli/libggml-packed.so"))
    own, more = back_ends(machine), extensions(machine)
    needed = libraries(machine, [program, plugin, *own, *more.values()]) | {path.name: path for path in own}
    loader = machine.loader.name
    needed.setdefault(loader, machine.loader.resolve())
    # Opened by name when a host's name is asked for (glibc, nsswitch.conf).
    libc = needed["libc.so.6"].parent
    needed |= {name: libc / name for name in ("libnss_dns.so.2", "libnss_files.so.2") if (libc / name).exists()}
    (folder / "lib").mkdir(parents=True)
    for name, path in sorted(needed.items()):
        put(path, folder / "lib" / name)
    for name, path in more.items():
        (folder / "lib/duckdb" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / "lib/duckdb" / name)
    put(program, folder / "lib/llama-cli", machine.tools + "strip")
    put(plugin, folder / "lib" / plugin.name, machine.tools + "strip")
    run(machine.tools + "g++", *machine.compiler_options, "-std=c++23", "-Os", "-static", "-s",
        f'-DBUNDLE_LOADER="{loader}"', "-o", folder / "llama-cli", TOP / "packaging/launcher.cc")
    share = folder / "share"
    share.mkdir()
    (share / "ca-certificates.crt").write_text(certificates(machine.root))
    for shell in ("bash", "zsh", "fish"):
        (share / f"llama-cli.{shell}").write_text(machine.run(program, "completion", shell))
    (share / "llama-cli.1").write_text(machine.run(program, "manual"))
    files = needed | {path.name: path for path in more.values()}
    origins = {name: package_of(machine, path) for name, path in files.items()}
    licences(machine.root, folder / "licences", sorted(set(origins.values()) | {"ca-certificates"}))
    bill(folder, origins, epoch)


def packed(folder, epoch):
    """The folder as a tar file, the same bytes whoever makes it."""
    def plain(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = epoch
        if not entry.issym():
            entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(folder, arcname=folder.name, recursive=False, filter=plain)
        for path in sorted(folder.rglob("*")):
            archive.add(path, arcname=f"{folder.name}/{path.relative_to(folder)}", recursive=False, filter=plain)
    return out.getvalue()


def add_sums(file, sums):
    """SHA256SUMS is of all that lies beside it: another architecture's archives keep their lines."""
    if file.exists():
        lines = [line.split(maxsplit=1) for line in file.read_text().splitlines()]
        sums = {name: digest for digest, name in lines if (file.parent / name).exists()} | sums
    file.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--archives", action="store_true")
    parser.add_argument("architecture", choices=sorted(LOADER))
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    folder = arguments.output / f"llama-cli-{version()}-linux-{arguments.architecture}"
    shutil.rmtree(folder, ignore_errors=True)
    make(Machine.named(arguments.architecture), arguments.build.resolve(), folder, epoch)
    if arguments.archives:
        tar = packed(folder, epoch)
        level = {compression.zstd.CompressionParameter.compression_level: 19,
                 compression.zstd.CompressionParameter.window_log: 27}
        made = {f"{folder.name}.tar.zst": compression.zstd.compress(tar, options=level),
                f"{folder.name}.tar.gz": gzip.compress(tar, 9, mtime=0)}
        for name, content in made.items():
            (arguments.output / name).write_bytes(content)
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in made.items()}
        add_sums(arguments.output / "SHA256SUMS", sums)
    print(folder)


if __name__ == "__main__":
    main()
