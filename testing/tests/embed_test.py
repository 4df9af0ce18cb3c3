"""The embed command on synthetic models: what comes out, read by others."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

import numpy
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from llama_embedding import llama_embedding
from program import CLI, MODELS, PROJECT, cosines, duckdb, embed, rows, vectors

sys.path.insert(0, str(PROJECT / "testing"))
import model_families

TEXTS = ["hello world", "the number 42 is a long number", "短い日本語のテスト文です。", "  kept  ", "a\tb", "x", "Größe 👍 naïve"]
BOTH = ["bert.gguf", "qwen3.gguf"]


def varied(count, seed=3):
    rng = random.Random(seed)
    words = "the and hello world text number is of long running walker zebra 42 7 3.14 naïve 日本 Привет".split()
    return [" ".join(rng.choice(words) for _ in range(rng.choice([1, 2, 5, 10, 40, 120]))) for _ in range(count)]


def content(texts):
    return "\n".join(texts).encode() + b"\n"


def test_columns_types_order_hashes_and_metadata(tmp_path):
    out = tmp_path / "out.parquet"
    run = embed(MODELS / "bert.gguf", content(TEXTS), out)
    assert run.returncode == 0, run.stderr
    table = rows(out)
    assert table.schema.names == ["text", "text_hash", "embedding", "sequence_length", "processing_time_ms"]
    assert [str(t) for t in table.schema.types] == [
        "string", "string", "fixed_size_list<element: float not null>[64]", "uint32", "uint64"]
    assert table["text"].to_pylist() == TEXTS
    assert table["text_hash"].to_pylist() == [hashlib.md5(t.encode()).hexdigest() for t in TEXTS]
    assert numpy.isfinite(vectors(out)).all()
    metadata = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
    assert metadata["llama.pooling"] == "mean" and metadata["llama.dimension"] == "64"
    assert metadata["llama.architecture"] == "bert"
    assert metadata["llama.normalized"] == "false" and metadata["llama.model_file"] == "bert.gguf"
    assert metadata["llama.model_size_bytes"] == str((MODELS / "bert.gguf").stat().st_size)
    vector_column = pyarrow.parquet.ParquetFile(out).metadata.row_group(0).column(2)
    assert vector_column.compression == "ZSTD" and not vector_column.has_dictionary_page


def test_duckdb_reads_it(tmp_path):
    out = tmp_path / "out.parquet"
    assert embed(MODELS / "bert.gguf", content(TEXTS), out).returncode == 0
    sql = f"select count(*) n, bool_and(md5(text) = text_hash) ok, min(len(embedding)) d from '{out}'"
    found = json.loads(duckdb("-json", "-c", sql))[0]
    assert found["n"] == len(TEXTS) and str(found["ok"]).lower() == "true" and found["d"] == 64


def niceness_of_threads(process):
    levels = []
    for task in pathlib.Path(f"/proc/{process}/task").iterdir():
        try:
            levels.append(int((task / "stat").read_text().rpartition(")")[2].split()[16]))
        except FileNotFoundError:
            pass  # it has just ended
    return levels


def test_nice_puts_every_thread_behind_others(tmp_path):
    command = [CLI, "embed", "--model", MODELS / "bert.gguf", "--input", "-", "--output", tmp_path / "out.parquet",
               "--threads", "2"]
    assert subprocess.run([*command, "--nice", "20"], stdin=subprocess.DEVNULL, capture_output=True).returncode == 2
    with subprocess.Popen([*command, "--nice", "19"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as run:
        run.stdin.write(content(varied(2000)))
        run.stdin.flush()
        end = time.monotonic() + 60
        while len(levels := niceness_of_threads(run.pid)) < 3 or set(levels) != {19}:
            assert time.monotonic() < end, levels
            time.sleep(0.01)
        for _ in range(50):  # whoever is started from now on, too
            assert set(niceness_of_threads(run.pid)) <= {19}
            time.sleep(0.01)
        run.stdin.close()
        assert run.wait() == 0


@pytest.mark.parametrize("model", BOTH)
def test_equals_llama_embedding(tmp_path, model):
    long = " ".join(["hello"] * (1990 if model == "bert.gguf" else 332))  # the Qwen3 stand-in has one token a letter
    texts = varied(40) + [long]
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(texts))
    theirs = llama_embedding(MODELS / model, prompts)
    out = tmp_path / "out.parquet"
    run = embed(MODELS / model, content(texts), out)
    assert run.returncode == 0, run.stderr
    assert rows(out)["sequence_length"].to_pylist()[-1] >= 1990
    assert cosines(vectors(out), theirs).min() >= 0.9999


@pytest.mark.parametrize("model", BOTH)
def test_a_batch_never_changes_a_vector(tmp_path, model):
    texts = varied(100)
    alone = tmp_path / "1.parquet"
    assert embed(MODELS / model, content(texts), alone, "--batch-size", "1").returncode == 0
    for size in ("8", "32", "64", "1000"):
        out = tmp_path / f"{size}.parquet"
        assert embed(MODELS / model, content(texts), out, "--batch-size", size).returncode == 0
        assert rows(out)["text"].to_pylist() == texts
        assert cosines(vectors(out), vectors(alone)).min() >= 0.9999


def test_normalize_gives_length_one(tmp_path):
    out = tmp_path / "out.parquet"
    assert embed(MODELS / "qwen3.gguf", content(TEXTS), out, "--normalize").returncode == 0
    assert numpy.allclose(numpy.linalg.norm(vectors(out), axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("model", BOTH)
def test_truncation_keeps_the_closing_token(tmp_path, model):
    """A text cut to N tokens equals the text of its first N tokens."""
    cut, short = tmp_path / "cut.parquet", tmp_path / "short.parquet"
    words = ["hello"] * 50
    run = embed(MODELS / model, content([" ".join(words)]), cut, "--max-length", "12")
    assert "Truncated: 1" in run.stdout
    assert rows(cut)["sequence_length"].to_pylist() == [12]
    if model == "bert.gguf":  # one token a word, CLS and SEP around
        assert embed(MODELS / model, content([" ".join(words[:10])]), short).returncode == 0
    else:  # one token a letter, EOS at the end: "hello hello" has 11
        assert embed(MODELS / model, content([" ".join(words[:2])]), short).returncode == 0
    assert rows(short)["sequence_length"].to_pylist() == [12]
    assert cosines(vectors(cut), vectors(short)).min() >= 0.9999


def test_eos_is_appended_once_where_the_model_lacks_it(tmp_path):
    """The bare model has the same weights, no pooling key and no EOS: with both mended its vectors are the same."""
    bare, whole = tmp_path / "bare.parquet", tmp_path / "whole.parquet"
    run = embed(MODELS / "qwen3-embedding-bare.gguf", content(TEXTS), bare)
    assert run.returncode == 0 and "using last" in run.stderr
    assert embed(MODELS / "qwen3.gguf", content(TEXTS), whole).returncode == 0
    assert rows(bare)["sequence_length"] == rows(whole)["sequence_length"]
    assert cosines(vectors(bare), vectors(whole)).min() >= 0.9999


def test_special_token_strings_can_stay_text(tmp_path):
    parsed, text = tmp_path / "parsed.parquet", tmp_path / "text.parquet"
    line = content(["a <|endoftext|> b"])
    assert embed(MODELS / "qwen3.gguf", line, parsed).returncode == 0
    assert embed(MODELS / "qwen3.gguf", line, text, "--special-tokens", "text").returncode == 0
    assert rows(parsed)["sequence_length"][0].as_py() == 6
    assert rows(text)["sequence_length"][0].as_py() == len("a <|endoftext|> b") + 1


def test_line_ends_blank_lines_and_the_byte_order_mark(tmp_path):
    out = tmp_path / "out.parquet"
    run = embed(MODELS / "bert.gguf", b"\xef\xbb\xbfone\r\n\n   \ntwo\x00three\nlast", out)
    assert run.returncode == 0 and "skipped blank lines: 2" in run.stdout
    assert rows(out)["text"].to_pylist() == ["one", "two\0three", "last"]


def test_standard_input_and_odd_paths(tmp_path):
    folder = tmp_path / "with space ünï"
    folder.mkdir()
    run = subprocess.run([CLI, "embed", "-m", str(MODELS / "bert.gguf"), "-i", "-", "-o", "o ü.parquet"],
                         input=content(TEXTS), capture_output=True, cwd=folder)
    assert run.returncode == 0, run.stderr
    assert rows(folder / "o ü.parquet").num_rows == len(TEXTS)


def test_standard_input_that_is_a_file_is_counted(tmp_path):
    """From where it stands: a shell may have read its first lines."""
    path, out = tmp_path / "in.txt", tmp_path / "out.parquet"
    path.write_bytes(b"header\n" + content(TEXTS))
    with open(path, "rb", buffering=0) as file:
        file.read(len(b"header\n"))
        run = embed(MODELS / "bert.gguf", "-", out, stdin=file)
    assert run.returncode == 0 and f"Processing {len(TEXTS)} texts" in run.stdout
    assert rows(out)["text"].to_pylist() == TEXTS


def test_a_fifo_and_a_pipe_with_a_byte_order_mark(tmp_path):
    fifo, out = tmp_path / "fifo", tmp_path / "out.parquet"
    os.mkfifo(fifo)
    writer = subprocess.Popen(["sh", "-c", f"printf '\\357\\273\\277one\\n' > '{fifo}'"])
    run = embed(MODELS / "bert.gguf", fifo, out)
    assert writer.wait() == 0 and run.returncode == 0 and "Processing texts" in run.stdout
    assert rows(out)["text"].to_pylist() == ["one"]
    run = embed(MODELS / "bert.gguf", "-", out, "--force", input=b"\xef\xbb\xbftwo")
    assert run.returncode == 0 and rows(out)["text"].to_pylist() == ["two"]


def with_open_input(lines, model, out, *flags, meanwhile=lambda: ""):
    """Exit status and messages of a run whose input goes on, though nothing more comes."""
    command = [CLI, "embed", "-m", MODELS / model, "-i", "-", "-o", out, *flags]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as run:
        for part in (lines, meanwhile):
            run.stdin.write(part if part is lines else part())
            run.stdin.flush()
        return run.wait(timeout=60), run.stderr.read()


def test_the_exit_status_says_what_failed_though_the_input_is_still_open(tmp_path):
    out, lines = tmp_path / "out", "".join(f"text {i}\n" for i in range(40))
    for flags in ([], ["--on-error", "fail"]):
        status, told = with_open_input(lines, "qwen3-nan.gguf", out, "--output-format", "parquet", *flags)
        assert status == 4 and "finite" in told, told

    def folder_goes():
        while not (out / "part-00001.parquet").exists():
            time.sleep(0.01)
        shutil.rmtree(out)
        return lines

    status, told = with_open_input(lines, "bert.gguf", out, "--split-rows", "10", meanwhile=folder_goes)
    assert status == 5, told


def test_an_input_that_takes_more_memory_than_there_is_has_the_status_of_memory(tmp_path):
    sql = "select list(repeat('x', 1000) || i)::varchar as text from range(3_000_000) t(i)"
    run = subprocess.run([CLI, "embed", "-m", MODELS / "bert.gguf", "--query", sql, "-o", tmp_path / "out.parquet"],
                         capture_output=True, text=True)
    assert run.returncode == 1 and "allocate" in run.stderr, run.stderr


def test_more_rows_than_31_bits_count_are_written_where_nobody_knew_their_number(tmp_path):
    model, texts = tmp_path / "wide.gguf", tmp_path / "calibration.txt"
    model_families.write_family(model, "qwen3", "F16", model_families.Size(width=4096, layers=1, head=64))
    texts.write_text("some words\nothers\n")
    count = (1 << 31) // 4096 + 1_000
    for out in (tmp_path / "out.arrow", "-"):
        command = [CLI, "embed", "-m", model, "-i", "-", "--input-format", "jsonl", "-o", out, "--compression", "lz4",
                   "--dtype", "int8", "--calibration", texts, "--quiet"]
        run = subprocess.run(command, input=b'{"text": "words"}\n' * count, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        assert run.returncode == 0, run.stderr
        assert (b"--split-rows" in run.stderr) == (out != "-"), run.stderr
    with pa.memory_map(str(tmp_path / "out.arrow")) as file:
        found = pa.ipc.open_file(file)
        assert sum(found.get_batch(i).num_rows for i in range(found.num_record_batches)) == count


def test_a_very_long_line(tmp_path):
    out = tmp_path / "out.parquet"
    line = b"hello world " * (20 << 20 >> 3)  # 30 MB
    run = embed(MODELS / "bert.gguf", b"first\n" + line + b"\nlast\n", out, "--max-length", "100")
    assert run.returncode == 0, run.stderr
    assert rows(out)["sequence_length"].to_pylist()[1] == 100
    assert rows(out)["text"][1].as_py().encode() == line


def test_row_groups_and_order_of_many_rows(tmp_path):
    out = tmp_path / "out.parquet"
    texts = [f"number {i}" for i in range(12_345)]
    run = embed(MODELS / "bert.gguf", content(texts), out)
    assert run.returncode == 0 and "12,345" in run.stdout
    assert rows(out)["text"].to_pylist() == texts
    assert pyarrow.parquet.ParquetFile(out).metadata.num_row_groups == 2


def test_the_console_says_what_the_specification_shows(tmp_path):
    run = embed(MODELS / "bert.gguf", content(TEXTS), tmp_path / "out.parquet")
    for part in ("Loading model: ", "Model loaded successfully in ", "(64 dimensions)",
                 f"Processing {len(TEXTS)} texts with batch size 32...",
                 "Average processing time: ", "Total embeddings: ", "Output written to: "):
        assert part in run.stdout, part
    assert f"{len(TEXTS)}/{len(TEXTS)} (100%)" in run.stderr
    quiet = embed(MODELS / "bert.gguf", content(TEXTS), tmp_path / "quiet.parquet", "--quiet")
    assert quiet.stdout == "" and quiet.stderr == ""


def test_the_example_runs():
    run = subprocess.run([os.environ["BASIC_EMBEDDING"], str(MODELS / "bert.gguf"), "hello world"],
                         capture_output=True, text=True)
    assert run.returncode == 0 and "64 values" in run.stdout
