"""How well a map keeps neighbours, beside umap-learn and scikit-learn's t-SNE on the same vectors.

    map_quality.py VECTORS.parquet ROWS LLAMA_CLI

Trustworthiness (J. Venna, S. Kaski, 2001; scikit-learn's function, cosine, 15 neighbours): 1 where no point on the
plane is beside one that is far away in truth. Overlap: how many of the 15 nearest by cosine are among the 15 nearest
on the plane.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

import map_page
import numpy
import pyarrow.parquet
import sklearn.manifold
import sklearn.neighbors
import umap

NEIGHBORS = 15


def overlap(vectors, places):
    def near(points, metric):
        finder = sklearn.neighbors.NearestNeighbors(n_neighbors=NEIGHBORS + 1, metric=metric).fit(points)
        return finder.kneighbors(points, return_distance=False)[:, 1:]

    pairs = zip(near(vectors, "cosine"), near(places, "euclidean"))
    return numpy.mean([len(set(a) & set(b)) / NEIGHBORS for a, b in pairs])


def ours(table, program, seed):
    with tempfile.TemporaryDirectory() as folder:
        source, page = pathlib.Path(folder, "rows.parquet"), pathlib.Path(folder, "map.html")
        pyarrow.parquet.write_table(table, source)
        subprocess.run([program, "map", source, "-o", page, "--quiet", "--seed", str(seed)], check=True)
        return map_page.Page(page).places


def main(path, rows, program):
    table = pyarrow.parquet.read_table(path).slice(0, int(rows))
    vectors = numpy.stack(table["embedding"].to_numpy())
    methods = {
        "llama-cli map": lambda seed: ours(table, program, seed),
        "umap-learn": lambda seed: umap.UMAP(
            n_neighbors=NEIGHBORS, min_dist=0.1, metric="cosine", random_state=seed, n_jobs=1
        ).fit_transform(vectors),
        "scikit-learn t-SNE": lambda seed: sklearn.manifold.TSNE(metric="cosine", random_state=seed).fit_transform(
            vectors
        ),
    }
    print(f"{len(vectors)} rows, {vectors.shape[1]} dimensions")
    for name, run in methods.items():
        for seed in (1, 2):
            start = time.monotonic()
            places = run(seed)
            took = time.monotonic() - start
            trust = sklearn.manifold.trustworthiness(vectors, places, n_neighbors=NEIGHBORS, metric="cosine")
            shared = overlap(vectors, places)
            print(f"{name}, seed {seed}: trustworthiness {trust:.4f}, overlap {shared:.3f}, {took:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
