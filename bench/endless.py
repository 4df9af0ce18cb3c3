"""Texts without an end, of which none comes twice: `embed` computes a text once, however often it stands in a file."""
import itertools


def endless(some):
    """All of them, and then again with a number behind."""
    yield from some
    for again in itertools.count(2):
        yield from (f"{text} {again}" for text in some)
