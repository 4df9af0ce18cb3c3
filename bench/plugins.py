"""One build of the plug-in beside another: what a change to the kernels is worth.

    bench/plugins.py [--threads N] [--kernels LEVEL,…] [--rounds N] BEFORE.so AFTER.so MODEL TEXTS […]

Runs `llama-cli embed` with either in turn, and prints the medians of whole commands. The vectors of both are compared.
"""
import argparse
import functools
import os
import pathlib

from lanes import compare, names, run


def with_plugin(path):
    return dict(os.environ, GGML_PACKED_PATH=str(pathlib.Path(path).resolve()))


def main():
    parser = argparse.ArgumentParser(prog="bench/plugins.py", description=__doc__.splitlines()[0])
    parser.add_argument("--threads", default="2")
    parser.add_argument("--kernels", default="auto")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("plugins", nargs=2, metavar="PLUGIN.so")
    parser.add_argument("runs", nargs="+", metavar="MODEL TEXTS")
    arguments = parser.parse_args()
    if len(arguments.runs) % 2:
        parser.error("a model without its texts")
    if arguments.plugins[0] == arguments.plugins[1]:
        parser.error("the same plug-in twice")
    print("| whole commands, tokens/s | before | after | ratio | same vectors |\n|---|---|---|---|---|")
    for model, texts in zip(arguments.runs[::2], arguments.runs[1::2]):
        for kernels in arguments.kernels.split(","):
            before, after = (functools.partial(run, model, texts, arguments.threads, kernels, [], with_plugin(path))
                             for path in arguments.plugins)
            compare(names(model, texts, kernels), before, after, arguments.rounds)


if __name__ == "__main__":
    main()
