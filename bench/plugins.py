"""One build of the plug-in beside another: what a change to the kernels is worth.

    bench/plugins.py [--threads N] [--kernels LEVEL,…] [--rounds N] BEFORE.so AFTER.so MODEL TEXTS […]

Runs `llama-cli embed` with either in turn, and prints the medians of whole commands. The vectors of both are compared.
"""
import argparse
import os
import pathlib
import statistics

from lanes import run


def compare(plugins, model, texts, threads, kernels, rounds):
    runs = {plugin: [] for plugin in plugins}
    for _ in range(rounds):
        for plugin in plugins:
            environment = dict(os.environ, GGML_PACKED_PATH=str(pathlib.Path(plugin).resolve()))
            runs[plugin].append(run(model, texts, threads, kernels, [], environment))
    before, after = (runs[plugin] for plugin in plugins)
    tokens = before[0][1]
    slow, fast = (statistics.median(seconds for seconds, *_ in some) for some in (before, after))
    same = "yes" if before[0][2].equals(after[0][2]) else "no"
    print(f"| {pathlib.Path(model).stem}, {pathlib.Path(texts).stem}, `{kernels}` "
          f"| {tokens / slow:,.0f} | {tokens / fast:,.0f} | {slow / fast:.2f} | {same} |", flush=True)


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
            compare(arguments.plugins, model, texts, arguments.threads, kernels, arguments.rounds)


if __name__ == "__main__":
    main()
