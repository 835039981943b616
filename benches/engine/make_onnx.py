"""Makes the peers' text model: `make_onnx.py WEIGHTS.safetensors OUT_DIR`.

The very weights that Sotto's own are packed from, as an ONNX graph in int8 by onnxruntime's own dynamic quantisation, in two
forms, so that the peer is measured at its best: `plain`, the operators of an ordinary export, which is what Transformers.js
loads, and `fused`, with onnxruntime's own Attention, SkipLayerNormalization and Gelu. What lies beside the weights, labels
and tokenizer.json, goes along as it is. It knows nothing of how they are measured.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

LAYERS, WIDTH, HEADS = 6, 768, 12
HEAD_WIDTH = WIDTH // HEADS


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """
    Every tensor widened to f32, rows first. A matrix on a 4-bit grid is there as NAME.q, two steps a byte and the low one
    first, and NAME.scale, one for every 32 inputs.
    """
    data = path.read_bytes()
    base = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:base])
    header.pop("__metadata__", None)
    kinds = {"F32": "<f4", "F16": "<f2", "U8": "u1"}
    stored = {}
    for name, info in header.items():
        start, end = info["data_offsets"]
        stored[name] = np.frombuffer(data[base + start : base + end], kinds[info["dtype"]]).reshape(info["shape"])
    tensors = {}
    for name, values in stored.items():
        if name.endswith(".q"):
            matrix = name.removesuffix(".q")
            steps = np.stack([values & 15, values >> 4], axis=-1).astype(np.float32) - 8
            scales = stored[f"{matrix}.scale"].astype(np.float32)[:, :, None]
            tensors[matrix] = (steps.reshape(len(values), -1, 32) * scales).reshape(len(values), -1)
        elif name.removesuffix(".scale") + ".q" not in stored:
            tensors[name] = values.astype(np.float32)
    return tensors


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

    def model(self, output: str, n_labels: int) -> onnx.ModelProto:
        integers = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in ("input_ids", "attention_mask")]
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", n_labels])
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
    return g.model(head(g, t, x), len(t["classifier.bias"]))


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
    return g.model(head(g, t, x), len(t["classifier.bias"]))


def main() -> None:
    weights, out = Path(sys.argv[1]), Path(sys.argv[2])
    tensors = read_safetensors(weights)
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
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(weights.with_name(name), out / name)


if __name__ == "__main__":
    main()
