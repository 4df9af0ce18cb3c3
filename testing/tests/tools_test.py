"""The tools command: what servers offer, one call by hand, and everything that can be wrong."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from program import CLI, PROJECT, REAL
from terminal import Terminal

SERVER = PROJECT / "testing/mcp/plain_server.py"


def entry(*flags, **more):
    return {"command": sys.executable, "args": [str(SERVER), *flags], **more}


@pytest.fixture
def config(tmp_path):
    def write(servers, key="mcpServers"):
        path = tmp_path / "servers.json"
        path.write_text(servers if isinstance(servers, str) else json.dumps({key: servers}))
        return path

    return write


def tools(*words, text=None, env=None):
    return subprocess.run(
        [CLI, "tools", *map(str, words)], capture_output=True, input=text, timeout=120, text=True, env=env
    )


def test_the_list_has_every_tool_with_its_arguments(config):
    run = tools("--mcp-config", config({"one": entry()}))
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0] == "one (plain 1.2, protocol 2025-06-18): 10 tools"
    assert lines[1:4] == [
        "  one.echo [says: reads only]",
        "      Says the same",
        "      message: string  What to say",
    ]
    assert "      how: exactly|roughly, optional" in lines and "\x1b" not in run.stdout


def test_the_list_shows_what_the_rules_decide(config):
    rules = {"echo": "always", "p*": "never", "*": "ask"}
    run = tools("--mcp-config", config({"one": entry(approve=rules), "two": entry(approve="always")}))
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert "  one.echo [says: reads only] [approve: always]" in lines and "  one.picture [approve: never]" in lines
    assert "  one.add" in lines and "  two.add [approve: always]" in lines


def test_the_list_as_json_is_the_servers_own_words(config):
    run = tools("--mcp-config", config({"one": entry(), "two": entry("--name", "other")}, key="servers"), "--json")
    assert run.returncode == 0, run.stderr
    one, two = json.loads(run.stdout)
    assert (one["server"], two["server"], two["name"], one["protocol"]) == ("one", "two", "other", "2025-06-18")
    echo = one["tools"][0]
    assert echo["description"] == "Says the same\nA second line" and echo["annotations"] == {"readOnlyHint": True}
    assert echo["inputSchema"] == {
        "type": "object",
        "properties": {"message": {"type": "string", "description": "What to say"}},
        "required": ["message"],
    }


def test_a_server_that_cannot_be_reached_takes_no_other_along(config):
    servers = {
        "gone": {"command": "no-such-program-anywhere"},
        "one": entry(),
        "off": {"command": "x", "disabled": True},
    }
    run = tools("--mcp-config", config(servers))
    assert run.returncode == 6
    assert "one (plain 1.2" in run.stdout and "gone" in run.stderr and "no-such-program-anywhere" in run.stderr
    assert run.stderr.count("Error:") == 1
    listed = json.loads(tools("--mcp-config", config(servers), "--json").stdout)
    assert "no-such-program-anywhere" in listed[0]["error"] and listed[0]["tools"] == []


def test_a_call(config):
    path = config({"one": entry()})
    run = tools("call", "one.echo", '{"message": "¡hola!"}', "--mcp-config", path)
    assert (run.returncode, run.stdout) == (0, "¡hola!\n"), run.stderr
    run = tools("call", "--mcp-config", path, "one.add", "-", text='{"a": 2, "b": 40}')
    assert (run.returncode, run.stdout) == (0, "42\n"), run.stderr
    run = tools("call", "one.structured", "--json", "--mcp-config", path)
    assert json.loads(run.stdout) == {
        "content": [{"type": "text", "text": '{"answer": 42}'}],
        "structuredContent": {"answer": 42},
        "isError": False,
    }
    picture = json.loads(tools("call", "one.picture", "--json", "--mcp-config", path).stdout)["content"][0]
    assert picture["type"] == "image" and picture["mimeType"] == "image/png" and picture["data"].startswith("iVBOR")
    assert "image/png" in tools("call", "one.picture", "--mcp-config", path).stdout


def test_a_tool_that_fails_has_an_exit_status_of_its_own(config):
    path = config({"one": entry()})
    run = tools("call", "one.fail", "--mcp-config", path)
    assert (
        run.returncode == 7 and run.stdout.startswith("it did") and "Error: the tool 'one.fail' failed" in run.stderr
    )
    run = tools("call", "one.nothing", "--mcp-config", path)
    assert run.returncode == 7 and "has no tool 'nothing'; it has: echo, add, fail" in run.stderr
    run = tools("call", "one.echo", "{}", "--mcp-config", path)
    assert run.returncode == 7 and "message" in run.stdout + run.stderr


@pytest.mark.parametrize(
    "words, status, said",
    [
        (["call", "echo"], 2, "SERVER.TOOL"),
        (["call", "two.echo"], 2, "there is no server 'two'"),
        (["call", "one.echo", "{"], 3, "no JSON"),
        (["call", "one.echo", "[1]"], 3, "no JSON object"),
        (["call"], 2, "tool"),
    ],
)
def test_a_call_that_means_nothing(config, words, status, said):
    run = tools(*words, "--mcp-config", config({"one": entry()}))
    assert run.returncode == status and said in run.stderr and run.stdout == ""


@pytest.mark.parametrize(
    "text, said",
    [
        ("{", "servers.json"),
        ('{"mcpServers": {"a": {"command": "${NO_SUCH_VARIABLE}"}}}', "NO_SUCH_VARIABLE"),
        ('{"mcpServers": {"a": {"command": ""}}}', "'a'"),
        ('{"mcpServers": {"a": {"command": "x", "url": "http://127.0.0.1/"}}}', "'a'"),
        ('{"mcpServers": {"a": {}}}', "'a'"),
        ("{}", "mcpServers"),
    ],
)
def test_a_config_that_means_nothing(config, text, said):
    run = tools("--mcp-config", config(text))
    assert run.returncode == 3 and said in run.stderr and len(run.stderr.splitlines()) == 1


def test_the_config_is_missing(tmp_path):
    run = tools("--mcp-config", tmp_path / "none.json")
    assert run.returncode == 3 and "none.json" in run.stderr
    assert tools().returncode == 2


def test_a_server_is_given_a_small_environment_and_what_the_config_says(config):
    path = config({"one": entry(env={"KEY": "${OURS:-unset}", "OTHER": "${NOT_OURS:-default}"})})
    env = {**os.environ, "OURS": "from outside", "SECRET_TOKEN": "hidden"}
    run = tools("call", "one.environment", "--mcp-config", path, env=env)
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert (
        seen["KEY"] == "from outside" and seen["OTHER"] == "default" and "SECRET_TOKEN" not in seen and "PATH" in seen
    )


def ended(pid):
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            return True
        time.sleep(0.1)
    return False


def test_ctrl_c_ends_the_call_and_the_server(config, tmp_path):
    pid_file = tmp_path / "pid"
    path = config({"one": entry("--pid-file", str(pid_file))})
    run = subprocess.Popen(
        [CLI, "tools", "call", "one.slow", "--mcp-config", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not pid_file.exists():
        time.sleep(0.05)
    time.sleep(0.7)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert run.returncode == 130 and "Interrupted" in said
    assert ended(int(pid_file.read_text()))


def test_kill_leaves_no_server(config, tmp_path):
    pid_file = tmp_path / "pid"
    path = config({"one": entry("--pid-file", str(pid_file))})
    run = subprocess.Popen([CLI, "tools", "call", "one.slow", "--mcp-config", str(path)], stderr=subprocess.DEVNULL)
    while not pid_file.exists():
        time.sleep(0.05)
    time.sleep(0.7)
    run.kill()
    run.wait()
    assert ended(int(pid_file.read_text()))


def test_a_call_has_a_time_limit_and_its_progress_extends_it(config):
    path = config({"one": entry()})
    run = tools("call", "one.slow", '{"steps": 15}', "--mcp-config", path, "--time-limit", 1)
    assert (run.returncode, run.stdout) == (0, "done at last\n"), run.stderr
    run = tools("call", "one.slow", '{"steps": 600}', "--mcp-config", path, "--time-limit", 1)
    assert run.returncode == 6 and "within 10 s" in run.stderr  # tenfold, and no more


def test_a_question_without_a_terminal_is_declined(config):
    run = tools("call", "one.ask", "--mcp-config", config({"one": entry()}))
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["action"] == "decline" and "no terminal" in run.stderr


def test_a_question_is_asked_in_the_terminal(config):
    call = Terminal("tools", "call", "one.ask", "--mcp-config", config({"one": entry()}))
    call.until("The server 'one' asks: Who are you\\?")
    call.until("yes or no:")
    call.stays_silent("Progress", 0.5)  # the question is not written over
    call.type("YES \n")
    call.until(r"name \(string\), Yours")
    call.type("Ada\n")
    call.until(r"age \(integer")
    call.type("old\n")
    call.until("does not fit")
    call.type("36\n")
    assert call.object() == {
        "action": "accept",
        "content": {"name": "Ada", "age": 36},
    }
    assert call.ended() == 0


@pytest.fixture(scope="module")
def smol():
    found = sorted(REAL.glob("smollm2/*.gguf"))
    if not found:
        pytest.skip("the package index was out of reach: no real model")
    return found[0]


def events(run):
    return [json.loads(line) for line in run.stdout.splitlines()]


def generate(model, path, *flags):
    """A reply that has to call `picture`, which has no arguments; nobody is there to ask."""
    words = ["-p", "Draw a pixel", "--temperature", "0", "--limit", "40", "--tool-rounds", "2", "--quiet"]
    return subprocess.run(
        [CLI, "generate", "-m", model, "--mcp-config", path, *words, *flags],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        text=True,
    )


@pytest.mark.parametrize(
    "how, rules, runs",
    [
        ("ask", None, False),
        ("ask", "always", True),
        ("ask", {"pict*": "always"}, True),
        ("ask", {"echo": "always"}, False),
        ("always", None, True),
        ("always", {"picture": "ask"}, False),
        ("never", "always", False),
    ],
)
def test_the_mode_and_the_files_rules_decide_without_a_person(smol, config, how, rules, runs):
    few = {"includeTools": ["echo", "picture"]}  # of ten tools the prompt takes seconds to read
    path = config({"one": entry(**few, **({} if rules is None else {"approve": rules}))})
    seen = events(generate(smol, path, "--tool-choice", "picture", "--approve", how, "--json"))
    decided = [event for event in seen if event["type"] == "approval"]
    results = [event for event in seen if event["type"] == "result" and "cut off" not in event["text"]]
    assert decided and all(event["allowed"] == runs for event in decided)
    assert results[0]["was_run"] == runs and not [event for event in seen if event["type"] == "approval_wanted"]
    if not runs:
        assert "not run: the call was denied: " in results[0]["text"]  # as the model reads it
        remarks = [event["text"] for event in seen if event["type"] == "remark"]
        nobody = [text for text in remarks if "nobody is there to ask" in text]
        assert len(nobody) == (0 if how == "never" else 1)  # said once


def test_a_tool_that_is_never_allowed_is_not_offered(smol, config):
    path = config({"one": entry(approve={"picture": "never"})})
    run = generate(smol, path, "--tool-choice", "picture", "--approve", "always")
    assert run.returncode == 2
    assert "names 'picture', which is not offered: echo, add, fail, slow, ask, structured" in run.stderr


def test_lists_of_other_programs_that_restrict_are_followed(smol, config):
    lists = {"approve": "always", "includeTools": ["echo", "picture", "add"], "excludeTools": ["picture"]}
    path = config({"one": entry(**lists, autoApprove=["fail"])})
    listed = tools("--mcp-config", path)
    assert "  one.echo [says: reads only] [approve: always]" in listed.stdout.splitlines()
    assert "  one.picture [approve: never]" in listed.stdout and "  one.fail [approve: never]" in listed.stdout
    assert "'autoApprove' is not followed" in listed.stderr and listed.stderr.count("is not followed") == 1
    run = generate(smol, path, "--tool-choice", "picture", "--approve", "always")
    assert run.returncode == 2 and "names 'picture', which is not offered: echo, add\n" in run.stderr
