"""The embed command on tables: what pyarrow, duckdb and numpy read of what it writes."""

import datetime
import decimal
import gzip
import hashlib
import json
import subprocess

import numpy
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
from fetching import environment
from program import CLI, MODELS, cosines, duckdb, embed, rows

MODEL = MODELS / "bert.gguf"
TEXTS = [
    "hello world",
    "the number 42",
    'a "quoted", text',
    "two\r\nlines",
    "短い日本語",
    "hello world",
    "x",
    "Größe 👍",
]
OURS = ["text_hash", "embedding", "sequence_length", "processing_time_ms"]


def run(*flags, output, source=None, status=0, **options):
    inputs = [] if source is None else ["-i", str(source)]
    command = [CLI, "embed", "-m", str(MODEL), *inputs, "-o", str(output), *map(str, flags)]
    done = subprocess.run(command, capture_output=True, timeout=600, **options)
    done.out, done.err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    assert done.returncode == status, done.out + done.err
    return done


def table():
    return pa.table(
        {"id": [f"{i:05}" for i in range(len(TEXTS))], "body": TEXTS, "score": [i / 2 for i in range(len(TEXTS))]}
    )


def matrix(column):
    return numpy.array(column.to_pylist(), dtype=numpy.float64)


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """The vectors of TEXTS by themselves, text by text."""
    folder = tmp_path_factory.mktemp("plain")
    found = []
    for number, text in enumerate(TEXTS):
        out = folder / f"{number}.parquet"
        assert embed(MODEL, text.replace("\r\n", " ").encode(), out).returncode == 0
        found += rows(out)["embedding"].to_pylist()
    return numpy.array(found)


def write_csv(path, delimiter=","):
    lines = [["id", "body", "score"], *([a, b, str(c)] for a, b, c in zip(*table().to_pydict().values()))]
    quote = lambda cell: '"' + cell.replace('"', '""') + '"' if any(c in cell for c in '",\t\r\n') else cell
    path.write_bytes("\n".join(delimiter.join(map(quote, line)) for line in lines).encode() + b"\n")


def write_jsonl(path):
    path.write_text("".join(json.dumps(row) + "\n" for row in table().to_pylist()))


def write_stream(path):
    with pa.ipc.new_stream(str(path), table().schema) as writer:
        for batch in table().to_batches(max_chunksize=3):
            writer.write_batch(batch)


