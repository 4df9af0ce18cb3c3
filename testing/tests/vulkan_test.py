"""The same on ggml's Vulkan back end, where it is installed: script/vulkan runs this on Mesa's software device."""
import pytest
from devices import assert_as_on_the_cpu, assert_same_answer, device_of, devices, embed_on, generate_on, warnings

# ggml leaves a software device out unless it is named. Mesa's computes wrong products with cooperative matrices, for
# llama.cpp's own programs too (Mesa 26.1, libggml 0.27.0).
VULKAN = {"GGML_VK_VISIBLE_DEVICES": "0", "GGML_VK_DISABLE_COOPMAT": "1"}
TEXTS = 12  # a software device takes its time

pytestmark = pytest.mark.skipif(all(d["name"] != "Vulkan0" for d in devices(VULKAN)),
                                reason="no Vulkan device here: script/vulkan makes one")


@pytest.mark.parametrize("model", ["bert.gguf", "qwen3.gguf"])
def test_some_layers_and_all_give_the_cpus_vectors(tmp_path, model):
    for layers, kernels in [("2", "auto"), ("3", "auto"), ("3", "stock"), ("auto", "auto")]:
        embed_on(VULKAN, model, tmp_path / "out.parquet", "--gpu-layers", layers, "--kernels", kernels, texts=TEXTS)
        assert_as_on_the_cpu(tmp_path / "out.parquet", model, 0.9999, texts=TEXTS)
    assert device_of(tmp_path / "out.parquet") == "Vulkan0"


def test_some_layers_and_all_give_the_cpus_answer():
    expected, _, _ = generate_on(VULKAN, "--device", "none")
    for layers in ["1", "2", "auto"]:
        tokens, _, _ = generate_on(VULKAN, "--gpu-layers", str(layers))
        assert_same_answer(tokens, expected, 0.1)


@pytest.mark.parametrize("limit,what", [(300_000, "the model"), (1_000_000, "a context")])
def test_memory_that_is_refused_loses_no_row(tmp_path, limit, what):
    done = embed_on({**VULKAN, "GGML_VK_FORCE_MAX_BUFFER_SIZE": str(limit)}, "qwen3.gguf", tmp_path / "out.parquet",
                    texts=TEXTS)
    assert_as_on_the_cpu(tmp_path / "out.parquet", "qwen3.gguf", 0.99999, texts=TEXTS)
    assert len(warnings(done)) == 1 and f"Warning: {what}" in done.stderr and "does not fit on Vulkan0" in done.stderr
    assert device_of(tmp_path / "out.parquet") == "CPU"


def test_a_context_that_does_not_fit_still_answers():
    expected, _, _ = generate_on(VULKAN, "--device", "none")
    tokens, done, run = generate_on({**VULKAN, "GGML_VK_FORCE_MAX_BUFFER_SIZE": "1000000"})
    assert_same_answer(tokens, expected, 0.1)
    assert done["device"] == "CPU" and len(warnings(run)) == 1
