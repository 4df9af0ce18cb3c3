"""generate beside llama-bench: a prompt of 512 tokens against its pp512, one stream of 128 tokens against its tg128."""
import datetime
import itertools
import json
import subprocess

import places
import texts
import tokens
from alternate import median, say
from turns import turns

MODELS = {"0.6B's shape, Q8_0": places.SHAPE_GENERATOR, "SmolLM2-135M, Q4_1": places.SMOLLM2}
PROMPT, DECODE = 512, 128


class Ours:
    """generate_load, which stays up: one request at a time."""

    def __init__(self, model):
        config = {"threads": places.THREADS, "context": 2048, "parallel": 1}
        self.process = subprocess.Popen([places.GENERATE_LOAD, model, json.dumps(config)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.sessions = itertools.count()

    def ask(self, text, count):
        request = {"session": f"s{next(self.sessions)}", "text": text, "tokens": count, "keep": False}
        self.process.stdin.write(json.dumps([request]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())["answers"][0]
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def llama_bench(model):
    run = subprocess.run(["llama-bench", "-m", model, "-p", str(PROMPT), "-n", str(DECODE), "-t", str(places.THREADS),
                          "-r", "1", "-o", "json"],
                         capture_output=True, text=True, check=True)
    speeds = {(one["n_prompt"], one["n_gen"]): one["avg_ts"] for one in json.loads(run.stdout)}
    return speeds[PROMPT, 0], speeds[0, DECODE]


def prompts():
    """Different texts of 512 tokens (the shape's tokenizer is SmolLM2's): nothing of one is remembered for the next."""
    source = iter(texts.lines())
    while True:
        # one token is the closing one, which is not generated with
        yield texts.of_length(tokens.shape(), PROMPT + 1, source)


def generation(_machine_class, quick, rounds):
    rows = []
    for name, model in MODELS.items():
        text = prompts()
        prompt, decode, their_prompt, their_decode, sizes = [], [], [], [], []
        with Ours(model) as ours:
            ours.ask(next(text), 2)
            for _ in turns(1 if quick else rounds):
                read = ours.ask(next(text), 1)
                sizes.append(read["prompt_tokens"] - read["reused_tokens"])
                prompt.append(sizes[-1] / read["prompt_ms"] * 1000)
                wrote = ours.ask(next(text)[:60], DECODE)
                decode.append((wrote["generated_tokens"] - 1) / wrote["generation_ms"] * 1000)
                a, b = llama_bench(model)
                their_prompt.append(a)
                their_decode.append(b)
                say(f"bench: generate, {name}: prompt {prompt[-1]:.0f} beside {a:.0f}, "
                    f"decode {decode[-1]:.1f} beside {b:.1f} tokens/s")
        for what, mine, theirs in ((f"prompt of {PROMPT} tokens", prompt, their_prompt),
                                   (f"{DECODE} tokens of one stream", decode, their_decode)):
            rows.append({"model": name, "what": what, "ours": round(median(mine), 1), "peer": round(median(theirs), 1),
                         "ratio": round(median(mine) / median(theirs), 2), "prompt_tokens": sizes[0],
                         "rounds": len(prompt)})
    return {"name": "generate", "title": f"generation, tokens/s, beside llama-bench pp{PROMPT} and tg{DECODE}",
            "quick": quick, "rows": rows,
            "date": datetime.date.today().isoformat(), "threads": places.THREADS}
