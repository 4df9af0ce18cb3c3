"""What is measured, in tables: our variants, the peers, the mixes. To add a variant of ours, add a line to VARIANTS."""
import dataclasses

import onnx_models
import places
import texts
from contenders import LlamaEmbedding, LlamaServer, Ours, Worker

# name -> flags of llama-cli embed. The first is what a user gets; all run in the same alternation.
VARIANTS = {
    "llama-cli embed": [],
}

# Tokens per second of the slow peer (llama-embedding) by class of machine: how many texts a run of it can take.
SLOW_PEER = {"0.6b": {"A": 110, "B": 100, "C": 60, "D": 110, "E": 20},
             "minilm": {"A": 2000, "B": 1500, "C": 1000, "D": 2000, "E": 300}}
# What ours computes alone is less on slow machines, by these factors; class C's bars are of the whole number.
SMALLER = {"E": 8}
SECONDS, QUICK_SECONDS = 35, 6
LEAST = {"short": 16, "mixed": 8, "512": 2, "long": 1}
MOST = {"short": 4000, "mixed": 1000, "512": 200, "long": 50}

# Batch sizes that the sorted peers are tried with, and texts that are compared with the f32 reference.
BATCHES = {"short": (4, 8, 16, 32, 64), "mixed": (2, 4, 8, 16, 32), "512": (1, 2, 4, 8), "long": (1, 2)}
COMPARED = {"0.6b": {"short": 50, "mixed": 16, "512": 4, "long": 2}, "minilm": {"short": 200, "mixed": 50, "512": 20}}


def for_class(count, machine_class):
    return count // SMALLER.get(machine_class, 1)


@dataclasses.dataclass
class Workload:
    family: str
    mix: str

    @property
    def name(self):
        return f"{self.family}-{self.mix}"

    def count(self, machine_class, quick):
        tokens = (QUICK_SECONDS if quick else SECONDS) * SLOW_PEER[self.family]["C" if places.HELD_TO
                                                                                else machine_class]
        return min(MOST[self.mix], max(LEAST[self.mix], round(tokens / texts.MEAN[self.mix])))

    @property
    def title(self):
        model = {"0.6b": "Qwen3-Embedding-0.6B's shape, Q8_0", "minilm": "all-MiniLM-L6-v2"}[self.family]
        return f"{model}, {'texts of ' if self.mix != 'mixed' else ''}" + {
            "short": "29 tokens on average", "mixed": "8 to 512 tokens", "512": "512 tokens",
            "long": "2,048 tokens"}[self.mix]

    # Elsewhere the whole bench would take more than its hour: llama-server computes as fast as llama-embedding, and
    # their MiniLM in other types stands beside ours in the table of short texts.
    @property
    def has_everybody(self):
        return self.mix == "short"

    def contenders(self):
        return [one for one in self.everybody() if self.has_everybody or not self.is_of_short_texts_alone(one.name)]

    def is_of_short_texts_alone(self, name):
        return name.startswith("llama-server") or name in ("llama-embedding, Q8_0", "llama-embedding, F32")

    def everybody(self):
        if self.family == "0.6b":
            longest = max(512, texts.MEAN[self.mix] if self.mix == "long" else 0)
            return [Ours(name, places.SHAPE, flags) for name, flags in VARIANTS.items()] + [
                # By itself it makes room for the model's 32,768 tokens: 3.5 GB, and seconds.
                LlamaEmbedding("llama-embedding", places.SHAPE, ["--ctx-size", 2048]),
                LlamaServer("llama-server", places.SHAPE, longest),
                Worker("torch f32", "torch_worker.py", "0.6b", "f32"),
                Worker("torch bf16", "torch_worker.py", "0.6b", "bf16")]
        kinds = ("F16", "Q8_0", "F32")
        return [Ours(f"{name}, {kind}", places.minilm(kind), flags) for name, flags in VARIANTS.items()
                for kind in kinds] + [
            *(LlamaEmbedding(f"llama-embedding, {kind}", places.minilm(kind)) for kind in kinds),
            LlamaServer("llama-server, F16", places.minilm("F16"), 512),
            *(Worker(f"onnxruntime {kind}", "onnx_worker.py", onnx_models.made(kind)) for kind in ("f32", "int8")
              if not places.HELD_TO),
            Worker("torch f32", "torch_worker.py", "minilm", "f32"),
            Worker("torch bf16", "torch_worker.py", "minilm", "bf16")]

    # What the columns of ratios compare with: whole processes, and engines (the best of these).
    def process_peer(self, name):
        kind = name.rpartition(", ")[2]
        if self.family == "0.6b":
            return "llama-embedding"
        return f"llama-embedding, {kind if kind in ('F16', 'Q8_0', 'F32') else 'F16'}"

    @property
    def engine_peers(self):
        return ["torch f32",
                "torch bf16"] if self.family == "0.6b" else ["torch f32"] if places.HELD_TO else ["onnxruntime f32"]


WORKLOADS = [Workload("0.6b", mix) for mix in ("short", "mixed", "512", "long")] + [Workload("minilm", mix)
                                                                                    for mix in ("short", "mixed")]
