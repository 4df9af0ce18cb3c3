"""llama.cpp's own vectors, from its tool llama-embedding.

When the tool ends, what its log's thread has not printed yet is lost, with status 0: seen are up to 600 numbers, in 52
of 80 runs on a busy machine (llama.cpp 0.7.0, build 11669).
"""
import subprocess

import numpy

AFTER_THE_LAST = 64  # texts that nobody asks for, so that what is lost is theirs


def whole_lines(printed):
    """The vectors of what `--embd-output-format raw` printed, without a last line that broke off."""
    lines = printed.split("\n")[:-1]
    return numpy.array([line.split() for line in lines if line], dtype=numpy.float32)


def llama_embedding(model, prompts, *flags):
    """The vectors of a file's lines, one row each, not normalized."""
    texts = prompts.read_text(encoding="utf-8").split("\n")
    longer = prompts.with_suffix(".longer")
    longer.write_text("\n".join(texts + ["hello"] * AFTER_THE_LAST), encoding="utf-8", newline="\n")
    command = ["llama-embedding", "-m", str(model), "-f", str(longer), "--embd-normalize", "-1", "-c", "4096",
               "-b", "4096", "-ub", "4096", "--embd-output-format", "raw", *flags]
    tool = subprocess.run(command, capture_output=True, text=True, errors="replace")
    assert tool.returncode == 0, tool.stderr[-2000:]
    vectors = whole_lines(tool.stdout)
    assert len(texts) <= len(vectors) <= len(texts) + AFTER_THE_LAST, (len(vectors), len(texts), tool.stdout[-200:])
    return vectors[:len(texts)]
