"""What llama-cli embed and llama.cpp's llama-embedding do with the same awkward input.

    script/enter python3 bench/compare_tools.py        (after script/demo: the program is built, the model is there)
"""
import os
import pathlib
import signal
import subprocess
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent
CLI = PROJECT / "build/release/llama-cli/llama-cli"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "llama-cli/models-1"
MODEL = CACHE / "minilm/all-MiniLM-L6-v2-F16.gguf"
GENERATOR = next((CACHE / "smollm2").glob("*.gguf"), None)
WORK = pathlib.Path(tempfile.mkdtemp())


def ours(content, model=MODEL):
    (WORK / "in.txt").write_bytes(content)
    out = WORK / "out.parquet"
    return subprocess.run([CLI, "embed", "-m", model, "-i", WORK / "in.txt", "-o", out, "--force"], capture_output=True,
                          text=True), out


def theirs(content, model=MODEL):
    (WORK / "in.txt").write_bytes(content)
    command = ["llama-embedding", "-m", model, "-f", WORK / "in.txt", "--embd-output-format", "json"]
    with open(WORK / "out.json", "w+") as out:  # a file, as a user would
        run = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, errors="replace")
        out.seek(0)
        run.stdout = out.read()
    return run


def show(what, a, b):
    print(f"{what}\n    llama-cli embed:  {a}\n    llama-embedding:  {b}", flush=True)


def verdict(run):
    if run.returncode == 0:
        return "status 0"
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    telling = next((line for line in lines if "ASSERT" in line or "Error" in line or "exceeds" in line), lines[-1])
    return f"status {run.returncode}: {telling[-150:]}"


def texts_in(run):
    return run.stdout.count('"object": "embedding"')  # not parsed: now and then the end is missing


def main():
    long = b"hello\n" + b"a long text " * 400 + b"\nworld\n"
    a, _ = ours(long)
    show("a text of 1,200 tokens among others", next(line for line in a.stdout.splitlines() if "Truncated" in line),
         verdict(theirs(long)))

    bad = b"hello\nbad \xff\xfe line\nworld\n"
    a, _ = ours(bad)
    show("a line that is not UTF-8", a.stderr.splitlines()[0],
         f"{verdict(theirs(bad))}, {texts_in(theirs(bad))} vectors")

    if GENERATOR:
        a, _ = ours(b"hello\n", GENERATOR)
        show("a generation model", verdict(a), verdict(theirs(b"hello\n", GENERATOR)))

    many = b"the number of the long text is 42\n" * 20000
    (WORK / "in.txt").write_bytes(many)
    out = WORK / "killed.parquet"
    process = subprocess.Popen([CLI, "embed", "-m", MODEL, "-i", WORK / "in.txt", "-o", out, "--quiet"],
                               stderr=subprocess.DEVNULL)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    process.wait()
    show("Ctrl-C after three seconds", f"status {process.returncode}, output there: {out.exists()}",
         "writes to stdout; the shell's file stays")


if __name__ == "__main__":
    main()
