"""The package llama_cli: its vectors are the command's, whatever happens to the processes at either end."""

import itertools
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from program import CLI, MODELS, PROJECT, REAL, embed, rows, vectors

sys.path.insert(0, str(PROJECT / "python"))
import llama_cli
from llama_cli import Embedder

MODEL = MODELS / "bert.gguf"
# What the kernels are held to, where a test has an environment of its own.
HELD_DOWN = {name: value for name, value in os.environ.items() if name == "GGML_PACKED_LEVEL"}
TEXTS = [
    "a text",
    "Ünï code — 漢字",
    "with {braces} and {{more}} {text}",
    "x\0y",
    "[CLS] special [SEP]",
    " led by a space",
    "two\nlines",
]


@pytest.fixture(scope="module")
def model():
    with Embedder(MODEL) as one:
        yield one


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """The same model under the name of a family whose prompts are known."""
    folder = tmp_path_factory.mktemp("named")

    def make(name):
        path = folder / f"{name}.gguf"
        if not path.exists():
            shutil.copy(MODEL, path)
        return path

    return make


def by_command(path, texts, tmp_path, *flags):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pa.parquet.write_table(pa.table({"text": pa.array(texts, pa.string())}), source)
    out.unlink(missing_ok=True)
    run = embed(path, source, out, *flags, "--quiet")
    assert run.returncode == 0, run.stderr
    return vectors(out)


