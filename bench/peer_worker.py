"""The loop of a Python peer's process: a request for each line of standard input, an answer for each on standard
output.

Request   {"texts": FILE, "count": N or null, "batch": N, "vectors": FILE.npy or null}
Answer    {"tokens", "padded_tokens", "tokenize_seconds", "compute_seconds", "peak_bytes"}

As a user who wants speed would: texts sorted by length, so that those of a batch are about as long and little is
padded.
"""
import json
import os
import sys
import time

import numpy


def peak_bytes():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def padded(rows, pad):
    """Token numbers of a batch, padded on the right, and their mask."""
    width = max(len(row) for row in rows)
    ids = numpy.full((len(rows), width), pad, dtype=numpy.int64)
    mask = numpy.zeros((len(rows), width), dtype=numpy.int64)
    for i, row in enumerate(rows):
        ids[i, :len(row)] = row
        mask[i, :len(row)] = 1
    return ids, mask


def answer(request, tokenizer, pad, compute):
    with open(request["texts"], encoding="utf-8", newline="\n") as file:
        texts = file.read().split("\n")[:request["count"]]
    began = time.perf_counter()
    rows = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    tokenized = time.perf_counter()
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    vectors, size = None, 0
    for at in range(0, len(order), request["batch"]):
        chosen = order[at:at + request["batch"]]
        ids, mask = padded([rows[i] for i in chosen], pad)
        made = compute(ids, mask)
        if vectors is None:
            vectors = numpy.empty((len(rows), made.shape[1]), dtype=numpy.float32)
        vectors[chosen] = made
        size += ids.size
    ended = time.perf_counter()
    if request["vectors"]:
        numpy.save(request["vectors"], vectors)
    return {"tokens": sum(map(len, rows)), "padded_tokens": size, "tokenize_seconds": tokenized - began,
            "compute_seconds": ended - tokenized, "peak_bytes": peak_bytes()}


def serve(tokenizer, pad, compute):
    """compute(ids, mask) -> one float32 vector for each row."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    print("{}", file=out, flush=True)  # loaded
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), tokenizer, pad, compute)), file=out, flush=True)
