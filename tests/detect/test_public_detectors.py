"""FastestDet, NanoDet and Yolo-FastestV2 with their authors' weights, beside ONNX Runtime and OpenCV's dnn."""

import copy
from functools import cache

import cv2
import numpy as np
import pytest
import torch

import sightline as sl
from onnx_peer import Graph, from_ncnn, run
from sightline.core import evidence
from sightline.core.errors import InputError, MissingFileError, WeightsError
from sightline.detect.detector import Detector
from sightline.detect.fastestdet import fastestdet
from sightline.detect.folded import fill, in_rgb, photos, read_layers
from sightline.detect.nanodet import nanodet
from sightline.detect.search import Search
from sightline.detect.yolo_fastest_v2 import yolo_fastest_v2

BUILD = {"fastestdet": fastestdet, "nanodet": nanodet, "yolo_fastest_v2": yolo_fastest_v2}
FILES = {"fastestdet": "FastestDet.onnx", "nanodet": "nanodet_m.npz", "yolo_fastest_v2": "yolo_fastestv2_coco.npz"}


@cache
def _trained(name, shared_data):
    model = BUILD[name]().eval()
    model.begin(shared_data / "weights" / FILES[name])
    return model


@pytest.fixture(scope="module")
def street(shared_data):
    """Real photos, stretched to the networks' squares as their authors do."""
    return [sl.data.sample("cat"), sl.read(shared_data / "opencv_samples/messi5.jpg")]


def _square(photo, side):
    pixels = sl.image.resize(photo, (side, side))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32) / np.float32(255)  # 1×3×H×W


def _sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def _selected(boxes, scores, near):
    """Return boxes, scores and classes above 0.25 after OpenCV's suppression, class by class, best first."""
    rows = []
    for label in range(scores.shape[1]):
        sure = np.flatnonzero(scores[:, label] > 0.25)
        sides = np.concatenate([boxes[sure, :2], boxes[sure, 2:] - boxes[sure, :2]], axis=1)
        kept = cv2.dnn.NMSBoxes(sides.tolist(), scores[sure, label].tolist(), 0.25, near)
        rows += [(scores[sure[k], label], label, boxes[sure[k]]) for k in kept]
    return sorted(rows, key=lambda row: -row[0])


def _worst(found, rows, measured):
    """Hold that both tell the same things; return how far their boxes are apart in pixels."""
    found = found[found.scores > 0.25]
    assert len(found) == len(rows) > 0
    assert found.labels.tolist() == [label for _, label, _ in rows]
    assert np.abs(found.scores - [score for score, _, _ in rows]).max() < 1e-4
    worst = float(np.abs(found.boxes - np.stack([box for _, _, box in rows])).max())
    measured(worst)
    return worst


@evidence.equals("detect.fastestdet", peer="onnxruntime", tolerance="0.01 pixels", data="two photos, the author's file")
def test_fastestdet_is_the_author_s_file(shared_data, street, measured):
    model, path = _trained("fastestdet", shared_data), shared_data / "weights/FastestDet.onnx"
    net = cv2.dnn.readNetFromONNX(str(path))
    session = __import__("onnxruntime").InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    for photo in street:
        pixels = _square(photo, 352)
        bgr = np.ascontiguousarray(pixels[:, ::-1])
        net.setInput(bgr)
        for said in (session.run(None, {"input.1": bgr})[0], net.forward()):
            objects, edges, classes = np.split(said[0].reshape(85, -1).T.astype(np.float64), [1, 5], axis=1)
            y, x = np.divmod(np.arange(484), 22)
            middle = (np.stack([x, y], axis=1) + np.tanh(edges[:, :2])) * 16
            half = _sigmoid(edges[:, 2:]) * 352 / 2
            rows = _selected(np.concatenate([middle - half, middle + half], axis=1), objects * classes, 0.45)
            assert _worst(model(torch.from_numpy(pixels))[0], rows, measured) < 0.01