def children(pid):
    """The processes below one, by /proc."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = entry.read_text().rsplit(")", 1)
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if int(parent) == pid and state != "Z":
            found.append(int(entry.parent.name))
    return found


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pid, seconds=60):
    end = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_running(pid)


def python(source, *arguments, **more):
    """A Python process of its own that runs the source with the package."""
    prelude = f"import sys; sys.path.insert(0, {str(PROJECT / 'python')!r})\nfrom llama_cli import Embedder\n"
    command = [sys.executable, "-c", prelude + textwrap.dedent(source), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def finished(process, seconds=120):
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 0, err
    return out


# Vectors.


def test_vectors_are_the_commands(model, tmp_path):
    texts = TEXTS + [f"number {i % 700}" for i in range(3000)]
    made = model.encode(texts)
    assert made.dtype == np.float32 and made.shape == (len(texts), 64) == (
        3007,
        model.get_sentence_embedding_dimension(),
    )
    assert np.array_equal(made, by_command(MODEL, texts, tmp_path))


@pytest.mark.parametrize("quant", ["F16", "Q8_0"])
def test_a_real_models_vectors_are_the_commands(quant, tmp_path):
    path = REAL / f"minilm/all-MiniLM-L6-v2-{quant}.gguf"
    if not path.exists():
        pytest.skip("the real model is not here (script/models)")
    with Embedder(path) as one:
        assert (one.max_seq_length, one.get_sentence_embedding_dimension()) == (512, 384)
        assert one.prompts == {"query": "", "document": ""}
        assert np.array_equal(one.encode(TEXTS), by_command(path, TEXTS, tmp_path))


@pytest.mark.parametrize("name", ["e5-base-v2", "embeddinggemma-300m", "qwen3-embedding-0.6b", "bge-small-zh"])
@pytest.mark.parametrize("flags", [(), ("--special-tokens", "text")])
def test_prompts_are_the_commands(name, flags, named, tmp_path):
    path = named(name)
    with Embedder(path, arguments=flags) as one:
        assert {"query", "document"} <= set(one.prompts)
        for prompt in one.prompts:
            wanted = by_command(path, TEXTS, tmp_path, "--prompt-name", prompt, *flags)
            assert np.array_equal(one.encode(TEXTS, prompt_name=prompt), wanted), prompt
            assert np.array_equal(one.encode(TEXTS, prompt=one.prompts[prompt]), wanted), prompt
            if prompt in ("query", "document"):
                encode = one.encode_query if prompt == "query" else one.encode_document
                assert np.array_equal(encode(TEXTS), wanted)
                assert np.array_equal(encode(TEXTS[0]), wanted[0])
        assert not np.array_equal(one.encode_query(TEXTS), one.encode(TEXTS))
    with Embedder(path, default_prompt_name="query", arguments=flags) as one:
        assert np.array_equal(one.encode(TEXTS), by_command(path, TEXTS, tmp_path, "--prompt-name", "query", *flags))


def test_prompts_of_ones_own(model, named, tmp_path):
    with Embedder(MODEL, prompts={"query": "ask {{x}}: ", "both": "[{text}]"}) as one:
        assert np.array_equal(one.encode_query(TEXTS), one.encode(["ask {{x}}: " + text for text in TEXTS]))
        assert np.array_equal(one.encode(TEXTS, "both"), one.encode([f"[{text}]" for text in TEXTS]))
        with pytest.raises(ValueError, match="no prompt for a document"):
            one.encode_document("x")
        with pytest.raises(ValueError, match="'other' .known: both, query"):
            one.encode("x", "other")
        with pytest.raises(ValueError, match="exclude"):
            one.encode("x", "query", "words")
        # A text that is empty has no vector, whatever stands around it.
        assert np.isnan(one.encode(["", "x"], "both", on_error="null")).all(axis=1).tolist() == [True, False]
    with pytest.raises(ValueError, match="no prompt for a query is known of this model"):
        model.encode_query("x")
    with pytest.raises(ValueError, match="no prompt 'none'"):
        Embedder(MODEL, default_prompt_name="none")
    with Embedder(named("e5-base-v2"), prompts={"query": ""}) as one:
        assert one.prompts == {"query": "", "document": "passage: "}
        assert np.array_equal(one.encode_query("x"), one.encode("x"))


def test_lengths(model, tmp_path):
    made = model.encode(TEXTS)
    lengths = np.linalg.norm(made.astype(np.float64), axis=1)
    assert np.abs(lengths - 1).max() > 0.01
    assert np.allclose(model.encode(TEXTS, normalize_embeddings=True), made / lengths[:, None], atol=1e-6)
    with Embedder(MODEL, normalize=True) as one:
        assert np.array_equal(one.encode(TEXTS), by_command(MODEL, TEXTS, tmp_path, "--normalize"))
        assert one.metadata["llama.normalized"] == "true"
    with Embedder(MODEL, truncate_dim=16, arguments=["--force-dimensions"], max_seq_length=5) as one:
        assert one.encode(TEXTS).shape == (len(TEXTS), 16) and one.max_seq_length == 5
        flags = ("--dimensions", "16", "--force-dimensions", "--max-length", "5")
        assert np.array_equal(one.encode(TEXTS), by_command(MODEL, TEXTS, tmp_path, *flags))


# Shapes and kinds of texts.


def test_shapes(model):
    one = model.encode("a text")
    assert one.shape == (64,) and np.array_equal(one, model.encode(["a text"])[0])
    assert model.encode([]).shape == (0, 64) and model.encode([]).dtype == np.float32
    assert model.encode(pa.array([], pa.string())).shape == (0, 64)
    wanted = model.encode(TEXTS)
    for kind in (
        tuple(TEXTS),
        iter(TEXTS),
        dict.fromkeys(TEXTS).keys(),
        np.array(TEXTS, object),
        pa.array(TEXTS),
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS).dictionary_encode(),
        pa.array(["left out", *TEXTS]).slice(1),
        pa.chunked_array([TEXTS[:3], [], TEXTS[3:]]),
    ):
        assert np.array_equal(model.encode(kind), wanted), type(kind)
    assert np.array_equal(model.encode(np.array(["a", "bc"])), model.encode(["a", "bc"]))


@pytest.mark.parametrize(
    "texts,kind,words",
    [
        (None, TypeError, "not None"),
        (7, TypeError, "not int"),
        (b"bytes", TypeError, "not bytes"),
        ({"a": 1}, TypeError, "not dict"),
        (["a", None], TypeError, "text 1 is None"),
        (["a", "b", 3.5], TypeError, "text 2 is float"),
        ([b"a"], TypeError, "text 0 is bytes"),
        (pa.array([1, 2]), TypeError, "not of int64"),
        (["a", "b\udc00c"], ValueError, r"text 1 has half of a surrogate pair .U\+DC00 at character 1"),
        ("\ud800", ValueError, "text 0 has half"),
        (["a", ""], llama_cli.TextError, "text 1 has no vector: empty"),
        (["a"] * 5000 + [""], llama_cli.TextError, "text 5000 has no vector"),
        ("", llama_cli.TextError, "the text has no vector: empty"),
        (pa.array(["a", None]), llama_cli.TextError, "text 1 has no vector"),
    ],
)
def test_what_is_no_text(model, texts, kind, words):
    pid = model._session._connection.pid
    with pytest.raises(kind, match=words):
        model.encode(texts)
    assert model.encode("a").shape == (64,) and model._session._connection.pid == pid  # the program goes on


def test_rows_keep_their_places(model):
    texts = ["a", "", " ", "b", "\t\n"] * 700
    made = model.encode(texts, on_error="null")
    assert np.isnan(made).any(axis=1).tolist() == [text == "" for text in texts]
    assert np.array_equal(made[3], model.encode("b")) and np.array_equal(made[-2], made[3])
    assert np.array_equal(made[2], model.encode(" "))
    with pytest.raises(ValueError, match="on_error"):
        model.encode("a", on_error="skip")
    with pytest.raises(ValueError, match="torch.from_numpy"):
        model.encode("a", convert_to_tensor=True)


def test_many_texts_and_a_long_one(model):
    few = model.encode([f"text {i}" for i in range(100)])
    made = model.encode([f"text {i % 100}" for i in range(1_000_000)])
    assert np.array_equal(made[:100], few) and np.array_equal(made[-100:], few) and (made[::100] == few[0]).all()
    long = "word " * 10_000_000  # 50 MB
    made = model.encode(["a", long, "b"])
    assert np.array_equal(made[0], model.encode("a")) and np.array_equal(made[2], model.encode("b"))
    assert np.array_equal(made[1], model.encode("word " * 4000))  # both are cut at the model's length


# Tables and streams.


def test_tables(model, tmp_path):
    table = pa.table(
        {"id": range(3000), "body": [f"text {i}" for i in range(3000)], "list": [[i] for i in range(3000)]}
    )
    table = table.replace_schema_metadata({"whose": "theirs"})
    wanted = model.encode(table["body"])
    made = model.embed_table(table, column="body")
    assert made.schema.names == ["id", "body", "list", "embedding"] and made.schema.metadata == {b"whose": b"theirs"}
    assert made.drop_columns("embedding") == table
    assert made.schema.field("embedding").type == pa.list_(pa.field("element", pa.float32(), False), 64)
    assert np.array_equal(np.stack(made["embedding"].to_numpy()), wanted)
    batch = table.to_batches()[0]
    assert model.embed_table(batch, "body") == made.combine_chunks().to_batches()[0]
    reader = model.embed_table(table.to_reader(max_chunksize=100), "body")
    assert isinstance(reader, pa.RecordBatchReader) and reader.read_all() == made
    assert model.embed_table(table.slice(10, 5), "body", embedding_column="v").column("v") == made["embedding"].slice(
        10, 5
    )
    for empty in (table.slice(0, 0), batch.slice(0, 0)):
        nothing = model.embed_table(empty, "body")
        assert nothing.num_rows == 0 and nothing.schema.equals(made.schema)
    # Who writes it with the command gets the same.
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pa.parquet.write_table(table, source)
    assert embed(MODEL, source, out, "--column", "body", "--quiet").returncode == 0
    assert rows(out)["embedding"].to_pylist() == made["embedding"].to_pylist()


@pytest.mark.parametrize("kind", ["large_string", "string_view", "dictionary"])
def test_columns_of_other_kinds_of_text(model, kind):
    texts = ["a", None, "b", "a"]
    if kind == "string_view" and not hasattr(pa, "string_view"):
        pytest.skip("this pyarrow has no string_view")
    column = pa.array(texts).dictionary_encode() if kind == "dictionary" else pa.array(texts, getattr(pa, kind)())
    made = model.embed_table(pa.table({"text": column}), on_error="null")
    assert made["error"].to_pylist() == [None, "empty", None, None]
    assert [row is None for row in made["embedding"].to_pylist()] == [False, True, False, False]
    assert made["text"].type == column.type and made["embedding"][0] == made["embedding"][3]


@pytest.mark.parametrize(
    "table,flags,kind,words",
    [
        ({"a": ["x"]}, {}, ValueError, r"no column 'text' .it has: a\)"),
        ({"a": ["x"], "b": ["y"]}, {"column": "c"}, ValueError, r"no column 'c' .it has: a, b\)"),
        ({"text": ["x"], "embedding": [1]}, {}, ValueError, "'embedding' already; embedding_column"),
        ({"text": ["x"], "error": [1]}, {"on_error": "null"}, ValueError, "'error' already"),
        ({"text": [1]}, {}, TypeError, "column 'text': a column of text is needed, not of int64"),
        ({"text": ["a", None]}, {}, llama_cli.TextError, "row 1 has no vector: empty"),
        ({"text": ["a"]}, {"prompt": "{title}: {text}"}, ValueError, "'title', which the table does not have"),
    ],
)
def test_tables_that_cannot_be(model, table, flags, kind, words):
    with pytest.raises(kind, match=words):
        model.embed_table(pa.table(table), **flags)
    with pytest.raises(kind, match=words):
        model.embed_table(pa.record_batch(table), **flags)
    with pytest.raises(TypeError, match="pyarrow Table"):
        model.embed_table(table)
    assert model.encode("a").shape == (64,)


def test_prompts_with_columns_are_the_commands(model, tmp_path):
    table = pa.table({"title": ["one {x}", None, "three"], "text": ["a", "b {title}", None], "n": [1, 2, 3]})
    source, out, words = tmp_path / "in.parquet", tmp_path / "out.parquet", "t: {title} {{}} | {n} | text: {text}!"
    pa.parquet.write_table(table, source)
    run = embed(MODEL, source, out, "--column", "text", "--prompt", words, "--on-error", "null", "--quiet")
    assert run.returncode == 0, run.stderr
    made = model.embed_table(table, prompt=words, on_error="null")
    assert made["embedding"].to_pylist() == rows(out)["embedding"].to_pylist()


def test_streams(model):
    batches = [pa.record_batch({"i": [i, -i], "text": [f"text {i}", f"other {i}"]}) for i in range(50)]
    batches[20] = batches[20].slice(0, 0)
    large = pa.record_batch({"i": range(20_000), "text": [f"text {i % 999}" for i in range(20_000)]})
    batches[30] = large
    asked = []

    def source():
        for i, batch in enumerate(batches):
            assert threading.current_thread() is threading.main_thread()
            asked.append(i)
            yield batch

    one = model.encode("one")
    for i, made in enumerate(model.embed_batches(source())):
        assert made.drop_columns(["embedding"]) == batches[i] and len(asked) <= i + 3
        assert np.array_equal(model.encode("one"), one)  # in between
        if i in (7, 30):
            assert np.array_equal(np.stack(made["embedding"].to_numpy(False)), model.encode(batches[i]["text"]))
    assert i == 49
    # Two at once, one of which is left.
    first, second = model.embed_batches(iter(batches)), model.embed_batches(iter(batches[::-1]))
    for i in range(10):
        assert next(first)["i"] == batches[i]["i"] and next(second)["i"] == batches[-1 - i]["i"]
    first.close()
    assert [made["i"] for made in second] == [batch["i"] for batch in batches[::-1][10:]]

    def broken():
        yield batches[0]
        yield batches[1]
        raise KeyError("theirs")

    with pytest.raises(KeyError, match="theirs"):
        list(model.embed_batches(broken()))
    with pytest.raises(TypeError, match="RecordBatches, not Table"):
        next(model.embed_batches([pa.table({"text": ["a"]})]))
    assert np.array_equal(model.encode("one"), one)


# Processes.


def test_one_exception_for_each_exit_status(tmp_path):
    for flags, status, kind in (
        (["--batch-size", "0"], 2, llama_cli.UsageError),
        (["--attach", "nowhere.db", "--where", "nonsense("], None, llama_cli.LlamaCliError),
    ):
        with pytest.raises(kind) as caught:
            Embedder(MODEL, arguments=flags)
        assert status in (None, caught.value.status) and len(str(caught.value)) > 10
    with pytest.raises(llama_cli.ModelError, match="is neither a folder") as caught:
        Embedder(tmp_path / "none.gguf")
    assert caught.value.status == 4
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(MODEL.read_bytes()[:5000])
    with pytest.raises(llama_cli.ModelError, match="broken.gguf"):
        Embedder(broken)
    os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
    try:
        with pytest.raises(llama_cli.NetworkError) as caught:
            Embedder("org/name", cache_folder=tmp_path / "cache", arguments=["--no-cache-limit"])
        assert caught.value.status == 6
    finally:
        del os.environ["HF_ENDPOINT"]
    with pytest.raises(llama_cli.StartError, match="cannot start"):
        Embedder(MODEL, program=tmp_path / "no-program")
    for status, kind in (
        (1, llama_cli.InternalError),
        (2, llama_cli.UsageError),
        (3, llama_cli.InputError),
        (4, llama_cli.ModelError),
        (5, llama_cli.OutputError),
        (6, llama_cli.NetworkError),
        (126, llama_cli.StartError),
        (143, llama_cli.StoppedError),
    ):
        program = tmp_path / f"exits-{status}"
        program.write_text(f"#!/bin/sh\necho 'Error: the way out {status}' >&2\nexit {status}\n")
        program.chmod(0o755)
        with pytest.raises(kind, match=f"^the way out {status}$") as caught:
            Embedder(MODEL, program=program)
        assert caught.value.status == status and isinstance(caught.value, llama_cli.LlamaCliError)


def test_what_answers_nonsense_is_told(tmp_path):
    program = tmp_path / "nonsense"
    program.write_text("#!/bin/sh\necho nonsense, and much of it\ncat >/dev/null\n")
    program.chmod(0o755)
    before = children(os.getpid())
    with pytest.raises(llama_cli.InternalError, match="nonsense does not answer with an Arrow stream"):
        Embedder(MODEL, program=program)
    assert children(os.getpid()) == before


# One that gives each text's length and its batch's rows, and after the answer to "twice" one more, of no rows.
ANSWERS_TWICE = """
import sys
import pyarrow as pa

