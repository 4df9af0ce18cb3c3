"""Make a container image of a bundle's folder. script/image runs this inside the private root file system.

    image.py FOLDER OUTPUT     prints the archive's path

An OCI image layout in a tar file, which podman, skopeo and docker load; of two runs the same bytes. Its root file
system has the bundle, one user without rights, a home for the models and /tmp, and nothing else.

Source   https://github.com/opencontainers/image-spec: image-layout.md, manifest.md, config.md, layer.md
         https://github.com/moby/docker-image-spec: manifest.json, for docker before 25
"""
import gzip
import hashlib
import io
import json
import os
import pathlib
import sys
import tarfile
import time

import bundle

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
USER = 65532  # as images without a distribution have it
HOME = "home/llama"
PLACE = "usr/lib/llama-cli"


def entry(name, epoch, mode=0o755, kind=tarfile.DIRTYPE, size=0, owner=0, link=""):
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.size, made.mtime, made.linkname = kind, mode, size, epoch, link
    made.uid = made.gid = owner
    return made


def layer(folder, epoch):
    """The root file system as a tar file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in ("etc", "home", "usr", "usr/bin", "usr/lib", PLACE):
            archive.addfile(entry(name, epoch))
        for name in (HOME, f"{HOME}/.cache", "work"):
            archive.addfile(entry(name, epoch, owner=USER))
        archive.addfile(entry("tmp", epoch, 0o1777))
        for name, text in (("etc/passwd", f"root:x:0:0::/:\nllama:x:{USER}:{USER}::/{HOME}:\n"),
                           ("etc/group", f"root:x:0:\nllama:x:{USER}:\n")):
            archive.addfile(entry(name, epoch, 0o644, tarfile.REGTYPE, len(text)), io.BytesIO(text.encode()))
        archive.addfile(entry("usr/bin/llama-cli", epoch, 0o777, tarfile.SYMTYPE, link="../lib/llama-cli/llama-cli"))
        for path in sorted(folder.rglob("*")):
            name = f"{PLACE}/{path.relative_to(folder)}"
            if path.is_symlink():
                archive.addfile(entry(name, epoch, 0o777, tarfile.SYMTYPE, link=os.readlink(path)))
            elif path.is_dir():
                archive.addfile(entry(name, epoch))
            else:
                mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                with open(path, "rb") as file:
                    archive.addfile(entry(name, epoch, mode, tarfile.REGTYPE, path.stat().st_size), file)
    return out.getvalue()


class Layout:
    """Blobs by their digests, and the files beside them."""

    def __init__(self):
        self.files = {"oci-layout": json.dumps({"imageLayoutVersion": "1.0.0"}).encode()}

    def add(self, content, kind):
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    def write(self, path, epoch):
        with tarfile.open(path, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for name in ("blobs", "blobs/sha256"):
                archive.addfile(entry(name, epoch))
            for name, content in sorted(self.files.items()):
                archive.addfile(entry(name, epoch, 0o644, tarfile.REGTYPE, len(content)), io.BytesIO(content))


def encoded(value):
    return json.dumps(value, sort_keys=True).encode()


def main():
    folder, output = map(pathlib.Path, sys.argv[1:])
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
    architecture = ARCHITECTURES[folder.name.rsplit("-", 1)[1]]
    tag = f"llama-cli:{bundle.version()}"
    plain = layer(folder, epoch)
    layout = Layout()
    packed = layout.add(gzip.compress(plain, 6, mtime=0), "layer.v1.tar+gzip")
    labels = {"org.opencontainers.image.title": "llama-cli", "org.opencontainers.image.version": bundle.version(),
              "org.opencontainers.image.licenses": "MIT OR Apache-2.0", "org.opencontainers.image.created": created,
              "org.opencontainers.image.description": "Turn text into vectors, answer and chat, with GGUF models"}
    config = layout.add(encoded({
        "created": created, "architecture": architecture, "os": "linux",
        "config": {"User": f"{USER}:{USER}", "Env": ["PATH=/usr/bin", f"HOME=/{HOME}"], "WorkingDir": "/work",
                   "Entrypoint": ["/usr/bin/llama-cli"], "Volumes": {f"/{HOME}/.cache": {}}, "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]},
        "history": [{"created": created, "created_by": "script/image"}]}), "config.v1+json")
    manifest = layout.add(encoded({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
        "layers": [packed], "annotations": labels}), "manifest.v1+json")
    named = {**manifest, "annotations": {"org.opencontainers.image.ref.name": bundle.version(),
                                         "io.containerd.image.name": f"docker.io/library/{tag}"}}
    layout.files["index.json"] = encoded({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [named]})
    blob = "blobs/sha256/{}".format
    layout.files["manifest.json"] = encoded([{
        "Config": blob(config["digest"][7:]), "RepoTags": [tag], "Layers": [blob(packed["digest"][7:])]}])
    archive = output / f"llama-cli-{bundle.version()}-{architecture}.oci.tar"
    layout.write(archive, epoch)
    print(archive)


if __name__ == "__main__":
    main()
