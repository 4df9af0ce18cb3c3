"""Run the contenders of a workload in turn, A B C A B C, and put together medians, ratios, accuracy and memory."""
import contextlib
import datetime
import statistics
import sys

import machine
import places
import reference
import texts
import workloads
from contenders import Process
from ratios import add_ratios
from slow_contenders import left_out_of, note, probed, slower_precision, told, too_slow
from turns import turns


def say(line):
    print(line, file=sys.stderr, flush=True)


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def rounded(value, digits):
    return None if value is None else round(value, digits)


def warm_up(contenders, workload, count, few, few_path):
    """Files into the cache, libraries loaded, best batch sizes of the sorted peers. Returns who takes part, and who is
    left out since it would take hours: first by a few texts, then by its best batch size."""
    sample = max(min(count, 4), round(count / 4))
    some, some_path = texts.make(workload.family, workload.mix, sample)
    tuned = [contender for contender in contenders if hasattr(contender, "tune")]
    kinds = {contender.name: contender.kind for contender in tuned}
    left_out = left_out_of(workload.family)
    rates = probed(tuned, few_path, len(few))
    left_out |= too_slow(rates, kinds)
    if not workload.has_everybody:
        left_out |= slower_precision(rates, kinds)
    for contender in contenders:
        if contender not in tuned:
            contender.run(few_path, few)
        elif contender.name not in left_out:
            contender.tune(some_path, [b for b in workloads.BATCHES[workload.mix] if b == 1 or b <= sample], sample)
    best = {contender.name: max(contender.tried.values()) for contender in tuned if contender.name not in left_out}
    left_out |= too_slow(best, kinds)
    notes = [note(name, *why) for name, why in left_out.items()]
    for one in notes:
        say(f"bench: {workload.name}: left out: {told(one)}")
    return [contender for contender in contenders if contender.name not in left_out], notes


def measure(workload, machine_class, quick, rounds):
    count = workload.count(machine_class, quick)
    some, path = texts.make(workload.family, workload.mix, count)
    compared = workloads.COMPARED[workload.family][workload.mix] // (4 if quick else 1)
    say(f"bench: {workload.name}: {count} texts; f32 reference for {min(count, max(1, compared))}")
    expected = reference.vectors(workload.family, path, some[:max(1, compared)])
    with contextlib.ExitStack() as stack:
        contenders = [stack.enter_context(contender) for contender in workload.contenders()
                      if contender.name not in left_out_of(workload.family)]
        say(f"bench: {workload.name}: warming up")
        few, few_path = texts.make(workload.family, "short", 2)
        contenders, left_out = warm_up(contenders, workload, count, few, few_path)
        before = machine.peaks()
        runs = {contender.name: [] for contender in contenders}
        accuracy = {}
        for number in turns(rounds):
            for contender in contenders:
                if isinstance(contender, Process):  # minutes have passed: its files may have left memory again
                    contender.run(few_path, few)
                run = contender.run(path, some)
                accuracy[contender.name] = reference.cosines(run.vectors, expected)
                run.vectors = None
                runs[contender.name].append(run)
                whole = f"{run.seconds:.1f} s, " if run.seconds else ""
                say(f"bench: {workload.name}: round {number + 1}: {contender.name}: "
                    f"{whole}engine {run.engine_seconds:.2f} s")
        after = machine.peaks()
        rows = [summary(contender, runs[contender.name], accuracy[contender.name], runs) for contender in contenders]
    add_ratios(workload, rows)
    return {"name": workload.name, "title": workload.title, "date": datetime.date.today().isoformat(), "quick": quick,
            "rounds": len(next(iter(runs.values()))),
            "texts": count, "tokens": rows[0]["tokens"], "texts_sha256": texts.sha256(path), "threads": places.THREADS,
            "peaks_before": before, "peaks_after": after, "engine_peers": workload.engine_peers,
            "left_out": left_out, "rows": rows}


def summary(contender, runs, cosines, all_runs):
    ours = next(iter(all_runs.values()))[0]
    tokens = runs[0].tokens or ours.tokens
    engine = median(run.engine_seconds for run in runs)
    row = {"name": contender.name, "peer": contender.peer, "command": contender.command, "tokens": tokens,
           "process_seconds": rounded(median(run.seconds for run in runs), 3), "engine_seconds": round(engine, 3),
           "engine_tokens_per_second": round(tokens / max(engine, 1e-3), 1),
           "outside_engine": rounded(median(run.outside for run in runs), 4),
           "peak_bytes": max(run.peak_bytes for run in runs), "cosine_min": float(cosines.min()),
           "cosine_mean": float(cosines.mean()),
           "cosine_texts": len(cosines),
           "runs": [[rounded(run.seconds, 3), round(run.engine_seconds, 3)] for run in runs]}
    if getattr(contender, "tried", None):
        row["batches_tried"] = contender.tried
    return row
