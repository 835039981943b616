"""Writes sentiment.json here and ../evaluation/expected.toml: what the sentiment model answers in plain fp32.

An oracle of its own: DistilBERT written out in numpy over the original safetensors, sharing no code, no packing and no
rounding with the Rust. It must never read a packed model, and it must never learn what Sotto answers.

    pip install -r requirements.txt
    python make_sentiment.py MODEL_DIR            # MODEL_DIR: config.json, model.safetensors, tokenizer.json,
    python make_sentiment.py MODEL_DIR --check    # reference_outputs.json; --check compares and writes nothing
"""

import argparse
import hashlib
import json
import math
import struct
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent
SENTENCES = HERE.parent / "evaluation" / "sentences.tsv"
EXPECTED = HERE.parent / "evaluation" / "expected.toml"
GOLDEN = HERE / "sentiment.json"
MAX_TOKENS = 512
MAX_CHARS = 2000
N_ECE_BINS = 15
# Two fp32 implementations that add in another order differ by a few 1e-6 in a logit; ten times that is a fault.
MAX_LOGIT_GAP = 5e-5

exact_erf = np.frompyfunc(math.erf, 1, 1)


def read_safetensors(path):
    raw = path.read_bytes()
    (header_bytes,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + header_bytes])
    dtypes = {"F16": np.float16, "F32": np.float32}
    tensors = {}
    for name, info in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + header_bytes + offset for offset in info["data_offsets"])
        values = np.frombuffer(raw[begin:end], dtypes[info["dtype"]])
        tensors[name] = values.reshape(info["shape"]).astype(np.float32)
    return tensors