FORMATS = {
    "in.csv": write_csv,
    "in.tsv": lambda path: write_csv(path, "\t"),
    "in.jsonl": write_jsonl,
    "in.json": lambda path: path.write_text(json.dumps(table().to_pylist())),
    "in.parquet": lambda path: pa.parquet.write_table(table(), path),
    "in.feather": lambda path: pa.feather.write_feather(table(), path),
    "in.arrow": write_stream,
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_every_format_gives_the_same_rows(tmp_path, plain, name, packed):
    if packed and not name.endswith(("csv", "tsv", "json", "jsonl")):
        pytest.skip("a format with a compression of its own")
    source = tmp_path / name
    FORMATS[name](source)
    if packed:
        (tmp_path / (name + packed)).write_bytes(gzip.compress(source.read_bytes()))
        source = tmp_path / (name + packed)
    out = tmp_path / "out.parquet"
    done = run("--column", "body", source=source, output=out)
    found = rows(out)
    assert found["body"].to_pylist() == TEXTS
    assert found["id"].to_pylist() == [f"{i:05}" for i in range(len(TEXTS))]
    assert found["score"].to_pylist() == table()["score"].to_pylist()
    assert found["text_hash"].to_pylist() == [hashlib.md5(t.encode()).hexdigest() for t in TEXTS]
    assert cosines(matrix(found["embedding"]), plain)[[0, 1, 2, 4, 5, 6, 7]].min() >= 0.9999
    assert f"Rows in: {len(TEXTS)} = {len(TEXTS)} embedded + 0 null + 0 skipped; rows out: {len(TEXTS)}" in done.out
    assert "Distinct texts: 7" in done.out


def test_types_of_kept_columns_stay(tmp_path):
    kept = pa.table(
        {
            "text": ["a", "b", "c"],
            "u": pa.array([1, 2**64 - 1, None], pa.uint64()),
            "d": pa.array([decimal.Decimal("1.10"), None, decimal.Decimal("-3.00")], pa.decimal128(12, 2)),
            "t": pa.array(
                [datetime.datetime(2026, 1, 2), None, datetime.datetime(1969, 1, 1)],
                pa.timestamp("us", "Europe/Berlin"),
            ),
            "n": pa.array(
                [{"a": [1, 2], "b": "x"}, None, {"a": None, "b": "y"}],
                pa.struct([("a", pa.list_(pa.int16())), ("b", pa.string())]),
            ),
            "c": pa.array(["x", "y", "x"]).dictionary_encode(),
            "f": pa.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], pa.list_(pa.float32(), 2)),
            "h": pa.array([numpy.float16(1.5), None, numpy.float16(2)], pa.float16()),
            "b": pa.array([b"\x00\xff", None, b""], pa.binary()),
            "nan": [float("nan"), None, 1.0],
            "embedding": [7, 8, 9],
        }
    )
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pa.parquet.write_table(kept, source)
    run("--column", "text", source=source, output=out)
    found = rows(out)
    for name in kept.schema.names:
        ours = "embedding_input" if name == "embedding" else name
        assert found[ours].type == kept[name].type, name
        if name != "nan":
            assert found[ours].to_pylist() == kept[name].to_pylist(), name
    assert str(found["nan"].to_pylist()) == "[nan, None, 1.0]"


def test_duplicates_are_computed_once_and_written_each_time(tmp_path):
    texts = [f"text {i % 70}" for i in range(100)]
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pa.parquet.write_table(pa.table({"text": texts}), source)
    summary = json.loads(run("--json", source=source, output=out).out)
    assert (summary["rows_in"], summary["rows_out"], summary["distinct"], summary["computed"]) == (100, 100, 70, 70)
    assert 0 < summary["compute_seconds"] <= summary["seconds"]
    found = rows(out)
    assert found["text"].to_pylist() == texts
    vectors = matrix(found["embedding"])
    assert (vectors[70:] == vectors[:30]).all()


@pytest.mark.parametrize("policy", ["skip", "null", "fail"])
def test_rows_without_text(tmp_path, policy):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pa.parquet.write_table(pa.table({"text": ["a", None, "", "b"], "k": [0, 1, 2, 3]}), source)
    if policy == "fail":
        assert "row" in run("--on-error", policy, source=source, output=out, status=3).err
        assert not out.exists()
        return
    summary = json.loads(run("--on-error", policy, "--json", source=source, output=out).out)
    found = rows(out)
    if policy == "skip":
        assert found["k"].to_pylist() == [0, 3] and summary["skipped_empty"] == 2 and summary["rows_out"] == 2
    else:
        assert found["k"].to_pylist() == [0, 1, 2, 3] and summary["null"] == 2 and summary["rows_out"] == 4
        assert [v is None for v in found["embedding"].to_pylist()] == [False, True, True, False]
        assert [e is None for e in found["error"].to_pylist()] == [True, False, False, True]
    assert summary["rows_in"] == summary["embedded"] + summary["null"] + summary["skipped"] == 4


