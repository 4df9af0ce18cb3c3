#!/usr/bin/env python3
"""A server of the Model Context Protocol's older kind, over standard input and output, without any library.

    plain_server.py [--name NAME] [--pid-file FILE]

Tools: echo, add, fail, slow (tells its progress, until it is cancelled), ask (asks its user by a
schema that may be an argument, and tells its progress meanwhile), picture, structured,
environment, wait (as slow, and long), die (ends the server).
"""

import argparse
import json
import os
import pathlib
import sys
import threading

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def tool(name, description, properties=None, required=(), **more):
    schema = {"type": "object", "properties": properties or {}, "required": list(required)}
    if not properties:
        schema["additionalProperties"] = False
    return {"name": name, "description": description, "inputSchema": schema, **more}


TOOLS = [
    tool(
        "echo",
        "Says the same\nA second line",
        {"message": {"type": "string", "description": "What to say"}},
        ["message"],
        annotations={"readOnlyHint": True},
    ),
    tool(
        "add",
        "Adds two numbers",
        {"a": {"type": "number"}, "b": {"type": "number"}, "how": {"enum": ["exactly", "roughly"]}},
        ["a", "b"],
    ),
    tool("fail", "Fails \x1b[31mwith colour"),
    tool("slow", "Takes its time", {"steps": {"type": "integer"}}),
    tool("ask", "Asks for a name"),
    tool("picture", "Draws a pixel"),
    tool("structured", "Answers with an object", outputSchema={"type": "object"}),
    tool("environment", "Tells its environment's variables"),
    tool("wait", "Waits for a minute"),
    tool("die", "Ends the server"),
]

written = threading.Lock()
cancelled = {}
answers = {}
answered = threading.Condition()


def write(message):
    with written:
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def text(words, **more):
    return {"content": [{"type": "text", "text": words}], **more}


def ask(params):
    write({"id": "question-1", "method": "elicitation/create", "params": params})
    with answered:
        answered.wait_for(lambda: "question-1" in answers, 20)
        return answers.pop("question-1", None)


def tell_progress(token, over):
    step = 0
    while not over.wait(0.05):
        step += 1
        write({"method": "notifications/progress", "params": {"progressToken": token, "progress": step}})


def call(number, params):
    name, arguments, meta = params["name"], params.get("arguments", {}), params.get("_meta", {})
    if name == "echo":
        return text(arguments["message"])
    if name == "add":
        return text(str(arguments["a"] + arguments["b"]))
    if name == "fail":
        return text("it did \x1b[31mnot work", isError=True)
    if name == "die":
        print("the end is near", file=sys.stderr, flush=True)
        os._exit(3)
    if name in ("slow", "wait"):
        steps = arguments.get("steps", 600)
        for step in range(steps):
            if cancelled[number].wait(0.1):
                return None
            if "progressToken" in meta:
                write(
                    {
                        "method": "notifications/progress",
                        "params": {
                            "progressToken": meta["progressToken"],
                            "progress": step + 1,
                            "total": steps,
                            "message": f"step {step + 1}",
                        },
                    }
                )
        return text("done at last")
    if name == "ask":
        schema = {
            "type": "object",
            "properties": {"name": {"type": "string", "description": "Yours"}, "age": {"type": "integer"}},
            "required": ["name"],
        }
        over = threading.Event()
        if "progressToken" in meta:
            threading.Thread(target=tell_progress, args=(meta["progressToken"], over), daemon=True).start()
        answer = ask({"message": "Who are you?", "requestedSchema": arguments.get("schema", schema)})
        over.set()
        return text(json.dumps(answer))
    if name == "picture":
        return {"content": [{"type": "image", "data": PIXEL, "mimeType": "image/png"}]}
    if name == "structured":
        return {"content": [{"type": "text", "text": '{"answer": 42}'}], "structuredContent": {"answer": 42}}
    if name == "environment":
        return text(json.dumps(dict(os.environ)))
    return text(f"Unknown tool: {name}", isError=True)


def serve_call(message):
    number = message["id"]
    try:
        result = call(number, message["params"])
        if result is not None:
            write({"id": number, "result": result})
    except KeyError as missing:
        write({"id": number, "error": {"code": -32602, "message": f"missing argument {missing}"}})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="plain")
    parser.add_argument("--pid-file", type=pathlib.Path)
    options = parser.parse_args()
    if options.pid_file:
        options.pid_file.write_text(str(os.getpid()))
    print("plain server starts", file=sys.stderr, flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        method = message.get("method")
        if method == "initialize":
            write(
                {
                    "id": message["id"],
                    "result": {
                        "protocolVersion": "2025-06-18",
                        "capabilities": {"tools": {}},
                        "serverInfo": {"name": options.name, "version": "1.2"},
                    },
                }
            )
        elif method == "tools/list":
            write({"id": message["id"], "result": {"tools": TOOLS}})
        elif method == "tools/call":
            cancelled[message["id"]] = threading.Event()
            threading.Thread(target=serve_call, args=(message,), daemon=True).start()
        elif method == "notifications/cancelled":
            cancelled.get(message["params"]["requestId"], threading.Event()).set()
        elif method is None and "id" in message:
            with answered:
                answers[message["id"]] = message.get("result", message.get("error"))
                answered.notify_all()
        elif "id" in message:
            write({"id": message["id"], "error": {"code": -32601, "message": f"no method {method}"}})


main()
