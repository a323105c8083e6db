"""Classifiers in ONNX files: the same pixels inside as outside, the same answers, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sightline.classify.export import IMAGES, PIXELS, Nodes, _prepare, export
from sightline.classify.exported import ExportedClassifier
from sightline.classify.prepare import Form
from sightline.classify.recipe import METHODS, ClassifyRecipe
from sightline.core import evidence, sessions
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.sessions import open_session
from sightline.nn.onnx_network import OnnxNetwork

onnx = pytest.importorskip("onnx", reason="needs the extra 'export'")
pytest.importorskip("onnxruntime", reason="needs the extra 'export'")

# Sides in pixels of the smallest images, and what keeps the networks small.
SIDES = {"inception_v3": 80, "alexnet": 64, "zfnet": 64}
SMALL: dict[str, dict[str, Any]] = {
    **{name: {"hidden": 16} for name in METHODS if name.startswith("vgg") or name in ("alexnet", "zfnet")},
    **{name: {"variant": "tiny"} for name in ("vit", "deit", "swin", "convnext")},
}
SMALL["vit"] = {"variant": "tiny", "depth": 1}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def made(method: str, size: tuple[int, int], share: float = 1.0, channels: int = 3) -> tuple[Any, nn.Module]:
    """Return a recipe of five classes and its network, at random weights and statistics."""
    config = {
        "method": method,
        "classes": ["ant", "bee", "cat", "dog", "élan"],
        "size": list(size),
        "channels": channels,
        "mean": [0.45] * channels,
        "std": [0.25] * channels,
        "seed": 0,
        "options": {},
        "model": SMALL.get(method, {}),
    }
    recipe = ClassifyRecipe.from_config(config)
    recipe.form = Form(size, channels, share)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = recipe.model().eval()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    return recipe, model


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, nn.Module, ExportedClassifier]:
    recipe, model = made("resnet20", (32, 24), share=0.875)
    path = export(recipe, model, tmp_path_factory.mktemp("exported") / "small.onnx")
    return recipe, model, ExportedClassifier(path, threads=1)


def colour(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [photo for photo in photos.values() if min(photo.shape[:2]) > 40]


@evidence.equals("classify.resnet20", peer="onnxruntime", tolerance="1e-5 of a probability", data="photos")
def test_the_file_gives_the_networks_probabilities(
    small: Any, photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    recipe, model, exported = small
    ready = [recipe.form.prepare(photo) for photo in colour(photos)]
    theirs = recipe.scores(model, ready)
    alone = np.concatenate([exported.probabilities([image]) for image in ready])
    worst = max(np.abs(alone - theirs).max(), np.abs(exported.probabilities(ready) - theirs).max())
    measured(worst)
    assert worst < 1e-5
    assert np.ptp(theirs, axis=0).max() > 1e-3  # the photos are told apart


def test_pictures_of_any_size_colour_and_type_are_taken(small: Any, photos: dict[str, np.ndarray]) -> None:
    recipe, model, exported = small
    first, *_ = colour(photos)
    given = [*colour(photos), first[:41, :33], first.astype(np.float32) / 255, (first.astype(np.uint16) * 257)]
    given.append(np.dstack([photos["noise"], photos["noise"][..., :1]]))  # with an alpha channel
    found = exported.predict(given)
    theirs = recipe.predict(model, given)
    for ours, other in zip(found, theirs, strict=True):
        scores, others = dict(ours), dict(other)
        assert max(abs(scores[name] - others[name]) for name in others) < 5e-3
    assert exported.predict(first).labels == found[0].labels
    assert exported.predict([]) == []


@pytest.mark.parametrize(("size", "share"), [((37, 24), 0.875), ((64, 64), 1.0), ((400, 300), 1.0)])
def test_the_graph_prepares_pictures_as_the_form_does(
    size: tuple[int, int], share: float, photos: dict[str, np.ndarray]
) -> None:
    form, nodes = Form(size, 3, share), Nodes()
    _prepare(nodes, form)
    inputs = onnx.helper.make_tensor_value_info(IMAGES, onnx.TensorProto.UINT8, ["n", "h", "w", 3])
    outputs = onnx.helper.make_tensor_value_info(PIXELS, onnx.TensorProto.FLOAT, ["n", *form.shape])
    graph = onnx.helper.make_graph(nodes.nodes, "picture", [inputs], [outputs], nodes.constants)
    opset = [onnx.helper.make_opsetid("", 18)]
    session = open_session(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString())
    for photo in [*photos.values(), photos["rings"][:37, :24]]:
        image = form.coloured(photo)
        levels = session.run(None, {IMAGES: image[None]})[0][0].transpose(1, 2, 0) * 255
        apart = np.abs(np.rint(levels).astype(int) - form.prepare(photo))
        # Means that fall between two levels may round to either; enlarging is done in whole numbers outside the graph.
        assert apart.max() <= 1
        assert (apart > 0).mean() < 0.03


def test_eight_bits_are_a_fraction_of_the_size(small: Any, photos: dict[str, np.ndarray], tmp_path: Path) -> None:
    recipe, model, exported = small
    usual = colour(photos)
    other = ExportedClassifier(export(recipe, model, tmp_path / "int8.onnx", int8=True, usual=usual), threads=1)
    assert other.about["int8"]
    assert other.path.stat().st_size < 0.4 * exported.path.stat().st_size
    apart = np.abs(other.probabilities(usual) - exported.probabilities(usual))
    assert 0 < apart.max() < 0.1


def test_eight_bits_stay_between_the_layers(photos: dict[str, np.ndarray], tmp_path: Path) -> None:
    recipe, model = made("resnet20", (32, 32))
    path = export(recipe, model, tmp_path / "int8.onnx", int8=True, usual=colour(photos))
    nodes = onnx.load(path).graph.node
    makers = {name: node.op_type for node in nodes for name in node.output}
    readers = {name: {node.op_type for node in nodes if name in node.input} for name in makers}
    (last,) = [node for node in nodes if node.op_type == "Gemm"]
    assert readers[last.output[0]] == {"Softmax"}  # scores in 256 levels would tie
    assert {makers[last.input[0]], makers[last.input[1]]} == {"DequantizeLinear"}
    first = next(node for node in nodes if node.op_type == "QuantizeLinear")
    assert makers[first.input[0]] in ("Div", "Sub", "Add", "Mul")  # mean and deviation of the pixels are taken before
    kinds = {t.name: t.data_type for t in onnx.load(path).graph.initializer}
    zeros = [kinds[node.input[2]] for node in nodes if node.op_type == "QuantizeLinear"]
    assert set(zeros) == {onnx.TensorProto.UINT8}


def test_processors_that_add_eight_bits_inexactly_get_another_way(
    photos: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, model = made("resnet20", (32, 32))
    path = export(recipe, model, tmp_path / "int8.onnx", int8=True, usual=colour(photos))
    ours = ExportedClassifier(path, threads=1).probabilities(colour(photos))
    asked = []
    monkeypatch.setattr(sessions, "_adds_exactly", lambda: asked.append(True))
    other = ExportedClassifier(path, threads=1).probabilities(colour(photos))
    assert asked
    assert np.abs(ours - other).max() <= 2e-2  # both round, in places differently
    ExportedClassifier(export(recipe, model, tmp_path / "whole.onnx"), threads=1)
    assert len(asked) == 1  # a graph in float32 is not asked about


def test_the_file_says_what_it_is(small: Any) -> None:
    recipe, _, exported = small
    model = onnx.load(exported.path)
    about = json.loads({item.key: item.value for item in model.metadata_props}["sightline"])
    assert about["classes"] == list(recipe.classes) == list(exported.classes)
    assert (about["recipe"], about["size"], about["share"]) == ("classify/resnet20", [32, 24], 0.875)
    (taken,) = model.graph.input
    assert [dim.dim_param or dim.dim_value for dim in taken.type.tensor_type.shape.dim] == [
        "batch",
        "height",
        "width",
        3,
    ]
    assert "resnet20" in repr(exported)


def test_a_network_of_grey_images_takes_coloured_ones(photos: dict[str, np.ndarray], tmp_path: Path) -> None:
    recipe, model = made("lenet5", (32, 32), channels=1)
    exported = ExportedClassifier(export(recipe, model, tmp_path / "grey.onnx"), threads=1)
    for name in ("noise", "rings"):
        ours, theirs = exported.predict(photos[name]), recipe.predict(model, [photos[name]])[0]
        assert ours.labels == theirs.labels
        assert ours.scores == pytest.approx(theirs.scores, abs=2e-3)


def test_the_model_is_not_changed(photos: dict[str, np.ndarray], tmp_path: Path) -> None:
    recipe, model = made("vit", (32, 32))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    export(recipe, model, tmp_path / "vit.onnx")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.cam_grid == (4, 4) or isinstance(model.cam_grid[0], int)


def test_what_cannot_be_exported_is_refused(small: Any, tmp_path: Path) -> None:
    recipe, model, exported = small
    with pytest.raises(InputError, match=r"must end in \.onnx; got '.*model\.pt'"):
        export(recipe, model, tmp_path / "model.pt")
    with pytest.raises(InputError, match="int8 needs pictures"):
        export(recipe, model, tmp_path / "model.onnx", int8=True)

    class Other:
        name = "learn/two-layer"

    with pytest.raises(InputError, match="only classifiers of PyTorch can be exported; learn/two-layer is none"):
        export(Other(), model, tmp_path / "model.onnx")
    with pytest.raises(InputError, match="evaluate the run"):
        exported.evaluate("digits")
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_exported_model_are_refused(small: Any, tmp_path: Path) -> None:
    _, _, exported = small
    with pytest.raises(MissingFileError, match=r"none\.onnx' does not exist"):
        ExportedClassifier(tmp_path / "none.onnx")
    path = tmp_path / "text.onnx"
    path.write_text("no graph")
    with pytest.raises(FormatError, match=r"text\.onnx' is not an ONNX model that can be run here"):
        ExportedClassifier(path)
    model = onnx.load(exported.path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(FormatError, match="does not say what its classes are called"):
        ExportedClassifier(path)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_architecture_can_be_exported(method: str) -> None:
    side = SIDES.get(method, 32)
    _, model = made(method, (side, side))
    fast = OnnxNetwork(model, (3, side, side))
    with torch.inference_mode():
        for batch in (1, 3):
            images = torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(batch))
            theirs = model(images)
            assert (fast(images) - theirs).abs().max() <= 2e-5 * theirs.abs().max()
