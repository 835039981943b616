"""Makes the peers' text model: `make_onnx.py PACKED.gguf OUT_DIR`.

The very weights that Sotto ships, as an ONNX graph in int8 by onnxruntime's own dynamic quantisation, in two forms, so that
the peer is measured at its best: `plain`, the operators of an ordinary export, which is what Transformers.js loads, and
`fused`, with onnxruntime's own Attention, SkipLayerNormalization and Gelu. It knows nothing of how they are measured.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

LAYERS, WIDTH, HEADS = 6, 768, 12
HEAD_WIDTH = WIDTH // HEADS


def read_gguf(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Metadata, and every tensor widened to f32, rows first."""
    data = path.read_bytes()
    at = 0

    def take(form: str):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def text() -> str:
        nonlocal at
        length = take("Q")
        at += length
        return data[at - length : at].decode()

    scalars = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def value(kind: int):
        if kind == 8:
            return text()
        if kind == 9:
            inner, count = take("I"), take("Q")
            return [value(inner) for _ in range(count)]
        return take(scalars[kind])

    assert data[:4] == b"GGUF", f"{path} is no GGUF file"
    at = 4
    version, n_tensors, n_metadata = take("IQQ")
    assert version == 3, f"GGUF version {version}"
    metadata = {}
    for _ in range(n_metadata):
        name = text()
        metadata[name] = value(take("I"))
    infos = []
    for _ in range(n_tensors):
        name = text()
        shape = [take("Q") for _ in range(take("I"))][::-1]
        infos.append((name, shape, *take("IQ")))
    alignment = metadata.get("general.alignment", 32)
    base = (at + alignment - 1) // alignment * alignment
    tensors = {name: widen(data, base + offset, shape, kind) for name, shape, kind, offset in infos}
    for name in [name for name in tensors if name.endswith(".scale")]:
        tensors[name.removesuffix("scale") + "weight"] *= tensors.pop(name).reshape(-1, 1)
    return metadata, tensors


def widen(data: bytes, offset: int, shape: list[int], kind: int) -> np.ndarray:
    count = int(np.prod(shape))
    plain = {0: np.float32, 1: np.float16, 24: np.int8}
    if kind in plain:
        return np.frombuffer(data, plain[kind], count, offset).astype(np.float32).reshape(shape)
    assert kind == 2, f"tensor type {kind}"
    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]), count // 32, offset)
    low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
    steps = np.concatenate([low, high], axis=1).astype(np.float32) - 8
    return (steps * blocks["scale"].astype(np.float32)[:, None]).reshape(shape)


class Graph:
    """Nodes and weights, each named once."""

    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0

    def weight(self, value) -> str:
        self.count += 1
        name = f"w{self.count}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def op(self, kind: str, inputs: list[str], outputs: int = 1, domain: str = "", **attributes) -> str:
        self.count += 1
        names = [f"{kind}{self.count}"] + [f"{kind}{self.count}_{i}" for i in range(1, outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=names[0], domain=domain, **attributes))
        return names[0]

    def linear(self, x: str, tensors: dict, name: str) -> str:
        product = self.op("MatMul", [x, self.weight(tensors[f"{name}.weight"].T)])
        return self.op("Add", [product, self.weight(tensors[f"{name}.bias"].ravel())])

    def norm(self, x: str, tensors: dict, name: str) -> str:
        scale, bias = (self.weight(tensors[f"{name}.{part}"].ravel()) for part in ("weight", "bias"))
        return self.op("LayerNormalization", [x, scale, bias], axis=-1, epsilon=1e-12)

    def model(self, output: str) -> onnx.ModelProto:
        integers = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in ("input_ids", "attention_mask")]
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])
        self.nodes.append(helper.make_node("Identity", [output], ["logits"]))
        graph = helper.make_graph(self.nodes, "distilbert", integers, [logits], self.weights)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets)
        model.ir_version = 9
        return model


def embed(g: Graph, t: dict) -> str:
    words = g.op("Gather", [g.weight(t["distilbert.embeddings.word_embeddings.weight"]), "input_ids"])
    n_tokens = g.op("Gather", [g.op("Shape", ["input_ids"]), g.weight(np.array([1], np.int64))])
    zero, one = g.weight(np.array([0], np.int64)), g.weight(np.array([1], np.int64))
    positions = g.op("Slice", [g.weight(t["distilbert.embeddings.position_embeddings.weight"]), zero, n_tokens, zero, one])
    return g.norm(g.op("Add", [words, positions]), t, "distilbert.embeddings.LayerNorm")


def head(g: Graph, t: dict, x: str) -> str:
    first = g.op("Gather", [x, g.weight(np.array(0, np.int64))], axis=1)
    hidden = g.op("Relu", [g.linear(first, t, "pre_classifier")])
    return g.linear(hidden, t, "classifier")


