"""Layers on a GPU, and what happens where it has no room or fails. The GPU is a fake: testing/fake_gpu.cc."""
import json
import os
import shutil

import pytest
from devices import assert_as_on_the_cpu, assert_same_answer, device_of, devices, embed_on, generate_on, run, warnings
from program import MODELS, embed

GPU = {"GGML_BACKEND_PATH": os.environ["FAKE_GPU"]}
MODEL_LAYERS = 4  # of the synthetic models, the output included


def faulty(**faults):
    return {**GPU, **{f"FAKE_GPU_{name}": str(value) for name, value in faults.items()}}


def test_devices_are_listed():
    gpu, cpu = devices({**GPU, "FAKE_GPU_MEMORY": "123456789"})
    assert gpu == {"name": "Fake0", "description": "a fake GPU for tests", "kind": "gpu",
                   "free_bytes": 123456789, "total_bytes": 123456789}
    assert cpu["name"] == "CPU" and cpu["kind"] == "cpu" and cpu["total_bytes"] > 1e8
    text = run("devices", environment=GPU).stdout.splitlines()
    assert text[0] == "Fake0  a fake GPU for tests, 1.07 GB of 1.07 GB free" and text[1].startswith("CPU    ")


@pytest.mark.parametrize("kernels", ["auto", "stock"])
@pytest.mark.parametrize("model", ["bert.gguf", "qwen3.gguf"])
def test_any_number_of_layers_gives_the_cpus_vectors(tmp_path, model, kernels):
    for layers in [*range(MODEL_LAYERS + 2), "auto"]:
        done = embed_on(GPU, model, tmp_path / "out.parquet", "--gpu-layers", str(layers), "--kernels", kernels)
        assert_as_on_the_cpu(tmp_path / "out.parquet", model, 0.99999)
        assert done.stderr == ""
        expected = ("CPU" if layers == 0 else "Fake0" if layers == "auto" or layers >= MODEL_LAYERS
                    else f"Fake0 ({layers} of {MODEL_LAYERS} layers)")
        assert device_of(tmp_path / "out.parquet") == expected


@pytest.mark.parametrize("kernels", ["auto", "stock"])
def test_any_number_of_layers_gives_the_cpus_answer(kernels):
    expected, done, _ = generate_on(GPU, "--device", "none")
    assert done["device"] == "CPU" and len(expected) == 12
    for layers in [*range(MODEL_LAYERS + 2), "auto"]:
        tokens, done, _ = generate_on(GPU, "--gpu-layers", str(layers), "--kernels", kernels)
        assert_same_answer(tokens, expected, 0.02)
        assert done["device"].startswith("CPU" if layers == 0 else "Fake0")


def test_none_and_the_cpus_name_are_the_cpu(tmp_path):
    for name in ["none", "CPU"]:
        embed_on(GPU, "bert.gguf", tmp_path / "out.parquet", "--device", name)
        assert device_of(tmp_path / "out.parquet") == "CPU"
    embed_on(GPU, "bert.gguf", tmp_path / "out.parquet", "--device", "Fake0")
    assert device_of(tmp_path / "out.parquet") == "Fake0"


@pytest.mark.parametrize("flags,says", [
    (["--gpu-layers", "many"], "'many'"),
    (["--gpu-layers", "-1"], "'-1'"),
    (["--gpu-layers", "1.5"], "'1.5'"),
    (["--gpu-layers", "99999999999"], "'99999999999'"),
    (["--device", "Vulkan7"], "there is no device 'Vulkan7' here: Fake0, CPU, none"),
    (["--device", "none", "--gpu-layers", "2"], "exclude each other"),
])
@pytest.mark.parametrize("command", ["embed", "generate"])
def test_what_means_nothing_is_a_usage_error(tmp_path, command, flags, says):
    wanted = ["-i", os.devnull, "-o", tmp_path / "out.parquet"] if command == "embed" else ["--prompt", "hello"]
    done = run(command, "-m", MODELS / "bert.gguf", *wanted, *flags, environment=GPU)
    assert done.returncode == 2 and says in done.stderr, done.stderr
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.skipif(len(devices()) > 1, reason="this machine has a GPU")
def test_layers_without_a_gpu_are_a_warning(tmp_path):
    done = embed(MODELS / "bert.gguf", b"hello\n", tmp_path / "out.parquet", "--gpu-layers", "3")
    assert done.returncode == 0 and len(warnings(done)) == 1 and "no GPU can be used here" in done.stderr
    assert device_of(tmp_path / "out.parquet") == "CPU"


