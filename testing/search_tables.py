"""Tables of real texts and their vectors, for search_examples.py: made by llama-cli embed, read by pyarrow alone."""

import datetime
import decimal
import json
import os
import pathlib
import subprocess

import numpy
import pyarrow
import pyarrow.parquet

MODELS = pathlib.Path(os.environ["TEST_MODELS"])
MODEL = pathlib.Path(os.environ["CORPUS"]).parent / "models-1" / "minilm"
LANGUAGES = ("en", "de", "fr", "es")
ODD = ["quotes ' \" \\ and {braces}", "two\r\nlines\tand a tab", "Größe 短い 👍", "a NUL \0 in the middle"]


def lines(language):
    """Messages of MediaWiki in a language: different ones, neither short nor long."""
    text = (pathlib.Path(os.environ["CORPUS"]) / f"messages-{language}.txt").read_text(encoding="utf-8")
    return [line for line in dict.fromkeys(text.split("\n")) if 30 <= len(line) <= 300]


def source(count):
    """So many texts with columns of every common type, and 100 other texts to ask with."""
    texts, questions = [], []
    for language in LANGUAGES:
        some = lines(language)
        texts += [(language, line) for line in some[: count // len(LANGUAGES)]]
        questions += some[count // len(LANGUAGES) :][:25]
    texts[-len(ODD) :] = [("xx", text) for text in ODD]
    numbers = range(len(texts))
    noon = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc)
    table = pyarrow.table(
        {
            "id": pyarrow.array([7 * n for n in numbers], pyarrow.int64()),
            "lang": pyarrow.array([language for language, _ in texts]).dictionary_encode(),
            "body": [text for _, text in texts],
            "note": [None if n % 3 == 0 else f"note {n}" for n in numbers],
            "ratio": [n / 7 for n in numbers],
            "good": [n % 2 == 0 for n in numbers],
            "day": [datetime.date(2024, 1, 1) + datetime.timedelta(n) for n in numbers],
            "at": [noon + datetime.timedelta(seconds=n, microseconds=n) for n in numbers],
            "price": pyarrow.array([decimal.Decimal(n) / 4 for n in numbers], pyarrow.decimal128(12, 2)),
            "tags": [[] if n % 5 == 0 else [f"tag {n % 9}", "ü"] for n in numbers],
            "large": pyarrow.array([2**63 + n for n in numbers], pyarrow.uint64()),
        }
    )
    return table, questions


def embed(table, output, *flags, model=MODEL):
    """A table's texts (`body`) with their vectors; the texts of several calls are computed once."""
    written = output.parent / f"input-of-{output.name}.parquet"
    pyarrow.parquet.write_table(table, written)
    command = [
        os.environ["LLAMA_CLI"],
        "embed",
        "--quiet",
        "-m",
        model,
        "-i",
        written,
        "--column",
        "body",
        "-o",
        output,
    ]
    subprocess.run([*command, "--vector-store", output.parent / "store.sqlite", *flags], check=True)
    return sorted(output.glob("*.parquet")) if output.is_dir() else [output]


def vectors(files):
    """The rows without their vectors, and those as float64: the whole table in memory, by no code of the examples."""
    table = pyarrow.concat_tables([pyarrow.parquet.read_table(path) for path in files]).combine_chunks()
    numbers = numpy.stack(table["embedding"].to_numpy(zero_copy_only=False)).astype(numpy.float64)
    scales = json.loads(table.schema.metadata.get(b"llama.int8_scales", b"{}"))
    if scales:
        numbers = (numbers + 128.5) * numpy.array(scales["step"]) + numpy.array(scales["start"])
    if (
        table.schema.metadata[b"llama.dtype"] == b"binary"
    ):  # 1 and -1: the cosine is 1 less twice the share that differs
        numbers = 2.0 * numpy.unpackbits(numbers.astype(numpy.uint8), axis=1) - 1
    return table.drop_columns(["embedding"]).to_pylist(), numbers / numpy.linalg.norm(numbers, axis=1, keepdims=True)


def similarities(numbers, question, dtype):
    """The question's similarity to each row, as the engines count it."""
    question = numpy.where(question > 0, 1.0, -1.0) if dtype == "binary" else question.astype(numpy.float64)
    cosine = numbers @ (question / numpy.linalg.norm(question))
    return (1 + cosine) / 2 if dtype == "binary" else cosine