@evidence.equals(
    "detect.nanodet", peer="onnxruntime", tolerance="0.01 pixels", data="two photos, ncnn's list of layers"
)
def test_nanodet_is_ncnn_s_list_of_layers(shared_data, street, measured):
    model, folder = _trained("nanodet", shared_data), shared_data / "weights"
    with np.load(folder / "nanodet_m.npz") as numbers:
        graph, blobs = from_ncnn((folder / "nanodet_m.ncnn.param.txt").read_text("utf-8"), dict(numbers))
    names = [blobs[name] for name in ("792", "795", "814", "817", "836", "839")]
    shapes = [(1, places, numbers) for places in (1600, 400, 100) for numbers in (80, 32)]
    whole = graph.model(320, dict(zip(names, shapes, strict=True)))
    for photo in street:
        pixels = _square(photo, 320)
        mean, deviation = np.array([[103.53, 116.28, 123.675], [57.375, 57.12, 58.395]], np.float32)[..., None, None]
        bgr = (pixels[:, ::-1] * np.float32(255) - mean) / deviation
        for said in run(whole, bgr, names):
            scores = np.concatenate([part.reshape(-1, 80) for part in said[::2]])
            bins = np.concatenate([part.reshape(-1, 4, 8) for part in said[1::2]]).astype(np.float64)
            share = np.exp(bins - bins.max(axis=2, keepdims=True))
            away = (share * np.arange(8)).sum(axis=2) / share.sum(axis=2)
            stride = np.repeat([8, 16, 32], [1600, 400, 100])[:, None]
            cells = [np.stack(np.divmod(np.arange(n * n), n)[::-1], axis=1) for n in (40, 20, 10)]
            middle = (np.concatenate(cells) + 0.5) * stride
            boxes = np.concatenate([middle - away[:, :2] * stride, middle + away[:, 2:] * stride], axis=1)
            assert _worst(model(torch.from_numpy(pixels))[0], _selected(boxes, scores, 0.6), measured) < 0.01


def _yolo_fastest_v2(w):
    """Return the author's network as a graph, written from the names of its tensors, and its outputs."""
    g = Graph()

    def block(x, conv, norm, active=True, **how):
        numbers = (w[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
        x = g.norm(g.conv(x, w[f"{conv}.weight"], **how), *numbers)
        return g.relu(x) if active else x

    def unit(x, name, channels, stride):
        if stride == 2:
            kept = block(x, f"{name}.branch_proj.0", f"{name}.branch_proj.1", False, stride=2, groups=channels)
            kept = block(kept, f"{name}.branch_proj.2", f"{name}.branch_proj.3")
        else:  # every second channel stays
            kept, x = (
                g.add("Slice", x, *(g.constant(np.array([v])) for v in (first, 10**6, 1, 2))) for first in (0, 1)
            )
        x = block(x, f"{name}.branch_main.0", f"{name}.branch_main.1")
        x = block(x, f"{name}.branch_main.3", f"{name}.branch_main.4", False, stride=stride, groups=channels)
        return g.add("Concat", kept, block(x, f"{name}.branch_main.5", f"{name}.branch_main.6"), axis=1)

    x, maps = g.pool(block("images", "backbone.first_conv.0", "backbone.first_conv.1", stride=2)), []
    for stage, channels, count in ((2, 24, 4), (3, 48, 8), (4, 96, 4)):
        for i in range(count):
            x = unit(x, f"backbone.stage{stage}.{i}", channels, 1 if i else 2)
        maps.append(x)
    joined = g.add("Concat", g.resize(maps[2], 2, "nearest"), maps[1], axis=1)
    outputs = []
    for level, x in ((2, joined), (3, maps[2])):
        x = block(x, f"fpn.conv1x1_{level}.0", f"fpn.conv1x1_{level}.1")
        seen = {}
        for road in ("cls", "reg"):
            name = f"fpn.{road}_head_{level}.block"
            seen[road] = x
            for first in (0, 5):
                seen[road] = block(seen[road], f"{name}.{first}", f"{name}.{first + 1}", groups=72)
                seen[road] = block(seen[road], f"{name}.{first + 3}", f"{name}.{first + 4}", False)
        for road, what in (("reg", "reg"), ("cls", "obj"), ("cls", "cls")):
            key = f"output_{what}_layers"
            outputs.append(g.conv(seen[road], w[f"{key}.weight"], w[f"{key}.bias"]))
    return g, outputs


@evidence.equals(
    "detect.yolo_fastest_v2", peer="onnxruntime", tolerance="0.01 pixels", data="two photos, the author's weights"
)
def test_yolo_fastest_v2_is_the_author_s_network(shared_data, street, measured):
    model = _trained("yolo_fastest_v2", shared_data)
    with np.load(shared_data / "weights" / FILES["yolo_fastest_v2"]) as numbers:
        graph, names = _yolo_fastest_v2(dict(numbers))
    shapes = [(1, channels, side, side) for side in (22, 11) for channels in (12, 3, 80)]
    whole = graph.model(352, dict(zip(names, shapes, strict=True)))
    anchors = np.array([12.64, 19.39, 37.88, 51.48, 55.71, 138.31, 126.91, 78.23, 131.57, 214.55, 279.92, 258.87])
    for photo in street:
        pixels = _square(photo, 352)
        for said in run(whole, np.ascontiguousarray(pixels[:, ::-1]), names):
            boxes, scores = [], []
            for level, (side, stride) in enumerate(((22, 16), (11, 32))):
                t, objects, classes = (part[0].astype(np.float64) for part in said[3 * level : 3 * level + 3])
                classes = np.exp(classes - classes.max(axis=0))
                y, x = np.mgrid[:side, :side]
                for a in range(3):
                    v = 2 * _sigmoid(t[4 * a : 4 * a + 4])
                    w, h = (v[2 + i] ** 2 * anchors[6 * level + 2 * a + i] for i in (0, 1))
                    cx, cy = (v[0] - 0.5 + x) * stride, (v[1] - 0.5 + y) * stride
                    sides = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=-1)
                    boxes.append(sides.reshape(-1, 4))
                    share = _sigmoid(objects[a]) * classes / classes.sum(axis=0)
                    scores.append(share.reshape(80, -1).T)
            rows = _selected(np.concatenate(boxes), np.concatenate(scores), 0.4)
            assert _worst(model(torch.from_numpy(pixels))[0], rows, measured) < 0.01


@pytest.mark.parametrize("name", list(BUILD))
def test_they_see_a_man(name, shared_data):
    names = tuple((shared_data / "weights/coco.names").read_text("utf-8").splitlines())
    model = _trained(name, shared_data)
    search = Search(model, names, 320 if name == "nanodet" else 352, square=model.square)
    (found,) = search.find([sl.read(shared_data / "opencv_samples/messi5.jpg")])
    assert found.name(0) == "person"
    assert found.scores[0] > 0.5


@pytest.mark.parametrize("name", list(BUILD))
def test_other_classes_begin_with_the_backbone(name, shared_data):
    model, whole = BUILD[name](3), _trained(name, shared_data)
    model.begin(shared_data / "weights" / FILES[name])
    ours, theirs = model.state_dict(), whole.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours if ours[key].shape == theirs[key].shape)
    assert [key for key in ours if ours[key].shape != theirs[key].shape]
    images = torch.rand(2, 3, 64, 64)
    losses = model.train()(images, [{"boxes": torch.tensor([[8.0, 8, 40, 50]]), "labels": torch.tensor([2])}, _none()])
    losses["loss"].backward()
    assert all(torch.isfinite(value) for value in losses.values())
    assert losses["box_loss"] > 0
    assert isinstance(model, Detector)
    assert len(model.eval()(images)) == 2


