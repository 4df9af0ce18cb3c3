"""Compare our tokens of the other families with those of the libraries that their published tokenizers come from.

    family_parity.py TOKENIZE_TEXTS MODELS WORK FILE…        (MODELS: what script/models prints)

SentencePiece   the real Gemma 3 270M; reference: the sentencepiece library with the GGUF's pieces and scores
byte pairs      the real SmolLM2; reference: the tokenizers library with the GGUF's merges and the published pipeline
byte pairs      a small one trained here, in Qwen2's published pipeline (NFC first)
Unigram         a small one trained here by sentencepiece, as XLM-R's (NFKC and a map of characters); reference: the
                tokenizers library with the published pipeline (transformers,
                models/xlm_roberta/tokenization_xlm_roberta.py)

Prints one line for each and the first differences; exit status 1 where more differ than doc/parity.md knows.
"""
import io
import pathlib
import re
import sys

import gguf
import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

import make_models
from token_parity import Ours, lines_of

QWEN2_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
               r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def fields(path):
    return {name: field.contents() for name, field in gguf.GGUFReader(path).fields.items()
            if name.startswith("tokenizer")}


def smollm2(models_folder, _work, _texts):
    path = next((models_folder / "smollm2").glob("*.gguf"))
    data = fields(path)
    names, kinds = data["tokenizer.ggml.tokens"], data["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in data["tokenizer.ggml.merges"]]
    tokenizer = tokenizers.Tokenizer(models.BPE({name: i for i, name in enumerate(names)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False,
                                                                                use_regex=True)])
    tokenizer.add_special_tokens([tokenizers.AddedToken(n, special=True, normalized=False)
                                  for n, k in zip(names, kinds) if k == 3])
    return path, lambda texts: [e.ids for e in tokenizer.encode_batch(texts)]


def gemma3(models_folder, _work, _texts):
    path = next((models_folder / "gemma3").glob("*.gguf"))
    data = fields(path)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.trainer_spec.model_type = 2  # BPE
    proto.trainer_spec.byte_fallback = True
    proto.trainer_spec.unk_id, proto.trainer_spec.bos_id = 3, 2
    proto.trainer_spec.eos_id, proto.trainer_spec.pad_id = 1, 0
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = False
    proto.normalizer_spec.remove_extra_whitespaces = False
    for text, score, kind in zip(data["tokenizer.ggml.tokens"], data["tokenizer.ggml.scores"],
                                 data["tokenizer.ggml.token_type"]):
        piece = proto.pieces.add()
        piece.piece, piece.score, piece.type = text.replace(" ", "\u2581") if kind == 4 else text, score, kind
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    return path, lambda texts: [[2, *ids] for ids in processor.encode(texts)]


def qwen2(_models, work, texts):
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(tokenizers.Regex(QWEN2_SPLIT), "isolated"),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False,
                                                                                use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=6000,
                                                             initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                                             show_progress=False))
    import json
    trained = json.loads(tokenizer.to_str())["model"]
    names = [name for name, _ in sorted(trained["vocab"].items(), key=lambda item: item[1])]
    path = work / "qwen2-trained.gguf"
    make_models.decoder(path, "qwen3", pooling=gguf.PoolingType.LAST, add_eos=False,
                        byte_pairs=(names, [" ".join(m) for m in trained["merges"]]))
    tokenizer.add_special_tokens([tokenizers.AddedToken(n, special=True, normalized=False)
                                  for n in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")])
    return path, lambda lines: [e.ids for e in tokenizer.encode_batch(lines)]


def unigram(_models, work, texts):
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=trained, model_type="unigram",
                                             vocab_size=6000,
                                             normalization_rule_name="nmt_nfkc", character_coverage=0.9995,
                                             minloglevel=2,
                                             hard_vocab_limit=False)
    proto = sentencepiece_model_pb2.ModelProto.FromString(trained.getvalue())

    def add_tokenizer(writer):
        writer.add_tokenizer_model("t5")
        writer.add_tokenizer_pre("default")
        writer.add_token_list([p.piece for p in proto.pieces])
        writer.add_token_scores([p.score for p in proto.pieces])
        writer.add_token_types([p.type for p in proto.pieces])
        writer.add_unk_token_id(0)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_add_bos_token(False)
        writer.add_add_eos_token(False)
        writer.add_add_space_prefix(proto.normalizer_spec.add_dummy_prefix)
        writer.add_remove_extra_whitespaces(proto.normalizer_spec.remove_extra_whitespaces)
        writer.add_precompiled_charsmap(proto.normalizer_spec.precompiled_charsmap)
        return len(proto.pieces)

    path = work / "unigram-trained.gguf"
    make_models.bert(path, add_tokenizer)
    tokenizer = tokenizers.Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces], unk_id=0))
    tokenizer.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(),
                                                       pre_tokenizers.Metaspace(prepend_scheme="always")])
    return path, lambda lines: [e.ids for e in tokenizer.encode_batch(lines)]


FAMILIES = {"SentencePiece, Gemma 3 270M": gemma3, "byte pairs, SmolLM2": smollm2,
            "byte pairs, Qwen2's pipeline": qwen2, "Unigram, XLM-R's way": unigram}


def main(program, models_folder, work, *files):
    models_folder, work = pathlib.Path(models_folder), pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    # What looks like a special token is read differently on purpose: as transformers does, not as sentencepiece.
    texts = [t for f in files for t in lines_of(f) if t.strip()
             and not re.search(r"</?[A-Za-z_0-9|]+>|\[(?:multimodal|@BOS@|toxicity)\]", t)]
    worst = 0
    for name, make in FAMILIES.items():
        try:
            path, reference = make(models_folder, work, texts[:20_000])
        except StopIteration:
            print(f"{name}: no model here, skipped")
            continue
        ours = Ours(program, path)
        different = 0
        for at in range(0, len(texts), 20_000):
            block = texts[at:at + 20_000]
            for text, a, b in zip(block, ours.tokenize(block), reference(block)):
                if a != list(b):
                    different += 1
                    if different <= 4:
                        print(f"  differs: {text[:90]!r}\n    ours   {a[:24]}\n    theirs {list(b)[:24]}")
        ours.close()
        print(f"{name}: {len(texts):,} texts, {different:,} differ", flush=True)
        worst = max(worst, different / len(texts))
    return 1 if worst > 0.005 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