kind = pa.list_(pa.field("element", pa.float32(), False), 2)
schema = pa.schema([("embedding", kind), ("error", pa.string())])
with pa.ipc.new_stream(sys.stdout.buffer, schema) as out:
    for batch in pa.ipc.open_stream(sys.stdin.buffer):
        texts = batch["text"].to_pylist()
        vectors = pa.array([[len(text), len(texts)] for text in texts], kind)
        answer = pa.record_batch([vectors, pa.nulls(len(texts), pa.string())], schema=schema)
        out.write_batch(answer)
        if texts == ["twice"]:
            out.write_batch(answer.slice(0, 0))
        sys.stdout.buffer.flush()
"""


@pytest.fixture
def answers_twice(tmp_path):
    (tmp_path / "fake.py").write_text(ANSWERS_TWICE)
    program = tmp_path / "fake"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path / "fake.py"}\n')
    program.chmod(0o755)
    return program


def test_an_answer_too_many_is_never_another_texts(answers_twice):
    with Embedder(MODEL, program=answers_twice) as one:
        assert one.encode("twice").tolist() == [5, 1]
        with pytest.raises(llama_cli.InternalError, match="answered 0 texts of 1"):
            one.encode("abc")
        assert one.encode("four").tolist() == [4, 1]
        assert one.encode("twice").tolist() == [5, 1]
        with pytest.raises(llama_cli.InternalError, match="answered 0 texts of 2"):
            list(one.embed_batches([pa.record_batch({"text": ["a", "bc"]})]))
        assert one.encode(["a", "bc"])[:, 0].tolist() == [1, 2]


def test_texts_with_long_words_around_them_are_asked_for_in_smaller_batches(answers_twice):
    words = "x" * (5 << 20)
    with Embedder(MODEL, program=answers_twice) as one:
        assert one.encode(["a", "b", "c"])[:, 1].tolist() == [3, 3, 3]
        assert one.encode(["a", "b", "c"], prompt=words)[:, 1].tolist() == [1, 1, 1]
        table = pa.table({"text": ["a", "b", "c"], "title": [words] * 3})
        made = one.embed_table(table, prompt="{title} {text}")["embedding"].to_pylist()
        assert made == [[len(words) + 2, 1]] * 3


def test_a_program_that_is_killed():
    with Embedder(MODEL) as one:
        wanted = one.encode(TEXTS)
        os.kill(one._session._connection.pid, signal.SIGKILL)
        with pytest.raises(llama_cli.StoppedError, match="SIGKILL") as caught:
            one.encode(TEXTS)
        assert caught.value.status == -signal.SIGKILL
        assert np.array_equal(one.encode(TEXTS), wanted)  # another one
        # more than it can have computed before the signal comes
        stream = one.embed_batches(itertools.repeat(pa.record_batch({"text": TEXTS}), 100_000))
        next(stream)
        os.kill(one._session._connection.pid, signal.SIGTERM)
        with pytest.raises(llama_cli.StoppedError):
            list(stream)
        assert np.array_equal(one.encode(TEXTS), wanted)
    with pytest.raises(RuntimeError, match="closed"):
        one.encode("a")
    one.close()


def test_a_program_ends_with_its_object():
    one = Embedder(MODEL)
    pid = one._session._connection.pid
    assert os.getpgid(pid) != os.getpgid(0) and os.getsid(pid) != os.getsid(0)
    del one
    assert gone(pid)
    with Embedder(MODEL) as one:
        pid = one._session._connection.pid
        assert set(os.listdir(f"/proc/{pid}/fd")) >= {"0", "1", "2"}
        assert all(os.readlink(f"/proc/{pid}/fd/{n}").startswith("pipe:") for n in (0, 1, 2))
    assert not is_running(pid)
    # At Python's end, without a with.
    out = finished(python("one = Embedder(sys.argv[1]); print(one._session._connection.pid)", MODEL))
    assert gone(int(out))


# Longer than any test waits for, whatever the machine: what stops it is the test.
LONG = """
texts = [f"number {i} " + "word " * 200 for i in range(100_000)]
one = Embedder(sys.argv[1])
print(one._session._connection.pid, flush=True)
"""


def test_ctrl_c():
    source = LONG + """
