"""Writes an encoder as an ONNX file in docent's own form, which `src/embedding/graph` reads back.

Standard operators only; inputs input_ids and attention_mask [batch, sequence] (one text a run: the mask is read by
nothing), output last_hidden_state [batch, sequence, hidden]. Matrices are int8, symmetric, one scale a column (a row, for
the table of words), some of them for activations whose largest components are brought down (see smoothing.py). In the
integer form products run on int8 (DynamicQuantizeLinear and MatMulInteger); in the dequantising form on the same weights in
f32. The integer form is what ships: docent rebuilds either from it.
"""

from __future__ import annotations

from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

OPERATOR_SET, IR_VERSION = 20, 9  # the first operator set with Gelu
HEADS = 12
EPSILON = 1e-12
PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}


def quantized(matrix: numpy.ndarray, axis: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """int8 values and their scales along the other axis than `axis`; the largest magnitude is at 127."""
    largest = numpy.abs(matrix).max(axis=axis, keepdims=True)
    scales = numpy.where(largest > 0, largest / 127, 1).astype(numpy.float32)
    return numpy.clip(numpy.round(matrix / scales), -127, 127).astype(numpy.int8), scales


class Writer:
    """Collects nodes and initializers."""

    def __init__(self, weights: dict[str, numpy.ndarray], integer: bool, smoothing: dict[str, numpy.ndarray]) -> None:
        self.weights, self.integer, self.smoothing = weights, integer, smoothing
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: list[str], outputs: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, outputs.split(" "), **attributes))
        return outputs

    def constant(self, name: str, values: numpy.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(numpy.ascontiguousarray(values), name))
        return name

    def norm(self, source: str, name: str, entered: str, left: str) -> str:
        weight = self.constant(f"{name}.weight", self.weights[f"{source}.LayerNorm.weight"])
        bias = self.constant(f"{name}.bias", self.weights[f"{source}.LayerNorm.bias"])
        return self.node("LayerNormalization", [entered, weight, bias], left, axis=-1, epsilon=EPSILON)

    def linear(self, source: str, name: str, entered: str) -> str:
        matrix, factors = self.weights[f"{source}.weight"].T, self.smoothing.get(source)
        values, scales = quantized(matrix if factors is None else matrix / factors[:, None], axis=0)
        bias = self.constant(f"{name}.bias", self.weights[f"{source}.bias"])
        if self.integer:
            weight, scale = self.constant(f"{name}.weight", values), self.constant(f"{name}.scale", scales[0])
            if factors is not None:
                entered = self.node("Mul", [entered, self.constant(f"{name}.smoothing", factors)], f"{name}.smoothed")
            self.node("DynamicQuantizeLinear", [entered], f"{name}.steps {name}.step {name}.zero")
            self.node("MatMulInteger", [f"{name}.steps", weight, f"{name}.zero"], f"{name}.sums")
            self.node("Cast", [f"{name}.sums"], f"{name}.sums.f32", to=TensorProto.FLOAT)
            self.node("Mul", [f"{name}.step", scale], f"{name}.steps.scale")
            self.node("Mul", [f"{name}.sums.f32", f"{name}.steps.scale"], f"{name}.product")
        else:
            stands_for = values.astype(numpy.float32) * scales
            weight = self.constant(f"{name}.weight", stands_for if factors is None else stands_for * factors[:, None])
            self.node("MatMul", [entered, weight], f"{name}.product")
        return self.node("Add", [f"{name}.product", bias], name)

    def embedding(self) -> str:
        values, scales = quantized(self.weights["embeddings.word_embeddings.weight"], axis=1)
        self.constant("word.weight", values)
        self.constant("word.scale", scales)
        self.node("Gather", ["word.weight", "input_ids"], "word.int8")
        self.node("Cast", ["word.int8"], "word.steps", to=TensorProto.FLOAT)
        self.node("Gather", ["word.scale", "input_ids"], "word.step")
        self.node("Mul", ["word.steps", "word.step"], "word")
        # Every token of a single text has type 0.
        first_type = self.weights["embeddings.token_type_embeddings.weight"][0]
        self.constant("position.weight", self.weights["embeddings.position_embeddings.weight"] + first_type)
        self.constant("zero", numpy.array([0], numpy.int64))
        self.constant("one", numpy.array([1], numpy.int64))
        self.node("Shape", ["input_ids"], "shape")
        self.node("Gather", ["shape", "one"], "length")
        self.node("Slice", ["position.weight", "zero", "length", "zero"], "position")
        self.node("Add", ["word", "position"], "embedding.sum")
        return self.norm("embeddings", "embedding.norm", "embedding.sum", "embedding")

    def attention(self, source: str, name: str, entered: str) -> str:
        for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
            flat = self.linear(f"{source}.{PARTS[part]}", f"{name}.{part}", entered)
            self.node("Reshape", [flat, "heads.shape"], f"{flat}.split")
            self.node("Transpose", [f"{flat}.split"], f"{flat}.heads", perm=order)
        self.node("MatMul", [f"{name}.query.heads", f"{name}.key.heads"], f"{name}.products")
        self.node("Mul", [f"{name}.products", "attention.scale"], f"{name}.scores")
        self.node("Softmax", [f"{name}.scores"], f"{name}.shares", axis=-1)
        self.node("MatMul", [f"{name}.shares", f"{name}.value.heads"], f"{name}.mixed")
        self.node("Transpose", [f"{name}.mixed"], f"{name}.mixed.split", perm=[0, 2, 1, 3])
        return self.node("Reshape", [f"{name}.mixed.split", "hidden.shape"], f"{name}.attended")

    def layer(self, index: int, entered: str, left: str) -> str:
        source, name = f"encoder.layer.{index}", f"layer.{index}"
        attended = self.attention(source, name, entered)
        attended = self.linear(f"{source}.{PARTS['attention_output']}", f"{name}.attention_output", attended)
        summed = self.node("Add", [attended, entered], f"{name}.attention_sum")
        middle = self.norm(f"{source}.attention.output", f"{name}.attention_norm", summed, f"{name}.attention_norm")
        wide = self.linear(f"{source}.{PARTS['intermediate']}", f"{name}.intermediate", middle)
        active = self.node("Gelu", [wide], f"{name}.gelu")
        narrow = self.linear(f"{source}.{PARTS['output']}", f"{name}.output", active)
        summed = self.node("Add", [narrow, middle], f"{name}.output_sum")
        return self.norm(f"{source}.output", f"{name}.output_norm", summed, left)

    def encoder(self) -> None:
        hidden = self.weights["embeddings.word_embeddings.weight"].shape[1]
        layers = len({name.split(".")[2] for name in self.weights if name.startswith("encoder.layer.")})
        self.constant("heads.shape", numpy.array([0, 0, HEADS, hidden // HEADS], numpy.int64))
        self.constant("hidden.shape", numpy.array([0, 0, hidden], numpy.int64))
        self.constant("attention.scale", numpy.array((hidden // HEADS) ** -0.5, numpy.float32))
        state = self.embedding()
        for index in range(layers):
            state = self.layer(index, state, "last_hidden_state" if index == layers - 1 else f"layer.{index}")


def write(
    weights: dict[str, numpy.ndarray], path: Path, integer: bool = True, smoothing: dict[str, numpy.ndarray] | None = None
) -> None:
    """Writes the weights of a BERT encoder (named as its authors name them) to an ONNX file."""
    writer = Writer(weights, integer, smoothing or {})
    writer.encoder()
    hidden = weights["embeddings.word_embeddings.weight"].shape[1]
    tokens = ["batch", "sequence"]
    graph = helper.make_graph(
        writer.nodes,
        "encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, tokens) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*tokens, hidden])],
        writer.initializers,
    )
    sets = [helper.make_opsetid("", OPERATOR_SET)]
    model = helper.make_model(graph, producer_name="docent", opset_imports=sets, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def numpy_weights(model) -> dict[str, numpy.ndarray]:
    """The weights of a PyTorch model, in f32, without what only training needs."""
    return {
        name: value.detach().float().numpy()
        for name, value in model.state_dict().items()
        if not name.startswith("pooler") and value.is_floating_point()
    }
