"""The loader in the program and in an example, and the specification's own tests of it, by its names.
"""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import gguf
import numpy
import pyarrow.parquet
import pytest
from fetching import MODEL, SIZE, cli, environment, fetch, published, split_model, wrong
from program import CLI, rows

import fake_hub_faults as faults  # fetching knows where


# The specification's own tests, by its names

def test_cache_sharing_between_crates(hub, tmp_path):
    """What one library downloaded is a cache hit for the other."""
    (tmp_path / "in.txt").write_text("hello world\n")
    run = cli(hub, tmp_path, "embed", "-m", "org/model", "-i", str(tmp_path / "in.txt"),
              "-o", str(tmp_path / "out.parquet"))
    assert run.returncode == 0, run.stderr
    hub.forget()
    held = fetch(hub, tmp_path, "hold=0")
    assert held.stdout.startswith("ok hit") and hub.requests() == []


def test_multipart_download_preservation(hub, tmp_path):
    for part in split_model(tmp_path):
        hub.add("org/split", part.name, part.read_bytes())
    assert fetch(hub, tmp_path, "hold=0", repo="org/split").stdout.startswith("ok new")
    assert fetch(hub, tmp_path, "hold=0", repo="org/split").stdout.startswith("ok hit")


def test_retry_logic_preservation(hub, tmp_path):
    hub.fault("resolve", faults.status(500), times=None)
    run = fetch(hub, tmp_path, "retries=2", "delay=100", "lanes=1")
    wrong(run, "Network", "500", tmp_path=tmp_path)
    assert len(hub.requests("resolve")) == 3 and "(2 of 2)" in run.stderr


def test_the_example(hub, tmp_path):
    for found in ("new", "from the cache"):
        run = subprocess.run([os.environ["LOAD_MODEL"], "org/model"], env=environment(hub, tmp_path),
                             capture_output=True, text=True)
        assert run.returncode == 0 and f"64 dimensions, {found}" in run.stdout, run


# The program


