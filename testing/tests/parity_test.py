"""Vectors of the real MiniLM and multilingual-e5-small against transformers' (script/reference computes them)."""
import sys
import unicodedata

import bert_gguf
import numpy
import pytest
from program import MODELS, PROJECT, REAL, cosines, embed, rows, vectors

sys.path.insert(0, str(PROJECT / "testing"))
import model_families

FOLDER = REAL / "minilm"


def reference(array="mean"):
    found = sorted(REAL.glob("minilm-reference-*.npz"), key=lambda p: p.stat().st_mtime)
    if not found:
        pytest.skip("the package index was out of reach: no real model or reference vectors (script/reference)")
    return numpy.load(found[-1])[array]


@pytest.mark.parametrize("kind,least", [("F16", 0.9999), ("F32", 0.9999), ("Q8_0", 0.99)])
def test_equals_transformers_on_varied_texts(tmp_path, kind, least):
    expected = reference()
    out = tmp_path / "out.parquet"
    run = embed(FOLDER / f"all-MiniLM-L6-v2-{kind}.gguf", PROJECT / "testing/data/sample.txt", out)
    assert run.returncode == 0, run.stderr
    assert rows(out).num_rows == len(expected) >= 200
    worst = cosines(vectors(out), expected)
    assert worst.min() >= least, [(rows(out)["text"][int(i)].as_py()[:60], worst[i]) for i in numpy.argsort(worst)[:5]]
    assert max(rows(out)["sequence_length"].to_pylist()) == 512


@pytest.mark.parametrize("array,flags", [("cls", ("--pooling", "cls")), ("last", ("--pooling", "last")),
                                         ("mean_256", ("--max-length", "256"))])
def test_equals_transformers_with_other_pooling_and_length(tmp_path, array, flags):
    """Length 256 is what sentence-transformers uses for this model."""
    expected = reference(array)
    out = tmp_path / "out.parquet"
    run = embed(FOLDER / "all-MiniLM-L6-v2-F32.gguf", PROJECT / "testing/data/sample.txt", out, *flags)
    assert run.returncode == 0, run.stderr
    assert cosines(vectors(out), expected).min() >= 0.9999


def test_f16_is_chosen_in_the_folder(tmp_path):
    reference()
    out = tmp_path / "out.parquet"
    assert embed(FOLDER, b"hello\n", out).returncode == 0
    assert rows(out).schema.metadata[b"llama.model_file"] == b"all-MiniLM-L6-v2-F16.gguf"


def test_the_conversion_is_llama_cpp_s(tmp_path):
    """Tensors and vocabulary to the byte. The converter is its, the PyTorch that it needs is not the tests'."""
    theirs = REAL / "minilm-converted-F16.gguf"
    if not theirs.exists():
        pytest.skip("the package index was out of reach: no model of llama.cpp's converter (script/reference)")
    for kind in ("F16", "Q8_0"):
        bert_gguf.write(FOLDER / "hf", tmp_path / f"{kind}.gguf", kind)
    assert bert_gguf.differences(tmp_path / "F16.gguf", theirs) == []
    assert len(bert_gguf.differences(tmp_path / "Q8_0.gguf", theirs)) == 1 + 6 * 6  # the matrices of words and layers


def test_multilingual_e5_equals_transformers_on_decomposed_texts(tmp_path):
    """What the published tokenizer composes and what not is seen in the vector (0.88 for voiced kana)."""
    found = sorted(REAL.glob("e5-reference-*.npz"), key=lambda p: p.stat().st_mtime)
    if not found:
        pytest.skip("no reference vectors of multilingual-e5-small (script/reference e5)")
    expected = numpy.load(found[-1])["mean"]
    out = tmp_path / "out.parquet"
    decomposed = unicodedata.normalize("NFD", (PROJECT / "testing/data/sample.txt").read_bytes().decode())
    run = embed(REAL / "e5/multilingual-e5-small-F16.gguf", decomposed.encode(), out)
    assert run.returncode == 0, run.stderr
    assert rows(out).num_rows == len(expected) >= 200
    # XLM-R counts no position for a <pad> that a text spells; llama.cpp does (doc/parity.md).
    apart = [text for text, cosine in zip(rows(out)["text"].to_pylist(), cosines(vectors(out), expected))
             if cosine < 0.9999]
    assert all("<pad>" in text for text in apart) and len(apart) <= 1, apart


def embeddinggemma(path, dense):
    model_families.write_family(path, "gemma-embedding", "F32", dense=dense)
    return path


def test_embeddinggemma_without_its_dense_layers_is_said_to_be_so(tmp_path):
    found = {}
    for dense, told in ((2, 3), b"applied"), ((), b"missing"):
        out = tmp_path / f"{len(dense)}.parquet"
        run = embed(embeddinggemma(tmp_path / f"{len(dense)}.gguf", dense), b"hello world\n", out, "--quiet")
        assert run.returncode == 0, run.stderr
        expected = 0 if dense else 1
        assert run.stderr.count("Warning:") == expected, run.stderr
        assert run.stderr.count("not the published model's vectors") == expected, run.stderr
        assert rows(out).schema.metadata[b"llama.dense_layers"] == told
        found[told] = vectors(out)
    assert cosines(found[b"applied"], found[b"missing"]).max() < 0.9  # they matter
    # Any other model.
    assert embed(MODELS / "bert.gguf", b"hello\n", tmp_path / "bert.parquet").returncode == 0
    assert rows(tmp_path / "bert.parquet").schema.metadata[b"llama.dense_layers"] == b"none"


@pytest.mark.parametrize("kept, lost", [(2, 3), (3, 2)])
def test_embeddinggemma_with_one_dense_layer_is_refused(tmp_path, kept, lost):
    run = embed(embeddinggemma(tmp_path / "one.gguf", (kept,)), b"hello world\n", tmp_path / "out.parquet")
    assert run.returncode == 4 and f"dense_{lost}.weight is missing" in run.stderr, (run.returncode, run.stderr)
