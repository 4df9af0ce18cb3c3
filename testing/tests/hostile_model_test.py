"""Damaged and hostile models in the whole program: an error of one line or vectors, never a crash, a hang or much
memory.

MUTATIONS=N changes N times something in each synthetic model (default 40; 2000 were run before this was committed)."""
import os
import random
import resource
import subprocess
import sys

import gguf
import pytest
from program import CLI, MODELS, PROJECT

sys.path.insert(0, str(PROJECT / "testing"))
import gguf_bytes
import make_hostile_gguf

CORPUS = PROJECT / "llama-loader/fuzz/corpus"
MODEL = 4
SANITIZED = "sanitize" in os.environ.get("BUILD_FLAGS", "")
BLOCK_SIZES = {kind: (elements, size) for kind, elements, size in make_hostile_gguf.TENSOR_TYPES}


def limits():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))


def embed(model, folder):
    (folder / "in.txt").write_text("one\ntwo words\nand three words here\n")
    return subprocess.run([CLI, "embed", "-m", str(model), "-i", str(folder / "in.txt"),
                           "-o", str(folder / "out.parquet"), "--quiet"],
                          capture_output=True, text=True, errors="replace", timeout=120, preexec_fn=limits)


def survived(run, folder, what):
    """Says what came out: vectors, or one line about the model and nothing written."""
    lines = [line for line in run.stderr.splitlines() if line.startswith("Error: ")]
    assert run.returncode in (0, 3, MODEL), (what, run.returncode, run.stderr)
    assert (run.returncode == 0) == (not lines) and len(lines) < 2, (what, run.stderr)
    assert run.returncode == 0 or not (folder / "out.parquet").exists(), what
    return run.returncode


def test_the_corpus_is_what_its_script_writes():
    written = dict(make_hostile_gguf.files())
    for name, data in written.items():
        assert (CORPUS / name).read_bytes() == data, f"testing/make_hostile_gguf.py {CORPUS} writes {name} anew"
    assert {p.name for p in CORPUS.iterdir() if not p.name.startswith("found-")} == set(written)


def test_sizes_of_tensor_types_are_gguf_s():
    assert {int(kind): size for kind, size in gguf.GGML_QUANT_SIZES.items() if int(kind) in BLOCK_SIZES} == {
        kind: size for kind, size in BLOCK_SIZES.items() if kind in set(map(int, gguf.GGML_QUANT_SIZES))}
    assert set(map(int, gguf.GGML_QUANT_SIZES)) - {33, 37, 38, 31, 32, 36} <= set(BLOCK_SIZES)


def test_each_hostile_file(tmp_path):
    for file in sorted(CORPUS.iterdir()):
        if file.name.startswith("sound-"):
            continue
        run = embed(file, tmp_path)
        assert survived(run, tmp_path, file.name) == MODEL, (file.name, run.stderr)
        assert file.name in run.stderr


def test_files_that_pass_the_check_but_are_no_whole_model(tmp_path):
    for file in sorted(CORPUS.glob("sound-*")):
        assert survived(embed(file, tmp_path), tmp_path, file.name) == MODEL


def test_a_sentencepiece_vocabulary_without_bytes(tmp_path):
    """llama.cpp throws at the first character that has no token."""
    model = gguf_bytes.Gguf(MODELS / "qwen3.gguf", BLOCK_SIZES)
    model.keys["tokenizer.ggml.model"] = (gguf_bytes.STRING, b"llama")
    run = embed(model.write(tmp_path / "odd.gguf"), tmp_path)
    assert survived(run, tmp_path, "no bytes") == MODEL and "single bytes" in run.stderr


NUMBERS = [0, 1, 2, 3, 7, 31, 32, 64, 127, 255, 4096, 65535, 1 << 20, (1 << 31) - 1]


def change_key(model, choice):
    name = choice.choice(sorted(model.keys))
    kind, value = model.keys[name]
    how = choice.randrange(4)
    if how == 0:
        del model.keys[name]
    elif kind == gguf_bytes.ARRAY:
        entry, entries = value
        entries = list(entries)
        if how == 1:
            entries = entries[:choice.randrange(len(entries))]
        elif how == 2:
            entries[choice.randrange(len(entries))] = choice.choice(entries)
        else:
            choice.shuffle(entries)
        model.keys[name] = (kind, (entry, entries))
    elif kind == gguf_bytes.STRING:
        model.keys[name] = (kind, choice.choice([b"", b"no such thing", b"a" * 70000, value[:-1], b"gpt2", b"bert",
                                                 b"llama", b"\xff\xfe"]))
    elif kind == gguf_bytes.F32:
        model.keys[name] = (kind, choice.choice([0.0, -1.0, 1e30, float("nan"), float("inf")]))
    elif kind == gguf_bytes.BOOL:
        model.keys[name] = (kind, not value)
    else:
        most = {gguf_bytes.U8: 255, gguf_bytes.I8: 127, gguf_bytes.U16: 65535, gguf_bytes.I16: 32767}.get(kind, 1 << 31)
        model.keys[name] = (kind, min(most, choice.choice([*NUMBERS, value + 1, max(0, value - 1), value * 2])))
    return f"key {name}: {str(model.keys.get(name))[:80]}"


def change_tensor(model, choice):
    name = choice.choice(sorted(model.tensors))
    shape, kind, data = model.tensors[name]
    how = choice.randrange(4)
    if how == 0:
        del model.tensors[name]
    elif how == 1:
        other = choice.choice(["blk.99.attn_q.weight", "extra.weight", "rope_freqs.weight", "cls.weight",
                               "output.weight"])
        model.tensors[other] = [shape, kind, data]
    else:
        if how == 2:
            shape = [max(1, extent + choice.choice([-1, 1, extent, -(extent // 2)]))
                     if choice.random() < 0.6 else extent for extent in shape]
        else:
            kind = choice.choice(sorted(BLOCK_SIZES))
        size = BLOCK_SIZES[kind][1]
        for extent in shape:
            size *= extent
        size //= BLOCK_SIZES[kind][0]
        model.tensors[name] = [shape, kind, (data * (size // len(data) + 1))[:size]]
    return f"tensor {name}: {model.tensors.get(name, [None])[:2]}"


@pytest.mark.parametrize("name", ["bert", "qwen3", "llama"])
def test_one_thing_changed_in_a_sound_model(tmp_path, name):
    for seed in range(int(os.environ.get("FIRST", 0)), int(os.environ.get("MUTATIONS", 40))):
        choice = random.Random(f"{name} {seed}")
        model = gguf_bytes.Gguf(MODELS / f"{name}.gguf", BLOCK_SIZES)
        what = f"seed {seed}: " + (change_key if choice.random() < 0.7 else change_tensor)(model, choice)
        survived(embed(model.write(tmp_path / "odd.gguf"), tmp_path), tmp_path, what)
        (tmp_path / "out.parquet").unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["bert", "qwen3", "llama"])
def test_bytes_changed_in_the_header(tmp_path, name):
    data = (MODELS / f"{name}.gguf").read_bytes()
    header = min(len(data), 4096)
    for seed in range(int(os.environ.get("FIRST", 0)), int(os.environ.get("MUTATIONS", 40))):
        choice = random.Random(f"bytes {name} {seed}")
        changed = bytearray(data)
        for _ in range(choice.randrange(1, 4)):
            changed[choice.randrange(header)] = choice.randrange(256)
        (tmp_path / "odd.gguf").write_bytes(changed)
        survived(embed(tmp_path / "odd.gguf", tmp_path), tmp_path, f"bytes seed {seed}")
        (tmp_path / "out.parquet").unlink(missing_ok=True)
