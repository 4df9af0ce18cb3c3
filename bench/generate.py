"""llama-agent's generation beside llama-completion and llama-server: the same prompts, in turn, medians and their
ratio.

    script/enter cmake --build --preset release --target generate_load
    script/enter --section reference python3 testing/make_models.py --full-generator /tmp/qwen3-0.6b-shape.gguf
    script/enter python3 bench/generate.py [--runs 5] [--model FILE]… [one|streams|turn|gap|flat …]

one      128 tokens of one reply: tokens per second, against llama-completion
streams  8 replies of 96 tokens at once: tokens per second of all, against llama-server
turn     the second turn of a chat of 2,000 tokens: time to its first token, against llama-server
gap      7 replies run and an eighth session sends a prompt of 4,000 tokens: the longest pause of the seven,
         against llama-server
flat     10,000 requests: the memory of the process on the way
"""
import argparse
import json
import os
import pathlib
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

PROJECT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "llama-cli"
SMOLLM2 = CACHE / "models-1/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GENERATOR = PROJECT / "build/release/test-models/generator.gguf"
THREADS = len(os.sched_getaffinity(0))
WORDS = ("the river carries boats past gardens and old mills while people on its banks talk about weather prices music "
         "history numbers journeys bread and light in every season of a long year").split()


def text(words, seed):
    return " ".join(random.Random(seed).choices(WORDS, k=words))


