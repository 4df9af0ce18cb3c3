"""The generate command: a small real model, synthetic ones, and everything that can be wrong."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest
from program import CLI, MODELS, REAL

SMOL = REAL / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
# What is asked where the answer is compared: its words are far from any other, so that no level of kernels answers
# otherwise. Along "The capital of Japan is Tokyo." the second token is less likely by at least 1.65 in log-probability
# with the file dequantized to F32, and by 1.60 to 1.73 with it as it is at each level. (Of France it is 0.10.)


def generate(*flags, model=None, text=None):
    command = [CLI, "generate", "-m", str(model or MODELS / "generator.gguf"), *map(str, flags)]
    return subprocess.run(command, capture_output=True, input=text, timeout=300)


@pytest.fixture
def smol():
    if not SMOL.exists():
        pytest.skip("no real model (script/models)")
    return SMOL


def test_a_sensible_answer(smol):
    run = generate("-p", "What is the capital of Japan?", "--system", "You are a helpful assistant.",
                   "--temperature", 0, "--debug", model=smol)
    assert run.returncode == 0, run.stderr
    assert run.stdout == b"The capital of Japan is Tokyo.\n"
    said = [line for line in run.stderr.decode().splitlines() if not line.startswith("[llama.cpp")]
    assert said[0].startswith("Loading model: ") and re.match(r"Model loaded successfully in .*s$", said[1])
    assert "Generating..." in said and any(re.match(r"Generation completed in [0-9.]+m?s", line) for line in said)
    for name in ("Prompt tokens", "Prompt speed", "Tokens generated: 7", "Generation speed",
                 "Finish reason: end of sequence", "Seed: "):
        assert name in "\n".join(said)


def test_json_lines(smol):
    run = generate("-p", "Say hi", "--json", "--logprobs", 2, "--limit", 6, "--seed", 5, "--quiet", model=smol)
    assert run.returncode == 0 and run.stderr == b""
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert [line["type"] for line in lines[:-1]] == ["delta"] * (len(lines) - 1)
    done = lines[-1]
    assert done["type"] == "done" and done["finish_reason"] == "length" and done["usage"]["generated_tokens"] == 6
    assert done["sampling"]["seed"] == 5 and done["sampling"]["temperature"] == pytest.approx(0.7)
    tokens = [token for line in lines[:-1] for token in line["logprobs"]]
    assert len(tokens) == 6 == sum(line["tokens"] for line in lines[:-1])
    text = b"".join(bytes(token["bytes"]) for token in tokens).decode()
    assert text == "".join(line["text"] for line in lines[:-1])
    assert all(len(token["top"]) == 2 and token["logprob"] <= token["top"][0]["logprob"] <= 0 for token in tokens)


def test_the_same_seed_gives_the_same_text(smol):
    texts = [generate("-p", "Tell a story", "--seed", seed, "--limit", 20, model=smol).stdout for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_schema_holds(smol, tmp_path):
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object", "required": ["name", "age"], "properties": {
        "name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "minimum": 1, "maximum": 99},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2}}}))
    for seed in range(4):
        run = generate("-p", "Invent a person", "--json-schema", schema, "--seed", seed, "--temperature", 1.5,
                       model=smol)
        assert run.returncode == 0, run.stderr
        person = json.loads(run.stdout)
        assert list(person)[:2] == ["name", "age"] and 1 <= person["age"] <= 99
    cut = generate("-p", "Invent a person", "--json-schema", schema, "--limit", 2, model=smol)
    assert cut.returncode == 1 and b"no document of the schema" in cut.stderr


@pytest.mark.parametrize("schema, fits", [
    ({"type": "string", "pattern": r"^[A-Z]{2}\-\d{3}$"}, lambda answer: re.fullmatch(r"[A-Z]{2}-\d{3}", answer)),
    ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}], "items": {"type": "null"},
      "minItems": 2, "maxItems": 3},
     lambda answer: len(answer) in (2, 3) and type(answer[0]) is int and type(answer[1]) is bool),
    ({"anyOf": [{"type": "object"}, {"$ref": "#"}], "maxProperties": 1, "additionalProperties": {"type": "integer"},
      "propertyNames": {"maxLength": 8}}, lambda answer: type(answer) is dict and len(answer) < 2),
    ({"patternProperties": {"^[a-z]{1,5}$": {"type": "number", "minimum": -0.5, "exclusiveMaximum": 12.25}},
      "additionalProperties": False, "minProperties": 1, "maxProperties": 2},
     lambda answer: answer and all(-0.5 <= value < 12.25 for value in answer.values())),
], ids=["pattern", "tuple", "recursion", "names and bounds"])
def test_a_schema_is_enforced_while_generating(schema, fits, smol, tmp_path):
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(schema))
    for seed in range(3):
        run = generate("-p", "Say anything", "--json-schema", file, "--seed", seed, "--temperature", 1.5,
                       "--limit", 400, model=smol)
        assert run.returncode == 0, run.stderr
        assert fits(json.loads(run.stdout)), run.stdout
        assert b"Warning" not in run.stderr


def test_what_is_only_checked_is_told_before_the_model_starts(smol, tmp_path):
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"type": "array", "items": {"const": 1}, "minItems": 2, "maxItems": 2,
                                "uniqueItems": True}))
    run = generate("-p", "Say anything", "--json-schema", file, model=smol)
    lines = run.stderr.decode().splitlines()
    assert "checked only when the answer is complete: uniqueItems at #" in lines[0]
    assert lines[1].startswith("Loading model")
    assert run.returncode == 1 and "two of its items are the same" in lines[-1]


def test_a_grammar_and_stop_strings_hold(smol, tmp_path):
    grammar = tmp_path / "answer.gbnf"
    grammar.write_text('root ::= "yes" | "no"\n')
    assert generate("-p", "Is the sky blue?", "--grammar", grammar, model=smol).stdout in (b"yes\n", b"no\n")
    run = generate("-p", "What is the capital of Japan?", "--system", "You are a helpful assistant.",
                   "--temperature", 0, "--stop", " is Tok", "--stop", "never", "--json", model=smol)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert "".join(line["text"] for line in lines[:-1]) == "The capital of Japan"
    assert lines[-1]["finish_detail"] == " is Tok" and lines[-1]["finish_reason"] == "stop"


def test_prompts_from_files_and_pipes(smol, tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_text("What is the capital of Japan?\n")
    flags = ["--system", "You are a helpful assistant.", "--temperature", 0]
    assert generate("--prompt-file", file, *flags, model=smol).stdout == b"The capital of Japan is Tokyo.\n"
    assert generate("-p", "-", *flags, model=smol, text=file.read_bytes()).stdout == b"The capital of Japan is Tokyo.\n"


def test_a_chat_without_a_terminal(smol, tmp_path):
    kept = tmp_path / "chat.json"
    lines = ["What is the capital of Japan?", "/stats", f"/save {kept}", "And of Italy?", "/undo", "/history",
             "/clear", f"/load {kept}", "/retry", "/nonsense", "/exit", "never read"]
    run = generate("--chat", "--system", "You are a helpful assistant.", "--temperature", 0, "--quiet", model=smol,
                   text="\n".join(lines).encode())
    assert run.returncode == 0, run.stderr
    out, err = run.stdout.decode(), run.stderr.decode()
    assert out.startswith("The capital of Japan is Tokyo.\n")
    assert "[user] What is the capital of Japan?\n[assistant] The capital of Japan is Tokyo." in out
    assert "[user] And of Italy?" not in out
    assert out.count("The capital of Japan is Tokyo.") == 3
    assert "reused" in err and "no command /nonsense" in err
    saved = json.loads(kept.read_text())
    assert [m["role"] for m in saved["messages"]] == ["system", "user", "assistant"]


class Terminal:
    """A chat in a pseudo-terminal."""

    def __init__(self, model, *flags):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(CLI, [CLI, "generate", "-m", str(model), "--chat", *flags])
        self.pid, self.screen = pid, ""

    def until(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.screen):
            assert time.monotonic() < end, f"no {pattern!r} in {self.screen!r}"
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.screen += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    break
        assert re.search(pattern, self.screen), self.screen
        self.screen = ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def status(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.screen += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    pass
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError(f"it goes on: {self.screen!r}")


@pytest.mark.parametrize("hangup_is_ignored", [False, True])
@pytest.mark.parametrize("question", ["", "Write a very long story about a dragon, in ten chapters.\r"])
def test_a_chat_ends_with_its_terminal(smol, tmp_path, monkeypatch, question, hangup_is_ignored):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN if hangup_is_ignored else signal.SIG_DFL)
    try:
        chat = Terminal(smol, "--limit", "4000", "--temperature", "1.2")
    finally:
        signal.signal(signal.SIGHUP, old)
    chat.until(r"(?s)/exit leaves.*> ")
    if question:
        chat.type(question)
        time.sleep(1)
    os.close(chat.fd)
    chat.fd = os.open(os.devnull, os.O_RDONLY)
    assert chat.status() == 128 + signal.SIGHUP


def test_ctrl_c_stops_the_answer_and_not_the_chat(smol, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    chat = Terminal(smol, "--limit", "4000", "--temperature", "1.2")
    chat.until(r"/exit leaves")
    assert (tmp_path / "llama-cli/history").stat().st_mode & 0o777 == 0o600
    time.sleep(0.5)
    chat.type("Write a very long story about a dragon, in ten chapters.\r")
    time.sleep(0.7)  # one story of some ends within two seconds
    chat.type("\x03")
    chat.until(r"\(stopped\)|end of sequence|\n\s*\n")
    time.sleep(0.5)
    chat.type("/history\r")
    # What is typed before the next prompt stands there is lost.
    chat.until(r"(?s)\[assistant\].*> ")
    chat.type("/sta\t")
    chat.until(r"/stats")
    chat.type("\r")
    chat.until(r"(?s)Finish reason: cancelled.*Seed: \d+.*> ")
    chat.type("half a line\x03")  # dropped, and the chat goes on
    time.sleep(0.5)
    chat.type("/nonsense\r")
    chat.until(r"(?s)no command /nonsense;.*> ")
    chat.type("\x04")
    assert chat.status() == 0
    assert "dragon" in (tmp_path / "llama-cli" / "history").read_text()


def test_a_terminated_chat_ends(smol):
    chat = Terminal(smol)
    chat.until(r"/exit leaves")
    time.sleep(0.5)
    os.kill(chat.pid, signal.SIGTERM)
    assert chat.status() == 143


def test_ctrl_c_ends_a_prompt(smol):
    process = subprocess.Popen([CLI, "generate", "-m", str(smol), "-p", "Count to a million.", "--limit", "8000",
                                "--temperature", "1.5", "--stop", "never ever"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.read(process.stdout.fileno(), 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130 and b"Interrupted" in err


# As long as it is made, a schema is read for one or two seconds, and then refused.
@pytest.mark.parametrize("sent, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_reading_of_a_schema(tmp_path, sent, status):
    properties = {f"p{i}": {"pattern": rf"^[\p{{L}}\p{{N}}]{{1,{100 + i}}}[\p{{Lu}}]+$"} for i in range(250)}
    fifo = tmp_path / "schema.json"
    os.mkfifo(fifo)
    process = subprocess.Popen([CLI, "generate", "-m", str(MODELS / "generator.gguf"), "-p", "x", "--json-schema",
                                str(fifo)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    fifo.write_text(json.dumps({"properties": properties}))
    time.sleep(0.3)
    process.send_signal(sent)
    _, err = process.communicate(timeout=20)
    assert process.returncode == status and err == b"Interrupted: reading the JSON schema was stopped\n"


def test_a_reader_that_goes_away():
    process = subprocess.Popen([CLI, "generate", "-m", str(MODELS / "generator.gguf"), "-p", "x", "--limit", "2000"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.wait(timeout=60) == 5 and b"standard output" in process.stderr.read()


def test_a_full_disk():
    with open("/dev/full", "wb") as full:
        run = subprocess.run([CLI, "generate", "-m", str(MODELS / "generator.gguf"), "-p", "x", "--limit", "50"],
                             stdout=full, stderr=subprocess.PIPE)
    assert run.returncode == 5 and b"standard output" in run.stderr


@pytest.mark.parametrize("flags, status, message", [
    (["-p", ""], 2, "empty"),
    (["-p", " \n "], 2, "empty"),
    ([], 2, "--prompt"),
    (["-p", "x", "--temperature", "nan"], 2, "temperature"),
    (["-p", "x", "--temperature", "2.1"], 2, "temperature"),
    (["-p", "x", "--temperature", "-inf"], 2, "temperature"),
    (["-p", "x", "--top-p", "nan"], 2, "top-p"),
    (["-p", "x", "--top-p", "1.1"], 2, "top-p"),
    (["-p", "x", "--min-p", "nan"], 2, "min-p"),
    (["-p", "x", "--top-k", "-1"], 2, "top-k"),
    (["-p", "x", "--repeat-penalty", "0"], 2, "repeat-penalty"),
    (["-p", "x", "--limit", "0"], 2, "limit"),
    (["-p", "x", "--limit", "32769"], 2, "limit"),
    (["-p", "x", "--batch-size", "0"], 2, "batch-size"),
    (["-p", "x", "--max-queue-size", "0"], 2, "max-queue-size"),
    (["-p", "x", "--request-timeout", "0"], 2, "request-timeout"),
    (["-p", "x", "--worker-threads", "0"], 2, "worker-threads"),
    (["-p", "x", "--worker-threads", "17"], 2, "worker-threads"),
    (["-p", "x", "--max-sessions", "0"], 2, "max-sessions"),
    (["-p", "x", "--session-timeout", "0"], 2, "session-timeout"),
    (["-p", "x", "--context", "10"], 2, "context"),
    (["-p", "x", "--stop", ""], 2, "stop"),
    (["-p", "x", "--stop", "y" * 101], 2, "stop"),
    (["-p", "x", *(["--stop", "y"] * 21)], 2, "stop"),
    (["-p", "x", "--logprobs", "3"], 2, "json"),
    (["-p", "x", "--json", "--logprobs", "21"], 2, "logprobs"),
    (["-p", "x", "--prompt-file", "/dev/null"], 2, "prompt"),
    (["--prompt-file", "/no/such/file"], 3, "/no/such/file"),
    (["--prompt-file", "/dev/null"], 3, "empty"),
    (["-p", "x", "--grammar", "/no/such/file"], 3, "/no/such/file"),
    (["-p", "x" * 100_001], 2, "longer than 100000"),
    (["--chat", "-p", "-"], 2, "--chat"),
])
def test_wrong_flags(flags, status, message):
    run = generate(*flags)
    assert run.returncode == status, run.stderr
    assert message in run.stderr.decode() and run.stdout == b"" and len(run.stderr.splitlines()) == 1


THOUGHT = """{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
<think>
{% endif %}"""


def test_thinking_is_no_answer(smol, tmp_path):
    template = tmp_path / "thinks.jinja"
    template.write_text(THOUGHT)
    flags = ["-p", "What is the capital of Japan?", "--chat-template", template, "--temperature", 0, "--limit", 30,
             "--quiet"]
    run = generate(*flags, model=smol)
    assert run.returncode == 0 and run.stdout == b"" and b"did not answer" in run.stderr
    shown = generate(*flags, "--show-thinking", model=smol)
    as_json = [json.loads(line) for line in generate(*flags, "--json", model=smol).stdout.splitlines()]
    thought = "".join(line.get("thinking", "") for line in as_json)
    # Whatever it thinks: there is no greedy answer far from all others here.
    assert shown.stdout == b"" and len(thought.split()) > 3 and thought.strip() in shown.stderr.decode()
    budget = generate(*flags, "--thinking-budget", 2, "--json", model=smol)
    lines = [json.loads(line) for line in budget.stdout.splitlines()]
    thought = "".join(line.get("thinking", "") for line in lines)
    assert 1 <= len(thought.split()) <= 3 and "".join(line.get("text", "") for line in lines).strip() != ""


def test_numbers_are_as_they_were_given():
    done = json.loads(generate("-p", "x", "--json", "--limit", 1, "--min-p", "0.07").stdout.splitlines()[-1])
    assert done["sampling"]["temperature"] == 0.7 and done["sampling"]["top_p"] == 0.9
    assert done["sampling"]["min_p"] == 0.07


def test_a_chat_that_was_not_used_begins_anew(smol):
    chat = subprocess.Popen([CLI, "generate", "-m", str(smol), "--chat", "--quiet", "--session-timeout", "1",
                             "--limit", "5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    chat.stdin.write(b"Hello\n")
    chat.stdin.flush()
    chat.stdout.readline()
    time.sleep(2.5)
    out, err = chat.communicate(b"And now?\n/history\n", timeout=60)
    assert chat.returncode == 0 and b"a new conversation begins" in err
    assert b"[user] And now?" in out and b"[user] Hello" not in out


def test_a_pipe_whose_turn_fails_tells_by_its_status(smol):
    run = generate("--chat", "--quiet", "--context", 256, "--limit", 5, model=smol,
                   text=b"Hello\n" + b"word " * 1000 + b"\nStill there?\n")
    assert run.returncode == 3 and b"more than fit" in run.stderr and len(run.stdout.splitlines()) >= 2


@pytest.mark.parametrize("flag, text, message", [
    ("--json-schema", "{", "no JSON"),
    ("--json-schema", '{"type":"strange"}', "strange"),
    ("--json-schema", '{"pattern":"^(?!a)b"}', "look-ahead"),
    ("--json-schema", '{"pattern":"(a)\\\\1"}', "back-reference"),
    ("--json-schema", '{"$defs":{"a":{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"}',
     "itself"),
    ("--grammar", "root ::= (", "row 1"),
    ("--grammar", 'root ::= "a" b', "no rule 'b'"),
    ("--grammar", "root ::= " + "(" * 200_000, "deep"),
    ("--grammar", "root ::= expr\nexpr ::= ws expr \"+\" num | num\nws ::= [ ]*\nnum ::= [0-9]+",
     "'expr' begins with itself"),
    ("--grammar", "root ::= \"" + "x" * 1_000_000 + "\"{1999}", "elements"),
    ("--grammar", "root ::= r0\n" + "".join(f"r{i} ::= r{i + 1} | r{i + 1}\n" for i in range(40)) + 'r40 ::= "a"',
     "ways"),
    ("--grammar", " ", "empty"),
    ("--chat-template", "{{ x", "template"),
    ("--chat-template", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "macros"),
    ("--chat-template", "{% for i in range(999999) %}{% endfor %}", "range of more than 500000"),
    ("--chat-template", "{% for i in range(999) %}{% for j in range(999) %}{% endfor %}{% endfor %}", "steps"),
], ids=lambda value: value[:40])
def test_wrong_files(flag, text, message, tmp_path):
    file = tmp_path / "file"
    file.write_text(text)
    run = generate("-p", "x", flag, file)
    assert run.returncode == 3, run.stderr
    errors = [line for line in run.stderr.decode().splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1 and message in errors[0] and run.stdout == b""
    lines_of_the_model = 2 if flag == "--grammar" and text.strip() else 0
    assert run.stderr.decode().count("\n") == lines_of_the_model + 1


def test_a_grammar_that_is_not_utf8(tmp_path):
    file = tmp_path / "grammar"
    file.write_bytes(b'root ::= "\xe2" | "\xff"')
    run = generate("-p", "x", "--grammar", file)
    assert run.returncode == 3 and b"UTF-8" in run.stderr and run.stdout == b"", run.stderr


def test_models_that_cannot_generate():
    run = generate("-p", "x", model=MODELS / "bert.gguf")
    assert run.returncode == 4 and b"embed" in run.stderr


def test_a_prompt_that_does_not_fit():
    run = generate("-p", "word " * 3000, "--context", 256)
    assert run.returncode == 3, run.stderr
    assert re.search(rb"has [\d,]+ tokens, [\d,]+ more than fit a context of 256", run.stderr), run.stderr


def test_a_context_that_no_memory_holds(smol):
    available = int(re.search(r"MemAvailable:\s+(\d+)", open("/proc/meminfo").read())[1]) * 1024
    if available > 20e9:  # 1,048,576 tokens take 24 GB
        pytest.skip(f"{available / 1e9:.0f} GB are free")
    run = generate("-p", "x", "--context", 1 << 20, model=smol)
    assert run.returncode == 1 and b"a context of 1048576 tokens takes 24.2 GB" in run.stderr


def test_a_context_beyond_what_was_trained_is_warned_of(smol):
    run = generate("-p", "x", "--context", 8448, "--limit", 1, "--quiet", model=smol)
    assert run.returncode == 0 and b"was trained for 8192 tokens" in run.stderr


def test_invalid_utf8():
    run = generate("-p", "-", text=b"ab\xff")
    assert run.returncode == 3 and b"UTF-8" in run.stderr


def test_an_answer_that_takes_too_long():
    run = generate("-p", "x", "--request-timeout", 1, "--limit", 32768, "--context", 40000)
    assert run.returncode in (0, 1)
    if run.returncode == 1:
        assert b"--request-timeout" in run.stderr
