"""llama-cli verify: what is right passes, and a flipped bit in any text or vector is found."""

import hashlib
import shutil
import subprocess

import numpy
import pyarrow as pa
import pyarrow.parquet
import pytest
from program import CLI, MODELS
from vector_files import (
    MINILM,
    agreement,
    embed,
    numbers,
    read,
    run,
    run_json,
    sentences,
    stored_bytes,
    with_bytes,
    with_column,
    write_texts,
)

MODEL = MODELS / "bert.gguf"
COUNT = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("verify")


@pytest.fixture(scope="module")
def source(folder):
    return write_texts(folder / "in.parquet", sentences(COUNT), title=[f"title {i % 7}" for i in range(COUNT)])


DTYPES = ("float32", "float16", "int8", "binary")


@pytest.fixture(scope="module")
def files(folder, source):
    return {dtype: embed(MODEL, source, folder / f"{dtype}.parquet", "--dtype", dtype) for dtype in DTYPES}


def changed(folder, table, name="changed.parquet"):
    pa.parquet.write_table(table, folder / name, row_group_size=100)
    return folder / name


SETTINGS = {
    "plain": [],
    "scaled": ["--normalize"],
    "cut": ["--dimensions", "8", "--force-dimensions"],
    "cut_int8": ["--dimensions", "8", "--force-dimensions", "--dtype", "int8"],
    "prompt": ["--prompt", "{title}: {text}"],
    "pooling": ["--pooling", "cls"],
    "short": ["--max-length", "6"],
    "llama_cpp": ["--tokenizer", "llama.cpp"],
    "chunks": ["--on-long", "chunk", "--chunk-tokens", "6"],
    "special": ["--special-tokens", "text"],
    "stock": ["--kernels", "stock"],
}


@pytest.mark.parametrize("name", SETTINGS)
def test_what_embed_writes_is_right_with_the_files_own_settings(tmp_path, source, name):
    file = embed(MODEL, source, tmp_path / "v.parquet", *SETTINGS[name])
    said = run_json("verify", file, "--sample", "all")
    rows = read(file).num_rows
    assert said["is_right"] and said["texts"] == said["computed"] == said["rows"] == rows and not said["wrong"]
    assert said["lowest_cosine"] >= 0.9999


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_right_and_a_sample_is_as_large_as_asked(files, dtype):
    said = run_json("verify", files[dtype])
    assert said["is_right"] and said["sampled"] == said["computed"] == 200 and said["texts"] == COUNT
    assert run_json("verify", files[dtype], "--kernels", "stock")["is_right"]


def test_the_settings_matter(files, tmp_path, source):
    """What verify reads from the file is used: a file that says something else than it was made with is wrong."""
    table = read(files["float32"])
    for key, value in ((b"llama.pooling", b"cls"), (b"llama.max_length", b"5"), (b"llama.prompt", b"x y {text}")):
        metadata = {**table.schema.metadata, key: value}
        file = changed(tmp_path, table.replace_schema_metadata(metadata))
        said = run_json("verify", file, status=1)
        assert said["wrong_texts"] == 0 and said["wrong_vectors"] > 100, key


