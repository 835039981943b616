"""Writes sentiment.json here and ../evaluation/expected.toml: what the sentiment model answers in plain fp32.

An oracle of its own: DistilBERT written out in numpy over the original 4-bit steps and scales, sharing no code, no packing
and no rounding with the Rust. It must never read a packed model, and it must never learn what Sotto answers.

    pip install -r requirements.txt
    python make_sentiment.py MODEL_DIR            # MODEL_DIR: config.json, model.q4.safetensors, tokenizer.json,
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
SETS = {name: HERE.parent / "evaluation" / f"{name}.tsv" for name in ("sentences", "snippets")}
MODEL_FILE = "model.q4.safetensors"
EXPECTED = HERE.parent / "evaluation" / "expected.toml"
GOLDEN = HERE / "sentiment.json"
MAX_TOKENS = 512
N_ECE_BINS = 15
# Two fp32 implementations that add in another order differ by a few 1e-6 in a logit; ten times that is a fault.
MAX_LOGIT_GAP = 5e-5

exact_erf = np.frompyfunc(math.erf, 1, 1)


def read_safetensors(path):
    raw = path.read_bytes()
    (header_bytes,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + header_bytes])
    dtypes = {"F16": np.float16, "F32": np.float32, "U8": np.uint8}
    tensors = {}
    for name, info in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + header_bytes + offset for offset in info["data_offsets"])
        tensors[name] = np.frombuffer(raw[begin:end], dtypes[info["dtype"]]).reshape(info["shape"])
    return {name.removesuffix(".q"): widen(name, tensors) for name in tensors if not name.endswith(".scale")}


def widen(name, tensors):
    """Two weights a byte, the even one in the low half, in steps of their group's scale; rounded as a float16 holds them."""
    if not name.endswith(".q"):
        return tensors[name].astype(np.float32)
    pairs = tensors[name]
    steps = np.stack([pairs & 15, pairs >> 4], axis=-1).reshape(len(pairs), -1, 32).astype(np.float32) - 8
    weights = steps * tensors[name.removesuffix(".q") + ".scale"].astype(np.float32)[:, :, None]
    return weights.reshape(len(pairs), -1).astype(np.float16).astype(np.float32)


class DistilBert:
    def __init__(self, model_dir):
        self.config = json.loads((model_dir / "config.json").read_text())
        self.weights = read_safetensors(model_dir / MODEL_FILE)
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
        """-> (n_tokens, [negative, neutral, positive])"""
        ids = self.tokenizer.encode(text).ids
        return len(ids), self.logits_of(ids)

    def logits_of(self, ids):
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
        return self.linear("classifier", pooled)[0].astype(float).tolist()


def read_set(path):
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    assert header == "sentence\tlabel\tkind", header
    rows = (line.split("\t") for line in lines)
    return [(text.replace("\\n", "\n"), int(label), kind) for text, label, kind in rows]


def shares(logits, n_classes):
    """Of two classes, what is neutral is left out."""
    chosen = [logits[0], logits[2]] if n_classes == 2 else logits
    powers = [math.exp(logit - max(chosen)) for logit in chosen]
    return [power / sum(powers) for power in powers]


