"""Measure ours and the peers side by side: script/bench runs this.

    script/bench [--quick] [--rounds N] [--busy] [--output FOLDER] [SELECTION…]
    script/bench --publish [--output FOLDER]       put the last results into doc/performance.md

SELECTION: names or beginnings of them, of 0.6b-short 0.6b-mixed 0.6b-512 0.6b-long minilm-short minilm-mixed thousand
scaling batch generate micro rows duplicates journal cost; default: all. --busy: other work runs on this machine;
OpenMP's threads then wait passively, ours and the peers'.
Results: bench.json and bench.md in FOLDER, default build/bench (build/bench-avx2 behind script/bench --held-to-avx2). A
selection
replaces its own entry and leaves the others.
"""
import argparse
import json
import math
import os
import pathlib
import signal
import sys
import time

import bars
import places
import turns


def load(folder):
    path = folder / "bench.json"
    return json.loads(path.read_text()) if path.exists() else {"entries": []}


def save(folder, result):
    import table
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".bench.json"
    partial.write_text(json.dumps(result, indent=1) + "\n")
    partial.rename(folder / "bench.json")
    (folder / "bench.md").write_text(table.document(result))


def measures(folder):
    """name -> what measures it, in the order of the tables. folder: for what a measurement leaves beside its entry."""
    import alternate
    import generation
    import micro
    import rows
    import scaling
    import workloads
    found = {w.name: lambda *rest, w=w: alternate.measure(w, *rest) for w in workloads.WORKLOADS}
    found |= {"thousand": scaling.thousand, "scaling": scaling.scaling, "batch": scaling.batch,
              "generate": generation.generation,
              "rows": rows.rows, "duplicates": rows.duplicates, "journal": rows.journal, "cost": rows.cost,
              "micro": lambda _machine_class, *rest: micro.micro(folder, *rest)}
    return {name: found[name] for name in bars.TABLES}


def main():
    parser = argparse.ArgumentParser(prog="script/bench", usage=__doc__.split("\n\n", 1)[1])
    parser.add_argument("selection", nargs="*")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--output", type=pathlib.Path,
                        default=places.PROJECT / (f"build/bench-{places.HELD_TO}" if places.HELD_TO else "build/bench"))
    arguments = parser.parse_args()
    if arguments.publish:
        import publish
        return publish.publish(load(arguments.output))
    if arguments.busy:
        os.environ["OMP_WAIT_POLICY"] = "passive"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # llama-server and the workers end with us
    known = measures(arguments.output)
    chosen = [name for name in known if not arguments.selection or any(name.startswith(s) for s in arguments.selection)]
    unknown = [s for s in arguments.selection if not any(name.startswith(s) for name in known)]
    if unknown:
        sys.exit(f"script/bench: no selection {unknown[0]}; there are {', '.join(known)}")
    import machine
    result = load(arguments.output)
    about = machine.describe()
    if result["entries"] and result["machine"]["class"] != about["class"]:
        print(f"bench: the results in {arguments.output} are of another class of machine; beginning anew",
              file=sys.stderr)
        result["entries"] = []
    result |= {"machine": about, "versions": machine.versions()}
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    if arguments.rounds:
        turns.patience = math.inf
    for name in chosen:
        began = time.monotonic()
        entry = known[name](about["class"], arguments.quick, rounds)
        entry |= {"busy": arguments.busy, "commit": result["versions"]["commit"],
                  "took_seconds": round(time.monotonic() - began)}
        print(f"bench: {name}: took {entry['took_seconds']} s", file=sys.stderr, flush=True)
        kept = {e["name"]: e for e in result["entries"]} | {name: entry}
        result["entries"] = [kept[n] for n in known if n in kept]
        save(arguments.output, result)
    print(arguments.output / "bench.md")


if __name__ == "__main__":
    sys.exit(main())
