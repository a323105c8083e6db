import numpy as np
import pytest
import torch

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError, MissingFileError, WeightsError
from sightline.detect.darknet import Darknet, darknet, read_darknet
from sightline.detect.darknet_file import parse, read_numbers
from sightline.detect.search import Search
from sightline.detect.yolo_v3 import yolo_v3

CFG = """
[net]
width=64  # pixels
height=64

[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
batch_normalize=1
filters=4
size=3
groups=2
pad=1
activation=relu

[shortcut]
from=-2
activation=linear

[maxpool]
size=2
stride=1

[upsample]
stride=2

[route]
layers=-1,0

[convolutional]
filters=14
size=1
activation=linear

[yolo]
mask=1,2
anchors=8,9, 20,12, 30,40
classes=2
scale_x_y=1.05
"""


def _convolve(x, weight, bias, stride, groups):
    size = weight.shape[-1]
    x = np.pad(x, ((0, 0), (size // 2,) * 2, (size // 2,) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))[:, ::stride, ::stride]
    parts = zip(np.split(windows, groups), np.split(weight, groups), strict=True)
    return np.concatenate([np.einsum("chwij,ocij->ohw", part, w) for part, w in parts]) + bias[:, None, None]


def _maxima(x, stride):
    x = np.pad(x, ((0, 0), (0, 1), (0, 1)), constant_values=-np.inf)  # darknet pads size − 1, the odd pixel behind
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), (1, 2))[:, ::stride, ::stride]
    return windows.max(axis=(3, 4))


class _Written:
    """The same network in NumPy, reading the numbers in the file's order."""

    def __init__(self, numbers):
        self.numbers, self.start = numbers, 0

    def take(self, *shape):
        count = int(np.prod(shape))
        part = self.numbers[self.start : self.start + count].reshape(shape)
        self.start += count
        return part.astype(np.float64)

    def block(self, x, filters, size, stride, groups, norm):
        shape = (filters, len(x) // groups, size, size)
        if not norm:
            bias = self.take(filters)
            return _convolve(x, self.take(*shape), bias, stride, groups)
        beta, gamma, mean, variance = (self.take(filters) for _ in range(4))
        scale = gamma / np.sqrt(variance + 1e-5)
        return _convolve(x, self.take(*shape) * scale[:, None, None, None], beta - mean * scale, stride, groups)

    def boxes(self, image):
        """Return a×H×W×4 boxes and a×H×W×2 scores."""
        first = self.block(image, 4, 3, 2, 1, True)
        first = np.where(first > 0, first, 0.1 * first)
        pooled = _maxima(first, 2)
        summed = np.maximum(self.block(pooled, 4, 3, 1, 2, True), 0) + pooled
        up = _maxima(summed, 1).repeat(2, axis=1).repeat(2, axis=2)
        said = self.block(np.concatenate([up, first]), 14, 1, 1, 1, False).reshape(2, 7, 32, 32)
        sigma = 1 / (1 + np.exp(-said))
        anchors, cell = np.array([[20, 12], [30, 40]]), np.arange(32)
        x = (sigma[:, 0] * 1.05 - 0.025 + cell) * 2
        y = (sigma[:, 1] * 1.05 - 0.025 + cell[:, None]) * 2
        w, h = (np.exp(said[:, 2 + i]) * anchors[:, i, None, None] for i in range(2))
        boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=-1)
        return boxes, np.moveaxis(sigma[:, 4:5] * sigma[:, 5:], 1, -1)


def _numbers(seed=0):
    model, random = Darknet(parse(CFG)), np.random.default_rng(seed)
    count = sum(p.numel() for p in model.parameters()) + sum(
        b.numel() for n, b in model.named_buffers() if "running" in n
    )
    return np.abs(random.normal(0.2, 0.1, count)).astype(np.float32) * np.sign(random.uniform(-0.2, 1, count) + 0.1)


def _write(path, numbers, header=(0, 2, 5)):
    path.write_bytes(np.array(header, "<i4").tobytes() + np.int64(77).tobytes() + numbers.astype("<f4").tobytes())
    return path


@evidence.equals("detect.yolo_v3", peer="darknet's layers in NumPy", tolerance="1e-3 pixels", data="random weights")
def test_the_network_of_a_file_is_darknet_s(tmp_path, measured):
    (tmp_path / "a.cfg").write_text(CFG, "utf-8")
    numbers = np.abs(_numbers())  # variances are positive
    model = read_darknet(tmp_path / "a.cfg", _write(tmp_path / "a.weights", numbers))
    image = np.random.default_rng(1).random((3, 64, 64), np.float32)
    (grid,) = model.look(torch.from_numpy(image)[None])
    boxes, scores = _Written(numbers.astype(np.float32)).boxes(image.astype(np.float64))
    worst = float(np.abs(grid.boxes()[0].detach().numpy() - boxes).max())
    measured(worst)
    assert worst < 1e-3 * max(1, np.abs(boxes).max() / 100)
    assert np.abs(grid.scores()[0].detach().numpy() - scores).max() < 1e-4


@pytest.mark.parametrize(("size", "numbers"), [("tiny", 8_858_734), ("full", 62_001_757)])
def test_the_authors_files_would_fit(size, numbers):
    # yolov3-tiny.weights has 35,434,956 bytes and yolov3.weights 248,007,048: 20 of header, 4 a number.
    with torch.device("meta"):
        model = yolo_v3(80, size=size)
    tensors = [*model.parameters(), *(b for n, b in model.named_buffers() if "running" in n)]
    assert sum(tensor.numel() for tensor in tensors) == numbers


def test_public_weights_see_a_cat_and_a_person(shared_data):
    folder = shared_data / "weights"
    model = read_darknet(folder / "yolo-fastest-1.1.cfg", folder / "yolo-fastest-1.1.weights")
    names = tuple((folder / "coco.names").read_text("utf-8").splitlines())
    search = Search(model, names, 320)
    cat, man = search.find([sl.data.sample("cat"), sl.read(shared_data / "opencv_samples/messi5.jpg")])
    assert cat.name(0) == "cat"
    assert man.name(0) == "person"
    assert man.scores[0] > 0.8
    other = darknet(2, cfg=str(folder / "yolo-fastest-1.1.cfg"))
    other.begin(folder / "yolo-fastest-1.1.weights", like=(-1, names.index("cat")))
    assert torch.equal(other.layers[0][0].weight, model.layers[0][0].weight)
    assert other.layers[-1].classes == 2
    image = torch.rand(1, 3, 96, 64)
    with torch.no_grad():
        (boxes, scores), (their_boxes, their_scores) = other.eval().answer(image), model.answer(image)
    assert torch.allclose(boxes, their_boxes, atol=1e-3)  # what is said of boxes and of objects is the file's
    assert torch.allclose(scores[..., 1], their_scores[..., names.index("cat")], rtol=1e-4)


@pytest.mark.slow
def test_it_learns_one_picture_by_heart():
    torch.manual_seed(0)
    model, image = Darknet(parse(CFG)).train(), torch.rand(1, 3, 64, 64) * 0.2
    image[:, :, 16:28, 8:28] += 0.7
    target = {"boxes": torch.tensor([[8.0, 16, 28, 28]]), "labels": torch.tensor([1])}
    optimizer = torch.optim.AdamW(model.parameters(), 2e-2)
    for _ in range(80):
        optimizer.zero_grad()
        losses = model(image, [target])
        losses["loss"].backward()
        optimizer.step()
    assert set(losses) == {"loss", "box_loss", "object_loss", "class_loss"}
    found = model.eval()(image)[0]
    assert found.labels[0] == 1
    assert np.abs(found.boxes[0] - [8, 16, 28, 28]).max() < 6


def test_images_without_boxes_have_a_loss():
    losses = Darknet(parse(CFG)).train()(torch.rand(2, 3, 64, 64), [_none(), _none()])
    losses["loss"].backward()
    assert losses["object_loss"] > 0
    assert losses["box_loss"] == 0


def _none():
    return {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace("[net]", "[convolutional]"), r"does not begin with \[net\]"),
        (lambda text: text.replace("[yolo]", "[region]"), "of a kind that is not understood"),
        (lambda text: text.replace("filters=14", "filters=15"), r"needs 2·\(5 \+ 2\) channels before it; got 15"),
        (lambda text: text.replace("layers=-1,0", "layers=99"), "looks at layer 99, which is not before it"),
        (lambda text: text.replace("filters=4\n", "filters=four\n", 1), "filters of layer 0 .* must be numbers"),
        (lambda text: text.replace("activation=leaky", "activation=elu"), "activation of layer 0 .* must be one of"),
        (lambda text: text.partition("[yolo]")[0], r"has no \[yolo\] layer"),
        (lambda text: "nonsense\n" + text, "line 1 of .* is neither"),
    ],
)
def test_what_a_cfg_may_not_say(tmp_path, change, sentence):
    (tmp_path / "a.cfg").write_text(change(CFG), "utf-8")
    with pytest.raises(FormatError, match=sentence):
        read_darknet(tmp_path / "a.cfg")