def quality(rows, n_classes):
    """rows of (label, logits) -> figures; the confidence of a verdict is its share."""
    bins = [[0, 0.0, 0] for _ in range(N_ECE_BINS)]  # count, sum of confidences, right ones
    table = [[0] * n_classes for _ in range(n_classes)]
    for label, logits in rows:
        parts = shares(logits, n_classes)
        answer = max(range(n_classes), key=parts.__getitem__)
        ece_bin = bins[min(int(parts[answer] * N_ECE_BINS), N_ECE_BINS - 1)]
        ece_bin[0] += 1
        ece_bin[1] += parts[answer]
        ece_bin[2] += answer == label
        table[label][answer] += 1
    n_right = sum(table[way][way] for way in range(n_classes))
    ece = sum(abs(right - confidence_sum) for _, confidence_sum, right in bins) / len(rows)
    return {
        "n_sentences": len(rows),
        "n_right": n_right,
        "accuracy": round(n_right / len(rows), 4),
        "ece": round(ece, 4),
        "confusion": table,
    }


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def expected_toml(model_sha256, measured):
    """measured: by set, rows of (kind, label, logits), kinds in the order of the file"""
    lines = [
        "# What the sentiment model reaches on the sets beside. Written by ../golden/make_sentiment.py, never by hand.",
        "# Measured in fp32 arithmetic over the original weights (numpy, texts one at a time, exact GELU): the packed",
        "# model with its u7 x i8 products is compared with this and may differ in a few verdicts. Rows of a confusion are",
        "# labels, columns what the model says; sentences.tsv has two classes, and what is called neutral counts for the",
        "# likelier side there.",
        'arithmetic = "fp32"',
        f'model_sha256 = "{model_sha256}"',
        f"n_ece_bins = {N_ECE_BINS}",
    ]
    for name, rows in measured.items():
        lines += ["", f"[{name}]", f'sha256 = "{sha256(SETS[name])}"']
        n_classes = 1 + max(label for _, label, _ in rows)
        kinds = list(dict.fromkeys(kind for kind, _, _ in rows))
        tables = [("all", rows)] + [(f"kind.{kind}", [row for row in rows if row[0] == kind]) for kind in kinds]
        for table, members in tables:
            lines += ["", f"[{name}.{table}]"]
            lines += [f"{key} = {value}" for key, value in quality([row[1:] for row in members], n_classes).items()]
    return "\n".join(lines) + "\n"


def golden_json(model_sha256, reference, measured):
    def block(items):
        return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n ]"

    note = (
        "fp32 arithmetic over the original weights, calibration folded in. reference: the texts that came with the model, "
        "with their word pieces, by its makers. The others: ../evaluation line by line, by make_sentiment.py. "
        "logits are [negative, neutral, positive]; n_tokens counts [CLS] and [SEP], at most 512."
    )
    sets = "".join(f',\n "{name}": {block(answers)}' for name, answers in measured.items())
    hashes = {name: sha256(SETS[name]) for name in measured}
    return (
        "{\n"
        f' "note": {json.dumps(note)},\n'
        f' "model_sha256": "{model_sha256}",\n'
        f' "sets_sha256": {json.dumps(hashes)},\n'
        f' "reference": {block(reference)}{sets}\n'
        "}\n"
    )


def check_reference(model, outputs):
    """Stops unless this oracle agrees with the model's makers on every reference text."""
    worst = 0.0
    for output in outputs:
        ids = model.tokenizer.encode(output["text"]).ids
        # Where a text was too long the reference was cut in another way: behind its last piece no [SEP] stands.
        if len(ids) < MAX_TOKENS and ids != output["ids"]:
            sys.exit(f"other word pieces than the reference: {output['text'][:60]!r}")
        logits = model.logits_of(output["ids"])
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
    if any(old.get(key) != new[key] for key in ("note", "model_sha256", "sets_sha256", "reference")):
        return False
    return all(
        len(old[name]) == len(new[name])
        and all(
            a["n_tokens"] == b["n_tokens"]
            and all(abs(x - y) <= MAX_LOGIT_GAP for x, y in zip(a["logits"], b["logits"]))
            for a, b in zip(old[name], new[name])
        )
        for name in SETS
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()

    model = DistilBert(arguments.model_dir)
    model_sha256 = sha256(arguments.model_dir / MODEL_FILE)
    outputs = json.loads((arguments.model_dir / "reference_outputs.json").read_text(encoding="utf-8"))
    check_reference(model, outputs)

    golden, measured = {}, {}
    for name, path in SETS.items():
        golden[name], measured[name] = [], []
        for text, label, kind in read_set(path):
            n_tokens, logits = model.logits(text)
            logits = [round(logit, 6) for logit in logits]
            golden[name].append({"n_tokens": n_tokens, "logits": logits})
            measured[name].append((kind, label, logits))

    expected, golden = expected_toml(model_sha256, measured), golden_json(model_sha256, outputs, golden)
    if arguments.check:
        check_file(EXPECTED, expected, lambda old, new: old == new)
        check_file(GOLDEN, golden, same_golden)
        return
    EXPECTED.write_text(expected, encoding="utf-8")
    GOLDEN.write_text(golden, encoding="utf-8")
    print(expected)


if __name__ == "__main__":
    main()