def header_only(path, architecture, **more):
    """What a file of this kind declares; one tensor."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(40)
    for name, value in more.items():
        writer.add_uint32(f"{architecture}.{name}", value)
    writer.add_tensor("blk.39.weight", numpy.zeros((64, 64), numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def test_drafts_are_left_out(hub, tmp_path):
    """By their names; and by their headers, where the names say nothing."""
    for name in ("mtp-m-F16.gguf", "m-F16-mtp.gguf", "m-assistant-F16.gguf"):
        hub.add("org/m", name, header_only(tmp_path / "d.gguf", "gemma4-assistant"))
    hub.add("org/m", "m-Q8_0.gguf", MODEL)
    listed = cli(hub, tmp_path, "models", "pull", "org/m", "--list-files")
    chosen = [line.split()[-1] for line in listed.stdout.splitlines() if line.startswith("* ") and "gguf" in line]
    assert chosen == ["m-Q8_0.gguf"], listed.stdout
    assert hub.requests("blob") == []  # no header was needed
    hub.add("org/m", "m-F16.gguf", header_only(tmp_path / "e.gguf", "qwen35", nextn_predict_layers=1))
    run = fetch(hub, tmp_path, repo="org/m")
    assert run.stdout.startswith("ok new") and run.stdout.strip().endswith("m-Q8_0.gguf"), run
    assert "left out" in run.stderr and "'m-F16.gguf': a draft" in run.stderr
    assert fetch(hub, tmp_path, repo="org/m").stdout.startswith("ok hit")
    assert sorted(published(tmp_path))[0].endswith("m-Q8_0.gguf")


@pytest.mark.parametrize("repo,name", [("org/m-MTP-GGUF", "m-MTP-Q8_0.gguf"), ("org/m-GGUF", "m-MTP-Q8_0.gguf"),
                                       ("org/Assistant-GGUF", "Assistant-Q8_0.GGUF"),
                                       ("org/Eagle-GGUF", "Eagle-Q8_0.gguf")])
def test_a_name_alone_makes_no_draft(hub, tmp_path, repo, name):
    hub.add(repo, name, MODEL)
    run = fetch(hub, tmp_path, repo=repo)
    assert run.stdout.startswith("ok new") and run.stdout.strip().endswith(name), run


def test_endings_in_capitals(hub, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "MODEL.GGUF").write_bytes(MODEL)
    (tmp_path / "in.txt").write_text("hello world\n")
    for model in (folder, folder / "MODEL.GGUF"):
        run = cli(hub, tmp_path, "embed", "-m", str(model), "-i", str(tmp_path / "in.txt"),
                  "-o", str(tmp_path / "out.parquet"), "--force")
        assert run.returncode == 0, run.stderr


def test_embed_from_the_hub(hub, tmp_path):
    (tmp_path / "in.txt").write_text("hello world\n")
    for expected in (1, 0):
        hub.forget()
        run = cli(hub, tmp_path, "embed", "-m", "org/model:Q8_0", "-i", str(tmp_path / "in.txt"),
                  "-o", str(tmp_path / "out.parquet"), "--force")
        assert run.returncode == 0, run.stderr
        assert ("downloading tiny-Q8_0.gguf (1.1 MB)" in run.stderr) == bool(expected)
    metadata = rows(tmp_path / "out.parquet").schema.metadata
    assert metadata[b"llama.model_sha256"].decode() == hashlib.sha256(MODEL).hexdigest()
    assert metadata[b"llama.model_commit"].decode() == hub.main["org/model"]
    assert metadata[b"llama.model_source"] == b"org/model:Q8_0"


def test_a_split_model_is_known_by_all_its_parts(hub, tmp_path):
    """Another of the same size, whose first part is the same, is another."""
    parts = split_model(tmp_path)
    for part in parts:
        hub.add("org/split", part.name, part.read_bytes())
    (tmp_path / "in.txt").write_text("hello world\n")
    out = tmp_path / "out.parquet"

    def searched():
        run = cli(hub, tmp_path, "search", str(out), "hello", "-m", "org/split", "--json")
        assert run.returncode == 0 and json.loads(run.stdout)["text"] == "hello world", run.stderr
        return run.stderr

    run = cli(hub, tmp_path, "embed", "-m", "org/split", "-i", str(tmp_path / "in.txt"), "-o", str(out))
    assert run.returncode == 0, run.stderr
    digests = [hashlib.sha256(part.read_bytes()).hexdigest() for part in parts]
    of_all = hashlib.sha256("".join(digest + "\n" for digest in digests).encode()).hexdigest()
    table = rows(out)
    assert table.schema.metadata[b"llama.model_sha256"].decode() == of_all
    assert "digest" not in searched()
    changed = bytearray(parts[-1].read_bytes())
    changed[-100] ^= 1
    hub.add("org/split", parts[-1].name, bytes(changed))
    assert cli(hub, tmp_path, "models", "pull", "org/split").returncode == 0
    assert "its digest is another" in searched()
    # Older versions wrote the first part's digest, and from that nothing can be told.
    older = table.schema.metadata | {b"llama.model_sha256": digests[0].encode()}
    pyarrow.parquet.write_table(table.replace_schema_metadata(older), out)
    assert "digest" not in searched()


def test_an_odd_entry_of_the_cache_hides_no_other(hub, tmp_path):
    """Older versions cut keys of long names inside a character."""
    assert cli(hub, tmp_path, "models", "pull", "org/model").returncode == 0
    (good,) = [path for path in (tmp_path / "cache").glob("[!.]*/") if path.is_dir()]
    cut = os.fsdecode(b"org%2Fmodel_" + b"x" * 120 + b"\xc3_" + b"0" * 64)
    for name in (cut, "broken"):
        shutil.copytree(good, good.parent / name)
    (good.parent / "broken/manifest.json").write_text("{")
    listed = cli(hub, tmp_path, "models", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    shown = cut.replace("\udcc3", "\ufffd")
    assert {one["key"] for one in json.loads(listed.stdout)} == {good.name, shown}
    assert f"'{shown}' is cut inside a character" in listed.stderr and "'broken' is not listed" in listed.stderr
    assert f"'{shown}'" in cli(hub, tmp_path, "models", "list").stderr
    assert "broken: its manifest.json" in cli(hub, tmp_path, "models", "verify").stderr
    for key in (shown, "broken"):
        assert cli(hub, tmp_path, "models", "remove", key).returncode == 0
    listed = cli(hub, tmp_path, "models", "list", "--json")
    assert [one["key"] for one in json.loads(listed.stdout)] == [good.name] and listed.stderr == ""


def test_the_models_command(hub, tmp_path):
    assert cli(hub, tmp_path, "models", "list").stdout.startswith("No models")
    assert cli(hub, tmp_path, "models", "path", "org/model").returncode == 4
    pulled = cli(hub, tmp_path, "models", "pull", "org/model", "--json")
    assert json.loads(pulled.stdout)["cache_hit"] is False, pulled.stderr
    path = cli(hub, tmp_path, "models", "path", "org/model:q8_0").stdout.strip()
    assert pathlib.Path(path).read_bytes() == MODEL
    (one,) = json.loads(cli(hub, tmp_path, "models", "list", "--json").stdout)
    assert one["repo"] == "org/model" and one["size_bytes"] == SIZE
    assert not one["in_use"] and one["commit"] == hub.main["org/model"]
    assert cli(hub, tmp_path, "models", "verify").returncode == 0
    listed = cli(hub, tmp_path, "models", "pull", "org/model", "--list-files")
    assert "*     1.1 MB  tiny-Q8_0.gguf" in listed.stdout and "README.md" in listed.stdout
    with open(path, "r+b") as file:
        file.seek(1000)
        file.write(b"!!")
    os.utime(path, ns=(0, one_time := os.stat(path).st_mtime_ns))
    verified = cli(hub, tmp_path, "models", "verify")
    assert verified.returncode == 4 and "digest" in verified.stderr and one_time
    assert cli(hub, tmp_path, "models", "remove", "org/model").returncode == 0
    assert published(tmp_path) == [] and cli(hub, tmp_path, "models", "prune").returncode == 0


@pytest.mark.parametrize("arguments,status", [
    (("models",), 2), (("models", "pull"), 2), (("models", "pull", "../x/y"), 2), (("models", "pull", "a/b/c"), 2),
    (("models", "pull", "org/none"), 4),
    (("models", "pull", "org/model", "--quant", "Q8_0", "--filename", "x.gguf"), 2),
    (("models", "pull", "org/model", "--offline"), 4), (("models", "pull", "org/model", "--revision", "../x"), 2),
    (("models", "remove", "org/none"), 4),
])
def test_what_the_program_refuses(hub, tmp_path, arguments, status):
    run = (cli(hub, tmp_path, *arguments) if arguments != ("models",)
           else subprocess.run([CLI, "models"], capture_output=True, text=True))
    assert run.returncode == status and run.stderr.startswith("Error: ") and run.stderr.count("\n") == 1, run


def test_search_takes_the_model_in_the_commit_that_the_file_names(hub, tmp_path):
    (tmp_path / "in.txt").write_text("hello world\nsomething else\n")
    output = str(tmp_path / "out.parquet")
    run = cli(hub, tmp_path, "embed", "-m", "org/model", "-i", str(tmp_path / "in.txt"), "-o", output)
    assert run.returncode == 0, run.stderr
    hub.forget()
    run = cli(hub, tmp_path, "search", output, "hello world", "--json", "-k", "1")
    assert run.returncode == 0 and json.loads(run.stdout)["row"] == 0, run.stderr
    assert hub.requests("blob") == []  # it is in the cache
    run = cli(hub, tmp_path, "search", output, "hello world", "--json", "--offline")
    assert run.returncode == 0 and len(run.stdout.splitlines()) == 2, run.stderr
