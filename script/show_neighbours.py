"""Show a Parquet file of vectors: its schema, its rows, and the nearest neighbours of a few lines.

    script/enter python3 script/show_neighbours.py FILE.parquet [TEXT…]

TEXT is the beginning of a line in the file; by default a few of the sample's.
"""
import sys
import textwrap

import numpy
import pyarrow.parquet

DEFAULT = ["How do I reset", "The train to the coast", "The volcano", "The doctor", "for (int i"]


def shorten(text):
    return textwrap.shorten(text.replace("\t", " "), 90, placeholder="…") or repr(text)


def main(path, wanted):
    table = pyarrow.parquet.read_table(path)
    print(f"{path}: {table.num_rows:,} rows")
    for field in table.schema:
        print(f"  {field.name:<20} {field.type}")
    texts = table["text"].to_pylist()
    vectors = numpy.stack(table["embedding"].to_numpy(zero_copy_only=False)).astype(numpy.float64)
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    for beginning in wanted:
        at = next((i for i, text in enumerate(texts) if text.startswith(beginning)), None)
        if at is None:
            continue
        similarity = vectors @ vectors[at]
        similarity[at] = -1
        print(f"\nNearest to: {shorten(texts[at])}")
        for i in numpy.argsort(-similarity)[:3]:
            print(f"  {similarity[i]:.2f}  {shorten(texts[i])}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:] or DEFAULT)
