"""What the program says of itself, and how it takes its arguments."""
import functools
import os
import pathlib
import re
import signal
import subprocess
import time

import numpy
import pyarrow
import pyarrow.parquet
import pytest
from program import CLI, MODELS, embed, rows, vectors


def run(*arguments, **environment):
    command = [CLI, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | environment)


def test_asking_for_the_version_leaves_nothing_in_the_cache(tmp_path):
    answer = run("--version", XDG_CACHE_HOME=str(tmp_path))
    assert answer.returncode == 0 and answer.stdout.startswith("llama-cli ") and "\nkernels: " in answer.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_program_of_the_demo_has_the_commands_that_embed(tmp_path):
    part = pathlib.Path(CLI).with_name("llama-cli-embed")
    if not part.exists():
        pytest.skip("not beside this program")
    found = []
    for program in (part, CLI):
        output = tmp_path / "out.parquet"
        embed = ["embed", "-m", MODELS / "bert.gguf", "-i", "-", "-o", output, "--force", "--quiet"]
        asked = [subprocess.run([program, *arguments], input="one\ntwo\n", capture_output=True, text=True, timeout=60)
                 for arguments in (["--version"], ["completion", "fish"], embed)]  # fmt: skip
        assert [run.returncode for run in asked] == [0, 0, 0], asked
        names = re.findall(r"__fish_use_subcommand -a (\w+)", asked[1].stdout)
        found.append((names, asked[0].stdout, vectors(output)))
    (part_of, version, computed), (all_names, *same) = found
    assert part_of == ["embed", "shards", "models", "devices", "completion", "manual"] and set(part_of) < set(all_names)
    assert version == same[0] and (computed == same[1]).all()


@pytest.mark.parametrize("command,line", [
    ((), "Turn texts into vectors and prompts into answers with GGUF models"),
    (("embed",), "Turn the texts of a file, a table or a query into vectors"),
    (("models", "pull"), "Fetch a model, or bring it up to date"),
])
def test_help_begins_with_what_a_command_does(command, line):
    answer = run(*command, "--help")
    assert answer.returncode == 0 and answer.stdout.startswith(line + " \n") and answer.stderr == ""


@pytest.mark.parametrize("arguments,words", [
    ((), "A subcommand is required"),
    (("models",), "A subcommand is required"),
    (("bogus",), "there is no command 'bogus', but embed, shards, inspect, search, verify, compare, dedup, map, "
                 "generate, models, tools, devices, completion, manual"),
    (("models", "lst"), "there is no command 'lst', but list, path, pull, verify, remove, prune"),
    (("search", "v", "--like", ""), "--like: a number is missing"),
    (("dedup", "v", "--threshold="), "--threshold: a number is missing"),
    (("compare", "a", "b", "--seed="), "--seed: a number is missing"),
    (("devices", "--bogus"), "The following argument was not expected: --bogus"),
    (("embed", "-i", "a", "-o", "b"), "--model is required"),
    (("models", "path"), "model is required"),
    (("embed", "-m", "a", "-i", "b", "-o", "c", "--batch-size", "0"),
     "--batch-size: Value 0 not in range [1 - 2147483647]"),
    (("embed", "-m", "a", "-i", "b", "-o", "c", "--pooling", "sum"), "--pooling: sum not in {mean,cls,last}"),
    (("generate", "-m", "a", "--top-p", "1.5"), "--top-p: Value 1.5 not in range [0 - 1]"),
    (("generate", "-m", "a", "--seed", "1.5"), "Could not convert: --seed = 1.5"),
    (("generate", "-m", "a", "--prompt", "a", "--prompt-file", "b"), "--prompt excludes --prompt-file"),
    (("generate", "-m", "a", "--logprobs", "2"), "--logprobs requires --json"),
    (("generate", "-m", "a", "--stop", "b", "c"), "The following argument was not expected: c"),
])
def test_wrong_arguments_are_named(arguments, words):
    answer = run(*arguments)
    assert answer.returncode == 2 and answer.stdout == ""
    assert answer.stderr == f"Error: {words} (--help lists the flags)\n"


@pytest.fixture
def file(tmp_path):
    """A dozen vectors, and their numbers as texts."""
    values = pyarrow.array(list(numpy.eye(12, 8, dtype=numpy.float32) + 1), pyarrow.list_(pyarrow.float32(), 8))
    table = pyarrow.table({"text": [f"text {i}" for i in range(12)], "embedding": values})
    pyarrow.parquet.write_table(table, tmp_path / "v.parquet")
    return tmp_path / "v.parquet"


def test_an_empty_value_is_one_and_does_not_take_the_next_flag(file):
    all_rows = run("search", file, "--like", "1", "--where=", "--json")
    assert all_rows.returncode == 0 and len(all_rows.stdout.splitlines()) == 10, all_rows.stderr
    for empty in (["--prompt", ""], ["--prompt="]):
        told = run("embed", "-m", MODELS / "bert.gguf", *empty, "-i", file, "-o", file.with_name("out.parquet"))
        assert told.returncode == 2 and "prompt ''" in told.stderr, told.stderr