def test_a_flipped_bit_in_any_text_or_hash_is_found(files, tmp_path):
    table = read(files["float32"])
    texts, hashes = table["text"].to_pylist(), table["text_hash"].to_pylist()
    random = numpy.random.default_rng(2)
    for row in range(0, 300, 3):
        list_of, bits = (texts, 7) if row % 2 else (hashes, 4)
        data = bytearray(list_of[row].encode())
        data[random.integers(len(data))] ^= 1 << random.integers(bits)
        list_of[row] = data.decode()
    file = changed(tmp_path, with_column(with_column(table, "text", texts), "text_hash", hashes))
    said = run_json("verify", file, "--sample", "0", status=1)
    assert [wrong["row"] for wrong in said["wrong"]] == list(range(0, 300, 3))
    assert said["wrong_texts"] == 100 and {wrong["kind"] for wrong in said["wrong"]} == {"text"}
    assert all(texts[wrong["row"]].startswith(wrong["text"]) for wrong in said["wrong"])
    assert hashlib.md5(texts[0].encode()).hexdigest() in said["wrong"][0]["what"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_flipped_bit_in_any_vector_is_found(files, tmp_path, dtype):
    """Each bit of a value once, in random dimensions. With the kernels that made the file, all; with others those that
    change a value by much more than kernels differ."""
    table = read(files[dtype])
    data = stored_bytes(table)
    before = data.copy()
    width = {"float32": 4, "float16": 2, "int8": 1, "binary": 1}[dtype]
    random = numpy.random.default_rng(3)
    rows = sorted(random.choice(COUNT, 8 * width, replace=False).tolist())
    for bit, row in enumerate(rows):
        value = random.integers(data.shape[1] // width)
        data[row, value * width + bit // 8] ^= 1 << bit % 8
    file = changed(tmp_path, with_bytes(table, data))
    said = run_json("verify", file, "--sample", "all", status=1)
    found = [wrong["row"] for wrong in said["wrong"]]
    assert said["exact"] == (table.schema.metadata[b"llama.kernels"] != b"stock")
    if said["exact"]:
        assert found == rows and said["same_bits"] == COUNT - len(rows)
    said = run_json("verify", file, "--sample", "all", "--kernels", "stock", status=1)
    others = {wrong["row"] for wrong in said["wrong"]}
    assert others <= set(rows)
    if dtype in ("float32", "float16"):
        with numpy.errstate(all="ignore"):
            a, b = (v.view(dtype).astype(numpy.float64) for v in (before, data))
            change = numpy.nan_to_num(numpy.abs(a - b).max(1), nan=numpy.inf) / numpy.sqrt((a**2).mean(1))
        must = {row for row in rows if change[row] > 0.1}
        assert len(must) >= 4 and must <= others


def test_vectors_without_direction_are_told(files, tmp_path):
    table = read(files["float32"])
    vectors = table["embedding"].to_pylist()
    size = len(vectors[0])
    vectors[5], vectors[6], vectors[7] = [0.0] * size, [numpy.nan] * size, vectors[7][:-1] + [numpy.inf]
    said = run_json(
        "verify", changed(tmp_path, with_column(table, "embedding", vectors)), "--sample", "all", status=1
    )
    assert (said["zero"], said["non_finite"], said["nulls"]) == (1, 2, 0)
    assert {w["row"]: w["kind"] for w in said["wrong"]} == {5: "vector", 6: "non_finite", 7: "non_finite"}


def test_rows_without_a_vector_are_no_fault(tmp_path):
    source = write_texts(tmp_path / "in.parquet", ["one", None, "", "two"])
    file = embed(MODEL, source, tmp_path / "v.parquet", "--on-error", "null")
    said = run_json("verify", file)
    assert said["is_right"] and (said["nulls"], said["null_texts"], said["computed"]) == (2, 1, 2)
    table = read(file)
    hashes = table["text_hash"].to_pylist()
    hashes[0] = None
    said = run_json("verify", changed(tmp_path, with_column(table, "text_hash", hashes)), status=1)
    assert [(w["row"], w["kind"]) for w in said["wrong"]] == [(0, "no_hash")]


def test_texts_without_an_md5_are_counted_apart(tmp_path):
    source = write_texts(tmp_path / "in.parquet", sentences(10))
    table = read(embed(MODEL, source, tmp_path / "v.parquet", "--on-error", "null"))  # hashes may be null
    hashes = table["text_hash"].to_pylist()
    hashes[3] = None
    file = changed(tmp_path, with_column(table, "text_hash", hashes))
    said = run("verify", file, "--sample", "0", status=1)
    assert "Texts: 9 of 9 have the MD5 that the file says; of 1 more the text or its MD5 is missing" in said.stdout
    hashes[5] = hashes[6]
    file = changed(tmp_path, with_column(table, "text_hash", hashes))
    said = run("verify", file, "--sample", "0", status=1)
    assert "Texts: 8 of 9 have" in said.stdout and "Wrong: 2 texts" in said.stderr


def test_a_prompts_column_is_the_inputs_whatever_it_is_called(tmp_path):
    """What has a name of embed's own was written as NAME_input, or NAME_input_; and what is called so from the start
    is another column."""
    words = {name: [f"{name} {i}" for i in range(20)] for name in ("title", "title_input", "row", "row_input")}
    source = write_texts(tmp_path / "in.parquet", sentences(20), **words)
    for prompt in ("{title}: {text}", "{row}: {text}", "{title_input}: {text}"):
        file = embed(MODEL, source, tmp_path / "v.parquet", "--prompt", prompt, "--with", "row", "--force")
        assert {"title_input", "row_input", "row_input_"} <= set(read(file).column_names)
        assert run_json("verify", file)["is_right"], prompt


def test_against_another_model_is_as_numpy_has_it(files, folder, source):
    other = embed(MODELS / "bert-q5_0.gguf", source, folder / "q5.parquet")
    recall, correlation = agreement(numbers(read(files["float32"])), numbers(read(other)), 10)
    said = run_json("verify", files["float32"], "--sample", "all", "--against", MODELS / "bert-q5_0.gguf")["against"]
    assert said["compared"] == COUNT and said["k"] == 10 and said["model"] == "bert-q5_0.gguf"
    # One neighbour of one text may change with the last bits of a cosine.
    assert said["recall"] == pytest.approx(recall, abs=2 / COUNT / 10)
    assert said["rank_correlation"] == pytest.approx(correlation, abs=1e-6)
    same = run_json("verify", files["float32"], "--against", MODEL)["against"]
    assert same["recall"] == 1 and same["rank_correlation"] == pytest.approx(1, abs=1e-12)


def test_the_sample_follows_from_its_seed(files, tmp_path):
    table = read(files["float32"])
    data = stored_bytes(table)
    data[:, 3] ^= 0x80  # the sign of each first value
    file = changed(tmp_path, with_bytes(table, data))
    rows = lambda *flags: [w["row"] for w in run_json("verify", file, "--sample", "7", *flags, status=1)["wrong"]]
    first = rows()
    assert first == rows("--threads", "1") == sorted(first) and 4 <= len(first) <= 7
    assert first != rows("--seed", "2")


def test_a_model_that_is_gone_is_said_and_another_place_given(tmp_path):
    shutil.copy(MODEL, tmp_path / "mine.gguf")
    source = write_texts(tmp_path / "in.parquet", sentences(20))
    file = embed(tmp_path / "mine.gguf", source, tmp_path / "v.parquet")
    (tmp_path / "mine.gguf").unlink()
    said = run("verify", file, status=4).stderr
    assert "mine.gguf" in said and "--model" in said
    assert run_json("verify", file, "--model", MODEL)["is_right"]
    said = run("verify", file, "--model", MODELS / "qwen3.gguf", status=1)
    assert "is not the one that the vectors are of" in said.stderr and "Wrong: 0 texts, 20 vectors" in said.stderr
    assert said.stdout.count("to the model's vector") == 20


def test_files_that_are_not_ours(tmp_path):
    file = tmp_path / "foreign.parquet"
    pa.parquet.write_table(pa.table({"v": pa.array([[1.0, 2.0]], pa.list_(pa.float32())), "t": ["x"]}), file)
    said = run("verify", file, status=2).stderr
    assert "--model" in said and "foreign.parquet" in said
    assert "text_hash" in run("verify", file, "--sample", "0", status=2).stderr
    assert "dimensions" in run("verify", file, "--model", MODEL, status=4).stderr
    assert "'nope'" in run("verify", file, "--vector-column", "nope", status=3).stderr
    assert "--sample" in run("verify", file, "--sample", "x", status=2).stderr


def test_a_file_cut_short_and_an_empty_one(files, tmp_path, source):
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(files["float32"].read_bytes()[:-100])
    assert "cut.parquet" in run("verify", cut, status=3).stderr
    empty = changed(tmp_path, read(files["float32"]).slice(0, 0))
    assert run_json("verify", empty)["is_right"]


def test_a_prompt_whose_column_is_gone(tmp_path, source):
    file = embed(MODEL, source, tmp_path / "v.parquet", "--prompt", "{title}: {text}", "--keep", "none")
    said = run("verify", file, status=3).stderr
    assert "'title'" in said and "--sample 0" in said
    assert run_json("verify", file, "--sample", "0")["is_right"]


@pytest.mark.skipif(not MINILM.exists(), reason="MiniLM is not in the cache")
def test_a_real_model_on_other_kernels_and_a_value_with_a_flipped_sign(tmp_path):
    source = write_texts(tmp_path / "in.parquet", sentences(60, seed=5))
    file = embed(MINILM / "all-MiniLM-L6-v2-F16.gguf", source, tmp_path / "v.parquet", "--normalize")
    assert run_json("verify", file, "--kernels", "stock")["is_right"]
    table = read(file)
    data = stored_bytes(table)
    values = numpy.abs(data.view(numpy.float32))
    # Of a value that is as large as most: far below what a cosine of 0.9999 allows.
    at = int(numpy.argsort(values[17])[values.shape[1] // 2])
    data[17, 4 * at + 3] ^= 0x80
    said = run_json("verify", changed(tmp_path, with_bytes(table, data)), "--kernels", "stock", status=1)
    assert [(w["row"], w["kind"]) for w in said["wrong"]] == [(17, "one_value")]


def test_a_report_that_cannot_be_printed_is_no_success(files):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([CLI, "verify", files["float32"], "--sample", "0"], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=60)
    assert done.returncode == 5 and "standard output cannot be written" in done.stderr, done.stderr
