"""The published servers of the Model Context Protocol that script/mcp-servers gets: as entries of a config file, over
pipes, and running, over Streamable HTTP."""

import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

from program import PROJECT, REAL


def folder():
    """Where script/mcp-servers puts them, or None."""
    lists = [PROJECT / "script/mcp-servers.txt", PROJECT / "testing/mcp/package-lock.json"]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in lists)).hexdigest()[:16]
    found = REAL.parent / f"mcp-servers-{key}"
    return found if found.is_dir() else None


HOUSE = folder()
OURS = PROJECT / "testing/mcp"  # servers made with the published libraries


def published(name):
    return HOUSE / f"node_modules/@modelcontextprotocol/{name}/dist/index.js"


def node(script, *words, **variables):
    return {"command": str(HOUSE / "bin/node"), "args": [str(script), *map(str, words)], "env": variables}


def over_pipes(work):
    """work: a folder that one of them serves, and another keeps its memory beside."""
    python = {"command": sys.executable, "args": [str(OURS / "modern_server.py")], "env": {"MCP_SERVERS": str(HOUSE)}}
    return {
        "everything": node(published("server-everything"), "stdio"),
        "files": node(published("server-filesystem"), work),
        "memory": node(published("server-memory"), MEMORY_FILE_PATH=str(pathlib.Path(work).parent / "memory.jsonl")),
        "modern": node(OURS / "modern_server.mjs", MCP_SERVERS=str(HOUSE)),
        "python": python,
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class HttpServer:
    """One of them on a port of its own."""

    def __init__(self, entry, port=None, **variables):
        self.port = port
        self.process = subprocess.Popen(
            [entry["command"], *entry["args"]],
            env={**os.environ, **entry["env"], **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def url(self):
        """Waits until it answers."""
        if self.port is None:
            return self.process.stdout.readline().strip()
        for _ in range(600):
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return f"http://127.0.0.1:{self.port}/mcp"
            except OSError:
                assert self.process.poll() is None, "the server has ended"
                time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def stop(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait(30)
        self.process.stdout.close()


def everything_over_http():
    port = free_port()
    return HttpServer(node(published("server-everything"), "streamableHttp"), port, PORT=str(port))


def over_http():
    """Running servers by name."""
    port = free_port()
    modern = OURS / "modern_server.mjs"
    python = {"command": sys.executable, "args": [str(OURS / "modern_server.py"), "--http", str(port)]}
    return {
        "everything": everything_over_http(),
        "modern": HttpServer(node(modern, "--http", MCP_SERVERS=str(HOUSE))),
        "modern_only": HttpServer(node(modern, "--http", "--modern", MCP_SERVERS=str(HOUSE))),
        "python": HttpServer({**python, "env": {"MCP_SERVERS": str(HOUSE)}}, port),
    }