class DistilBert:
    def __init__(self, model_dir):
        self.config = json.loads((model_dir / "config.json").read_text())
        self.weights = read_safetensors(model_dir / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_length=MAX_TOKENS)

    def linear(self, name, x):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def layer_norm(self, name, x):
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred * centred).mean(-1, keepdims=True)
        return centred / np.sqrt(variance + np.float32(1e-12)) * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def attention(self, name, x):
        n_tokens, dim = x.shape
        n_heads = self.config["n_heads"]
        q, k, v = (
            self.linear(f"{name}.{part}_lin", x).reshape(n_tokens, n_heads, dim // n_heads).transpose(1, 0, 2)
            for part in "qkv"
        )
        scores = q @ k.transpose(0, 2, 1) / np.float32(math.sqrt(dim // n_heads))
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return self.linear(f"{name}.out_lin", (weights @ v).transpose(1, 0, 2).reshape(n_tokens, dim))

    def logits(self, text):
        """-> (n_tokens, [negative, positive])"""
        ids = self.tokenizer.encode(text).ids
        embeddings = "distilbert.embeddings"
        x = (
            self.weights[f"{embeddings}.word_embeddings.weight"][ids]
            + self.weights[f"{embeddings}.position_embeddings.weight"][: len(ids)]
        )
        x = self.layer_norm(f"{embeddings}.LayerNorm", x)
        for layer_index in range(self.config["n_layers"]):
            layer = f"distilbert.transformer.layer.{layer_index}"
            x = self.layer_norm(f"{layer}.sa_layer_norm", x + self.attention(f"{layer}.attention", x))
            hidden = self.linear(f"{layer}.ffn.lin1", x)
            hidden = hidden * np.float32(0.5) * (1 + exact_erf(hidden / math.sqrt(2)).astype(np.float32))
            x = self.layer_norm(f"{layer}.output_layer_norm", x + self.linear(f"{layer}.ffn.lin2", hidden))
        pooled = np.maximum(self.linear("pre_classifier", x[:1]), 0)
        return len(ids), self.linear("classifier", pooled)[0].astype(float).tolist()


def verdict(text, n_tokens, logits):
    p_positive = 1 / (1 + math.exp(logits[0] - logits[1]))
    return {
        "text": text,
        "n_tokens": n_tokens,
        "logits": [round(logit, 6) for logit in logits],
        "p_positive": round(p_positive, 6),
        "label": "POSITIVE" if logits[1] > logits[0] else "NEGATIVE",
    }


def read_sentences():
    header, *lines = SENTENCES.read_text(encoding="utf-8").splitlines()
    assert header == "sentence\tlabel\tkind", header
    return [(text, int(label), kind) for text, label, kind in (line.split("\t") for line in lines)]


def quality(rows):
    """rows of (label, p_positive) -> figures; the confidence of a verdict is the larger of p and 1 - p."""
    bins = [[0, 0.0, 0] for _ in range(N_ECE_BINS)]  # count, sum of confidences, right ones
    table = [[0, 0], [0, 0]]
    for label, p_positive in rows:
        answer = int(p_positive > 0.5)
        confidence = max(p_positive, 1 - p_positive)
        # Bins (i/15, (i+1)/15], as the usual definition has them.
        ece_bin = bins[min(max(math.ceil(confidence * N_ECE_BINS) - 1, 0), N_ECE_BINS - 1)]
        ece_bin[0] += 1
        ece_bin[1] += confidence
        ece_bin[2] += answer == label
        table[label][answer] += 1
    n_right = table[0][0] + table[1][1]
    ece = sum(abs(right - confidence_sum) for _, confidence_sum, right in bins) / len(rows)
    return {
        "n_sentences": len(rows),
        "n_right": n_right,
        "accuracy": round(n_right / len(rows), 4),
        "ece": round(ece, 4),
        "n_true_negative": table[0][0],
        "n_false_positive": table[0][1],
        "n_false_negative": table[1][0],
        "n_true_positive": table[1][1],
    }


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def expected_toml(model_sha256, rows):
    """rows of (kind, label, p_positive), kinds in the order of the file"""
    kinds = list(dict.fromkeys(kind for kind, _, _ in rows))
    lines = [
        "# What the sentiment model reaches on sentences.tsv. Written by ../golden/make_sentiment.py, never by hand.",
        "# Measured in fp32 arithmetic over the original fp16 weights (numpy, texts one at a time, exact GELU): the",
        "# packed model with its u7 x i8 products is compared with this and may differ in a sentence or two.",
        'arithmetic = "fp32"',
        f'model_sha256 = "{model_sha256}"',
        f'sentences_sha256 = "{sha256(SENTENCES)}"',
        f"n_ece_bins = {N_ECE_BINS}",
    ]
    tables = [("all", rows)] + [(f"kind.{kind}", [row for row in rows if row[0] == kind]) for kind in kinds]
    for name, members in tables:
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {value}" for key, value in quality([row[1:] for row in members]).items()]
    return "\n".join(lines) + "\n"


def golden_json(model_sha256, reference, sentences):
    def block(items):
        return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n ]"

    note = (
        "fp32 arithmetic over the original weights, calibration folded in. reference: the texts that came with the model, "
        "by transformers on a CPU. sentences: ../evaluation/sentences.tsv line by line, by make_sentiment.py. "
        "logits are [negative, positive]; n_tokens counts [CLS] and [SEP], at most 512."
    )
    return (
        "{\n"
        f' "note": {json.dumps(note)},\n'
        f' "model_sha256": "{model_sha256}",\n'
        f' "sentences_sha256": "{sha256(SENTENCES)}",\n'
        f' "reference": {block(reference)},\n'
        f' "sentences": {block(sentences)}\n'
        "}\n"
    )


def check_reference(model, outputs):
    """Stops unless this oracle agrees with transformers on every reference text, long ones included."""
    worst = 0.0
    for output in outputs:
        n_tokens, logits = model.logits(output["text"])
        if n_tokens != output["n_tokens"]:
            sys.exit(f"{n_tokens} tokens, reference has {output['n_tokens']}: {output['text'][:60]!r}")
        worst = max(worst, *(abs(a - b) for a, b in zip(logits, output["logits"])))
    print(f"reference: {len(outputs)} texts, largest logit gap {worst:.2e}")
    if worst > MAX_LOGIT_GAP:
        sys.exit(f"the gap is above {MAX_LOGIT_GAP}: this oracle or the model directory is wrong")


def check_file(path, text, same):
    if not path.exists() or not same(path.read_text(encoding="utf-8"), text):
        sys.exit(f"{path.name} is not what this model answers: run again without --check and read the difference")
    print(f"{path.name}: as measured")


def same_golden(old_text, new_text):
    """Equal but for the last digits of a logit, which depend on the machine's order of additions."""
    old, new = json.loads(old_text), json.loads(new_text)
    if any(old.get(key) != new[key] for key in ("note", "model_sha256", "sentences_sha256", "reference")):
        return False
    return len(old["sentences"]) == len(new["sentences"]) and all(
        a["n_tokens"] == b["n_tokens"]
        and all(abs(x - y) <= MAX_LOGIT_GAP for x, y in zip(a["logits"], b["logits"]))
        for a, b in zip(old["sentences"], new["sentences"])
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()

    model = DistilBert(arguments.model_dir)
    model_sha256 = sha256(arguments.model_dir / "model.safetensors")
    outputs = json.loads((arguments.model_dir / "reference_outputs.json").read_text(encoding="utf-8"))["outputs"]
    check_reference(model, outputs)

    kept_keys = ("text", "n_tokens", "logits", "p_positive", "label")
    reference = [{key: output[key] for key in kept_keys} for output in outputs if len(output["text"]) <= MAX_CHARS]
    rows, sentences = [], []
    for text, label, kind in read_sentences():
        sentence = verdict(text, *model.logits(text))
        sentences.append({key: sentence[key] for key in ("n_tokens", "logits", "p_positive")})
        rows.append((kind, label, sentence["p_positive"]))
        if (sentence["label"] == "POSITIVE") != (label == 1):
            print(f"  wrong: {kind:9} label {label} p {sentence['p_positive']:.3f} {text[:90]}")

    expected, golden = expected_toml(model_sha256, rows), golden_json(model_sha256, reference, sentences)
    if arguments.check:
        check_file(EXPECTED, expected, lambda old, new: old == new)
        check_file(GOLDEN, golden, same_golden)
        return
    EXPECTED.write_text(expected, encoding="utf-8")
    GOLDEN.write_text(golden, encoding="utf-8")
    print(expected)


if __name__ == "__main__":
    main()
