"""What waits for a person or a pipe: a server's questions and their odd schemas, signals meanwhile, a chat's one
place, standard output that takes nothing."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from program import CLI, MODELS, PROJECT
from terminal import Terminal

GENERATOR = MODELS / "generator.gguf"


@pytest.fixture
def servers(tmp_path):
    path = tmp_path / "servers.json"
    one = {"command": sys.executable, "args": [str(PROJECT / "testing/mcp/plain_server.py")]}
    path.write_text(json.dumps({"mcpServers": {"one": one}}))
    return path


def test_what_does_not_fit_is_not_sent_and_odd_types_end_nothing(servers):
    schema = {
        "properties": {
            "name": {"type": ["null", "string"], "title": 5, "description": {}},
            "kind": {"enum": ["first", "last"]},
            "sure": {"type": "boolean"},
            "count": {"type": "integer"},
            "any": {"type": 7, "enum": "none"},
            "odd": 3,
        }
    }
    arguments = json.dumps({"schema": schema})
    call = Terminal("tools", "call", "one.ask", arguments, "--mcp-config", servers)
    call.until("yes or no:")
    call.type("yes\n")
    call.until(r"name \(string; empty: nothing\): ")
    call.type("Ada\n")
    for asked, wrong in (("kind", "other"), ("sure", "perhaps"), ("count", "3.5")):
        call.until(rf"{asked} \([^)]*\): ")
        call.type(wrong + "\n")
        call.until("does not fit")
        call.until(rf"{asked} \([^)]*\): ")
        call.type("\n")
    call.until(r"any \(string[^)]*\): ")
    call.type("thing\n")
    answer = call.object()
    assert answer == {"action": "accept", "content": {"name": "Ada", "any": "thing"}}
    assert call.ended() == 0


def test_ctrl_c_ends_a_servers_question(servers):
    call = Terminal("tools", "call", "one.ask", "--mcp-config", servers)
    call.until("yes or no:")
    call.type("\x03")
    call.until("Interrupted", 20)
    assert call.ended() == 130


@pytest.mark.parametrize("sent, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("what", ["prompt", "arguments"])
def test_a_signal_ends_who_waits_for_standard_input(servers, what, sent, status):
    words = {
        "prompt": ["generate", "-m", str(GENERATOR), "-p", "-"],
        "arguments": ["tools", "call", "one.echo", "-", "--mcp-config", str(servers)],
    }[what]
    with subprocess.Popen([CLI, *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        run.stdin.write(b'{"message": ')
        run.stdin.flush()
        time.sleep(0.7)
        run.send_signal(sent)
        assert run.wait(timeout=20) == status


@pytest.fixture
def pipe(tmp_path):
    """Nobody writes to it. The ending is of vectors, which are never read from one."""
    path = tmp_path / "pipe.parquet"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("what", ["config", "config of a model", "environment", "token"])
def test_a_signal_ends_who_waits_for_a_pipe(pipe, tmp_path, what):
    server = {"command": "cat", "envFile": str(pipe)}
    (tmp_path / "servers.json").write_text(json.dumps({"mcpServers": {"one": server}}))
    generate = ["generate", "-m", GENERATOR, "-p", "x"]
    words = {
        "config": ["tools", "--mcp-config", pipe],
        "config of a model": [*generate, "--mcp-config", pipe],
        "environment": ["tools", "--mcp-config", tmp_path / "servers.json"],
        "token": generate,
    }[what]
    token = {"HF_TOKEN_PATH": str(pipe)} if what == "token" else {}
    with subprocess.Popen([CLI, *map(str, words)], stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "HF_TOKEN": "", **token}) as run:
        try:
            time.sleep(0.7)
            assert run.poll() is None
            run.send_signal(signal.SIGTERM)
            assert run.wait(timeout=5) == 143 and run.stderr.read().startswith("Interrupted")
        finally:
            run.kill()


@pytest.mark.parametrize("words", [
    ["inspect", "PIPE"],
    ["search", "PIPE", "x"],
    ["verify", "PIPE"],
    ["dedup", "PIPE", "-o", "OUT.parquet"],
    ["map", "PIPE", "-o", "OUT.html"],
    ["compare", "PIPE", "FILE"],
    ["compare", "FILE", "PIPE"],
    ["embed", "-m", "MODEL", "-i", "FILE", "PIPE", "--column", "text", "-o", "OUT.parquet"],
    ["embed", "-m", "MODEL", "--attach", "sqlite:PIPE", "--query", "select 1 as text", "-o", "OUT.parquet"],
    ["embed", "-m", "MODEL", "--query", "from 'PIPE'", "-o", "OUT.parquet"],
], ids=" ".join)
def test_what_is_read_at_any_place_is_no_pipe(pipe, tmp_path, words):
    meant = {"PIPE": pipe, "FILE": tmp_path / "two.parquet", "MODEL": MODELS / "bert.gguf", "OUT": tmp_path / "out"}
    (tmp_path / "two.txt").write_text("one\ntwo\n")
    subprocess.run([CLI, "embed", "-m", meant["MODEL"], "-i", tmp_path / "two.txt", "-o", meant["FILE"], "--quiet"],
                   check=True)
    for name, path in meant.items():
        words = [word.replace(name, str(path)) for word in words]
    run = subprocess.run([CLI, *words], capture_output=True, text=True, timeout=20)
    assert run.returncode in (2, 3) and f"'{pipe}' is a pipe or a device" in run.stderr, run
    assert not list(tmp_path.glob("out*"))


def full_end(kind):
    """Two ends; that which is written to takes nothing more, or soon does."""
    read, write = pty.openpty() if kind == "terminal" else os.pipe()
    if kind != "terminal":
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    if kind == "full pipe":
        os.write(write, b"x" * 4096)
    return read, write


@pytest.mark.parametrize("kind, streams, words", [
    ("pipe", "stdout", "embed -m bert.gguf -i TEXTS -o - --quiet"),
    ("full pipe", "stdout", "embed -m bert.gguf -i TEXTS -o OUT.parquet"),
    ("full pipe", "stderr", "embed -m bert.gguf -i TEXTS -o -"),
    ("pipe", "stdout", "generate -m generator.gguf -p hello --limit 5000 --quiet --json"),
    ("full pipe", "stdout", "generate -m generator.gguf -p hello --limit 5000 --quiet"),
    ("full pipe", "stdout stderr", "generate -m generator.gguf -p hello"),
    ("full pipe", "stderr", "generate -m generator.gguf -p hello --debug"),
    ("full pipe", "stdout", "generate -m generator.gguf --chat --quiet"),
    ("pipe", "stdout", "manual"),
    ("terminal", "stdout", "manual"),
    ("full pipe", "stdout", "completion bash"),
    ("full pipe", "stdout", "devices --json"),
    ("full pipe", "stdout", "models list --cache-dir EMPTY"),
    ("full pipe", "stdout", "inspect VECTORS"),
])
def test_a_signal_ends_who_waits_for_a_reader(tmp_path, kind, streams, words):
    (tmp_path / "texts").write_text("".join(f"the number {i}\n" for i in range(20_000)))
    meant = {"TEXTS": "texts", "OUT.parquet": "out.parquet", "VECTORS": "vectors.parquet", "EMPTY": "empty"}
    line = [str(MODELS / word) if word.endswith(".gguf") else str(tmp_path / meant[word]) if word in meant else word
            for word in words.split()]
    if "VECTORS" in words:
        (tmp_path / "one").write_text("one\n")
        subprocess.run([CLI, "embed", "-m", MODELS / "bert.gguf", "-i", tmp_path / "one", "-o",
                        tmp_path / "vectors.parquet", "--quiet"], check=True)
    read, write = full_end(kind)
    places = {name: write if name in streams else subprocess.DEVNULL for name in ("stdout", "stderr")}
    with subprocess.Popen([CLI, *line], stdin=subprocess.PIPE, **places) as run:
        os.close(write)
        if "--chat" in words:
            run.stdin.write(b"hello\n/history\n" * 3)
            run.stdin.flush()
        time.sleep(1.5)
        assert run.poll() is None
        run.send_signal(signal.SIGTERM)
        try:
            assert run.wait(timeout=5) == 143
        finally:
            run.kill()
            os.close(read)
    assert not (tmp_path / "out.parquet").exists() and not list(tmp_path.glob(".*.partial"))


def test_a_reader_that_is_slow_loses_nothing_by_a_signal():
    whole = subprocess.run([CLI, "manual"], capture_output=True, check=True).stdout
    with subprocess.Popen([CLI, "manual"], stdout=subprocess.PIPE, pipesize=4096) as run:
        time.sleep(0.5)
        run.send_signal(signal.SIGTERM)
        read = b""
        while part := os.read(run.stdout.fileno(), 1024):
            read += part
            time.sleep(0.005)
        assert run.wait(timeout=5) == 0 and read == whole


def test_standard_output_that_takes_nothing_is_no_success(servers, tmp_path):
    for words in (
        ["tools", "--mcp-config", servers],
        ["tools", "--mcp-config", servers, "--json"],
        ["models", "list", "--cache-dir", tmp_path],
        ["models", "verify", "--cache-dir", tmp_path],
        ["--version"],
    ):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([CLI, *map(str, words)], stdout=full, stderr=subprocess.PIPE, text=True)
        assert run.returncode == 5 and "standard output cannot be written" in run.stderr, (words, run)


def chat(*lines, flags=()):
    words = [CLI, "generate", "-m", GENERATOR, "--chat", "--quiet", "--temperature", "0", "--limit", "3", *flags]
    return subprocess.run(list(map(str, words)), input="\n".join(lines), capture_output=True, text=True, timeout=120)


def test_one_place_for_conversations_is_enough_for_a_chat(tmp_path):
    kept, one = tmp_path / "chat.json", ["--max-sessions", "1"]
    run = chat("first", f"/save {kept}", "/clear", "second", f"/load {kept}", "/system Be kind", "/history", flags=one)
    assert run.returncode == 0 and "Error" not in run.stderr, run.stderr
    assert "[system] Be kind" in run.stdout and "[user]" not in run.stdout

    for wrong in ("/load /no/such/file", "/system " + "x" * 2_000_000):
        run = chat("first", wrong, "/history", "/clear", "/history", flags=[*one, "--system", "Be brief"])
        assert run.returncode != 0 and "Error" in run.stderr, wrong
        assert run.stdout.count("[user] first") == 1 and run.stdout.count("[system] Be brief") == 2, wrong


def test_a_chat_in_a_pipe_tells_that_an_answer_fits_no_schema(tmp_path):
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}')
    run = chat("first", flags=["--json-schema", schema])  # cut after three tokens
    assert run.returncode == 1 and "no document of the schema" in run.stderr
