"""Vectors in f32 that all others are compared with: transformers, one text at a time, nothing padded; kept in the
cache.

For the 0.6B's shape with the GGUF's own Q8_0-rounded weights, for MiniLM with the published f32 weights.
"""
import hashlib

import numpy

import places
from contenders import Worker


def vectors(family, path, texts):
    key = hashlib.sha256("\n".join([places.PEERS.name, *texts]).encode()).hexdigest()[:16]
    kept = places.KEPT / f"reference-{family}-{key}.npy"
    if not kept.exists():
        with Worker("torch f32", "torch_worker.py", family, "f32") as worker:
            partial = kept.with_name(f".{kept.name}")
            worker.ask(path, 1, count=len(texts), vectors=str(partial))
            partial.rename(kept)
    return numpy.load(kept)


def cosines(some, reference):
    """Of the texts that both have: llama-embedding loses its last one now and then."""
    count = min(len(some), len(reference))
    a, b = some[:count].astype(numpy.float64), reference[:count].astype(numpy.float64)
    return (a * b).sum(axis=1) / numpy.linalg.norm(a, axis=1) / numpy.linalg.norm(b, axis=1)