try:
    one.encode(texts)
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(one.encode("a").shape, flush=True)
print(one._session._connection.pid, flush=True)
one.close()
"""
    process = python(source, MODEL, start_new_session=True)
    pid = int(process.stdout.readline())
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
    assert process.stdout.readline() == "interrupted\n"
    assert gone(pid, 0.5) or gone(pid)
    out, err = process.communicate(timeout=60)
    assert out.splitlines()[0] == "(64,)" and process.returncode == 0, err
    assert int(out.splitlines()[1]) != pid and gone(int(out.splitlines()[1]))


@pytest.mark.parametrize("with_fork", [False, True])
def test_a_killed_parent_leaves_no_program(with_fork):
    fork = (
        "import os, time\nchild = os.fork()\nif child == 0: time.sleep(300); os._exit(0)\nprint(child, flush=True)\n"
    )
    process = python(LONG + (fork if with_fork else "print(0, flush=True)\n") + "one.encode(texts)\n", MODEL)
    pid, child = int(process.stdout.readline()), int(process.stdout.readline())
    time.sleep(0.5)
    assert is_running(pid)
    process.kill()
    process.stdout.close()
    process.stderr.close()
    process.wait()
    try:
        assert gone(pid)
        assert child == 0 or is_running(child)  # it has let go of the pipes
    finally:
        if child:
            os.kill(child, signal.SIGKILL)


def test_a_fork_has_its_own_program():
    source = """
    import os, threading, time, numpy as np
    one = Embedder(sys.argv[1])
    wanted = one.encode(["a", "b"])
    texts = [f"text {i}" for i in range(30_000)]
    made = []
    busy = threading.Thread(target=lambda: made.append(one.encode(texts)))  # holds the lock while this process forks
    busy.start()
    time.sleep(0.2)
    stream = one.embed_batches(iter([]))
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            good = np.array_equal(one.encode(["a", "b"]), wanted)
            one.close()
            os._exit(0 if good else 1)
        children.append(child)
    assert all(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 for child in children)
    busy.join()
    assert made[0].shape == (30_000, 64) and np.array_equal(one.encode(["a", "b"]), wanted)
    # A child that does nothing but end leaves the parent's program alone.
    child = os.fork()
    if child == 0:
        sys.exit(0)
    os.waitpid(child, 0)
    assert np.array_equal(one.encode(["a", "b"]), wanted)
    assert np.array_equal(made[0][:2], one.encode(texts[:2]))
    print("done")
    """
    assert finished(python(source, MODEL)) == "done\n"


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_multiprocessing(method, tmp_path):
    script = tmp_path / "workers.py"
    script.write_text(f"""