@pytest.mark.parametrize("kind", ["float16", "int8", "binary"])
def test_kinds_of_vectors(tmp_path, kind):
    texts = [f"text number {i}" for i in range(64)]
    source = tmp_path / "in.parquet"
    pa.parquet.write_table(pa.table({"text": texts}), source)
    run("--normalize", source=source, output=tmp_path / "f32.parquet")
    run("--normalize", "--dtype", kind, source=source, output=tmp_path / "out.parquet")
    whole = matrix(rows(tmp_path / "f32.parquet")["embedding"])
    column = rows(tmp_path / "out.parquet")["embedding"]
    found = numpy.array(column.to_pylist())
    if kind == "float16":
        assert (found == whole.astype(numpy.float32).astype(numpy.float16)).all()
    elif kind == "binary":
        assert (found == numpy.packbits(whole > 0, axis=1)).all()
    else:  # the formula of sentence_transformers.quantize_embeddings, over the same texts
        low, high = whole.min(0), whole.max(0)
        theirs = (whole - low) / ((high - low) / 255) - 128
        assert found.dtype.kind == "i" and numpy.abs(found - theirs).max() <= 1.01


def test_dimensions_are_cut_and_scaled(tmp_path):
    source = tmp_path / "in.parquet"
    pa.parquet.write_table(pa.table({"text": TEXTS}), source)
    refused = run("--dimensions", 16, source=source, output=tmp_path / "no.parquet", status=2)
    assert "--force-dimensions" in refused.err
    run(source=source, output=tmp_path / "whole.parquet")
    run("--dimensions", 16, "--force-dimensions", source=source, output=tmp_path / "cut.parquet")
    whole, cut = (matrix(rows(tmp_path / f"{name}.parquet")["embedding"]) for name in ("whole", "cut"))
    expected = whole[:, :16] / numpy.linalg.norm(whole[:, :16], axis=1, keepdims=True)
    assert cut.shape == (len(TEXTS), 16) and numpy.allclose(cut, expected, atol=1e-6)


def test_a_folder_of_parts_is_one_table_to_readers(tmp_path):
    texts = [f"text {i}" for i in range(25)]
    source, out = tmp_path / "in.jsonl", tmp_path / "parts"
    source.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))
    summary = json.loads(run("--split-rows", 10, "--json", source=source, output=out).out)
    assert [part["rows"] for part in summary["parts"]] == [10, 10, 5]
    parts = sorted(path.name for path in out.glob("*.parquet"))
    assert parts == ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    assert pa.parquet.read_table(out)["text"].to_pylist() == texts
    sql = f"select count(*) n, min(len(embedding)) d from '{out}/*.parquet'"
    assert json.loads(duckdb("-json", "-c", sql)) == [{"n": 25, "d": 64}]


