"""Tables that are wrong, and outputs that cannot be written: one plain line, the right exit status, nothing lost."""

import json
import signal
import subprocess
import time

import pyarrow as pa
import pyarrow.parquet
import pytest
from fetching import own_mounts
from program import CLI, MODELS, rows

MODEL = MODELS / "bert.gguf"
USAGE, INPUT, OUTPUT = 2, 3, 5
ROWS = 6_000


def command(*flags, output="out.parquet"):
    return [str(word) for word in (CLI, "embed", "-m", MODEL, "-o", output, *flags)]


def run(folder, *flags, status=0, output="out.parquet", **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 600} | options
    done = subprocess.run(command(*flags, output=output), cwd=folder, **options)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def refused(folder, status, words, *flags, **options):
    done = run(folder, *flags, status=status, **options)
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1 and "\n" not in errors[0], done.stderr
    for word in words:
        assert word in errors[0], errors[0]


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def nothing_left(folder):
    assert [path.name for path in folder.iterdir() if path.name.strip(".").startswith("out")] == []


BAD = {
    "ragged": ({"a.csv": "text,n\na,1\nb\nc,3\n"}, INPUT, ["a.csv", "line 3", "1 column where", "2"]),
    "quote": ({"a.csv": 'text,n\na,1\n"b,2\nc,3\n'}, INPUT, ["a.csv", "line 3", "never closes"]),
    "json": (
        {"a.jsonl": '{"text":"a"}\n{"text":"b"}\n{"text": oops}\n'},
        INPUT,
        ["a.jsonl", "line 3", "broken JSON"],
    ),
    "array": ({"a.json": '[{"text":"a"},\n{"text": oops}]'}, INPUT, ["a.json", "line 2", "broken JSON"]),
    "array-cut": ({"a.json": '[{"text":"a"},\n{"text":"b"},\n'}, INPUT, ["a.json", "line 3", "cut short"]),
    "formats": (
        {"in/a.jsonl": '{"text":"a"}\n', "in/b.csv": "text\nb\n"},
        USAGE,
        ["two kinds", "in/a.jsonl", "in/b.csv"],
    ),
    "columns": (
        {"in/a.csv": "text,n\nb,2\n", "in/b.csv": "text,k\nb,2\n"},
        USAGE,
        ["in/b.csv", "other columns", "'k'"],
    ),
    "empty": ({"a.csv": ""}, INPUT, ["a.csv", "header"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_table_that_is_wrong(tmp_path, name):
    files, status, words = BAD[name]
    for path, text in files.items():
        write(tmp_path / path, text)
    refused(tmp_path, status, words, "-i", next(iter(files)).split("/")[0], "--column", "text")
    nothing_left(tmp_path)


def test_files_of_other_types(tmp_path):
    (tmp_path / "in").mkdir()
    for name, values in (("a", [1]), ("b", ["x"])):
        pa.parquet.write_table(pa.table({"text": ["a"], "n": values}), tmp_path / "in" / f"{name}.parquet")
    refused(tmp_path, USAGE, ["in/b.parquet", "'n' is string, not int64"], "-i", "in", "--column", "text")


@pytest.mark.parametrize("cut", ["end", "half", "middle"])
def test_parquet_that_is_cut_short(tmp_path, cut):
    pa.parquet.write_table(pa.table({"text": [f"text {i}" for i in range(5000)]}), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    data = {
        "end": whole[:-7],
        "half": whole[: len(whole) // 2],
        "middle": whole[:200] + bytes(len(whole) - 1200) + whole[-1000:],
    }
    (tmp_path / "a.parquet").write_bytes(data[cut])
    refused(tmp_path, INPUT, ["a.parquet"], "-i", "a.parquet", "--column", "text")


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_one_cell_of_a_hundred_megabytes(tmp_path, ending):
    long = "word " * 20_000_000
    text = (
        f'text,n\n"{long}",1\nshort,2\n'
        if ending == "csv"
        else f'{{"text":"{long}","n":1}}\n{{"text":"short","n":2}}\n'
    )
    (tmp_path / f"a.{ending}").write_text(text)
    run(tmp_path, "-i", f"a.{ending}", "--column", "text")
    assert [len(t) for t in rows(tmp_path / "out.parquet")["text"].to_pylist()] == [len(long), 5]


def test_a_million_empty_cells(tmp_path):
    (tmp_path / "a.csv").write_text("text,n\n" + ",1\n" * 1_000_000 + "x,2\n")
    done = run(tmp_path, "-i", "a.csv", "--column", "text")
    assert "1,000,000 skipped (1,000,000 empty); rows out: 1" in done.stdout
    assert rows(tmp_path / "out.parquet")["n"].to_pylist() == [2]


@pytest.mark.parametrize(
    "flags,status,words",
    [
        (["--query", "select * form x"], USAGE, ["--query", "syntax error"]),
        (["--query", "select * from 'nope.parquet'"], INPUT, ["the query", "nope.parquet"]),
        (["--query", "insert into x values (1)"], USAGE, ["only read", "INSERT"]),
        (["-i", "a.csv", "--where", "scroe > 1"], USAGE, ["--where", "scroe"]),
        (["-i", "a.csv", "--dtype", "int8", "--calibration", "no.txt"], INPUT, ["--calibration", "no.txt"]),
        (["-i", "a.csv", "--vector-store", "a.csv"], USAGE, ["a.csv", "no vector store"]),
        (["-i", "a.csv", "--vector-store", "no/v.db"], OUTPUT, ["no/v.db", "No such file"]),
        (["-i", "a.csv", "--on-long", "chunk", "--chunk-overlap", "100000"], USAGE, ["overlap", "100000"]),
        (["-i", "a.csv", "--where", "nope = 1"], USAGE, ["--where", "no column 'nope'"]),
        (["-i", "hf://datasets/org/none/a.csv", "--offline"], INPUT, ["'org/none'", "not in the cache", "--offline"]),
        (["-i", "no.csv"], INPUT, ["no.csv", "does not exist"]),
        (["-i", "no*.csv"], INPUT, ["no file", "no*.csv"]),
    ],
)
def test_what_cannot_be_leaves_nothing(tmp_path, flags, status, words):
    write(tmp_path / "a.csv", "text,score\nhello,1\n")
    refused(tmp_path, status, words, *flags, "--column", "text")
    nothing_left(tmp_path)
    assert (tmp_path / "a.csv").read_text() == "text,score\nhello,1\n"


@pytest.mark.parametrize("flags", [[], ["--dry-run"], ["--split-rows", "10"]])
@pytest.mark.parametrize("output", ["out.csv", "out.JSONL", "out.csv.gz"])
def test_an_output_of_a_format_that_is_not_written(tmp_path, output, flags):
    """It is told before the input is looked at."""
    words = [output, "Parquet (.parquet)", "--output-format"]
    refused(tmp_path, USAGE, words, "-i", "none.csv", *flags, output=output)
    nothing_left(tmp_path)
    if not flags:
        write(tmp_path / "a.csv", "text\nhello\n")
        run(tmp_path, "-i", "a.csv", "--column", "text", "--output-format", "parquet", output=output)
        assert rows(tmp_path / output)["text"].to_pylist() == ["hello"]


def test_a_header_with_a_name_twice_is_told(tmp_path):
    write(tmp_path / "a.csv", "text,n,n,\nhello,1,2,3\n")
    done = run(tmp_path, "-i", "a.csv", "--column", "text")
    assert "another column 'n'; column 3 is called 'n_1'" in done.stdout, done.stdout
    assert "column 4 of file 'a.csv' has no name" in done.stdout, done.stdout
    assert rows(tmp_path / "out.parquet").schema.names[:3] == ["n", "n_1", "column3"]


def test_two_columns_of_one_name(tmp_path):
    table = pa.table([pa.array(["a"]), pa.array([1]), pa.array([2])], names=["text", "n", "n"])
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    refused(tmp_path, USAGE, ["two columns named 'n'", "--keep"], "-i", "a.parquet", "--column", "text")
    nothing_left(tmp_path)
    run(tmp_path, "-i", "a.parquet", "--column", "text", "--keep", "none")


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_an_archive_that_is_cut_short_or_damaged(tmp_path, kind):
    text = "text\n" + "".join(f"row {i * 7919 % 30011}\n" for i in range(30_000))
    packed = bytearray(pa.compress(text.encode(), {"gz": "gzip", "zst": "zstd"}[kind], asbytes=True))
    source = tmp_path / f"a.csv.{kind}"
    source.write_bytes(packed[: len(packed) // 2])
    refused(tmp_path, INPUT, [source.name, "cut short"], "-i", source, "--column", "text")
    if kind == "gz":  # pyarrow's zstd has no checksum
        packed[len(packed) // 2] ^= 4
        source.write_bytes(packed)
        refused(tmp_path, INPUT, [source.name, "archive"], "-i", source, "--column", "text")
    nothing_left(tmp_path)


def test_an_array_of_json_through_a_pipe(tmp_path):
    """It is refused, and what the message says helps."""
    text = json.dumps([{"text": "a"}, {"text": "b"}])
    words = ["JSON array", "pipe", "jq -c '.[]'"]
    refused(tmp_path, USAGE, words, "-i", "-", "--input-format", "json", "--column", "text", input=text)
    lines = "".join(json.dumps(one) + "\n" for one in json.loads(text))  # as jq has it
    run(tmp_path, "-i", "-", "--input-format", "jsonl", "--column", "text", input=lines)
    assert rows(tmp_path / "out.parquet")["text"].to_pylist() == ["a", "b"]


def test_a_full_disk_at_standard_output(tmp_path):
    write(tmp_path / "a.csv", "text\nhello\n")
    full = open("/dev/full", "w")
    flags = ["-i", "a.csv", "--column", "text", "--force"]
    refused(tmp_path, OUTPUT, ["standard output", "No space left"], *flags, "--json", stdout=full)
    assert rows(tmp_path / "out.parquet").num_rows == 1  # it was written all the same
    refused(tmp_path, OUTPUT, ["standard output", "No space left"], *flags, stdout=full, output="-")
    refused(tmp_path, OUTPUT, ["standard output", "No space left"], *flags, "--dry-run", "--json", stdout=full)
    # Lines for people are not worth a run.
    run(tmp_path, *flags, stdout=full)
    run(tmp_path, *flags, stdout=full, stderr=full)


def test_a_reader_that_goes_away(tmp_path):
    lines = "".join(f"text {i}\n" for i in range(20_000))
    with subprocess.Popen(
        command("-i", "-", "--column", "text", output="-"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        program.stdout.close()
        try:
            program.stdin.write(lines)
            program.stdin.close()
        except BrokenPipeError:
            pass
        err = program.stderr.read()
        assert program.wait(60) == OUTPUT
    assert [line for line in err.splitlines() if line.startswith("Error: ")] == [
        "Error: standard output cannot be written: the program that reads it has ended"
    ]


def test_a_folder_that_may_only_be_read(tmp_path):
    read_only = 1
    write(tmp_path / "a.csv", "text\nhello\n")
    (tmp_path / "closed").mkdir()
    for output, flags in (
        ("closed/out.parquet", []),
        ("closed", ["--split-rows", "5"]),
        ("closed", ["--shard", "0/2"]),
    ):
        done = subprocess.run(
            command("-i", "a.csv", "--column", "text", *flags, output=output),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            preexec_fn=own_mounts(tmp_path / "closed", "bind", read_only),
        )
        if done.returncode == 77:
            pytest.skip("no mounts of one's own here")
        assert done.returncode == OUTPUT and "'closed': Read-only file system" in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1


@pytest.fixture(scope="session")
def long(tmp_path_factory):
    source = tmp_path_factory.mktemp("long") / "in.parquet"
    texts = [f"{i} " + " ".join(f"w{(i * 7 + k * 13) % 400}" for k in range(40)) for i in range(ROWS)]
    pa.parquet.write_table(pa.table({"text": texts}), source)
    return source


def begun(source, folder, *flags):
    """Runs until the first rows are written, and so in the journal."""
    program = subprocess.Popen(
        command("-i", source, "--column", "text", "--quiet", *flags),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while program.poll() is None and not any(folder.glob(".out.parquet.*.partial")):
        time.sleep(0.01)
    assert program.poll() is None, "the run was over too soon"
    return program


@pytest.mark.parametrize("number,status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_quiet_run_says_how_to_go_on(tmp_path, long, number, status):
    program = begun(long, tmp_path)
    program.send_signal(number)
    _, err = program.communicate(timeout=60)
    assert program.returncode == status and err.count("\n") == 1
    assert "Interrupted: " in err and f"of {ROWS:,} rows are done, and the same command goes on from there" in err
    # At once again: nothing more was done, and nothing is lost.
    done = int(err.split("; ")[1].split(" of ")[0].replace(",", ""))
    program = subprocess.Popen(
        command("-i", long, "--column", "text"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in program.stdout:
        if line.startswith("Resuming: "):
            break
    assert line == f"Resuming: {done:,} of {ROWS:,} rows are done\n"
    program.send_signal(number)
    _, err = program.communicate(timeout=60)
    assert program.returncode == status and "rows are done, and the same command goes on" in err


def test_ctrl_c_twice_ends_at_once_and_loses_nothing(tmp_path, long):
    program = begun(long, tmp_path)
    for _ in range(2):
        program.send_signal(signal.SIGINT)
        time.sleep(0.01)
    program.communicate(timeout=60)
    assert program.returncode == 130
    done = run(tmp_path, "-i", long, "--column", "text")
    assert "Resuming: " in done.stdout and rows(tmp_path / "out.parquet").num_rows == ROWS
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


@pytest.mark.parametrize("unit,flags", [("rows", ["--input-format", "csv", "--column", "text"]), ("texts", [])])
def test_progress_counts_rows_of_a_table_and_texts_of_a_text(tmp_path, unit, flags):
    done = run(tmp_path, "-i", "-", *flags, input="text\n" + "".join(f"text {i}\n" for i in range(50)))
    assert f" {unit} - " in done.stderr, done.stderr
