#!/usr/bin/env python3
"""What PyPI's mcp, as a client, gets from servers: to compare ours with. Its packages lie in $MCP_SERVERS/python.

Reads {"servers": {NAME: a config's entry}, "calls": [[NAME, TOOL, ARGUMENTS], …]}; writes {"protocols": {NAME:
REVISION}, "tools": {NAME: [tool, …]}, "results": [result, …]}, all as the servers have it."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.environ["MCP_SERVERS"], "python"))

import anyio  # noqa: E402
from mcp import StdioServerParameters  # noqa: E402
from mcp.client.client import Client  # noqa: E402
from mcp.client.stdio import stdio_client  # noqa: E402
from mcp.types import ElicitResult  # noqa: E402


async def decline(context, question):
    return ElicitResult(action="decline")


async def ask(name, entry, calls, found):
    target = entry["url"] if "url" in entry else stdio_client(StdioServerParameters(**entry), open(os.devnull, "w"))
    async with Client(target, elicitation_callback=decline) as client:
        found["protocols"][name] = client.protocol_version
        tools = (await client.list_tools()).tools
        found["tools"][name] = [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in tools]
        for number, (server, tool, arguments) in enumerate(calls):
            if server == name:
                result = await client.call_tool(tool, arguments)
                found["results"][number] = result.model_dump(by_alias=True, exclude_none=True, mode="json")


async def main():
    wanted = json.load(sys.stdin)
    found = {"protocols": {}, "tools": {}, "results": [None] * len(wanted["calls"])}
    async with anyio.create_task_group() as group:
        for name, entry in wanted["servers"].items():
            group.start_soon(ask, name, entry, wanted["calls"], found)
    json.dump(found, sys.stdout)


anyio.run(main)
