"""How fast a search streams: bench/vector_search.py FOLDER [ROWS [ROUNDS]]

Writes FOLDER/zstd-ROWS.parquet once: ROWS (default 5 million) random unit vectors of 384 floats, as `embed` writes
them (Parquet, zstd, row groups of 10,000 rows), and FOLDER/none-ROWS.parquet without compression. Then, interleaved,
medians:
- the disk: the file read by dd with the cache of files emptied (needs root), and `llama-cli search` on it likewise;
- the memory: the file's bytes, which are in memory, read by dd, and the search beside it. numpy's product of a block
  that is in memory as floats (no file, no Parquet) is the ceiling of what two cores read.
The bar is half of the speed of the disk or of the memory.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(sys.argv[1])
ROWS = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000_000
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
DIMENSION, GROUP = 384, 10_000
PROGRAM = os.environ.get("LLAMA_CLI", "script/llama-cli")


def write(path, compression):
    random = np.random.default_rng(1)
    vectors = pa.field("embedding", pa.list_(pa.float32(), DIMENSION), nullable=False)
    schema = pa.schema([vectors])
    part = path.with_suffix(".part")
    with pq.ParquetWriter(part, schema, compression=compression, use_dictionary=False) as writer:
        for start in range(0, ROWS, GROUP):
            values = random.standard_normal((min(GROUP, ROWS - start), DIMENSION), dtype=np.float32)
            values /= np.linalg.norm(values, axis=1, keepdims=True)
            column = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), DIMENSION)
            writer.write_table(pa.table([column], schema=schema), row_group_size=GROUP)
    part.rename(path)


def seconds(command):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def empty_cache():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


def product_rate():
    block = np.random.default_rng(2).standard_normal((1_000_000, DIMENSION), dtype=np.float32)
    query = block[0].copy()
    block @ query
    begin = time.perf_counter()
    for _ in range(5):
        block @ query
    return 5 * block.nbytes / (time.perf_counter() - begin)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    product = product_rate()
    print(f"numpy's product of floats in memory: {product / 1e9:.2f} GB/s")
    for compression in ("none", "zstd"):
        path = FOLDER / f"{compression}-{ROWS}.parquet"
        if not path.exists():
            write(path, compression)
        size, floats = path.stat().st_size, ROWS * DIMENSION * 4
        search = [PROGRAM, "search", str(path), "--like", "17", "-k", "10", "--quiet", "--json"]
        times = {"dd, cold": [], "search, cold": [], "dd, warm": [], "search, warm": []}
        for _ in range(ROUNDS):
            empty_cache()
            times["dd, cold"].append(seconds(["dd", f"if={path}", "of=/dev/null", "bs=8M"]))
            empty_cache()
            times["search, cold"].append(seconds(search))
            seconds(["cat", str(path)])  # what is read again stays
            times["dd, warm"].append(seconds(["dd", f"if={path}", "of=/dev/null", "bs=1M"]))
            times["search, warm"].append(seconds(search))
        print(f"{path.name}: {ROWS:,} x {DIMENSION}, {size / 1e9:.2f} GB, {floats / 1e9:.2f} GB of floats")
        for what, measured in times.items():
            middle = statistics.median(measured)
            print(f"  {what:13} {middle:7.2f} s  {size / middle / 1e9:6.2f} GB/s of file")
        ratio = statistics.median(times["dd, cold"]) / statistics.median(times["search, cold"])
        warm = floats / statistics.median(times["search, warm"]) / product
        print(f"  the search, cold, reaches {ratio:.0%} of the disk; warm {warm:.0%} of numpy's rate of memory")


if __name__ == "__main__":
    main()
