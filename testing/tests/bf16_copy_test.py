"""Where our kernels are missed, a Q8_0 model's BF16 copy: made once, kept in the cache, used where it is faster."""
import json
import os
import signal
import subprocess
import time

import gguf
import make_models
import pytest
from embed_test import content, varied
from fetching import preloaded
from program import CLI, cosines, embed, rows, vectors

TEXTS = content(varied(40))
pytestmark = pytest.mark.skipif("avx512_bf16" not in open("/proc/cpuinfo").read(),
                                reason="this CPU has no BF16 instructions")


@pytest.fixture
def q8(tmp_path):
    path = tmp_path / "tiny-Q8_0.gguf"
    make_models.decoder(path, "qwen3", pooling=gguf.PoolingType.LAST, kind="Q8_0")
    return path


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "GGML_PACKED_PATH": str(tmp_path / "gone.so")}


@pytest.fixture
def run(tmp_path, q8, environment):
    """Embeds without our kernels; returns the kernels that the output names, and standard error."""
    def embed_texts(*flags, env=environment):
        out = tmp_path / "out.parquet"
        done = embed(q8, TEXTS, out, "--force", *flags, env=env)
        assert done.returncode == 0, done.stderr
        return rows(out).schema.metadata[b"llama.kernels"].decode(), done.stderr
    return embed_texts


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "cache/llama-loader/models/measured.json"


def decide(memory, faster):
    """As if the copy had been measured to be faster, or not."""
    whole = json.loads(memory.read_text())
    for key, entry in whole["measured"].items():
        assert key.startswith("bf16 copy is faster; ")
        entry["value"] = faster
    memory.write_text(json.dumps(whole))


def copies(environment):
    listed = subprocess.run([CLI, "models", "list", "--json"], env=environment, capture_output=True, text=True,
                            check=True)
    return [model for model in json.loads(listed.stdout) if model["key"].startswith("bf16-copy_")]


def test_a_copy_is_made_once_and_measured_once(run, memory, environment):
    kernels, said = run()
    assert "Made a BF16 copy of tiny-Q8_0.gguf" in said
    (faster,) = [entry["value"] for entry in json.loads(memory.read_text())["measured"].values()]
    assert kernels.endswith(", bf16 copy") == bool(faster) and len(copies(environment)) == faster
    assert run()[0] == kernels and ("Made" in run()[1]) is False


def test_the_copys_vectors_are_the_models_within_its_accuracy(run, memory, tmp_path, environment):
    run()
    decide(memory, 1)
    kernels, _ = run()
    assert kernels.startswith("stock (") and kernels.endswith(", bf16 copy")
    copied = vectors(tmp_path / "out.parquet")
    assert run("--no-bf16-copy")[0].endswith("was not found)")
    assert cosines(copied, vectors(tmp_path / "out.parquet")).min() > 0.9995
    assert len(copies(environment)) == 1


def test_prune_and_remove_know_the_copy(run, memory, environment):
    run()
    decide(memory, 1)
    run()
    (copy,) = copies(environment)
    assert copy["files"][0]["path"] == "tiny-Q8_0-BF16.gguf"
    subprocess.run([CLI, "models", "verify"], env=environment, check=True, capture_output=True)
    subprocess.run([CLI, "models", "remove", copy["key"]], env=environment, check=True, capture_output=True)
    assert copies(environment) == []
    assert "Made a BF16 copy" in run()[1]  # it is remembered to be faster


def test_a_copy_that_is_not_faster_is_not_made_again(run, memory, environment):
    run()
    decide(memory, 0)
    kernels, said = run()
    assert not kernels.endswith("bf16 copy") and "BF16" not in said


def test_another_content_gets_a_copy_of_its_own(run, memory, q8, environment):
    run()
    decide(memory, 1)
    run()
    os.utime(q8, (1, 1))
    assert "Made a BF16 copy" in run()[1]


def test_two_processes_make_one_copy(q8, tmp_path, environment):
    (tmp_path / "texts.txt").write_bytes(TEXTS)
    processes = [subprocess.Popen([CLI, "embed", "-m", q8, "-i", tmp_path / "texts.txt",
                                   "-o", tmp_path / f"{i}.parquet"], env=environment, stderr=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, text=True) for i in range(2)]
    said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said


SLOW_READS = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>
ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
  ssize_t (*real)(int, void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pread64");
  usleep(500000);
  return real(fd, data, size, at);
}
ssize_t pread(int fd, void *data, size_t size, off_t at) { return pread64(fd, data, size, at); }
"""


def test_a_copy_is_interrupted(q8, tmp_path, environment):
    (tmp_path / "texts.txt").write_bytes(TEXTS)
    process = subprocess.Popen([CLI, "embed", "-m", q8, "-i", tmp_path / "texts.txt", "-o", tmp_path / "out.parquet"],
                               env={**environment, **preloaded(tmp_path, "slow_reads", SLOW_READS)},
                               stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    incoming = tmp_path / "cache/llama-loader/models/.incoming"
    while not list(incoming.glob("model-*/*-BF16.gguf")):  # it is being written
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Made" not in said, said
    assert copies(environment) == [] and list(incoming.iterdir()) == [] and not (tmp_path / "out.parquet").exists()


def test_stock_kernels_that_are_asked_for_and_ours_need_no_copy(run, memory, environment):
    assert run("--kernels", "stock")[0] == "stock"
    usual = {name: value for name, value in environment.items() if name != "GGML_PACKED_PATH"}
    assert run(env=usual)[0].startswith("packed")
    assert "bf16 copy" not in (memory.read_text() if memory.exists() else "") and copies(environment) == []


def test_a_cache_that_cannot_be_written_is_no_error(run, tmp_path, environment):
    (tmp_path / "file").write_text("no folder")
    kernels, said = run(env={**environment, "XDG_CACHE_HOME": str(tmp_path / "file")})
    assert kernels.endswith("was not found)") and said.count("No BF16 copy is used: ") == 1