def test_columns_are_joined_and_prompts_name_columns(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("title,body,lang\nhello,world,en\n")
    run("--column", "title", "--column", "body", "--join", " ", source=source, output=tmp_path / "a.parquet")
    run("--column", "body", "--prompt", "{title} {text}", source=source, output=tmp_path / "b.parquet")
    out = tmp_path / "c.parquet"
    assert embed(MODEL, b"hello world\n", out).returncode == 0
    a, b, c = (rows(tmp_path / f"{name}.parquet") for name in "abc")
    assert a["text"].to_pylist() == ["hello world"] and b["body"].to_pylist() == ["world"]
    assert b["text_hash"].to_pylist() == [hashlib.md5(b"world").hexdigest()]
    for found in (a, b):
        assert cosines(matrix(found["embedding"]), matrix(c["embedding"])).min() >= 0.9999
    assert b.schema.metadata[b"llama.prompt"] == b"{title} {text}"
    assert a.schema.names == ["title", "body", "lang", "text", *OURS]


def test_long_texts_become_chunks(tmp_path):
    text = " ".join(f"Sentence number {i} is here." for i in range(60))
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pa.parquet.write_table(pa.table({"id": [7, 8], "text": [text, "short"]}), source)
    run("--on-long", "chunk", "--chunk-tokens", 32, source=source, output=out)
    found = rows(out).to_pylist()
    chunks = [row for row in found if row["id"] == 7]
    assert "".join(row["text"] for row in chunks) == text and len(chunks) > 5
    assert [row["chunk_index"] for row in chunks] == list(range(len(chunks)))
    assert all(text[row["chunk_start"] : row["chunk_end"]] == row["text"] for row in chunks)
    assert all(row["sequence_length"] <= 32 for row in chunks)
    assert [row["text"] for row in found if row["id"] == 8] == ["short"]


@pytest.mark.parametrize("policy,kept", [("error", [1]), ("skip", [1]), ("truncate", [0, 1])])
def test_long_texts_otherwise(tmp_path, policy, kept):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pa.parquet.write_table(pa.table({"k": [0, 1], "text": ["word " * 100, "short"]}), source)
    run("--on-long", policy, "--max-length", 16, "--with", "token_count,truncated", source=source, output=out)
    found = rows(out).to_pylist()
    assert [row["k"] for row in found] == kept
    if policy == "truncate":
        assert found[0]["truncated"] and found[0]["token_count"] > 100 and found[0]["sequence_length"] == 16


def test_a_filter_answers_each_batch_at_once(tmp_path):
    command = [
        CLI,
        "embed",
        "-m",
        str(MODEL),
        "-i",
        "-",
        "--input-format",
        "arrow",
        "--column",
        "text",
        "-o",
        "-",
        "--quiet",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as program:
        schema = pa.schema([("text", pa.string()), ("n", pa.int64())])
        writer = pa.ipc.new_stream(program.stdin, schema)
        reader = None
        writer.write_batch(
            pa.record_batch([[], []], schema=schema)
        )  # answered too: who asks learns the model's names
        for number in range(4):
            # The third is all duplicates, the fourth has no text at all.
            texts = (
                ["hello", f"number {number}"]
                if number < 2
                else ["hello", "number 1"] if number == 2 else [None, None]
            )
            writer.write_batch(pa.record_batch([texts, [number, number]], schema=schema))
            reader = reader or pa.ipc.open_stream(program.stdout)
            if number == 0:
                assert reader.read_next_batch().num_rows == 0
                assert reader.schema.metadata[b"llama.dimension"] == b"64"
            if number < 3:
                answer = reader.read_next_batch()
                assert answer["text"].to_pylist() == texts and answer["n"].to_pylist() == [number, number]
                assert all(len(vector) == 64 for vector in answer["embedding"].to_pylist())
            else:
                assert reader.read_next_batch().num_rows == 0
        writer.close()
        program.stdin.close()
        with pytest.raises(StopIteration):
            reader.read_next_batch()
        assert program.wait(60) == 0


def test_a_filter_ends_when_nobody_reads_it():
    command = [CLI, "embed", "-m", str(MODEL), "-i", "-", "--input-format", "arrow", "-o", "-", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        schema = pa.schema([("text", pa.string())])
        writer = pa.ipc.new_stream(program.stdin, schema)
        writer.write_batch(pa.record_batch([["hello"]], schema=schema))
        program.stdin.flush()
        assert pa.ipc.open_stream(program.stdout).read_next_batch().num_rows == 1
        program.stdout.close()  # its input is still open, and nothing more comes
        assert program.wait(60) == 5
        assert b"the program that reads it has ended" in program.stderr.read()


def test_a_query_over_files_and_sqlite(tmp_path):
    database, out = tmp_path / "a.db", tmp_path / "out.parquet"
    import sqlite3

    with sqlite3.connect(database) as connection:
        connection.execute("create table notes(id integer primary key, note text)")
        connection.executemany("insert into notes(note) values (?)", [("one",), ("two",), ("three",)])
    connection.close()
    query = f"select id, note from sqlite_scan('{database}', 'notes') where id > 1 order by id desc"
    run("--query", query, "--column", "note", output=out)
    assert rows(out)["note"].to_pylist() == ["three", "two"] and rows(out)["id"].to_pylist() == [3, 2]
    for writing in (
        f"create table x as select 1",
        f"copy (select 1) to '{tmp_path}/x.csv'",
        f"attach '{database}'; select 1",
    ):
        assert "Error: " in run("--query", writing, output=tmp_path / "no.parquet", status=2).err
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize(
    "flags,words",
    [
        (["--column", "bdoy"], ["bdoy", "body", "score"]),
        (["--column", "score"], ["score", "DOUBLE"]),
        (["--column", "body", "--where", "nonsense ("], ["nonsense", "condition"]),
        (["--column", "body", "--prompt", "{nothing} {text}"], ["nothing"]),
        (
            ["--column", "body", "--on-long", "chunk", "--chunk-tokens", "8", "--chunk-overlap", "8"],
            ["--chunk-overlap"],
        ),
        (["--column", "body", "--shard", "3/2"], ["3/2"]),
        (["--column", "body", "--prompt-name", "query"], ["--prompt"]),
        (["--column", "body", "--keep", "nothing"], ["nothing"]),
    ],
)
def test_usage(tmp_path, flags, words):
    source = tmp_path / "in.parquet"
    pa.parquet.write_table(table(), source)
    done = run(*flags, source=source, output=tmp_path / "out.parquet", status=2)
    for word in words:
        assert word.lower() in done.err.lower(), done.err
    assert done.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet"]


def test_configuration_and_dry_run(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"body": f"text {i % 50}", "n": i}) + "\n" for i in range(100)))
    settings = tmp_path / "embed.toml"
    settings.write_text(
        f'model = "{MODEL}"\ninput = ["{source}"]\ncolumn = ["body"]\n'
        f'normalize = true\noutput = "{tmp_path}/out.parquet"\n'
    )
    done = subprocess.run([CLI, "embed", "--config", settings, "--dry-run", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    estimate = json.loads(done.stdout)
    assert (
        estimate["rows"] == 100
        and estimate["distinct"] == 50
        and estimate["tokens"] > 0
        and not (tmp_path / "out.parquet").exists()
    )
    assert subprocess.run([CLI, "embed", "--config", settings], capture_output=True).returncode == 0
    assert numpy.allclose(numpy.linalg.norm(matrix(rows(tmp_path / "out.parquet")["embedding"]), axis=1), 1)
    for text, words in {
        'model = "x"\n\ncolunm = 1\n': ["line 3", "colunm is no flag"],
        'model = "x"\ncolumn = ["a", "b"\ninput = "y"\n': ["line 2", "no ]"],
        'model "x"\n': ["line 1", "NAME = VALUE"],
        'model = "x\ninput = "y"\n': ["line 1", "quote"],
        'model = "x"\nbatch-size = "many"\n': ["line 2", "--batch-size"],
        'model = "x"\non-long = "dunno"\n': ["line 2", "--on-long"],
        'model = "x"\nnormalize = "maybe"\n': ["line 2", "true or false"],
        'model = "x"\nlimit = 1.5\n': ["line 2", "--limit"],
        'model = "x"\nthreads = \n': ["line 2", "threads"],
        "[embed]\n": ["line 1", "section"],
    }.items():
        settings.write_text(text)
        done = subprocess.run([CLI, "embed", "--config", settings], capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        for word in [str(settings), *words]:
            assert word in done.stderr, done.stderr
    for name in ("none.toml", ""):
        done = subprocess.run([CLI, "embed", "--config", tmp_path / name], capture_output=True, text=True)
        assert done.returncode == 2 and "--config" in done.stderr and str(tmp_path / name) in done.stderr


@pytest.mark.parametrize(
    "flags",
    [
        ["--on-long", "chunk", "--chunk-tokens", "12", "--chunk-overlap", "3"],
        ["--on-long", "skip", "--max-length", "40"],
        ["--on-long", "error", "--on-error", "null", "--max-length", "40"],
        ["--shard", "1/3"],
        ["--prompt", "about {n}: {text}", "--on-long", "chunk", "--chunk-tokens", "20"],
        ["--max-length", "16", "--limit", "50"],
    ],
)
def test_a_dry_run_says_what_the_run_does(tmp_path, flags):
    texts = [" ".join(f"word{j % 7}" for j in range(3 + 5 * (i % 20))) for i in range(90)] + [None, ""]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"body": text, "n": i % 4}) + "\n" for i, text in enumerate(texts)))
    flags = ["--column", "body", "--json", *flags]
    estimate = json.loads(run("--dry-run", *flags, source=source, output=tmp_path / "out").out)
    assert not (tmp_path / "out").exists() and estimate["is_exact"]
    told = json.loads(run(*flags, source=source, output=tmp_path / "out").out)
    assert estimate["rows"] == told["rows_in"]
    names = ["rows_out", "tokens"]
    if "skip" not in flags and "error" not in flags:
        names += ["distinct", "truncated"]
    for name in names:
        assert estimate[name] == told[name], name