@pytest.mark.parametrize("model,count", [("bert.gguf", 2), ("qwen3.gguf", 3)])
def test_memory_that_is_refused_loses_no_row(tmp_path, model, count):
    for piece in range(1, count + 2):
        done = embed_on(faulty(REFUSE=piece), model, tmp_path / "out.parquet")
        assert_as_on_the_cpu(tmp_path / "out.parquet", model, 0.99999)
        said = warnings(done)
        assert len(said) == (1 if piece <= count else 0), (piece, done.stderr)
        assert all("does not fit on Fake0; computing on the CPU" in line for line in said)
        assert device_of(tmp_path / "out.parquet") == ("CPU" if said else "Fake0")


def test_a_device_that_is_too_small_loses_no_row(tmp_path):
    for size in [0, 100_000, 300_000, 600_000, 2_000_000]:
        done = embed_on(faulty(MEMORY=size), "qwen3.gguf", tmp_path / "out.parquet")
        assert_as_on_the_cpu(tmp_path / "out.parquet", "qwen3.gguf", 0.99999)
        assert len(warnings(done)) == 1 and "does not fit on Fake0" in done.stderr


@pytest.mark.parametrize("how,says", [("memory", "a batch does not fit on Fake0"),
                                      ("failed", "computing failed on Fake0"),
                                      ("throw", "computing failed on Fake0")])
@pytest.mark.parametrize("graph", [1, 3])
def test_a_device_that_fails_while_it_computes_loses_no_row(tmp_path, graph, how, says):
    done = embed_on(faulty(FAIL=graph, HOW=how), "bert.gguf", tmp_path / "out.parquet", "--batch-size", "8")
    assert_as_on_the_cpu(tmp_path / "out.parquet", "bert.gguf", 0.99999)
    assert warnings(done) == [f"Warning: {says}; computing on the CPU"]
    assert device_of(tmp_path / "out.parquet") == ("CPU" if graph == 1 else "Fake0, CPU")


def test_an_answer_goes_on_where_its_device_fails():
    expected, _, _ = generate_on(GPU, "--device", "none")
    for faults in [*({"REFUSE": n} for n in range(1, 4)), *({"FAIL": n} for n in (1, 2, 5, 12)),
                   {"FAIL": 4, "HOW": "throw"}, {"MEMORY": 200_000}]:
        tokens, done, finished = generate_on(faulty(**faults))
        assert_same_answer(tokens, expected, 0.02)
        assert done["device"] == "CPU" and len(warnings(finished)) == 1, (faults, finished.stderr)


def test_a_chat_remembers_what_its_device_read():
    turns = "hello world\nhow are you\nand once more\n"
    flags = ["generate", "-m", MODELS / "generator.gguf", "--chat", "--limit", "8", "--temperature", "0", "--quiet"]
    expected = run(*flags, "--device", "none", environment=GPU, input=turns)
    assert expected.returncode == 0, expected.stderr
    for graph in [3, 10, 14, 20]:
        done = run(*flags, environment=faulty(FAIL=graph), input=turns)
        assert done.returncode == 0 and done.stdout == expected.stdout, done.stderr
        assert len(warnings(done)) == 1


def test_a_back_end_in_the_working_folder_is_not_loaded(tmp_path):
    """ggml's own search looks there, so that a folder that somebody else filled could run what it likes."""
    shutil.copy(os.environ["FAKE_GPU"], tmp_path / "libggml-cuda.so")
    listed = run("devices", "--json", cwd=tmp_path)
    assert listed.returncode == 0 and [device["name"] for device in json.loads(listed.stdout)] == ["CPU"]
