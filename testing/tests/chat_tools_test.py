"""A chat whose model calls tools, in a pseudo-terminal: approvals, what is shown, Ctrl-C, servers that end.

The model is a real small one that is made to call (`--tool-choice NAME`, arguments held to their schema); what it
says besides is its own business, so nothing here asks for it.
"""

import json
import re
import sys
import time

import pytest
from program import PROJECT, REAL
from terminal import Terminal

PROMPT = r"\n\r?> "
ASKED = r"Allow it\? [^:]*: "


@pytest.fixture(scope="module")
def smol():
    found = sorted(REAL.glob("smollm2/*.gguf"))
    if not found:
        pytest.skip("the package index was out of reach: no real model")
    return found[0]


@pytest.fixture
def chat(smol, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    started = []

    def start(tool, *flags, **entry):
        few = {"includeTools": [tool, "fail"]}  # of ten tools the prompt takes seconds to read
        server = {"command": sys.executable, "args": [str(PROJECT / "testing/mcp/plain_server.py")], **few, **entry}
        path = tmp_path / "servers.json"
        path.write_text(json.dumps({"mcpServers": {"one": server}}))
        words = ["generate", "-m", smol, "--chat", "--mcp-config", path, "--tool-choice", tool, "--tool-rounds", "2"]
        started.append(Terminal(*words, "--temperature", "0", "--limit", "40", *flags))
        started[0].until("/exit leaves")
        started[0].until(PROMPT)
        time.sleep(0.3)  # what is typed before the editor stands is lost
        return started[0]

    yield start
    if started and started[0].status is None:
        started[0].kill()


def ask(terminal, text):
    terminal.type(text + "\r")


def answer_all(terminal, word):
    """Answers every question of this turn, and gives what was shown up to the next prompt."""
    whole = ""
    while True:
        whole += terminal.until(f"{ASKED}|{PROMPT}")
        if not re.search(ASKED + "$", whole):
            return whole
        terminal.type(word + "\n")
        whole += terminal.until(r"\r\n")


def test_a_call_waits_for_its_approval(chat):
    terminal = chat("picture")
    ask(terminal, "Draw a pixel")
    time.sleep(0.3)
    terminal.type("yes\n")  # before the question: no answer to it
    shown = terminal.until(ASKED)
    assert "The model wants to call one.picture" in shown and "  Draws a pixel" in shown
    terminal.stays_silent("→", 0.5)
    terminal.type("no\n")
    shown = answer_all(terminal, "no")
    assert "✗ picture: not run: the call was denied: the user said no" in shown and "→ picture" not in shown

    ask(terminal, "Draw it now")
    shown = answer_all(terminal, "I am tired")
    assert "  Draws a pixel" in shown and "not run: the call was denied: I am tired" in shown

    ask(terminal, "Please")
    shown = answer_all(terminal, "Yes")
    assert shown.count("  Draws a pixel") == 1  # before the first approval
    assert re.search(r"→ picture \{\s*\}", shown) and re.search(
        r"← picture, \d+ ms: \[image, image/png, \d+ bytes\]", shown
    )

    ask(terminal, "Again")
    shown = answer_all(terminal, "always")
    assert shown.count("Allow it?") == 1 and "  Draws a pixel" not in shown and "← picture, " in shown
    ask(terminal, "And again")
    assert "Allow it?" not in (shown := answer_all(terminal, "no")) and "← picture, " in shown

    ask(terminal, "/history")
    shown = terminal.until(PROMPT)
    assert "[user] Please" in shown and "[tool] picture: [image, image/png" in shown and "→ picture {" in shown
    ask(terminal, "/tools")
    assert "one.fail  Fails  [31mwith colour" in terminal.until(PROMPT)
    terminal.type("\x04")
    assert terminal.ended() == 0


def test_undo_takes_a_question_back_with_its_calls_and_their_results(chat):
    terminal = chat("picture")

    def said(line):
        ask(terminal, line)
        return terminal.until(PROMPT)

    def history():
        lines = said("/history").splitlines()
        return [line for line in lines if re.match(r"\[(user|assistant|tool)\] |  → ", line)]

    def count(what, lines):
        return sum(line.startswith(f"[{what}] ") for line in lines)

    ask(terminal, "Draw a pixel")
    assert "← picture, " in answer_all(terminal, "always")
    kept = history()
    assert count("user", kept) == 1 and count("tool", kept) > 0 and any("  → picture" in line for line in kept)
    ask(terminal, "Draw another one")
    assert "← picture, " in answer_all(terminal, "always")
    both = history()
    assert count("user", both) == 2 and count("tool", both) > count("tool", kept)

    assert "The last question is forgotten" in said("/undo")
    assert history() == kept
    assert "The last question is forgotten" in said("/undo")
    assert history() == []
    assert "There is nothing to forget" in said("/undo")

    ask(terminal, "Draw a third one")  # what is left is a conversation
    assert "← picture, " in answer_all(terminal, "always")
    assert count("user", history()) == 1 and "[user] Draw a third one" in history()
    ask(terminal, "/exit")
    assert terminal.ended() == 0


def test_arguments_can_be_changed(chat):
    terminal = chat("add")
    ask(terminal, "Add")
    shown = terminal.until(ASKED)
    assert re.search(r"  a: [-0-9.e]+\r\n", shown) and re.search(r"  b: [-0-9.e]+\r\n", shown)
    terminal.type("change\n")
    terminal.until("They shall be, .*: ")
    terminal.type("{1}\n")
    terminal.until("That is no JSON object.")
    terminal.type('{"a": 20, "b": 22}\n')
    terminal.until(r"← add, \d+ ms: .*42")
    answer_all(terminal, "no")
    ask(terminal, "/exit")
    assert terminal.ended() == 0


def test_ctrl_c_ends_the_tool_and_not_the_chat(chat):
    terminal = chat("wait")
    ask(terminal, "Wait a minute")
    terminal.until(ASKED)
    terminal.type("yes\n")
    terminal.until("of 600 step")
    terminal.type("\x03")
    shown = terminal.until(PROMPT)
    assert re.search(r"✗ wait, \d+ ms: stopped: the run was cancelled", shown) and "(stopped)" in shown
    ask(terminal, "/history")
    assert "[user] Wait a minute" in terminal.until(PROMPT)  # with the call, whatever it has done

    ask(terminal, "Wait again")
    terminal.until(ASKED)
    terminal.type("\x03")
    assert re.search(r"\^C\r\n✗ wait: not run", terminal.until(PROMPT))
    ask(terminal, "And now")
    terminal.until(ASKED)
    terminal.type("\x04")
    terminal.until("\r\n✗ wait: not run: the call was denied: nobody answered")
    answer_all(terminal, "no")
    terminal.type("\x04")
    assert terminal.ended() == 0


def test_ctrl_c_ends_a_servers_question_and_not_the_chat(chat):
    terminal = chat("ask")
    ask(terminal, "Ask me")
    terminal.until(ASKED)
    terminal.type("yes\n")
    terminal.until("yes or no:")
    terminal.type("\x03")
    assert "(stopped)" in terminal.until(PROMPT, 20)
    terminal.type("\x04")
    assert terminal.ended() == 0


def test_a_server_that_dies_takes_no_chat_along(chat):
    terminal = chat("die")
    ask(terminal, "End it")
    shown = answer_all(terminal, "always")
    assert re.search(
        r"✗ die, \d+ ms: server 'one': it ended with exit status 3; it wrote last: .*the end is near", shown
    )
    for _ in range(10):  # it is started again after a pause
        ask(terminal, "/tools")
        if "one.die  Ends the server" in terminal.until(PROMPT):
            break
        time.sleep(0.5)
    else:
        raise AssertionError("it was not started again")
    ask(terminal, "/exit")
    assert terminal.ended() == 0


def test_a_chat_ends_with_its_terminal_while_it_asks(chat):
    terminal = chat("picture")
    ask(terminal, "Draw a pixel")
    terminal.until(ASKED)
    terminal.hang_up()
    assert terminal.ended() == 129
