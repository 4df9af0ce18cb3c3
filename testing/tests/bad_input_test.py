"""Bad input: one clear line, the right exit status, no damaged output."""
import base64
import gzip
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile

import numpy
import pyarrow
import pyarrow.parquet
import pytest
from program import CLI, MODELS, PROJECT, embed, rows, vectors

sys.path.insert(0, str(PROJECT / "testing"))
import make_models

USAGE, INPUT, MODEL, OUTPUT, INTERRUPTED = 2, 3, 4, 5, 130
GOOD = MODELS / "bert.gguf"


def refused(run, status, *parts):
    assert run.returncode == status, (run.returncode, run.stderr)
    lines = [line for line in run.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, run.stderr
    for part in parts:
        assert str(part) in lines[0], lines[0]


def nothing_left(folder):
    assert [p.name for p in folder.iterdir() if "parquet" in p.name] == []


def nothing_left_but_a_journal(folder):
    """What was computed is kept, for the same command to go on from."""
    assert {p.name for p in folder.iterdir() if "parquet" in p.name} <= {"out.parquet.journal"}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.parquet"


def test_missing_input(out, tmp_path):
    refused(embed(GOOD, tmp_path / "no.txt", out), INPUT, "no.txt")
    nothing_left(tmp_path)


def test_folder_as_input(out, tmp_path):
    refused(embed(GOOD, tmp_path, out), INPUT, "folder")


def test_unreadable_input(out, tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("x")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root reads everything")
    refused(embed(GOOD, path, out), INPUT, "in.txt")


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_empty_input_gives_a_valid_empty_file(out, content):
    run = embed(GOOD, content, out)
    assert run.returncode == 0 and "no texts" in run.stderr
    assert rows(out).num_rows == 0 and str(rows(out).schema.field("embedding").type).startswith("fixed_size_list")


def test_invalid_utf8(out):
    run = embed(GOOD, b"one\nbad \xff\xfe\nthree\n", out)
    assert run.returncode == 0 and "line 2" in run.stderr and "failed: 1" in run.stdout
    assert rows(out)["text"].to_pylist() == ["one", "three"]


def test_invalid_utf8_with_on_error_fail(out, tmp_path):
    refused(embed(GOOD, b"one\nbad \xff\n", out, "--on-error", "fail"), INPUT, "line 2")
    nothing_left_but_a_journal(tmp_path)


TWO_LINES = "some words\nand more of them, h\u00e9l\u00e0s\n"


def packed(kind, folder):
    """A file of that kind, made by somebody else's library."""
    path = folder / f"odd.{kind}"
    if kind == "gz":
        path.write_bytes(gzip.compress(TWO_LINES.encode()))
    elif kind in ("zip", "xlsx"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("[Content_Types].xml", TWO_LINES * 100)
            archive.writestr("xl/workbook.xml" if kind == "xlsx" else "texts.txt", TWO_LINES * 100)
    elif kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.table({"text": TWO_LINES.splitlines()}), path)
    elif kind == "sqlite":
        with sqlite3.connect(path) as database:
            database.execute("create table texts (text)")
    elif kind == "png":
        path.write_bytes(base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
                                          "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="))
    return path


KINDS = {"zip": "a zip archive", "xlsx": "Excel", "sqlite": "SQLite", "png": "a PNG image"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("from_stdin", [False, True], ids=["file", "pipe"])
def test_a_file_that_is_no_text(out, tmp_path, kind, from_stdin):
    path = packed(kind, tmp_path)
    run = embed(GOOD, "-", out, input=path.read_bytes()) if from_stdin else embed(GOOD, path, out)
    refused(run, INPUT, "standard input" if from_stdin else path, KINDS[kind])
    assert not out.exists()


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
@pytest.mark.parametrize("from_stdin", [False, True], ids=["file", "pipe"])
def test_wide_characters_are_refused_and_what_the_message_says_helps(out, tmp_path, encoding, from_stdin):
    data = ("\ufeff" + TWO_LINES).encode(encoding)
    path = tmp_path / "wide.txt"
    path.write_bytes(data)
    run = embed(GOOD, "-", out, input=data) if from_stdin else embed(GOOD, path, out)
    told = f"iconv -f {encoding[:6]} -t UTF-8"
    refused(run, INPUT, "standard input" if from_stdin else path, told)
    nothing_left(tmp_path)
    converted = subprocess.run([*told.split(), str(path)], capture_output=True, check=True).stdout
    assert embed(GOOD, converted, out).returncode == 0
    assert rows(out)["text"].to_pylist() == TWO_LINES.splitlines()


EMBED = ["embed", "-m", GOOD, "-o", "out.parquet", "--force"]
ASK = ["generate", "-m", MODELS / "generator.gguf", "--limit", "30"]
# Every file that is read as text: a sound one, and the command that it is put at the end of.
TEXTS = {
    "table.txt": (TWO_LINES, [*EMBED, "--keep", "all", "--where", "true", "-i"]),
    "table.csv": ("text,id\nhello,1\nyou,2\n", [*EMBED, "--column", "text", "-i"]),
    "table.json": ('[{"text": "hello"},\n {"text": "you"}]\n', [*EMBED, "--column", "text", "-i"]),
    "table.jsonl": ('{"text": "hello"}\n{"text": "you"}\n', [*EMBED, "--column", "text", "-i"]),
    "flags.toml": ("normalize = true\nquiet = true\n", [*EMBED, "-i", "table.txt", "--config"]),
    "prompt.txt": ("hello you\n", [*ASK, "--prompt-file"]),
    "short.txt": ("hi!", [*ASK, "--prompt-file"]),
    "schema.json": ('{"type": "boolean"}\n', [*ASK, "--prompt", "hello", "--json-schema"]),
    "grammar.gbnf": ('root ::= "yes" | "no"\n', [*ASK, "--prompt", "hello", "--grammar"]),
    "template.jinja": ("{% for m in messages %}{{ m.content }}{% endfor %}\n",
                       [*ASK, "--prompt", "hello", "--chat-template"]),
    "servers.json": ('{"mcpServers": {"one": {"command": "no-such-program", "disabled": true}}}\n',
                     ["tools", "--mcp-config"]),
}


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
@pytest.mark.parametrize("is_marked", [True, False], ids=["mark", "no-mark"])
@pytest.mark.parametrize("name", TEXTS)
def test_whatever_is_read_as_text_is_refused_in_wide_characters(tmp_path, name, encoding, is_marked):
    text, command = TEXTS[name]
    (tmp_path / "table.txt").write_text(TWO_LINES)

    def run_on(data):
        (tmp_path / name).write_bytes(data)
        run = subprocess.run([CLI, *map(str, command), name], capture_output=True, timeout=600, cwd=tmp_path)
        run.stderr = run.stderr.decode()
        return run
    run = run_on((("\ufeff" if is_marked else "") + text).encode(encoding))
    told = f"iconv -f {encoding[:6] if is_marked else encoding} -t UTF-8"
    if is_marked and encoding.startswith("UTF-16") and name in ("table.txt", "table.csv"):
        assert run.returncode == 0 and len(rows(tmp_path / "out.parquet")) == 2, run.stderr
    else:
        refused(run, USAGE if name == "flags.toml" else INPUT, name, f"convert it first ({told})")
        data = subprocess.run([*told.split(), name], capture_output=True, check=True, cwd=tmp_path).stdout
        run = run_on(data)
        assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16LE", "UTF-16BE"])
@pytest.mark.parametrize("name", ["table.json", "table.jsonl"])
def test_a_query_over_wide_characters_says_so(out, tmp_path, name, encoding):
    (tmp_path / name).write_text(TEXTS[name][0], encoding=encoding)
    query = ["--query", f"SELECT * FROM '{tmp_path / name}'", "--column", "text"]
    run = subprocess.run([CLI, "embed", "-m", GOOD, "-o", out, *query], capture_output=True, text=True, timeout=600)
    refused(run, INPUT, tmp_path / name, f"iconv -f {encoding} -t UTF-8")


def test_a_text_in_another_encoding_is_named_with_the_way_out(tmp_path):
    (tmp_path / "prompt.txt").write_text("h\u00e9l\u00e0s", encoding="latin-1")
    for source in ("prompt.txt", "-"):
        flag = "--prompt" if source == "-" else "--prompt-file"
        run = subprocess.run([CLI, *map(str, ASK), flag, source], capture_output=True, text=True, cwd=tmp_path,
                             stdin=(tmp_path / "prompt.txt").open("rb"), timeout=600)
        refused(run, INPUT, "standard input" if source == "-" else source, "iconv -t UTF-8")


NAN = "the model gives NaN or infinity for this text"


def test_a_model_that_gives_no_finite_vector(out, tmp_path):
    refused(embed(MODELS / "qwen3-nan.gguf", b"one\ntwo\n", out), MODEL, "no finite vector")
    many = embed(MODELS / "qwen3-nan.gguf", "".join(f"text {i}\n" for i in range(3000)).encode(), out)
    refused(many, MODEL, "no finite vector", "32 texts in a row")
    assert many.stderr.count(NAN) == 0
    refused(embed(MODELS / "qwen3-nan.gguf", b"one\ntwo\n", out, "--on-error", "fail"), MODEL, "line 1", NAN)
    nothing_left(tmp_path)


@pytest.mark.parametrize("kernels", ["auto", "stock"])
def test_texts_without_a_finite_vector_are_left_out(out, tmp_path, kernels):
    texts = [f"the number {i}" + (" hello" if i % 10 == 3 else "") for i in range(100)]
    run = embed(MODELS / "bert-nan-hello.gguf", "\n".join(texts).encode(), out, "--kernels", kernels)
    assert run.returncode == 0 and "failed: 10" in run.stdout, run.stderr
    assert [f"line {i + 1}: {NAN}" in run.stderr for i in range(100)] == ["hello" in text for text in texts]
    assert rows(out)["text"].to_pylist() == [text for text in texts if "hello" not in text]
    assert numpy.isfinite(vectors(out)).all()
    failing = embed(MODELS / "bert-nan-hello.gguf", "\n".join(texts).encode(), out, "--force", "--on-error", "fail")
    refused(failing, MODEL, "line 4", NAN)


def test_a_vector_that_float16_cannot_hold_is_no_vector_with_infinities(out, tmp_path):
    large = tmp_path / "large.gguf"
    def a_million_times(values):
        values *= 1e6
    make_models.patched(GOOD, large, "blk.2.layer_output_norm.weight", a_million_times)
    run = embed(large, b"one\ntwo\n", out, "--dtype", "float16")
    assert run.returncode == 0 and run.stderr.count("and float16 ends at 65504") == 2, run.stderr
    assert "no text could be embedded; the output has no rows" in run.stderr
    nulls = embed(large, b"one\ntwo\n", out, "--dtype", "float16", "--force", "--on-error", "null")
    assert nulls.returncode == 0, nulls.stderr
    assert "no text could be embedded; the output has no vectors" in nulls.stderr, nulls.stderr
    failed = embed(large, b"one\ntwo\n", out, "--dtype", "float16", "--force", "--on-error", "fail")
    refused(failed, INPUT, "line 1", "float16")
    for flags in (["--dtype", "float32"], ["--dtype", "float16", "--normalize"]):
        assert embed(large, b"one\ntwo\n", out, "--force", *flags).returncode == 0
        assert numpy.isfinite(vectors(out)).all() and len(vectors(out)) == 2


def test_not_a_gguf_file(out, tmp_path):
    refused(embed(MODELS / "text.gguf", b"x\n", out), MODEL, "text.gguf", "not a GGUF file")
    nothing_left(tmp_path)


def test_truncated_gguf(out):
    refused(embed(MODELS / "truncated.gguf", b"x\n", out), MODEL, "truncated")


def test_generation_model_needs_pooling(out):
    refused(embed(MODELS / "llama.gguf", b"x\n", out), MODEL, "--pooling")
    run = embed(MODELS / "llama.gguf", b"x\n", out, "--pooling", "mean")
    assert run.returncode == 0, run.stderr


def test_projector(out):
    refused(embed(MODELS / "mmproj-tiny.gguf", b"x\n", out), MODEL, "projector")


def test_incomplete_split(out, tmp_path):
    shutil.copy(GOOD, tmp_path / "m-00001-of-00003.gguf")
    refused(embed(tmp_path, b"x\n", out), MODEL, "m-00002-of-00003.gguf", "m-00003-of-00003.gguf")


def test_whole_split_model(out, tmp_path):
    make_models.bert(tmp_path / "m.gguf", split_tensors=20)
    assert len(list(tmp_path.glob("m-*.gguf"))) == 3
    assert embed(tmp_path, b"hello\n", out).returncode == 0


def test_a_name_that_is_neither_path_nor_repository(out):
    refused(embed("no-such-model", b"x\n", out), MODEL, "neither")
    refused(embed("org/no-such-model", b"x\n", out, "--offline"), MODEL, "org/no-such-model", "not in the cache")
    refused(embed(MODELS, b"x\n", out, "--filename", "no.gguf"), MODEL, "bert.gguf")


@pytest.mark.parametrize("flags", [("--batch-size", "0"), ("--max-length", "0"), ("--batch-size", "many"),
                                   ("--pooling", "max"), ("--nonsense",)])
def test_flags_out_of_range(out, tmp_path, flags):
    run = embed(GOOD, b"x\n", out, *flags)
    assert run.returncode == USAGE and flags[0] in run.stderr
    nothing_left(tmp_path)


def test_max_length_without_room_for_text(out):
    refused(embed(GOOD, b"x\n", out, "--max-length", "2"), USAGE, "no room")


def test_output_in_a_folder_that_does_not_exist(tmp_path):
    refused(embed(GOOD, tmp_path, tmp_path / "no" / "out.parquet"), INPUT)
    (tmp_path / "in.txt").write_text("x\n")
    refused(embed(GOOD, tmp_path / "in.txt", tmp_path / "no" / "out.parquet"), OUTPUT, "does not exist")


def test_output_is_a_folder_or_exists(out, tmp_path):
    (tmp_path / "in.txt").write_text("x\n")
    refused(embed(GOOD, tmp_path / "in.txt", tmp_path), OUTPUT, "folder")
    out.write_text("mine")
    refused(embed(GOOD, b"x\n", out), OUTPUT, "--force")
    assert out.read_text() == "mine"
    assert embed(GOOD, b"x\n", out, "--force").returncode == 0
    assert rows(out).num_rows == 1


def test_output_equal_to_the_input(tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("x\n")
    refused(embed(GOOD, path, path, "--force"), USAGE, "replace the input")
    assert path.read_text() == "x\n"


def test_read_only_output_folder(tmp_path):
    (tmp_path / "in.txt").write_text("x\n")
    target = "/proc/out.parquet" if os.geteuid() == 0 else None
    if target is None:
        folder = tmp_path / "closed"
        folder.mkdir()
        folder.chmod(0o500)
        target = folder / "out.parquet"
    refused(embed(GOOD, tmp_path / "in.txt", target), OUTPUT, "out.parquet")


def test_disk_full(tmp_path):
    """A file-size limit stands in for a full disk: the same failing write, without a disk of one's own."""
    import resource
    out = tmp_path / "out.parquet"
    text = "\n".join(f"text number {i}" for i in range(3000)).encode()
    run = embed(GOOD, text, out, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)))
    refused(run, OUTPUT, "out.parquet")
    nothing_left_but_a_journal(tmp_path)


@pytest.mark.parametrize("sig,status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(tmp_path, sig, status):
    out = tmp_path / "out.parquet"
    source = tmp_path / "in.txt"
    source.write_text("".join(f"the number {i} of the long text\n" for i in range(200_000)))
    process = subprocess.Popen([CLI, "embed", "-m", str(GOOD), "-i", str(source), "-o", str(out)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("Processing"):
            break
    time.sleep(0.3)
    process.send_signal(sig)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == status and "Interrupted" in stderr
    nothing_left_but_a_journal(tmp_path)


def interrupted_after(path, line, folder):
    """Starts on an input that takes long, and stops it once that line was printed."""
    process = subprocess.Popen([CLI, "embed", "-m", str(GOOD), "-i", str(path), "-o", str(folder / "out.parquet")],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for text in process.stdout:
            if text.startswith(line):
                break
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
        return process.returncode, stderr
    finally:
        process.kill()


def test_ctrl_c_while_texts_are_counted(tmp_path):
    path = tmp_path / "sparse.txt"
    path.write_bytes(b"a text\n" * 20_000)
    os.truncate(path, 1 << 40)  # a terabyte of NUL bytes that takes an hour
    status, stderr = interrupted_after(path, "Model loaded", tmp_path)
    assert status == INTERRUPTED and "Interrupted" in stderr
    nothing_left(tmp_path)


def test_ctrl_c_while_nobody_writes_to_a_fifo(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    status, stderr = interrupted_after(path, "Processing", tmp_path)
    assert status == INTERRUPTED and "Interrupted" in stderr
    nothing_left(tmp_path)


def test_ctrl_c_while_standard_input_is_silent(tmp_path):
    process = subprocess.Popen([CLI, "embed", "-m", str(GOOD), "-i", "-", "-o", str(tmp_path / "out.parquet")],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("Processing"):
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == INTERRUPTED
    nothing_left(tmp_path)


def test_kill_leaves_nothing_that_looks_finished(tmp_path):
    out = tmp_path / "out.parquet"
    source = tmp_path / "in.txt"
    # Equal texts are computed once.
    source.write_text("".join(f"the number {i} of the long text\n" for i in range(200_000)))
    process = subprocess.Popen([CLI, "embed", "-m", str(GOOD), "-i", str(source), "-o", str(out)],
                               stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    for line in process.stdout:
        if line.startswith("Processing"):
            break
    time.sleep(0.3)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    assert list(tmp_path.glob("*.parquet")) == []


LETTERS = ["\u2581" + letter for letter in "abcdefghijklmnopqrstuvwxyz"] + list("abcdefghijklmnopqrstuvwxyz")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def bert_with(path, tokens, types=None, rows=None, **ids):
    """A BERT model with this vocabulary; `ids` are the special tokens that its metadata name."""
    def add_tokenizer(writer):
        writer.add_tokenizer_model("bert")
        writer.add_tokenizer_pre("default")
        writer.add_token_list(tokens)
        writer.add_token_types(types or [3 if token in SPECIAL else 1 for token in tokens])
        for name, number in ids.items():
            getattr(writer, f"add_{name}_token_id")(number)
        return rows or len(tokens)
    make_models.bert(path, add_tokenizer)
    return path


USUAL = {"unk": 1, "bos": 2, "sep": 3, "eos": 3, "pad": 0, "mask": 4}


@pytest.mark.parametrize("tokens, ids, told", [
    ([t for t in SPECIAL if t != "[UNK]"] + LETTERS, {"bos": 1, "sep": 2, "eos": 2, "pad": 0}, "[UNK]"),
    ([t for t in SPECIAL if t != "[CLS]"] + LETTERS, {"unk": 1, "sep": 2, "eos": 2, "pad": 0}, "[CLS]"),
    (SPECIAL + LETTERS, {**USUAL, "sep": 5000}, "[SEP]"),
    (SPECIAL + LETTERS, {**USUAL, "unk": 5000}, "unknown token 5000"),
    (SPECIAL + LETTERS, {}, "[CLS]"),
    (SPECIAL + LETTERS + ["\u2581a"], USUAL, "tokens 5 and 57 of the vocabulary are the same"),
    (["", "[EMPTY_0]"] + LETTERS, USUAL, "tokens 0 and 1 of the vocabulary are the same"),
], ids=["no UNK", "no CLS", "SEP outside", "UNK outside", "no numbers", "duplicate", "duplicate of a filler"])
def test_a_vocabulary_that_no_text_can_be_read_with(out, tmp_path, tokens, ids, told):
    refused(embed(bert_with(tmp_path / "odd.gguf", tokens, **ids), b"abc\n", out), MODEL, "odd.gguf", told)
    nothing_left(tmp_path)


def test_fewer_token_types_than_tokens(out, tmp_path):
    model = bert_with(tmp_path / "odd.gguf", SPECIAL + LETTERS, types=[1] * 5, **USUAL)
    refused(embed(model, b"abc\n", out), MODEL, "tokenizer.ggml.token_type has 5 entries for 57 tokens")


def test_a_vocabulary_larger_than_its_matrix(out, tmp_path):
    model = bert_with(tmp_path / "odd.gguf", SPECIAL + LETTERS, rows=54, **USUAL)
    refused(embed(model, b"abc\n", out), MODEL, "token_embd.weight")


@pytest.mark.parametrize("extra", [["", "", "\u2581"], [b"\xff\xfe"], [f"\u2581word{i}" for i in range(1_000_000)]],
                         ids=["empty tokens", "invalid UTF-8", "a million tokens"])
def test_odd_vocabularies_that_work(out, tmp_path, extra):
    types = [3] * 5 + [1] * (len(LETTERS) + len(extra))
    model = bert_with(tmp_path / "odd.gguf", SPECIAL + LETTERS + extra, types=types, **USUAL)
    texts = "abc a\nzzz x [UNK]\n\ud55c\nword999999 a\n"
    run = embed(model, texts.encode(), out)
    assert run.returncode == 0, run.stderr
    assert rows(out)["text"].to_pylist() == texts.split("\n")[:-1]


def test_a_word_of_a_hundred_megabytes(out, tmp_path):
    """It is [UNK]: the same vector as another word that nobody knows."""
    model = bert_with(tmp_path / "odd.gguf", SPECIAL + LETTERS, **USUAL)
    run = embed(model, b"a" * 100_000_000 + b"\n" + "\ud55c\nabc\n".encode(), out)
    assert run.returncode == 0, run.stderr
    vectors = rows(out)["embedding"].to_pylist()
    assert vectors[0] == vectors[1] != vectors[2]
