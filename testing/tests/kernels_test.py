"""Vectors of every level of kernels against llama.cpp's own and transformers'; plug-ins that do not fit."""
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import model_families
import pytest
from embed_test import content, varied
from llama_embedding import llama_embedding
from parity_test import FOLDER, reference
from program import CLI, MODELS, PROJECT, cosines, embed, rows, vectors

LEVELS = ["avx2", "avx-vnni", "avx512-vnni", "avx512-bf16", "amx-bf16"]


@functools.cache
def runs_here(level):
    """The program's own word, asked once: hundreds of cases are of a level that a CPU has not."""
    with tempfile.TemporaryDirectory() as folder:
        run = embed(MODELS / "bert.gguf", b"hello\n", pathlib.Path(folder, "out.parquet"), "--kernels", level)
    assert run.returncode == 0 or (run.returncode == 2 and "this CPU cannot run" in run.stderr), run.stderr
    return run.returncode == 0


def need(level):
    if not runs_here(level):
        pytest.skip(f"this CPU has no {level}")


@pytest.fixture(autouse=True)
def before_anything_is_made_for_it(request):
    level = getattr(request.node, "callspec", None) and request.node.callspec.params.get("level")
    if level:
        need(level)


def embed_with(level, *arguments, **options):
    need(level)
    run = embed(*arguments, "--kernels", level, **options)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("model", ["bert.gguf", "qwen3.gguf"])
def test_every_level_gives_llama_cpps_vectors(tmp_path, level, model):
    texts = content(varied(150))
    embed_with("stock", MODELS / model, texts, tmp_path / "stock.parquet")
    embed_with(level, MODELS / model, texts, tmp_path / "ours.parquet")
    assert rows(tmp_path / "ours.parquet").schema.metadata[b"llama.kernels"] == f"packed, {level}".encode()
    assert rows(tmp_path / "stock.parquet").schema.metadata[b"llama.kernels"] == b"stock"
    assert cosines(vectors(tmp_path / "ours.parquet"), vectors(tmp_path / "stock.parquet")).min() > 0.99999


@pytest.fixture(scope="session")
def family(tmp_path_factory):
    """family(name, kind): a model's path, and the vectors of varied(40) with llama.cpp's kernels. Of a quantized model
    they are computed from its weights in F32: two kernels that round activations, each in its own way, are further from
    each other than from what they round."""
    folder, made = tmp_path_factory.mktemp("families"), {}

    def get(name, kind):
        if (name, kind) not in made:
            path, stock = folder / f"{name}-{kind}.gguf", folder / f"{name}-{kind}.parquet"
            model_families.write_family(path, name, kind)
            exact = path
            if kind.startswith("Q"):
                exact = folder / f"{name}-{kind}-in-F32.gguf"
                subprocess.run(["llama-quantize", "--allow-requantize", path, exact, "F32", "2"], check=True,
                               capture_output=True)
            embed_with("stock", exact, content(varied(40)), stock)
            made[name, kind] = path, vectors(stock)
        return made[name, kind]
    return get


@pytest.mark.parametrize("name", model_families.FAMILIES)
def test_every_family_has_llama_embeddings_vectors(tmp_path, family, name):
    model, _ = family(name, "F32")
    texts = varied(40)
    (tmp_path / "prompts.txt").write_text("\n".join(texts))
    embed_with("auto", model, content(texts), tmp_path / "ours.parquet", "--tokenizer", "llama.cpp")
    assert cosines(vectors(tmp_path / "ours.parquet"), llama_embedding(model, tmp_path / "prompts.txt")).min() >= 0.9999


@pytest.mark.parametrize("name", model_families.FAMILIES)
@pytest.mark.parametrize("kind,least", [("F32", 0.9999), ("F16", 0.999), ("Q8_0", 0.999), ("Q4_0", 0.999)])
@pytest.mark.parametrize("level", LEVELS)
def test_every_family_has_llama_cpps_vectors_and_a_text_alone_has_the_batchs(tmp_path, family, level, name, kind,
                                                                             least):
    model, stock = family(name, kind)
    texts = varied(40)
    embed_with(level, model, content(texts), tmp_path / "all.parquet")
    assert rows(tmp_path / "all.parquet").schema.metadata[b"llama.kernels"] == f"packed, {level}".encode()
    ours = vectors(tmp_path / "all.parquet")
    near = sorted(cosines(ours, stock))
    if name in model_families.WITH_EXPERTS and kind != "F32":
        # Where two experts are as good as equal, rounding chooses, and up to six texts of 40 differ by what the other
        # expert says: so do llama.cpp's.
        assert near[0] >= 0.95
        near = near[6:]
    assert near[0] >= least
    some = [max(range(40), key=lambda j: len(texts[j])), 7]
    embed_with(level, model, content([texts[i] for i in some]), tmp_path / "each.parquet", "--batch-size", "1")
    assert (vectors(tmp_path / "each.parquet") == ours[some]).all()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind,least,mean", [("F16", 0.9999, 0.99995), ("F32", 0.99999, 0.99999),
                                             ("Q8_0", 0.99, 0.999)])
