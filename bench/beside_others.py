"""What others on the machine get meanwhile: bench/beside_others.py PROGRAM MODEL TEXTS [ROUNDS] [FLAG…]

Beside `embed`, with and without --nice 19, runs one process that always computes, and one that wakes up every 5 ms, as
a desktop does: how much of its pace alone does the first one keep, and how late does the second one wake up? The runs
are in turn, medians. FLAGS go to embed.
"""
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAM, MODEL, TEXTS = sys.argv[1:4]
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 3
FLAGS = sys.argv[5:]
WAKE_UP = 0.005


def compute(stop, rounds):
    done = 0
    while not stop.is_set():
        sum(range(100_000))
        done += 1
    rounds.value = done


def wake_up(stop, late):
    delays = []
    while not stop.is_set():
        begun = time.perf_counter()
        time.sleep(WAKE_UP)
        delays.append(time.perf_counter() - begun - WAKE_UP)
    late[0], late[1] = statistics.median(delays), sorted(delays)[len(delays) * 99 // 100]


class Others:
    """The two processes, and what they got."""

    def __enter__(self):
        self._stop = multiprocessing.Event()
        self._rounds, self._late = multiprocessing.Value("q"), multiprocessing.Array("d", 2)
        self._processes = [multiprocessing.Process(target=compute, args=(self._stop, self._rounds)),
                           multiprocessing.Process(target=wake_up, args=(self._stop, self._late))]
        for process in self._processes:
            process.start()
        self._begun = time.perf_counter()
        return self

    def __exit__(self, *_):
        seconds = time.perf_counter() - self._begun
        self._stop.set()
        for process in self._processes:
            process.join()
        self.pace, self.late = self._rounds.value / seconds, list(self._late)


def embed(folder, *flags):
    begun = time.perf_counter()
    subprocess.run([PROGRAM, "embed", "-m", MODEL, "-i", TEXTS, "-o", f"{folder}/out.parquet", "--force", "--quiet",
                    *FLAGS, *flags], check=True)
    return time.perf_counter() - begun


def main():
    shown = {"nobody embeds": None, "embed": [], "embed --nice 19": ["--nice", "19"]}
    paces, late, seconds = ({name: [] for name in shown} for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        alone = [embed(folder) for _ in range(ROUNDS + 1)][1:]
        for _ in range(ROUNDS):
            for name, flags in shown.items():
                with Others() as others:
                    if flags is None:
                        time.sleep(statistics.median(alone))
                    else:
                        seconds[name].append(embed(folder, *flags))
                paces[name].append(others.pace)
                late[name].append(others.late)
    usual = statistics.median(paces["nobody embeds"])
    print(f"embed alone: {statistics.median(alone):.2f} s")
    print("| | the other's pace | late by, median | 99 % | embed, s |")
    print("|---|---|---|---|---|")
    for name in shown:
        median, worst = (1000 * statistics.median(column) for column in zip(*late[name]))
        own = f"{statistics.median(seconds[name]):.2f}" if seconds[name] else ""
        pace = 100 * statistics.median(paces[name]) / usual
        print(f"| {name} | {pace:.0f} % | {median:.2f} ms | {worst:.2f} ms | {own} |")


if __name__ == "__main__":
    main()