def test_weights_that_do_not_fit(tmp_path):
    (tmp_path / "a.cfg").write_text(CFG, "utf-8")
    numbers = _numbers()
    with pytest.raises(WeightsError, match="do not belong together"):
        read_darknet(tmp_path / "a.cfg", _write(tmp_path / "b.weights", numbers[:-1]))
    (tmp_path / "c.weights").write_bytes(b"short")
    with pytest.raises(FormatError, match="5 bytes: too few"):
        read_numbers(tmp_path / "c.weights")
    (tmp_path / "d.weights").write_bytes(_write(tmp_path / "b.weights", numbers).read_bytes()[:-1])
    with pytest.raises(FormatError, match="ends in the middle of a number"):
        read_numbers(tmp_path / "d.weights")
    with pytest.raises(FormatError, match=r"is no text\. Are cfg and weights swapped"):
        read_darknet(_write(tmp_path / "b.weights", np.full(9, -1e30)), tmp_path / "a.cfg")
    with pytest.raises(MissingFileError, match="does not exist"):
        read_darknet(tmp_path / "nowhere.cfg")
    with pytest.raises(InputError, match=r"cfg must be darknet's \.cfg file"):
        darknet(2)
    with pytest.raises(WeightsError, match="not the weights of this network, for any number of classes"):
        darknet(2, cfg=CFG).begin(_write(tmp_path / "b.weights", numbers[:50]))


def test_nan_finds_nothing():
    assert len(Darknet(parse(CFG)).eval()(torch.full((1, 3, 64, 64), torch.nan))[0]) == 0
