"""How many times as fast each row of a table is as those that it is compared with."""


def add_ratios(workload, rows):
    """Puts process_ratio and engine_ratio into the rows. Nothing is compared with peers that were all left out."""
    by_name = {row["name"]: row for row in rows}
    best = max((by_name[name]["engine_tokens_per_second"] for name in workload.engine_peers if name in by_name),
               default=None)
    for row in rows:
        peer = by_name.get(workload.process_peer(row["name"]))
        if peer and row["process_seconds"]:
            row["process_ratio"] = round(peer["process_seconds"] / row["process_seconds"], 2)
        row["engine_ratio"] = round(row["engine_tokens_per_second"] / best, 2) if best else None
