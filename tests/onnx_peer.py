"""Networks written as ONNX graphs, layer by layer from what their authors published, for other runtimes to run."""

from __future__ import annotations

import cv2
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes one after the other; each method adds one and returns the name of what it gives."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value):
        self.constants.append(numpy_helper.from_array(value, f"c{len(self.constants)}"))
        return self.constants[-1].name

    def add(self, kind, *inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x, weight, bias=None, *, stride=1, groups=1):
        pad = weight.shape[-1] // 2
        inputs = [x, *(self.constant(v.astype(np.float32)) for v in (weight, bias) if v is not None)]
        return self.add("Conv", *inputs, pads=[pad] * 4, strides=[stride] * 2, group=groups)

    def norm(self, x, *numbers):
        """``numbers`` are scale, shift, mean and variance."""
        return self.add("BatchNormalization", x, *(self.constant(v.astype(np.float32)) for v in numbers), epsilon=1e-5)

    def relu(self, x):
        return self.add("Relu", x)

    def pool(self, x):
        return self.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])

    def resize(self, x, factor, mode):
        how = {"coordinate_transformation_mode": "half_pixel"} if mode == "linear" else {}
        if mode == "nearest":
            how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        scales = self.constant(np.array([1, 1, factor, factor], np.float32))
        return self.add("Resize", x, "", scales, mode=mode, **how)

    def reshape(self, x, *shape):
        return self.add("Reshape", x, self.constant(np.array(shape, np.int64)))

    def model(self, side, outputs):
        """Return the file's bytes; ``outputs`` are shapes by name."""
        given = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, side, side])]
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
        graph = helper.make_graph(self.nodes, "network", given, made, self.constants)
        whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        return whole.SerializeToString()


def run(model, images, outputs):
    """Return what ONNX Runtime and OpenCV's dnn give for a batch of one image, each a list of arrays."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    net.setInput(images)
    return session.run(outputs, {"images": images}), list(net.forward(outputs))


def from_ncnn(text, weights):
    """Return the graph of a ``.param`` file of ncnn, and what its blobs are called in it.

    ``weights`` has a weight and a bias for each convolution, by its name.
    """
    graph, blobs, channels = Graph(), {"input.1": "images"}, {}
    for line in text.splitlines()[2:]:
        kind, name, inputs, outputs, *rest = line.split()
        tops, bottoms = rest[int(inputs) :][: int(outputs)], rest[: int(inputs)]
        given = dict(word.split("=") for word in rest[int(inputs) + int(outputs) :])
        x = [blobs[bottom] for bottom in bottoms]
        if kind == "Input":
            continue
        if kind.startswith("Convolution"):
            weight = weights[f"{name}/weight"]
            stride, groups = int(given.get("3", 1)), int(given.get("7", 1))
            made = [graph.conv(x[0], weight, weights[f"{name}/bias"], stride=stride, groups=groups)]
            if given.get("9") == "2":
                made = [graph.add("LeakyRelu", made[0], alpha=float(given["-23310"].split(",")[1]))]
            channels[tops[0]] = len(weight)
        elif kind == "Pooling":
            made = [graph.pool(x[0])]
        elif kind == "Split":
            made = x * int(outputs)
        elif kind == "Concat":
            made = [graph.add("Concat", *x, axis=1)]
            channels[tops[0]] = sum(channels[bottom] for bottom in bottoms)
        elif kind == "ShuffleChannel":
            parted = graph.reshape(x[0], 1, 2, channels[bottoms[0]] // 2, -1)
            turned = graph.add("Transpose", parted, perm=[0, 2, 1, 3])
            made = [graph.add("Reshape", turned, graph.add("Shape", x[0]))]
        elif kind == "Slice":
            first = int(given["-23300"].split(",")[1])
            sizes = [first, channels[bottoms[0]] - first]
            made = graph.add("Split", x[0], graph.constant(np.array(sizes, np.int64)), outputs=2, axis=1)
            channels.update(zip(tops, sizes, strict=True))
        elif kind == "Interp":
            made = [graph.resize(x[0], float(given["1"]), "linear")]
        elif kind == "BinaryOp":
            made = [graph.add("Add", *x)]
        elif kind == "Sigmoid":
            made = [graph.add("Sigmoid", x[0])]
        elif kind == "Reshape":
            made = [graph.reshape(x[0], 1, int(given["1"]), -1)]
        elif kind == "Permute":
            made = [graph.add("Transpose", x[0], perm=[0, 2, 1])]
        else:
            raise ValueError(kind)
        for top, value in zip(tops, made, strict=True):
            blobs[top] = value
            channels.setdefault(top, channels.get(bottoms[0]))
    return graph, blobs