import multiprocessing, sys
sys.path.insert(0, {str(PROJECT / 'python')!r})
from llama_cli import Embedder

def work(job):
    model, text = job
    return model.encode(text).tolist()

if __name__ == "__main__":
    with Embedder({str(MODEL)!r}) as model:
        with multiprocessing.get_context({method!r}).Pool(2) as pool:
            made = pool.map(work, [(model, f"text {{i}}") for i in range(4)])
        assert made == model.encode([f"text {{i}}" for i in range(4)]).tolist()
        print("done")
""")
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert run.stdout == "done\n", run.stderr


def test_threads(model):
    texts = [[f"thread {n} text {i}" for i in range(n, 1500)] for n in range(8)]
    wanted = [model.encode(some) for some in texts]
    made = [None] * 8

    def work(n):
        if n % 2:
            made[n] = model.encode(texts[n])
        else:
            batches = pa.table({"text": texts[n]}).to_batches(max_chunksize=200)
            made[n] = np.concatenate([np.stack(b["embedding"].to_numpy(False)) for b in model.embed_batches(batches)])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(a, b) for a, b in zip(made, wanted))


def test_a_pickle_is_the_arguments(named):
    with Embedder(named("e5-base-v2"), prompts={"mine": "x "}, normalize=True) as one:
        data, wanted = pickle.dumps(one), one.encode_query(TEXTS)
    with pytest.raises(RuntimeError):
        one.encode("a")
    with pickle.loads(data) as other:
        assert other._session._connection is None and repr(other) == repr(one)
        assert other.prompts["mine"] == "x " and np.array_equal(other.encode_query(TEXTS), wanted)


def test_which_program(tmp_path, monkeypatch):
    monkeypatch.setenv("LLAMA_CLI", str(tmp_path / "none"))
    with pytest.raises(llama_cli.StartError, match="LLAMA_CLI names"):
        llama_cli.find_program()
    monkeypatch.setenv("LLAMA_CLI", CLI)
    assert llama_cli.find_program() == CLI
    monkeypatch.delenv("LLAMA_CLI")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(llama_cli.StartError, match="not on PATH"):
        llama_cli.find_program()
    link = tmp_path / "llama-cli"
    link.symlink_to(CLI)
    assert llama_cli.find_program() == str(link)
    with pytest.raises(llama_cli.StartError):
        llama_cli.find_program(skip=str(link))
    environment = HELD_DOWN | {"LLAMA_CLI": CLI, "PYTHONPATH": str(PROJECT / "python"), "PATH": ""}
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "llama_cli", "--version"],
        env=environment,
        capture_output=True,
        text=True,
    )
    version = subprocess.run([CLI, "--version"], capture_output=True, text=True)
    assert run.stdout == version.stdout
    assert "numpy" not in run.stderr and "pyarrow" not in run.stderr  # the command does not wait for them


def test_a_variable_that_names_the_command_itself_means_the_packages_program(tmp_path):
    package, script = tmp_path / "site/llama_cli", tmp_path / "bin/llama-cli"
    shutil.copytree(PROJECT / "python/llama_cli", package, ignore=shutil.ignore_patterns("__pycache__", "bundle"))
    script.parent.mkdir()
    body = f"import sys\nsys.path.insert(0, {str(package.parent)!r})\nfrom llama_cli.program import main\nmain()\n"
    script.write_text(f"#!{sys.executable}\n{body}")
    script.chmod(0o755)
    named = tmp_path / "link"
    named.symlink_to(script)
    for name in (script, named):
        environment = HELD_DOWN | {
            "LLAMA_CLI": str(name),
            "PATH": os.path.dirname(CLI),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [script, "--version"]
        shutil.rmtree(package / "bundle", ignore_errors=True)
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert run.returncode == 126 and "which is the command of this package" in run.stderr, run.stderr
        (package / "bundle").mkdir()
        (package / "bundle/llama-cli").symlink_to(CLI)
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert run.stdout == subprocess.run([CLI, "--version"], capture_output=True, text=True).stdout, run.stderr


def test_a_script_that_runs_the_command_which_runs_the_script_ends(tmp_path):
    script = tmp_path / "wrapped"
    environment = {"PYTHONPATH": str(PROJECT / "python"), "PATH": "/usr/bin:/bin", "LLAMA_CLI": str(script)}
    script.write_text(f'#!/bin/sh\n{sys.executable} -m llama_cli "$@"\n')
    script.chmod(0o755)
    command = [sys.executable, "-m", "llama_cli", "--version"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 126 and "let LLAMA_CLI name the program itself" in run.stderr, run.stderr
    script.write_text(f'#!/bin/sh\nexec {CLI} "$@"\n')
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and run.stdout.startswith("llama-cli "), run.stderr


def test_what_the_program_says_is_logged(caplog, tmp_path):
    program = tmp_path / "talks"
    program.write_text(f"#!/bin/sh\necho 'Warning: something' >&2\necho 'Note' >&2\nexec {CLI} \"$@\"\n")
    program.chmod(0o755)
    with caplog.at_level("INFO", "llama_cli"), Embedder(MODEL, program=program):
        pass
    assert ("llama_cli", 30, "Warning: something") in caplog.record_tuples
    assert ("llama_cli", 20, "Note") in caplog.record_tuples


def test_an_embedder_that_was_asked_nothing_warns_of_nothing(caplog):
    with caplog.at_level("INFO", "llama_cli"):
        with Embedder(MODEL) as one:
            assert one.get_sentence_embedding_dimension() == 64
        assert [level for _, level, _ in caplog.record_tuples if level > 20] == []