def test_a_dry_run_refuses_what_the_run_refuses(tmp_path):
    source = tmp_path / "in.txt"
    source.write_text("one\ntwo\n")
    flags = ["--on-long", "chunk", "--chunk-tokens", "1000000"]
    for more in ([], ["--dry-run"]):
        assert "1000000" in run(*flags, *more, source=source, output=tmp_path / "out.parquet", status=2).err


def test_the_vector_store_saves_the_computing(tmp_path):
    source, store = tmp_path / "in.parquet", tmp_path / "store.db"
    for count, computed in ((20, 20), (30, 10)):
        pa.parquet.write_table(pa.table({"text": [f"text {i}" for i in range(count)]}), source)
        summary = json.loads(
            run("--vector-store", store, "--json", "--force", source=source, output=tmp_path / "out.parquet").out
        )
        assert (summary["computed"], summary["from_store"]) == (computed, count - computed)
    run("--vector-store", source, "--force", source=source, output=tmp_path / "out.parquet", status=2)
    assert pa.parquet.read_table(source).num_rows == 30


def test_a_dry_run_of_a_large_data_set_fetches_one_file(hub, tmp_path):
    content = "text,n\n" + "".join(f"a text with the number {i % 1000},{i}\n" for i in range(400_000))
    for number in range(4):
        hub.add("datasets/org/texts", f"data/part-{number}.csv", (content + f"the last,{number}\n").encode())
    flags = ["-i", "hf://datasets/org/texts/data", "--column", "text", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(
        [CLI, "embed", "-m", str(MODEL), *flags, "--dry-run", "--json"],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment(hub, tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert "has 4 files to fetch" in done.stderr and "the dry run takes data/part-" in done.stderr
    estimate = json.loads(done.stdout)
    assert abs(estimate["rows"] - 1_600_000) < 10 and not estimate["is_exact"]
    listed = [CLI, "models", "list", "--cache-dir", str(tmp_path / "cache")]
    told, facts = (subprocess.check_output([*listed, *more], text=True) for more in ([], ["--json"]))
    assert "datasets/org/texts data/part-" in told and [one["kind"] for one in json.loads(facts)] == ["dataset"]
    blobs = {request.path for request in hub.requests("blob") if request.sent > 0}
    assert sum(request.sent for request in hub.requests("blob")) < 3 * len(content), blobs


def test_several_files_as_a_shell_makes_them_of_a_glob(tmp_path):
    files = [tmp_path / f"{number}.csv" for number in range(3)]
    for number, file in enumerate(files):
        file.write_text(f"body\ntext {number}\n")
    run("-i", *files, "--column", "body", output=tmp_path / "out.parquet")
    assert rows(tmp_path / "out.parquet")["body"].to_pylist() == ["text 0", "text 1", "text 2"]
    run("-i", files[0], "-i", files[2], "--column", "body", output=tmp_path / "two.parquet")
    assert rows(tmp_path / "two.parquet")["body"].to_pylist() == ["text 0", "text 2"]
