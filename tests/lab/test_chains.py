"""Chains: run as one trace; what is exported runs, and makes the same picture."""

from __future__ import annotations

import io
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import sightline as sl
from sightline.cli.app import main
from sightline.core.trace import trace_from_bytes
from sightline.data.sample import SAMPLES

CHAINS: dict[str, tuple[str, list[tuple[str, dict[str, Any]]]]] = {
    "one": ("camera", [("image.canny", {"low": 40})]),
    "blur and edges": ("coffee", [("image.gaussian_blur", {"sigma": 2}), ("image.canny", {"low": 30, "high": 60})]),
    "edges and lines": ("sheet", [("image.canny", {}), ("image.hough_lines", {"threshold": 120})]),
    "things": ("coins", [("image.gaussian_blur", {"sigma": 1.5}), ("image.label", {}), ("image.equalize", {})]),
    "a mask of a photo": ("coins", [("image.distance_transform", {}), ("image.threshold", {"value": 90})]),
    "shape of two": ("cat", [("image.resize", {"shape": [60, 90]}), ("image.sobel", {}), ("image.median_blur", {})]),
    "grey alone": ("cat", [("image.reconstruct", {})]),
    "a table": ("cat", [("image.convolve", {"kernel": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]})]),
    "from nothing": ("", [("image.make_code", {"text": "hello", "kind": "qr"}), ("image.erode", {"footprint": 3})]),
    "an example": ("coins", [("image.watershed", {})]),
    "codes": ("codes", [("image.scan_codes", {})]),
    "adaptive": ("page", [("image.adaptive_threshold", {"method": "gaussian", "size": 31, "offset": 8})]),
}


def asked(name: str) -> dict[str, Any]:
    sample, chain = CHAINS[name]
    steps = [{"method": method, "parameters": parameters} for method, parameters in chain]
    return {"inputs": {"image": f"sample:{sample}"} if sample else {}, "steps": steps}


def lab_picture(client: TestClient, name: str) -> np.ndarray:
    """Return the last picture of a chain as the lab shows it."""
    answer = client.post("/api/pipeline", json=asked(name))
    assert answer.status_code == 200, answer.text
    picture = trace_from_bytes(answer.content).steps[-1].picture()
    assert picture is not None
    return picture


def file_picture(path: Path) -> np.ndarray:
    picture = np.asarray(Image.open(path).convert("RGB"))
    return picture


def test_a_chain_is_a_trace_with_a_step_for_each_method(client: TestClient) -> None:
    traced = trace_from_bytes(client.post("/api/pipeline", json=asked("blur and edges")).content)
    assert [step.name for step in traced] == ["input", "gaussian_blur", "canny"]
    coffee = sl.read(SAMPLES["coffee"].path)
    blurred = sl.image.gaussian_blur(coffee, 2)
    np.testing.assert_array_equal(traced["gaussian_blur"].value, blurred)
    np.testing.assert_array_equal(traced.result, sl.image.canny(blurred, 30, 60))
    assert "ms" in traced["canny"].note


