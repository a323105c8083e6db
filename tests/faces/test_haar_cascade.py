"""Cascades against OpenCV: the same windows and boxes, from files of every kind, and from a cascade taught here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.trace import trace
from sightline.faces import HaarCascade
from sightline.faces.cascade_file import CascadeTables, cascade_text, read_cascade
from sightline.faces.cascade_training import haar_features
from sightline.faces.cascade_windows import Packed, search
from sightline.faces.group_boxes import group_boxes

cv2 = pytest.importorskip("cv2")
needs_peer = pytest.mark.skipif(not hasattr(cv2, "CascadeClassifier"), reason="OpenCV 5 has cascades in contrib only")


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    gray = sl.image.convert(sl.data.sample("astronaut"), "rgb", "gray")
    return np.ascontiguousarray(sl.image.resize(gray, (150, 190)))


def made_up(kind: str, seed: int, *, nodes: int = 1, size: tuple[int, int] = (16, 14)) -> CascadeTables:
    """Return a cascade of three stages whose questions mean nothing, on features of all shapes, turned ones too."""
    random = np.random.default_rng(seed)
    trees, stages = 12, np.array([0, 3, 7, 12], np.int32)
    count = trees * nodes
    if kind == "lbp":
        x, y = random.integers(0, 5, (2, count))
        rects = np.stack([x, y, random.integers(1, 4, count), random.integers(1, 4, count)], axis=1)[:, None]
        weights, tilted = np.zeros((count, 0), np.float32), np.zeros(count, bool)
    else:
        rects, weights = haar_features(size)
        chosen = random.permutation(len(rects))[:count]
        rects, weights = rects[chosen].copy(), weights[chosen].copy()
        tilted = np.arange(count) % 3 == 0
        for i in np.flatnonzero(tilted):
            rects[i] = [[7, 1, 4, 3], [7, 1, 2, 3], [0, 0, 0, 0]]
            weights[i] = [-1, 2, 0]
    children = [(1, 0), (-1, -2)] if nodes == 2 else [(0, -1)]
    return CascadeTables(
        kind,
        size,
        rects.astype(np.int32),
        weights,
        tilted,
        stages,
        np.full(3, -0.4, np.float32),
        np.arange(trees + 1, dtype=np.int32) * nodes,
        np.tile(np.array(children, np.int32), (trees, 1)),
        np.arange(count, dtype=np.int32),
        random.normal(0, 0.05, count).astype(np.float32) if kind == "haar" else np.zeros(0, np.float32),
        random.integers(-(2**31), 2**31, (count, 8)).astype(np.int32) if kind == "lbp" else np.zeros((0, 8), np.int32),
        random.normal(0, 1, count + trees).astype(np.float32),
    )


def lbp_text(tables: CascadeTables) -> str:
    haar = replace(tables, weights=np.ones((len(tables.rects), 1)), thresholds=np.zeros(len(tables.features)))
    text = cascade_text(haar).replace(">HAAR<", ">LBP<").replace("<maxCatCount>0", "<maxCatCount>256")
    for i, subset in enumerate(tables.subsets.tolist()):
        text = text.replace(f"0 -1 {i} 0<", f"0 -1 {i} {' '.join(map(str, subset))}<")
    head, _ = text.split("  <features>")
    rects = "".join(f"<_><rect>{' '.join(map(str, rect[0]))}</rect></_>" for rect in tables.rects.tolist())
    return f"{head}<features>{rects}</features></cascade></opencv_storage>"


def boxes_of(found: sl.core.results.Detections) -> set[tuple[int, ...]]:
    return set(map(tuple, found.boxes.astype(int).tolist()))


def theirs(path: Path, image: np.ndarray, neighbours: int) -> set[tuple[int, ...]]:
    found = np.array(cv2.CascadeClassifier(str(path)).detectMultiScale(image, 1.1, neighbours), int).reshape(-1, 4)
    found[:, 2:] += found[:, :2]
    return set(map(tuple, found.tolist()))


@needs_peer
@evidence.equals(
    "faces.HaarCascade",
    peer="opencv",
    tolerance="≥ 99 % the same windows",
    data="made-up cascades: stumps, trees, turned features, LBP",
)
@pytest.mark.parametrize(("kind", "nodes"), [("haar", 1), ("haar", 2), ("lbp", 1)])
def test_windows_equal_those_of_opencv(
    kind: str, nodes: int, portrait: np.ndarray, tmp_path: Path, measured: Callable[[float], None]
) -> None:
    least, found = 1.0, 0
    for seed in (0, 2):
        tables = made_up(kind, seed, nodes=nodes)
        path = tmp_path / f"{seed}.xml"
        path.write_text(lbp_text(tables) if kind == "lbp" else cascade_text(tables))
        cascade = HaarCascade.load(path)
        ours, peer = boxes_of(cascade.detect(portrait, neighbours=0)), theirs(path, portrait, 0)
        found += len(peer)
        ours = {box for box in ours if box in peer or box[3] < len(portrait) - 2}  # theirs miss some last rows
        least = min(least, len(ours & peer) / max(len(ours | peer), 1) if peer else 1.0)
    measured(least)
    assert found > 100
    assert least >= 0.99  # sums are rounded in another order: a window may lie just on a limit


@needs_peer
@evidence.equals(
    "faces.HaarCascade",
    peer="opencv",
    tolerance="IoU ≥ 0.7 with ≥ 95 % of its boxes",
    data="OpenCV's frontal face on LFW, ORL and Flickr photos",
)
def test_faces_are_found_where_opencv_finds_them(
    shared_data: Path, tmp_path: Path, measured: Callable[[float], None]
) -> None:
    import gzip
    import io
    import tarfile

    path = tmp_path / "face.xml"
    packed = Path(sl.faces.haar_cascade.__file__).with_name("frontal_face.xml.gz")
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    images = [
        np.pad(face, 30, mode="edge") for face in np.load(shared_data / "orl_faces/orl_faces.npz")["images"][::40]
    ]
    images += [sl.read(file, mode="gray") for file in sorted((shared_data / "flickr8k_subset/images").iterdir())[:12]]
    with tarfile.open(shared_data / "lfw_pairs/images_160.tar") as archive:
        members = [member for member in archive.getmembers() if member.isfile()][::120]
        images += [sl.read(io.BytesIO(archive.extractfile(member).read()), mode="gray") for member in members]
    cascade, same, all_ = HaarCascade.frontal_face(), 0, 0
    for image in images:
        ours, peer = cascade.detect(image).boxes, theirs(path, image, 3)
        same += sum(any(_overlap(a, b) >= 0.7 for a in ours) for b in peer)
        all_ += len(peer)
    measured(same / all_)
    assert all_ >= 15
    assert same / all_ >= 0.95


def _overlap(a: np.ndarray, b: tuple[int, ...]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


@needs_peer
def test_boxes_are_grouped_as_those_of_opencv(portrait: np.ndarray) -> None:
    random = np.random.default_rng(0)
    middles = random.integers(30, 300, (12, 2)).repeat(15, axis=0) + random.integers(-6, 7, (180, 2))
    sides = random.integers(20, 60, 12).repeat(15) + random.integers(-4, 5, 180)
    windows = np.concatenate([middles - sides[:, None] // 2, sides[:, None], sides[:, None]], axis=1)
    for neighbours in (1, 3, 8):
        ours, counts = group_boxes(windows, neighbours)
        peer, weights = cv2.groupRectangles(windows.tolist(), neighbours, 0.2)
        assert set(map(tuple, np.column_stack([ours, counts]).tolist())) == set(
            map(tuple, np.column_stack([peer, weights.ravel()]).tolist())
        )
        assert len(ours)


@pytest.fixture(scope="module")
def taught() -> tuple[HaarCascade, list[np.ndarray]]:
    """Return a cascade that was taught crosses, and the backgrounds."""
    random = np.random.default_rng(3)
    faces = []
    for _ in range(60):
        face = random.normal(90, 12, (20, 20))
        at = random.integers(8, 11)
        face[at : at + 3], face[:, at : at + 3] = 200, 200
        faces.append(np.clip(face, 0, 255).astype(np.uint8))
    smooth = [sl.image.gaussian_blur(random.integers(0, 256, (90, 120), dtype=np.uint8), s) for s in (1.0, 2.0, 4.0)]
    options = {"stages": 4, "negatives": 120, "features": 400, "size": (16, 16), "seed": 1}
    return HaarCascade.train(faces, smooth, **options), smooth


def test_a_cascade_is_taught_and_opencv_reads_it(taught: tuple[HaarCascade, list[np.ndarray]], tmp_path: Path) -> None:
    cascade, backgrounds = taught
    picture = backgrounds[1].copy()
    picture[30:62, 50:82] = 80 + backgrounds[0][:32, :32] // 8
    picture[44:50, 50:82], picture[30:62, 63:69] = 205, 205
    found = cascade.detect(picture, neighbours=2)
    assert any(_overlap(box, (50, 30, 82, 62)) > 0.5 for box in found.boxes)
    assert len(cascade) == len(cascade.history) >= 2
    assert all(report.hit_rate >= 0.99 for report in cascade.history)
    assert cascade.history[-1].passed < 0.2
    cascade.save(tmp_path / "cross.xml")
    back = HaarCascade.load(tmp_path / "cross.xml")
    assert boxes_of(back.detect(picture)) == boxes_of(cascade.detect(picture))
    if hasattr(cv2, "CascadeClassifier"):
        assert theirs(tmp_path / "cross.xml", picture, 2) == boxes_of(found)


def test_the_same_seed_teaches_the_same_cascade(taught: tuple[HaarCascade, list[np.ndarray]]) -> None:
    random = np.random.default_rng(0)
    faces = list(random.integers(0, 256, (12, 10, 10), dtype=np.uint8))
    options = {"stages": 1, "negatives": 40, "features": 60, "size": (10, 10), "seed": 5}
    a, b = (HaarCascade.train(faces, taught[1], **options) for _ in range(2))
    assert cascade_text(a.tables) == cascade_text(b.tables)


def test_the_old_layout_is_read(tmp_path: Path, portrait: np.ndarray) -> None:
    tables = made_up("haar", 0, nodes=2)
    stages = ""
    for s in range(3):
        trees = ""
        for tree in range(tables.stages[s], tables.stages[s + 1]):
            nodes = ""
            for k, node in enumerate(range(tables.trees[tree], tables.trees[tree + 1])):
                feature = tables.features[node]
                rects = "".join(
                    f"<_>{' '.join(map(str, rect))} {weight:.1f}</_>"
                    for rect, weight in zip(tables.rects[feature].tolist(), tables.weights[feature], strict=True)
                    if rect[2]
                )
                nodes += f"<_><feature><rects>{rects}</rects><tilted>{int(tables.tilted[feature])}</tilted></feature>"
                nodes += f"<threshold>{tables.thresholds[node]:.9g}</threshold>"
                leaf = 2 * tree + tree
                if k == 0:
                    nodes += f"<left_node>1</left_node><right_val>{tables.leaves[leaf]:.9g}</right_val></_>"
                else:
                    nodes += f"<left_val>{tables.leaves[leaf + 1]:.9g}</left_val>"
                    nodes += f"<right_val>{tables.leaves[leaf + 2]:.9g}</right_val></_>"
            trees += f"<_>{nodes}</_>"
        stages += (
            f"<_><trees>{trees}</trees><stage_threshold>-0.4</stage_threshold><parent>-1</parent><next>-1</next></_>"
        )
    kind = 'type_id="opencv-haar-classifier"'
    text = f"<opencv_storage><c {kind}><size>14 16</size><stages>{stages}</stages></c></opencv_storage>"
    (tmp_path / "old.xml").write_text(text)
    ours = HaarCascade.load(tmp_path / "old.xml").detect(portrait, neighbours=0)
    assert boxes_of(ours) == boxes_of(HaarCascade(tables).detect(portrait, neighbours=0))
    assert len(ours) > 10


def test_sizes_and_stages(portrait: np.ndarray) -> None:
    cascade = HaarCascade.frontal_face()
    (box,) = cascade.detect(portrait).boxes
    side = box[2] - box[0]
    assert len(cascade.detect(portrait, min_size=int(side * 1.5))) == 0
    assert len(cascade.detect(portrait, max_size=(int(side / 2), int(side / 2)))) == 0
    assert len(cascade.detect(portrait[:20, :20])) == 0
    colour = np.repeat(portrait[..., None], 3, axis=2)
    assert boxes_of(cascade.detect(colour)) == boxes_of(cascade.detect(portrait))
    left = [len(cascade.first(s).detect(portrait, neighbours=0)) for s in (1, 5, 25)]
    assert left == sorted(left, reverse=True)
    steps = trace(HaarCascade, cascade, portrait)
    assert boxes_of(steps.result) == {tuple(box.astype(int))}
    assert steps["first stage"].value.shape == (9, 24, 24)


def test_threads_do_not_change_the_windows(portrait: np.ndarray) -> None:
    packed = Packed.of(made_up("haar", 0))
    before = sl.core.kernels.threads()
    results = []
    try:
        for count in (1, 3):
            sl.core.kernels.set_threads(count)
            results.append(search(portrait, packed, 1.1, (1, 1), portrait.shape))
    finally:
        sl.core.kernels.set_threads(before)
    assert np.array_equal(results[0][0], results[1][0])
    assert np.array_equal(results[0][1], results[1][1])


def test_refuses_by_name(tmp_path: Path, portrait: np.ndarray) -> None:
    good = cascade_text(made_up("haar", 0))
    broken = {
        "not XML": "this is no cascade",
        "it holds no cascade": "<opencv_storage><a/></opencv_storage>",
        "declares XML entities": '<!DOCTYPE a [<!ENTITY b "c">]>' + good.partition("\n")[2],
        "a rectangle lies outside": good.replace("<width>14", "<width>6"),
        "a feature that is not there": good.replace("0 -1 3 ", "0 -1 99 "),
        "a node leads outside": good.replace("0 -1 3 ", "5 -1 3 "),
        "not finite": good.replace("<stageThreshold>-0.400000006", "<stageThreshold>nan"),
        "is missing": good.replace("stageThreshold>", "limit>"),
    }
    for said, text in broken.items():
        (tmp_path / "bad.xml").write_text(text)
        with pytest.raises(FormatError, match=said if said != "not XML" else "is not a cascade file"):
            HaarCascade.load(tmp_path / "bad.xml")
    (tmp_path / "bad.xml.gz").write_bytes(b"no gzip")
    with pytest.raises(FormatError, match="cannot be unpacked"):
        read_cascade(tmp_path / "bad.xml.gz")
    with pytest.raises(MissingFileError):
        HaarCascade.load(tmp_path / "none.xml")
    cascade = HaarCascade(made_up("haar", 0))
    with pytest.raises(InputError, match=r"HaarCascade\.detect: image must be H×W"):
        cascade.detect(portrait.astype(np.int64))
    with pytest.raises(InputError, match=r"scale must be a number ≥ 1\.01|scale must be"):
        cascade.detect(portrait, 1.0)
    with pytest.raises(InputError, match="min_size must be a whole number ≥ 1"):
        cascade.detect(portrait, min_size=0)
    with pytest.raises(InputError, match="this one is of LBP features"):
        HaarCascade(made_up("lbp", 0)).save(tmp_path / "a.xml")
    with pytest.raises(InputError, match="got 0 faces and 1 such backgrounds"):
        HaarCascade.train([], [portrait])
