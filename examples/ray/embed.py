"""Embed Parquet files with Ray Data: a pool of actors, each with a program that has the model loaded.

    python embed.py MODEL INPUT COLUMN OUTPUT [--workers 2] [--cpus 4] [--blocks 64]

Where the cluster is: RAY_ADDRESS. OUTPUT is a folder of Parquet files, replaced if it is there.
"""

import argparse

import ray
from ray.data import ActorPoolStrategy, DataContext, SaveMode

from llama_cli import Embedder, StoppedError


class Embed:
    def __init__(self, model, column, threads):
        self.model, self.column, self.threads = model, column, threads
        self.embedder = None

    def __call__(self, table):
        # Not in the constructor: a program that is killed there ends the whole run, here Ray tries again. The model is
        # on every machine (or in a folder that all see) before: nothing is fetched.
        if self.embedder is None:
            self.embedder = Embedder(self.model, threads=self.threads, local_files_only=True)
        return self.embedder.embed_table(table, column=self.column, on_error="null")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "input", "column", "output"):
        parser.add_argument(name)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=4, help="of each worker")
    parser.add_argument("--blocks", type=int, help="how many the input is read in (default: as Ray thinks)")
    arguments = parser.parse_args()

    # An actor that dies is started again and its batch comes again: max_restarts and max_task_retries. One that dies
    # while it starts is another matter to Ray, and ends the run unless so many in a row are allowed. Where only its
    # program was killed (out of memory), the actor lives and raises StoppedError: that is tried again as well. A wrong
    # column or a damaged model is not.
    context = DataContext.get_current()
    context.actor_task_retry_on_errors = [StoppedError]
    context.max_consecutive_actor_init_deaths = 5
    (
        ray.data.read_parquet(arguments.input, override_num_blocks=arguments.blocks)
        .map_batches(
            Embed,
            fn_constructor_args=(arguments.model, arguments.column, arguments.cpus),
            batch_format="pyarrow",
            batch_size=1024,
            compute=ActorPoolStrategy(size=arguments.workers),
            num_cpus=arguments.cpus,
            max_restarts=-1,
            max_task_retries=16,
        )
        .write_parquet(arguments.output, mode=SaveMode.OVERWRITE)
    )


if __name__ == "__main__":
    main()