def test_brackets_are_part_of_a_value(tmp_path):
    (tmp_path / "[in]").write_text("one\n")
    done = embed(MODELS / "bert.gguf", "[in]", tmp_path / "out.parquet", "--quiet", cwd=tmp_path)
    assert done.returncode == 0 and rows(tmp_path / "out.parquet")["text"].to_pylist() == ["one"], done.stderr


def test_a_number_with_zeros_in_front_is_decimal(file):
    likes = [run("search", file, "--like", number, "--json").stdout for number in ("010", "10", "0010")]
    assert likes[0] == likes[1] == likes[2] != run("search", file, "--like", "8", "--json").stdout
    assert run("search", file, "--like", "08", "--json").returncode == 0
    assert run("search", file, "--like", "000", "-k", "0x3", "--json").stdout.count("\n") == 3


@pytest.mark.parametrize("arguments", [
    ("dedup", "v", "--threshold", "nan"), ("dedup", "v", "--recall", "NaN"),
    ("search", "v", "--like", "1", "--index", "--index-recall", "-nan"), ("generate", "-m", "v", "--top-p", "nan"),
])  # fmt: skip
def test_nan_is_in_no_range(arguments):
    wrong = run(*arguments)
    assert wrong.returncode == 2 and "not in range" in wrong.stderr, wrong.stderr


@pytest.mark.parametrize("settings,texts", [
    ('column = [ # two of them\n  "title", # it\'s "first"\n  "body",\n]\n', ["a b c", "d e"]),
    ('\ufeffcolumn = "body"\r\n\r\nlimit = 1_000\r\n', ["b c", "e"]),
    ('column = "body"\nwhere = "title in (\'a\', \'x\') -- # = a, \\"b\\""\n', ["b c"]),
    ('column = "body"\njoin = ""\nwhere = ""\n', None),
])  # fmt: skip
def test_a_file_of_flags_is_read_as_toml(tmp_path, settings, texts):
    (tmp_path / "in.jsonl").write_text('{"title":"a","body":"b c"}\n{"title":"d","body":"e"}\n')
    (tmp_path / "c.toml").write_text(settings, newline="")
    out = tmp_path / "out.parquet"
    done = embed(MODELS / "bert.gguf", tmp_path / "in.jsonl", out, "--config", str(tmp_path / "c.toml"), "--quiet")
    if texts is None:
        assert done.returncode == 2 and "--join goes with several --column" in done.stderr, done.stderr
    else:
        assert done.returncode == 0, done.stderr
        column = "text" if "title\"," in settings else "body"  # of several a new one
        assert rows(out)[column].to_pylist() == texts


@pytest.mark.parametrize("sent", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_the_caller_ignores_ends_nothing(tmp_path, sent):
    """As nohup has it, and a shell for what it runs in the background."""
    command = [CLI, "embed", "-m", MODELS / "bert.gguf", "-i", "-", "-o", tmp_path / "out.parquet", "--quiet"]
    ignoring = functools.partial(signal.signal, sent, signal.SIG_IGN)
    with subprocess.Popen(command, stdin=subprocess.PIPE, preexec_fn=ignoring) as run:
        run.stdin.write(b"one\n")
        run.stdin.flush()
        time.sleep(1)
        run.send_signal(sent)
        time.sleep(0.3)
        run.stdin.write(b"two\n")
        run.stdin.close()
        assert run.wait(timeout=60) == 0
    assert rows(tmp_path / "out.parquet")["text"].to_pylist() == ["one", "two"]


def test_a_report_that_cannot_be_printed_is_no_success(file):
    for command in (["inspect", file], ["compare", file, file], ["dedup", file]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([CLI, *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 5 and "standard output cannot be written" in done.stderr, (command, done.stderr)
        with subprocess.Popen([CLI, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run_:
            run_.stdout.close()  # as head does
            assert "Error" not in run_.stderr.read() and run_.wait(timeout=60) == 0, command


def test_names_from_a_file_do_not_move_the_cursor(file):
    table = pyarrow.parquet.read_table(file).append_column("\x1b[2J\x9b2J", [list(range(12))])
    table = table.replace_schema_metadata({"llama.model_file": "\x1b]0;x\x07", "llama.model_source": "\x1b[2J"})
    pyarrow.parquet.write_table(table, file.with_name("w.parquet"))
    for command in (["inspect", file.with_name("w.parquet")], ["compare", file, file.with_name("w.parquet")],
                    ["search", file.with_name("w.parquet"), "x"]):  # fmt: skip
        done = run(*command)
        assert not set("\x1b\x07\x9b") & set(done.stdout + done.stderr) and "[2J" in done.stdout + done.stderr, command


def test_completion_keeps_names_with_blanks_whole(tmp_path):
    (tmp_path / "my model.gguf").touch()
    (tmp_path / "complete.sh").write_text(run("completion", "bash").stdout)
    for words in ("embed -m m", "search m"):
        ask = f"""source ./complete.sh; COMP_WORDS=(llama-cli {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
                  _llama_cli; printf '%s\\n' "${{COMPREPLY[@]}}" """
        found = subprocess.run(["bash", "-c", ask], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert found.stdout == "my model.gguf\n", (words, found)
