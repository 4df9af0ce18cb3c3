"""What waits for a person or a pipe: a server's questions and their odd schemas, signals meanwhile, a chat's one
place, standard output that takes nothing."""

import json
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