def test_every_level_equals_transformers(tmp_path, level, kind, least, mean):
    expected = reference()[::3]
    texts = (PROJECT / "testing/data/sample.txt").read_text(encoding="utf-8").splitlines()[::3]
    out = tmp_path / "out.parquet"
    embed_with(level, FOLDER / f"all-MiniLM-L6-v2-{kind}.gguf", content(texts), out)
    found = cosines(vectors(out), expected)
    assert found.min() >= least and found.mean() >= mean


def test_q8_0_is_no_worse_than_llama_cpps(tmp_path):
    expected = reference()
    means = {}
    for kernels in ["stock", "auto"]:
        embed_with(kernels, FOLDER / "all-MiniLM-L6-v2-Q8_0.gguf", PROJECT / "testing/data/sample.txt",
                   tmp_path / "out.parquet", "--force")
        means[kernels] = cosines(vectors(tmp_path / "out.parquet"), expected).mean()
    # Two roundings of the same kind: neither is better but by chance.
    assert means["auto"] > means["stock"] - 5e-5, means


def test_more_threads_than_cores_and_one_alone(tmp_path):
    texts = content(varied(60))
    embed_with("auto", MODELS / "qwen3.gguf", texts, tmp_path / "one.parquet", "--threads", "1")
    embed_with("auto", MODELS / "qwen3.gguf", texts, tmp_path / "many.parquet", "--threads", "9")
    assert (vectors(tmp_path / "one.parquet") == vectors(tmp_path / "many.parquet")).all()


def test_an_unknown_name_is_a_usage_error(tmp_path):
    run = embed(MODELS / "bert.gguf", b"hello\n", tmp_path / "out.parquet", "--kernels", "turbo")
    assert run.returncode == 2
    known = "auto, stock, amx-bf16, avx512-bf16, avx512-vnni, avx-vnni or avx2"
    assert f"no kernels are called 'turbo': {known}" in run.stderr
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("command", ["embed", "generate"])
def test_the_help_lists_the_levels_that_the_plug_in_has(command):
    shown = subprocess.run([CLI, command, "--help"], capture_output=True, text=True).stdout
    assert "or a level of CPU: amx-bf16, avx512-bf16, avx512-vnni, avx-vnni, avx2" in re.sub(r"\s+", " ", shown)


def version(*command, **environment):
    environment = {**os.environ, **environment}
    return subprocess.run([*(command or [CLI]), "--version"], env=environment, capture_output=True, text=True)


def test_version_names_the_kernels():
    assert re.search(r"^kernels: packed, (avx2|avx-vnni|avx512-vnni|avx512-bf16|amx-bf16)$", version().stdout,
                     re.MULTILINE)


def test_version_measures_nothing_and_writes_nothing(tmp_path):
    assert "kernels: packed, " in version(XDG_CACHE_HOME=str(tmp_path / "cache"), HOME=str(tmp_path)).stdout
    assert list(tmp_path.iterdir()) == []


LOADER = pathlib.Path("/lib64/ld-linux-x86-64.so.2")


