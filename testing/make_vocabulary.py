"""Make a small model with a published tokenizer, for comparing tokens: make_vocabulary.py FOLDER OUT MODEL_TYPE [PRE]

FOLDER has tokenizer.json and tokenizer_config.json, or a sentencepiece tokenizer.model. OUT gets the published
tokenizer (tokenizer.json as transformers runs it for such a model, or tokenizer.model as it is), and model.gguf: what
llama.cpp's converter makes of it, in a model of random weights. PRE is the name of the pre-tokenizer in the GGUF, where
it is not to be the converter's guess.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import gguf
import make_models
import transformers

CONVERTER = "/usr/share/doc/llama.cpp-tools/scripts/convert_hf_to_gguf.py"
# To the converter the architecture decides nothing but which kinds of vocabulary it looks for.
CONFIG = {"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_hidden_layers": 1,
          "num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": 32, "max_position_embeddings": 512,
          "rms_norm_eps": 1e-6}


def converted(folder, config, out):
    """The fields that the converter writes for the tokenizer."""
    (folder / "config.json").write_text(json.dumps(config))
    run = subprocess.run([sys.executable, CONVERTER, folder, "--vocab-only", "--outfile", out],
                         capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(run.stderr[-1500:])
    return {name: field for name, field in gguf.GGUFReader(out).fields.items() if name.startswith("tokenizer.ggml.")}


def write_model(path, fields, pre):
    def add_tokenizer(writer):
        for name, field in fields.items():
            kinds = [gguf.GGUFValueType(kind) for kind in field.types]
            value = pre if pre and name == "tokenizer.ggml.pre" else field.contents()
            writer.add_key_value(name, value, kinds[0], kinds[1] if len(kinds) > 1 else None)
        return len(fields["tokenizer.ggml.tokens"].data)
    make_models.bert(path, add_tokenizer, kind="Q8_0")


def main(folder, out, model_type, pre=None):
    folder, out = pathlib.Path(folder), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        shutil.copytree(folder, work / "source")
        config = CONFIG | {"model_type": model_type}
        if (folder / "tokenizer.model").exists():
            shutil.copy(folder / "tokenizer.model", out)
        else:
            (work / "source/config.json").write_text(json.dumps(config))
            tokenizer = transformers.AutoTokenizer.from_pretrained(work / "source")
            config["vocab_size"] = len(tokenizer)
            tokenizer.backend_tokenizer.save(str(out / "tokenizer.json"))
        write_model(out / "model.gguf", converted(work / "source", config, work / "vocabulary.gguf"), pre)


if __name__ == "__main__":
    main(*sys.argv[1:])
