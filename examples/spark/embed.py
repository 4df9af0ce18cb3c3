"""Embed Parquet files with Spark: mapInArrow, each task with a program that has the model loaded.

    spark-submit --conf spark.task.cpus=4 --conf spark.task.maxFailures=8 embed.py MODEL INPUT COLUMN OUTPUT

OUTPUT is a folder of Parquet files, which must not be there yet.
"""

import sys

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, FloatType, StringType, StructField, StructType

from llama_cli import Embedder


def embed_with(model, column, threads):
    def embed(batches):
        # The model is on every machine (or in a folder that all see) before: nothing is fetched here. Whatever is
        # killed, the program, Python or the executor, the task fails as a whole and Spark starts it again.
        with Embedder(model, threads=threads, local_files_only=True) as embedder:
            for batch in embedder.embed_batches(batches, column=column, on_error="null"):
                # Spark's arrays have no fixed length.
                vectors = batch["embedding"].cast(pa.list_(pa.float32()))
                yield batch.set_column(batch.schema.get_field_index("embedding"), "embedding", vectors)

    return embed


def main(model, source, column, output):
    spark = SparkSession.builder.appName("embed").getOrCreate()
    threads = int(spark.conf.get("spark.task.cpus", "1"))
    table = spark.read.parquet(source)
    embedding = StructField("embedding", ArrayType(FloatType()))
    schema = StructType([*table.schema.fields, embedding, StructField("error", StringType())])
    table.mapInArrow(embed_with(model, column, threads), schema).write.parquet(output)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