def plain(t: dict) -> onnx.ModelProto:
    g = Graph()
    x = embed(g, t)
    mask = g.op("Cast", ["attention_mask"], to=TensorProto.FLOAT)
    mask = g.op("Mul", [g.op("Sub", [g.weight(np.float32(1)), mask]), g.weight(np.float32(-1e9))])
    mask = g.op("Unsqueeze", [mask, g.weight(np.array([1, 2], np.int64))])
    split, join = g.weight(np.array([0, 0, HEADS, HEAD_WIDTH], np.int64)), g.weight(np.array([0, 0, WIDTH], np.int64))
    for layer in range(LAYERS):
        name = f"distilbert.transformer.layer.{layer}"

        def heads(which: str, order: list[int]) -> str:
            return g.op("Transpose", [g.op("Reshape", [g.linear(x, t, f"{name}.attention.{which}_lin"), split])], perm=order)

        query, value = heads("q", [0, 2, 1, 3]), heads("v", [0, 2, 1, 3])
        query = g.op("Div", [query, g.weight(np.float32(HEAD_WIDTH**0.5))])
        scores = g.op("Add", [g.op("MatMul", [query, heads("k", [0, 2, 3, 1])]), mask])
        context = g.op("MatMul", [g.op("Softmax", [scores], axis=-1), value])
        context = g.op("Reshape", [g.op("Transpose", [context], perm=[0, 2, 1, 3]), join])
        attended = g.linear(context, t, f"{name}.attention.out_lin")
        x = g.norm(g.op("Add", [attended, x]), t, f"{name}.sa_layer_norm")
        inner = g.linear(x, t, f"{name}.ffn.lin1")
        erf = g.op("Erf", [g.op("Div", [inner, g.weight(np.float32(2**0.5))])])
        inner = g.op("Mul", [g.op("Mul", [inner, g.op("Add", [erf, g.weight(np.float32(1))])]), g.weight(np.float32(0.5))])
        x = g.norm(g.op("Add", [g.linear(inner, t, f"{name}.ffn.lin2"), x]), t, f"{name}.output_layer_norm")
    return g.model(head(g, t, x))


def fused(t: dict) -> onnx.ModelProto:
    g = Graph()
    x = embed(g, t)
    mask = g.op("Cast", [g.op("ReduceSum", ["attention_mask", g.weight(np.array([1], np.int64))], keepdims=0)], to=TensorProto.INT32)
    for layer in range(LAYERS):
        name = f"distilbert.transformer.layer.{layer}"
        parts = [f"{name}.attention.{which}_lin" for which in "qkv"]
        weights = g.weight(np.concatenate([t[f"{part}.weight"].T for part in parts], axis=1))
        biases = g.weight(np.concatenate([t[f"{part}.bias"].ravel() for part in parts]))
        context = g.op("Attention", [x, weights, biases, mask], domain="com.microsoft", num_heads=HEADS)

        def skip_norm(inner: str, residual: str, linear: str, norm: str) -> str:
            product = g.op("MatMul", [inner, g.weight(t[f"{linear}.weight"].T)])
            rest = [g.weight(t[f"{key}"].ravel()) for key in (f"{norm}.weight", f"{norm}.bias", f"{linear}.bias")]
            return g.op("SkipLayerNormalization", [product, residual, *rest], domain="com.microsoft", epsilon=1e-12)

        x = skip_norm(context, x, f"{name}.attention.out_lin", f"{name}.sa_layer_norm")
        product = g.op("MatMul", [x, g.weight(t[f"{name}.ffn.lin1.weight"].T)])
        inner = g.op("BiasGelu", [product, g.weight(t[f"{name}.ffn.lin1.bias"].ravel())], domain="com.microsoft")
        x = skip_norm(inner, x, f"{name}.ffn.lin2", f"{name}.output_layer_norm")
    return g.model(head(g, t, x))


def tokenizer_json(vocab: list[str]) -> dict:
    """BERT uncased, as Hugging Face's library writes it."""
    ids = {word: index for index, word in enumerate(vocab)}
    special = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")}

    def piece(kind: str, name: str, type_id: int) -> dict:
        return {kind: {"id": name, "type_id": type_id}}

    first = [piece("SpecialToken", "[CLS]", 0), piece("Sequence", "A", 0), piece("SpecialToken", "[SEP]", 0)]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": ids[w], "content": w, **flags} for w in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": first,
            "pair": first + [piece("Sequence", "B", 1), piece("SpecialToken", "[SEP]", 1)],
            "special_tokens": special,
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": ids,
        },
    }


def main() -> None:
    packed, out = Path(sys.argv[1]), Path(sys.argv[2])
    metadata, tensors = read_gguf(packed)
    vocab = metadata["sotto.vocabulary"].splitlines()
    (out / "onnx").mkdir(parents=True, exist_ok=True)
    for name, make in (("plain", plain), ("fused", fused)):
        wide = out / f"{name}-f32.onnx"
        onnx.save(make(tensors), wide)
        # Unsigned activations by signed 7-bit weights cannot overflow the 16-bit sums of plain SIMD.
        options = {"DefaultTensorType": TensorProto.FLOAT}
        quantize_dynamic(
            wide, out / f"{name}.onnx", per_channel=True, reduce_range=True, weight_type=QuantType.QInt8, extra_options=options
        )
        wide.unlink()
    (out / "plain.onnx").rename(out / "onnx/model_quantized.onnx")
    (out / "fused.onnx").rename(out / "onnx/fused.onnx")
    identity = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "identity",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(identity, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, out / "onnx/identity.onnx")
    labels = {"0": "NEGATIVE", "1": "POSITIVE"}
    config = {"model_type": "distilbert", "architectures": ["DistilBertForSequenceClassification"], "id2label": labels}
    config["label2id"] = {label: int(index) for index, label in labels.items()}
    config |= {"dim": WIDTH, "n_heads": HEADS, "n_layers": LAYERS, "vocab_size": len(vocab), "max_position_embeddings": 512}
    (out / "config.json").write_text(json.dumps(config))
    (out / "tokenizer.json").write_text(json.dumps(tokenizer_json(vocab)))
    limits = {"tokenizer_class": "DistilBertTokenizer", "model_max_length": 512, "do_lower_case": True}
    (out / "tokenizer_config.json").write_text(json.dumps(limits))


if __name__ == "__main__":
    main()