class Ours:
    """generate_load, fed with rounds of requests."""

    def __init__(self, model, **config):
        self.process = subprocess.Popen([PROJECT / "build/release/bench/generate_load", model,
                                         json.dumps({"threads": THREADS, **config})],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)

    def round(self, *requests):
        self.process.stdin.write(json.dumps(requests) + "\n")
        self.process.stdin.flush()
        answers = json.loads(self.process.stdout.readline())
        for answer in answers["answers"]:
            assert "error" not in answer, answer
        return answers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Server:
    """llama-server, asked over HTTP."""

    def __init__(self, model, context, parallel):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(["llama-server", "-m", model, "--port", str(self.port), "-c", str(context),
                                         "-np", str(parallel),
                                         "-t", str(THREADS), "-b", "512", "-ub", "512", "--kv-unified", "--no-webui"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                if urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        sys.exit("llama-server does not come up")

    def ask(self, prompt, tokens, stream=False, **more):
        """The whole answer, the time to its first token and the pauses between tokens, in ms since the start."""
        body = {"prompt": prompt, "n_predict": tokens, "temperature": 0, "ignore_eos": True, "cache_prompt": True,
                "stream": stream, **more}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/completion", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=600) as response:
            if not stream:
                return json.load(response)["content"], None, []
            content, first, gaps, last = "", None, [], began
            for line in response:
                if not line.startswith(b"data: "):
                    continue
                chunk = json.loads(line[6:])
                now = time.perf_counter()
                if first is None:
                    first = (now - began) * 1000
                else:
                    gaps.append((now * 1000, (now - last) * 1000))
                last = now
                content += chunk.get("content", "")
                if chunk.get("stop"):
                    break
            return content, first, gaps

    def at_once(self, calls):
        results = [None] * len(calls)

        def run(i):
            time.sleep(calls[i].pop("after", 0))
            results[i] = self.ask(**calls[i])
        threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (time.perf_counter() - began) * 1000, results

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def show(name, ours, theirs, peer, unit, more_is_better):
    a, b = statistics.median(ours), statistics.median(theirs)
    ratio = a / b
    better = "more" if more_is_better else "less"
    print(f"  {name:<34} ours {a:8.1f} {unit}, {peer} {b:8.1f} {unit}, ratio {ratio:.2f} ({better} is better; "
          f"{len(ours)} runs)", flush=True)


def words_of(model, tokens):
    """About that many tokens are how many words?"""
    with Ours(model, context=4096) as agent:
        counted = agent.round({"session": "count", "text": text(200, 0), "tokens": 1})["answers"][0]["prompt_tokens"]
    return tokens * 200 // counted


def one(model, runs):
    prompt, tokens, ours, theirs = text(words_of(model, 100), 1), 128, [], []
    with Ours(model, context=4096) as agent:
        agent.round({"session": "warm", "text": prompt, "tokens": 8, "keep": False})
        for i in range(runs):
            answer = agent.round({"session": f"s{i}", "text": prompt, "tokens": tokens, "keep": False})["answers"][0]
            ours.append((answer["generated_tokens"] - 1) / answer["generation_ms"] * 1000)
            run = subprocess.run(["llama-completion", "-m", model, "-no-cnv", "-p", prompt, "-n", str(tokens), "--temp",
                                  "0", "--ignore-eos",
                                  "-c", "4096", "-b", "512", "-ub", "512", "-t", str(THREADS), "--perf"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                 check=True)
            # As ours: all that happens from the first token on, its sampling too. Their "eval time" is the decoding
            # alone.
            total, reading = (float(re.search(rf"\b{name} time =\s+([\d.]+) ms", run.stderr)[1])
                              for name in ("total", "prompt eval"))
            count = re.search(r"[^t] eval time =\s+[\d.]+ ms /\s+(\d+) runs", run.stderr)[1]
            theirs.append(int(count) / (total - reading) * 1000)
    show("one reply", ours, theirs, "llama-completion", "tokens/s", True)


def streams(model, runs):
    count, tokens, words, ours, theirs = 8, 96, words_of(model, 40), [], []
    with Ours(model, context=8192, parallel=count) as agent, Server(model, 8192, count) as server:
        for run in range(runs + 1):
            prompts = [text(words, 100 * run + i) for i in range(count)]
            round_ = agent.round(*({"session": f"{run}-{i}", "text": p, "tokens": tokens, "keep": False}
                                   for i, p in enumerate(prompts)))
            wall, _ = server.at_once([{"prompt": p, "tokens": tokens} for p in prompts])
            if run > 0:  # the first warms up
                ours.append(count * tokens / round_["wall_ms"] * 1000)
                theirs.append(count * tokens / wall * 1000)
    show("8 replies at once", ours, theirs, "llama-server", "tokens/s", True)


def turn(model, runs):
    ours, theirs, reused, words = [], [], [], (words_of(model, 1960), words_of(model, 30))
    with Ours(model, context=8192, parallel=2) as agent, Server(model, 8192, 2) as server:
        for run in range(runs + 1):
            first, second = text(words[0], 7 + run), "\n" + text(words[1], 90 + run)
            agent.round({"session": f"{run}", "text": first, "tokens": 32})
            answer = agent.round({"session": f"{run}", "text": second, "tokens": 8, "keep": False})["answers"][0]
            reply, _, _ = server.ask(first, 32)
            _, time_to_first, _ = server.ask(first + reply + second, 8, stream=True)
            if run > 0:
                ours.append(answer["first_ms"])
                theirs.append(time_to_first)
                reused.append(answer["reused_tokens"] / answer["prompt_tokens"])
    show("second turn, first token after", ours, theirs, "llama-server", "ms", False)
    print(f"    reused of the prompt's tokens: {statistics.median(reused):.1%}")


def gap(model, runs):
    ours, theirs, usual, delay, theirs_delay = [], [], [], [], []
    long_text, words = text(words_of(model, 3960), 5), words_of(model, 20)
    with Ours(model, context=8192, parallel=8) as agent, Server(model, 8192, 8) as server:
        for run in range(runs):
            prompts = [text(words, 1000 * run + i) for i in range(7)]
            tokens = 400 if "SmolLM2" in str(model) else 150
            answers = agent.round(*({"session": f"{run}-{i}", "text": p, "tokens": tokens, "gaps": True, "keep": False}
                                    for i, p in enumerate(prompts)),
                                  {"session": f"{run}-long", "text": f"{run} {long_text}", "tokens": 1,
                                   "after_ms": 1500, "keep": False})["answers"]
            begin, end = answers[7]["began_ms"], answers[7]["ended_ms"]
            pauses = [pause for answer in answers[:7] for at, pause in answer["gaps"]]
            ours.append(max(pauses))
            usual.append(statistics.median(pause for answer in answers[:7] for at, pause in answer["gaps"]
                                           if not begin < at < end))
            delay.append(end - begin)
            calls = [{"prompt": p, "tokens": tokens, "stream": True} for p in prompts]
            calls.append({"prompt": f"{run} {long_text}", "tokens": 1, "stream": True, "after": 1.5})
            _, results = server.at_once(calls)
            theirs.append(max(pause for _, _, gaps in results[:7] for _, pause in gaps))
            theirs_delay.append(results[7][1])
    show("worst pause beside a long prompt", ours, theirs, "llama-server", "ms", False)
    print(f"    the usual pause: {statistics.median(usual):.1f} ms; "
          f"the long prompt's first token after {statistics.median(delay):.0f} ms, "
          f"llama-server's {statistics.median(theirs_delay):.0f} ms")


def flat(model, _):
    """On the smallest model that there is: the engine's memory is meant, not the model's."""
    total, at_once = 10_000, 16
    with Ours(model, context=4096, parallel=8, idle_bytes=32 << 20) as agent:
        for done in range(0, total, at_once):
            resident = agent.round(*({"session": f"{done + i}", "text": text(10 + (done + i) % 50, done + i),
                                      "tokens": 4 + i, "keep": False,
                                      "temperature": 0.8} for i in range(at_once)))["resident_kib"]
            if (done + at_once) % 1000 < at_once:
                print(f"  {done + at_once:>6} requests: {resident / 1024:.1f} MiB", flush=True)


parser = argparse.ArgumentParser()
parser.add_argument("what", nargs="*", default=["one", "streams", "turn", "gap"])
parser.add_argument("--model", action="append", type=pathlib.Path)
parser.add_argument("--runs", type=int, default=5)
arguments = parser.parse_args()
for model_file in arguments.model or [GENERATOR if arguments.what == ["flat"] else SMOLLM2]:
    print(f"{model_file.name}, {THREADS} threads", flush=True)
    for what in arguments.what:
        {"one": one, "streams": streams, "turn": turn, "gap": gap, "flat": flat}[what](model_file, arguments.runs)
