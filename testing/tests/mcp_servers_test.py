"""The tools command with published servers of both eras, over pipes and over Streamable HTTP (script/mcp-servers).

What it lists and what calls answer is compared with what the client of PyPI's mcp gets from the same servers.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys

import mcp_programs
import pytest
from program import CLI
from terminal import Terminal

pytestmark = pytest.mark.skipif(
    mcp_programs.HOUSE is None, reason="the registries were out of reach: no servers (script/mcp-servers)"
)

# Server, tool, arguments: what two clients have to get alike.
CALLS = [
    ("everything", "get-tiny-image", {}),
    ("everything", "get-structured-content", {"location": "Chicago"}),
    ("everything", "get-resource-links", {"count": 3}),
    ("modern", "add", {"a": 1, "b": 2}),
    ("modern", "fail", {}),
    ("python", "add", {"a": 1, "b": 2}),
    ("python", "add", {}),
]
# Over pipes each call starts its server, which takes its time.
PIPE_CALLS = CALLS + [
    ("files", "read_text_file", {"path": "a.txt"}),
    ("files", "read_media_file", {"path": "pixel.png"}),
    ("files", "read_text_file", {"path": "/etc/passwd"}),
    ("memory", "search_nodes", {"query": "nobody"}),
]
HTTP_CALLS = CALLS + [
    ("everything", "echo", {"message": "¡Größe 短い 👍!\nline two"}),
    ("everything", "get-sum", {"a": 2.5, "b": -4}),
    ("everything", "get-annotated-message", {"messageType": "error", "includeImage": True}),
    ("modern", "echo", {"message": "a"}),
    ("modern_only", "add", {"a": "one"}),
    ("modern_only", "add", {"a": 1e300, "b": 0.1}),
    ("modern", "where", {"region": "in the north"}),  # which is not listed before it is called
    ("modern_only", "where", {"region": "Größe"}),
    ("python", "where", {"region": " padded "}),
    ("python", "echo", {"message": "b"}),
    ("python", "fail", {}),
]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served").resolve() / "files"
    folder.mkdir()
    (folder / "a.txt").write_text("a file\n")
    (folder / "pixel.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    return folder


@pytest.fixture(scope="module")
def running():
    servers = mcp_programs.over_http()
    yield {name: {"url": server.url()} for name, server in servers.items()}
    for server in servers.values():
        server.stop()


@pytest.fixture(scope="module")
def pipes(work):
    return mcp_programs.over_pipes(work)


@pytest.fixture
def config(tmp_path):
    def write(servers):
        path = tmp_path / "servers.json"
        path.write_text(json.dumps({"mcpServers": servers}))
        return path

    return write


def tools(*words):
    return subprocess.run([CLI, "tools", *map(str, words)], capture_output=True, timeout=120, text=True)


def in_folder(calls, work):
    """The files server wants whole paths."""
    made = []
    for server, tool, arguments in calls:
        path = arguments.get("path", "/")
        made.append((server, tool, arguments if path[0] == "/" else {"path": str(work / path)}))
    return made


def published_client(servers, calls):
    run = subprocess.run(
        [sys.executable, mcp_programs.OURS / "published_client.py"],
        input=json.dumps({"servers": servers, "calls": calls}),
        env={**os.environ, "MCP_SERVERS": str(mcp_programs.HOUSE)},
        capture_output=True,
        timeout=120,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def shown_parts(block):
    """Of a block of content what our values have."""
    kept = {key: value for key, value in block.items() if key in ("type", "text", "data", "mimeType", "uri", "name")}
    if "resource" in block:
        kept["resource"] = {key: value for key, value in block["resource"].items() if key != "_meta"}
    return kept


@pytest.mark.parametrize("way", ["pipes", "running"])
def test_lists_and_answers_are_those_of_the_published_client(way, work, config, request):
    servers = request.getfixturevalue(way)
    path = config(servers)
    calls = in_folder(PIPE_CALLS if way == "pipes" else HTTP_CALLS, work)
    theirs = published_client(servers, calls)
    listed = tools("--mcp-config", path, "--json")
    assert listed.returncode == 0, listed.stderr
    ours = {server["server"]: server for server in json.loads(listed.stdout)}
    assert {name: server["protocol"] for name, server in ours.items()} == theirs["protocols"]
    assert {"2025-11-25", "2026-07-28"} == set(theirs["protocols"].values())
    for name, their_tools in theirs["tools"].items():
        assert [tool["name"] for tool in ours[name]["tools"]] == [tool["name"] for tool in their_tools]
        for tool, same in zip(ours[name]["tools"], their_tools):
            assert tool["inputSchema"] == same["inputSchema"]
            assert list(tool["inputSchema"]) == list(same["inputSchema"])  # in the server's own order
            assert tool.get("outputSchema") == same.get("outputSchema")
            assert tool["description"] == same.get("description", "") and tool["title"] == same.get("title", "")
            assert tool["annotations"] == same.get("annotations", {})
    kinds = set()
    for (server, tool, arguments), same in zip(calls, theirs["results"]):
        run = tools("call", f"{server}.{tool}", json.dumps(arguments), "--mcp-config", path, "--json")
        assert run.returncode == (7 if same["isError"] else 0), run.stderr
        answer = json.loads(run.stdout)
        assert answer["content"] == [shown_parts(block) for block in same["content"]]
        assert answer.get("structuredContent") == same.get("structuredContent")
        kinds |= {block["type"] for block in answer["content"]}
    assert {"text", "image", "resource_link"} <= kinds


@pytest.mark.parametrize("way", ["pipes", "running"])
def test_the_servers_of_the_new_era_are_spoken_to_in_the_older_one_as_well(way, config, request):
    servers = {name: {**request.getfixturevalue(way)[name], "era": "older"} for name in ("modern", "python")}
    listed = json.loads(tools("--mcp-config", config(servers), "--json").stdout)
    assert [server["protocol"] for server in listed] == ["2025-11-25"] * 2
    for name in servers:
        run = tools("call", f"{name}.echo", '{"message": "hi"}', "--mcp-config", config(servers))
        assert (run.returncode, run.stdout) == (0, "hi\n"), run.stderr


def test_a_server_of_the_new_era_alone_is_not_greeted(config, running):
    run = tools("--mcp-config", config({"one": {**running["modern_only"], "era": "older"}}))
    assert run.returncode == 3
    assert run.stderr == "Error: server 'one': Unsupported protocol version: 2025-11-25 (error -32022)\n"


@pytest.mark.parametrize("way", ["pipes", "running"])
def test_an_embedded_resource_is_shown_as_it_is(way, config, request):
    path = config({"one": request.getfixturevalue(way)["everything"]})
    words = ["call", "one.get-resource-reference", '{"resourceType": "Text", "resourceId": 2}', "--mcp-config", path]
    resource = json.loads(tools(*words, "--json").stdout)["content"][1]
    assert resource["type"] == "resource" and resource["resource"]["uri"] == "demo://resource/dynamic/text/2"
    assert "plaintext resource" in resource["resource"]["text"] and resource["resource"]["mimeType"] == "text/plain"
    assert "plaintext resource" in tools(*words).stdout


@pytest.mark.parametrize("way", ["pipes", "running"])
@pytest.mark.parametrize("server", ["everything", "modern", "python"])
def test_an_unknown_tool_is_told_with_those_that_there_are(way, server, config, request):
    run = tools("call", "one.nothing", "--mcp-config", config({"one": request.getfixturevalue(way)[server]}))
    assert run.returncode == 7 and "Error: the server 'one' has no tool 'nothing'; it has: echo, " in run.stderr


LONG = "one.trigger-long-running-operation"


@pytest.mark.parametrize("way", ["pipes", "running"])
def test_progress_is_shown_and_extends_a_call(way, config, request):
    path = config({"one": request.getfixturevalue(way)["everything"]})
    short = json.dumps({"duration": 1.6, "steps": 4})
    call = Terminal("tools", "call", LONG, short, "--mcp-config", path, "--time-limit", "1")
    call.until("Progress: 1 of 4")
    call.until(r"Long running operation completed\. Duration: 1\.6 seconds, Steps: 4\.\r\n")
    assert call.ended() == 0


@pytest.mark.parametrize("way", ["pipes", "running"])
@pytest.mark.parametrize("server, era", [("modern", "modern"), ("python", "modern"), ("python", "older")])
def test_the_persons_answer_reaches_the_tool(way, server, era, config, request):
    entry = {**request.getfixturevalue(way)[server], "era": era}
    call = Terminal("tools", "call", "one.ask", "--mcp-config", config({"one": entry}))
    call.until(r"The server 'one' asks: What is your name\?")
    call.until("yes or no: ")
    call.type("yes\n")
    call.until(r"[Nn]ame \(string\): ")
    call.type("Ada\n")
    call.until("hello Ada\r\n")
    assert call.ended() == 0


@pytest.mark.parametrize("way", ["pipes", "running"])
def test_a_person_who_says_no_is_asked_once(way, config, request):
    path = config({"one": request.getfixturevalue(way)["modern"]})
    call = Terminal("tools", "call", "one.ask", "--mcp-config", path)
    call.until("yes or no: ")
    call.type("no\n")
    assert "yes or no" not in call.until("Error: server 'one': it asks again what was not answered")
    assert call.ended() == 6


def children(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def start_long(path, *flags):
    call = Terminal("tools", "call", LONG, '{"duration": 60, "steps": 300}', "--mcp-config", path, *flags)
    call.until("Progress: 1 of 300")
    return call


def test_a_server_that_is_killed_in_a_call_ends_it(config, pipes):
    call = start_long(config({"one": pipes["everything"]}))
    for child in children(call.pid):
        os.kill(child, signal.SIGKILL)
    call.until("Error: server 'one': it ended with signal 9")
    assert call.ended() == 6


def test_a_server_that_is_killed_over_http_ends_the_call(config):
    server = mcp_programs.everything_over_http()
    call = start_long(config({"one": {"url": server.url()}}), "--time-limit", "2")
    server.stop()
    call.until("Error: server 'one': ")
    assert call.ended() == 6


@pytest.mark.parametrize("way", ["pipes", "running"])
def test_ctrl_c_ends_a_call_and_leaves_nothing(way, config, request):
    path = config({"one": request.getfixturevalue(way)["everything"]})
    call = start_long(path)
    started = children(call.pid)
    assert len(started) == (1 if way == "pipes" else 0)
    call.type("\x03")
    call.until("Interrupted")
    assert call.ended() == 130
    assert not any(pathlib.Path(f"/proc/{child}").exists() for child in started)
    run = tools("call", "one.echo", '{"message": "still there"}', "--mcp-config", path)
    assert (run.returncode, run.stdout) == (0, "Echo: still there\n")