@pytest.fixture
def moved(tmp_path):
    """The program in another folder, the plug-in where it is looked for, or not: moved("lib/llama-cli"),
    moved(None)."""
    plugin = pathlib.Path(CLI).parent.parent / "lib/llama-cli/libggml-packed.so"

    def move(folder):
        top = tmp_path / (folder or "alone").replace("/", "-")
        (top / "bin").mkdir(parents=True)
        shutil.copy(CLI, top / "bin/llama-cli")
        if folder:
            (top / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(plugin, top / folder)
        return top / "bin/llama-cli"
    return move


@pytest.mark.parametrize("by_its_loader", [False, True])
@pytest.mark.parametrize("folder", ["bin", "lib/llama-cli"])
def test_the_plug_in_is_found_from_the_programs_own_file(moved, tmp_path, folder, by_its_loader):
    if by_its_loader and not LOADER.exists():
        pytest.skip(f"no {LOADER}")
    program = moved(folder)
    (tmp_path / "link").symlink_to(program)
    for name in (program, tmp_path / "link", os.path.relpath(program)):
        assert "kernels: packed, " in version(*([LOADER] if by_its_loader else []), name).stdout


def test_a_program_without_a_plug_in_does_not_take_the_build_trees(moved):
    program = moved(None)
    assert "kernels: stock (libggml-packed.so was not found)" in version(program).stdout
    assert b"/libggml-packed.so" not in program.read_bytes()


def test_the_environment_makes_it_a_lesser_cpu(tmp_path):
    assert "kernels: packed, avx2\n" in version(GGML_PACKED_LEVEL="avx2").stdout
    lesser = {**os.environ, "GGML_PACKED_LEVEL": "avx2", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    run = embed(MODELS / "bert.gguf", b"hello\n", tmp_path / "out.parquet", "--kernels", "avx512-vnni", env=lesser)
    assert run.returncode == 2 and "cannot run the kernels 'avx512-vnni'" in run.stderr
    # What was measured on the lesser CPU is not taken for this one's: both are remembered, where this one has more.
    for environment in (lesser, {**lesser, "GGML_PACKED_LEVEL": ""}):
        run = embed(MODELS / "bert.gguf", b"hello\n", tmp_path / "out.parquet", "--force", env=environment)
        assert run.returncode == 0, run.stderr
        if environment is lesser:
            assert rows(tmp_path / "out.parquet").schema.metadata[b"llama.kernels"] == b"packed, avx2"
    (measured,) = (tmp_path / "cache").rglob("measured.json")
    kernels = [key for key in json.loads(measured.read_text())["measured"] if key.startswith("kernels; ")]
    assert len(kernels) == (1 if "kernels: packed, avx2\n" in version(GGML_PACKED_LEVEL="").stdout else 2)
    assert "kernels: stock" in version(GGML_PACKED_LEVEL="turbo").stdout


def test_a_missing_plug_in_leaves_llama_cpps_kernels(tmp_path):
    gone = str(tmp_path / "gone.so")
    assert f"kernels: stock ({gone} was not found)" in version(GGML_PACKED_PATH=gone).stdout
    environment = {**os.environ, "GGML_PACKED_PATH": gone}
    run = embed(MODELS / "bert.gguf", b"hello\n", tmp_path / "out.parquet", env=environment)
    assert run.returncode == 0
    run = embed(MODELS / "bert.gguf", b"hello\n", tmp_path / "out.parquet", "--force", "--kernels", "avx2",
                env=environment)
    assert run.returncode == 2 and "was not found" in run.stderr


def test_a_plug_in_for_another_ggml_is_left_out(tmp_path):
    source, library = tmp_path / "other.c", tmp_path / "libother.so"
    source.write_text("static struct { int api_version; void* rest[8]; } registry = {999, {0}};\n"
                      "void* ggml_backend_init(void) { return &registry; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    environment = {**os.environ, "GGML_PACKED_PATH": str(library)}
    assert "does not fit this ggml" in version(GGML_PACKED_PATH=str(library)).stdout
    run = embed(MODELS / "bert.gguf", b"hello\n", tmp_path / "out.parquet", env=environment)
    assert run.returncode == 0, run.stderr
    assert b"does not fit" in rows(tmp_path / "out.parquet").schema.metadata[b"llama.kernels"]


def test_no_plug_in_at_all_but_a_text_file(tmp_path):
    text = tmp_path / "plugin.so"
    text.write_text("not a library")
    assert "does not fit" in version(GGML_PACKED_PATH=str(text)).stdout


@pytest.mark.parametrize("level", LEVELS + ["stock"])
def test_generation_goes_on_with_every_level(level):
    run = subprocess.run([CLI, "generate", "-m", str(MODELS / "generator.gguf"), "--prompt", "hello world " * 40,
                          "--limit", "12", "--kernels", level, "--temperature", "0", "--json"],
                         capture_output=True, text=True, timeout=300)
    assert run.returncode == 0 and '"type":"done"' in run.stdout, run.stderr
