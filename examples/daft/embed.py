"""Embed Parquet files with Daft: a class UDF, each of its processes with a program that has the model loaded.

    python embed.py MODEL INPUT COLUMN OUTPUT [--workers 2] [--cpus 4]

OUTPUT is a folder of Parquet files, replaced if it is there.
"""

import argparse

import daft
import pyarrow as pa
from daft import DataType

from llama_cli import Embedder, StoppedError


def embed_with(model, dimension, workers, cpus):
    @daft.cls(max_concurrency=workers, use_process=True, cpus=cpus)
    class Embed:
        def __init__(self):
            # The model is on every machine (or in a folder that all see) before: nothing is fetched here.
            self.embedder = Embedder(model, threads=cpus, local_files_only=True)

        @daft.method.batch(return_dtype=DataType.embedding(DataType.float32(), dimension), batch_size=1024)
        def vectors(self, texts):
            # Where the program was killed (out of memory), the next call starts another.
            table = pa.table({"text": texts.to_arrow()})
            for tries_left in range(4, -1, -1):
                try:
                    # An empty text has a null for a vector.
                    return self.embedder.embed_table(table, on_error="null")["embedding"].combine_chunks()
                except StoppedError:
                    if not tries_left:
                        raise

    return Embed()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "input", "column", "output"):
        parser.add_argument(name)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=4, help="of each worker")
    arguments = parser.parse_args()

    with Embedder(arguments.model, local_files_only=True, threads=1) as model:
        dimension = model.get_embedding_dimension()
    embed = embed_with(arguments.model, dimension, arguments.workers, arguments.cpus)
    table = daft.read_parquet(arguments.input)
    table = table.with_column("embedding", embed.vectors(table[arguments.column]))
    table.write_parquet(arguments.output, write_mode="overwrite")


if __name__ == "__main__":
    main()
