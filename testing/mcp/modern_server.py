"""A server of both eras, made with PyPI's mcp: `modern_server.py` over pipes, `modern_server.py --http PORT` over
Streamable HTTP at /mcp. Its packages lie in $MCP_SERVERS/python (script/mcp-servers).

Tools: echo, add (structured), fail, where (its argument travels in a header as well), slow (tells its
progress), ask (asks the person)."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["MCP_SERVERS"], "python"))

from typing import Annotated  # noqa: E402

import anyio  # noqa: E402
from mcp.server.mcpserver import Context, MCPServer  # noqa: E402
from mcp.server.mcpserver.resolve import Elicit, Resolve  # noqa: E402
from pydantic import BaseModel, Field  # noqa: E402

server = MCPServer("modern-python", instructions="For tests.")


class Name(BaseModel):
    name: str


class Sum(BaseModel):
    sum: float


@server.tool()
def echo(message: str) -> str:
    """Says it again"""
    return message


@server.tool()
def add(a: float, b: float) -> Sum:
    return Sum(sum=a + b)


@server.tool()
def fail() -> str:
    raise ValueError("it does not work today")


@server.tool()
def where(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
    """Says where: over HTTP its argument has to stand in a header as well"""
    return f"in {region}"


@server.tool()
async def slow(ctx: Context) -> str:
    for progress in range(1, 4):
        await anyio.sleep(0.05)
        await ctx.report_progress(progress, 3)
    return "done"


def ask_name() -> Elicit[Name]:
    return Elicit("What is your name?", Name)


@server.tool()
def ask(name: Annotated[Name, Resolve(ask_name)]) -> str:
    """Asks the person, in the way of the era that is spoken"""
    return f"hello {name.name}"


@server.resource("test://note")
def note() -> str:
    return "a note"


@server.prompt()
def greet(name: str) -> str:
    return f"Greet {name}."


if "--http" in sys.argv:
    server.run("streamable-http", port=int(sys.argv[-1]))
else:
    server.run()