@pytest.mark.parametrize("name", CHAINS)
def test_exported_programs_make_the_same_picture(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ask = asked(name)
    answer = client.post("/api/export", json={"input": ask["inputs"].get("image"), "steps": ask["steps"]})
    assert answer.status_code == 200, answer.text
    written = answer.json()
    sample = SAMPLES.get(CHAINS[name][0])
    if sample is not None:
        (tmp_path / sample.path.name).write_bytes(sample.path.read_bytes())
    (tmp_path / "program.py").write_text(written["python"], "utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("program.py")
    made = file_picture(tmp_path / "out.png")
    last = ask["steps"][-1]
    if len(ask["steps"]) == 1:
        shown = client.post(
            f"/api/run/{last['method']}",
            json={"inputs": ask["inputs"], "parameters": last["parameters"], "as": "picture"},
        )
        np.testing.assert_array_equal(made, np.asarray(Image.open(io.BytesIO(shown.content)).convert("RGB")))
    elif "lines" not in name:
        result = trace_from_bytes(client.post("/api/pipeline", json=ask).content).steps[-1]
        if result.layers[0].kind in ("picture", "mask"):
            np.testing.assert_array_equal(made, lab_picture(client, name))


@pytest.mark.parametrize("name", ["one", "blur and edges", "a mask of a photo", "from nothing", "adaptive"])
def test_the_exported_toml_and_command_make_the_same_picture(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ask = asked(name)
    written = client.post("/api/export", json={"input": ask["inputs"].get("image"), "steps": ask["steps"]}).json()
    monkeypatch.chdir(tmp_path)
    sample = SAMPLES.get(CHAINS[name][0])
    words = []
    if sample is not None:
        words = [sample.path.name]
        Path(words[0]).write_bytes(sample.path.read_bytes())
    Path("pipeline.toml").write_text(written["toml"], "utf-8")
    assert main(["pipeline", "pipeline.toml", *words, "-o", "toml.png", "--trace", "x.trace"]) == 0
    assert len(sl.load_trace("x.trace")) == len(ask["steps"]) + len(words)
    expected = lab_picture(client, name)
    np.testing.assert_array_equal(file_picture(Path("toml.png")), expected)
    assert written["command"].startswith("sightline ")
    assert main(written["command"].split()[1:]) == 0
    np.testing.assert_array_equal(file_picture(Path("out.png")), expected)


def sent(client: TestClient, image: np.ndarray, kind: str = "photo") -> str:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return client.post(f"/api/uploads?kind={kind}", content=stream.getvalue()).json()["ref"]


def disc(shape: tuple[int, int], radius: float) -> np.ndarray:
    y, x = np.indices(shape)
    return np.where(np.hypot(y - shape[0] / 2, x - shape[1] / 2) < radius, 255, 0).astype(np.uint8)


SMALL = np.ascontiguousarray(sl.data.sample("cat")[::4, ::4])
OTHER = np.ascontiguousarray(sl.data.sample("coffee")[::6, ::6])
WITH_OTHERS: dict[str, list[tuple[str, dict[str, Any], dict[str, np.ndarray]]]] = {
    "blend": [("image.blend", {"levels": 3}, {"b": OTHER, "mask": disc((50, 60), 20)})],
    "grab_cut": [("image.grab_cut", {"iterations": 1}, {"mask": disc(SMALL.shape[:2], 25)})],
    "seam_carve": [
        ("image.gaussian_blur", {"sigma": 1}, {}),
        (
            "image.seam_carve",
            {"shape": [SMALL.shape[0], 60]},
            {"protect": disc((40, 60), 9), "remove": disc((9, 9), 2)},
        ),
    ],
    "match_histogram": [("image.equalize", {}, {}), ("image.match_histogram", {}, {"reference": OTHER})],
    "watershed": [
        ("image.watershed", {}, {"markers": (np.arange(90 * 60).reshape(90, 60) // 1800 + 1).astype(np.uint8)})
    ],
}


@pytest.mark.parametrize("name", WITH_OTHERS)
def test_what_is_exported_reads_masks_and_second_pictures(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    photo = sent(client, SMALL)
    steps = []
    for method, parameters, pictures in WITH_OTHERS[name]:
        references = {key: sent(client, each, "photo" if each.ndim == 3 else "mask") for key, each in pictures.items()}
        steps.append({"method": method, "parameters": {**parameters, **references}})
    answer = client.post("/api/pipeline", json={"inputs": {"image": photo}, "steps": steps})
    assert answer.status_code == 200, answer.text
    expected = trace_from_bytes(answer.content).steps[-1].value
    written = client.post("/api/export", json={"input": photo, "steps": steps}).json()
    wanted = {"photo.png", *(f"{key}.png" for _, _, pictures in WITH_OTHERS[name] for key in pictures)}
    assert {file["name"] for file in written["files"]} == wanted
    monkeypatch.chdir(tmp_path)
    for file in written["files"]:
        Path(file["name"]).write_bytes(client.get(f"/api/pictures/{file['ref']}").content)
    Path("program.py").write_text(written["python"], "utf-8")
    made = runpy.run_path("program.py")
    result = next(value for value in reversed(made.values()) if isinstance(value, np.ndarray))
    np.testing.assert_array_equal(result, expected)
    Path("pipeline.toml").write_text(written["toml"], "utf-8")
    by_program = file_picture(Path("out.png"))
    assert main(written["command"].split()[1:]) == 0
    np.testing.assert_array_equal(file_picture(Path("out.png")), by_program)


def test_other_pictures_may_stand_among_the_inputs(client: TestClient) -> None:
    photo, mask = sent(client, SMALL), sent(client, disc(SMALL.shape[:2], 25), "mask")
    step = {"method": "image.grab_cut", "parameters": {"iterations": 1}}
    among = client.post("/api/pipeline", json={"inputs": {"image": photo, "mask": mask}, "steps": [step]})
    step["parameters"]["mask"] = mask
    own = client.post("/api/pipeline", json={"inputs": {"image": photo}, "steps": [step]})
    results = [trace_from_bytes(answer.content).result for answer in (among, own)]
    np.testing.assert_array_equal(*results)
    assert results[0].dtype == np.bool_


def test_several_pictures_are_stitched_by_what_is_exported(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = sl.data.sample("china")
    halves = [np.ascontiguousarray(part) for part in (wide[::2, :380:2], wide[::2, 240::2])]
    inputs = {"images": [sent(client, half) for half in halves]}
    steps = [{"method": "image.stitch", "parameters": {}}]
    written = client.post("/api/export", json={"inputs": inputs, "steps": steps}).json()
    assert [file["name"] for file in written["files"]] == ["photo.png", "images.png"]
    monkeypatch.chdir(tmp_path)
    for file in written["files"]:
        Path(file["name"]).write_bytes(client.get(f"/api/pictures/{file['ref']}").content)
    Path("program.py").write_text(written["python"], "utf-8")
    runpy.run_path("program.py")
    made = file_picture(Path("out.png"))
    expected = sl.image.stitch(halves)
    np.testing.assert_array_equal(made, expected if isinstance(expected, np.ndarray) else expected[0])
    Path("pipeline.toml").write_text(written["toml"], "utf-8")
    assert main(written["command"].split()[1:]) == 0
    np.testing.assert_array_equal(file_picture(Path("out.png")), made)


def test_a_single_method_is_exported_as_its_own_command(client: TestClient) -> None:
    ask = asked("one")
    written = client.post("/api/export", json={"input": "sample:camera", "steps": ask["steps"]}).json()
    assert written["command"] == "sightline image canny camera.jpg --low 40 -o out.png"
    assert "edges = sl.image.canny(photo, low=40)" in written["python"]


BAD = {
    "nothing": ({"steps": []}, 422, "steps"),
    "unknown": ({"steps": [{"method": "image.x"}]}, 404, "no method is named"),
    "no picture between": (
        {"steps": [{"method": "image.otsu_threshold"}, {"method": "image.canny"}]},
        422,
        "gives no picture",
    ),
    "begins only": ({"steps": [{"method": "image.canny"}, {"method": "image.make_code"}]}, 422, "only begin a chain"),
    "too many": ({"steps": [{"method": "image.erode"}] * 40}, 422, "steps"),
    "no input": ({"inputs": {}, "steps": [{"method": "image.erode"}]}, 422, "must name a picture"),
}


@pytest.mark.parametrize("case", BAD)
def test_chains_that_cannot_run(client: TestClient, case: str) -> None:
    ask, status, words = BAD[case]
    answer = client.post("/api/pipeline", json={"inputs": {"image": "sample:cat"}, **ask})
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "must hold [[steps]]"),
        ("[[steps]]\nname = 'x'", "step 1"),
        ("[[steps]", "is not TOML"),
        ("steps = []", "must hold"),
        ("[[steps]]\nmethod = 'image.cany'", "Did you mean"),
        ("[[steps]]\nmethod = 'image.canny'\n[steps.parameters]\nlow = 'x'", "canny: low"),
    ],
)
def test_files_that_are_no_chains(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str) -> None:
    file = tmp_path / "chain.toml"
    file.write_text(text, "utf-8")
    assert main(["pipeline", str(file), str(SAMPLES["cat"].path), "-o", str(tmp_path / "out.png")]) in (1, 2)
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