def _none():
    return {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}


def test_folded_weights_can_be_trained_on(shared_data):
    """A batch in training mode meets about what its normalisations divide by, and finds the same."""
    model, pictures = copy.deepcopy(_trained("nanodet", shared_data)), photos(320)
    other = nanodet().eval()
    fill(other, in_rgb(read_layers(shared_data / "weights" / FILES["nanodet"])), "the file")
    with torch.no_grad():
        wanted = other.look(pictures).logits.sigmoid()
        assert torch.allclose(model.look(pictures).logits.sigmoid(), wanted, atol=1e-4)
        assert (model.train().look(pictures).logits.sigmoid() - wanted).abs().max() < 0.05
        assert (other.train().look(pictures).logits.sigmoid() - wanted).abs().max() > 0.2


@pytest.mark.parametrize("name", list(BUILD))
def test_classes_begin_as_those_they_are_like(name, shared_data):
    """What is said of the boxes is kept whatever the classes are; a class takes the outputs of the one it is like."""
    torch.manual_seed(0)
    model, whole = BUILD[name](3).eval(), _trained(name, shared_data)
    model.begin(shared_data / "weights" / FILES[name], like=(16, -1, 0))
    images = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        (boxes, scores), (their_boxes, their_scores) = model.answer(images), whole.answer(images)
    assert torch.allclose(boxes, their_boxes, atol=1e-3)
    if name == "nanodet":  # the others divide by the sum over their classes
        assert torch.allclose(scores[..., [0, 2]], their_scores[..., [16, 0]], rtol=1e-4)
        assert scores[..., 1].max() < 0.05  # fresh: all but never
    else:
        rows = list(model.state_dict())[-2]
        ours, theirs = model.state_dict()[rows], whole.state_dict()[rows]
        assert torch.equal(ours[[0, 2]], theirs[[16, 0]])


@pytest.mark.parametrize("name", list(BUILD))
def test_what_they_refuse(name, tmp_path, shared_data):
    model = BUILD[name](2)
    with pytest.raises(InputError, match=f"{name}: images must be B×3×H×W with sides that are multiples of 32"):
        model(torch.zeros(1, 3, 50, 64))
    with pytest.raises(InputError, match="targets must be given in training mode"):
        model(torch.zeros(2, 3, 32, 32))
    with pytest.raises(MissingFileError, match="does not exist"):
        model.begin(tmp_path / "nowhere.npz")
    other = next(file for key, file in FILES.items() if key != name and file.endswith("npz"))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(WeightsError, match="begin: "):
        model.begin(shared_data / "weights" / other)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    wide = BUILD[name](80, width="1.5x")
    with pytest.raises(WeightsError, match=r"must be|does not fit"):
        wide.begin(shared_data / "weights" / FILES[name])


@pytest.mark.parametrize("name", list(BUILD))
def test_nan_finds_nothing(name):
    assert len(BUILD[name](1).eval()(torch.full((1, 3, 64, 64), torch.nan))[0]) == 0
