"""Bags of words: they tell textures apart, find what looks alike, and come back from a file as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.features import BagOfWords


def textures(count: int, seed: int) -> tuple[list[np.ndarray], list[str]]:
    """Return pictures of stripes, checks and noise, turned and moved, with their names."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:64, 0:64]
    images, names = [], []
    for i in range(count):
        phase, period = random.random() * 6, 2 + 0.3 * random.random()
        waves = {
            "stripes": np.sin(x / period + phase),
            "checks": np.sin(x / period + phase) * np.sin(y / period + phase),
            "noise": random.normal(0, 0.7, (64, 64)),
        }
        name = list(waves)[i % 3]
        images.append(np.clip(128 + 90 * waves[name] + random.normal(0, 12, (64, 64)), 0, 255).astype(np.uint8))
        names.append(name)
    return images, names


@pytest.mark.parametrize("method", ["kmeans", "hierarchical", "mean_shift"])
def test_textures_are_told_apart_and_found(method: str) -> None:
    images, names = textures(18, 0)
    others, expected = textures(9, 1)
    bag = BagOfWords(24, method=method, features="dense").fit(images)
    for classifier in ("svm", "naive_bayes"):
        found = bag.fit_classes(images, names, classifier=classifier).predict(others)
        assert np.mean([a == b for a, b in zip(found, expected, strict=True)]) >= 0.8
    bag.add(images)
    for image, name in zip(others, expected, strict=True):
        found = bag.search(image, 3)
        assert names[int(found.indices[0])] == name
        assert (np.diff(found.scores) <= 0).all()
    seen = bag.trace(others[0], 3)
    assert [step.name for step in seen] == ["descriptors", "a word", "words", "rare words", "found"]
    np.testing.assert_array_equal(seen.result.indices, bag.search(others[0], 3).indices)


def test_keypoints_and_pyramid() -> None:
    photos = [sl.image.resize(sl.data.sample(name), (96, 128)) for name in ("coffee", "astronaut", "china")]
    bag = BagOfWords(30, levels=1, seed=3).fit(photos).add(photos)
    assert bag.transform(photos).shape == (3, 5 * len(bag.vocabulary or ()))
    assert np.allclose(np.linalg.norm(bag.transform(photos), axis=1), 1, atol=1e-6)
    darker = (photos[1] * 0.8).astype(np.uint8)
    found = bag.search(darker, 2)
    assert found.indices[0] == 1
    assert found.draw(darker, photos, 50).shape == (50, 150, 3)
    assert found.to_json()[0]["index"] == 1
    features = [sl.features.sift(photo) for photo in photos]
    assert np.allclose(bag.transform(features).sum(axis=1) > 0, True)


def test_words_that_all_images_have_weigh_nothing() -> None:
    described = [(np.zeros((2, 2)), np.float32([[0, 0], [5, i]]), (1, 1)) for i in (0, 9)]
    bag = BagOfWords(3).fit(described)
    shared = bag.transform([(np.zeros((1, 2)), np.zeros((1, 2), np.float32), (1, 1))], weighted=False)[0] > 0
    assert bag.weights[shared].tolist() == [0]
    assert bag.weights[~shared] == pytest.approx(np.log(2))


def test_the_same_seed_gives_the_same_words() -> None:
    images, _ = textures(6, 0)
    a, b = (BagOfWords(10, features="dense", seed=5).fit(images).transform(images) for _ in range(2))
    assert np.array_equal(a, b)


def test_comes_back_from_a_file(tmp_path: Path) -> None:
    images, names = textures(9, 0)
    bag = BagOfWords(12, method="hierarchical", features="dense", levels=1).fit(images).add(images)
    bag.fit_classes(images, names)
    bag.save(tmp_path / "bag.npz")
    back = BagOfWords.load(tmp_path / "bag.npz")
    assert np.array_equal(back.transform(images), bag.transform(images))
    assert np.array_equal(back.search(images[4]).indices, bag.search(images[4]).indices)
    assert back.predict(images) == bag.predict(images)
    (tmp_path / "bad.npz").write_bytes((tmp_path / "bag.npz").read_bytes()[:300])
    with pytest.raises(FormatError, match=r"BagOfWords\.load"):
        BagOfWords.load(tmp_path / "bad.npz")
    with pytest.raises(MissingFileError):
        BagOfWords.load(tmp_path / "none.npz")


def test_refuses_by_name() -> None:
    flat = [np.zeros((64, 64), np.uint8)]
    images, _ = textures(3, 0)
    with pytest.raises(InputError, match="at least 2 descriptors; got 0"):
        BagOfWords(5).fit(flat)
    with pytest.raises(InputError, match=r"images must be a list of one image at least"):
        BagOfWords(5).fit([])
    with pytest.raises(InputError, match=r"Call fit\(images\)"):
        BagOfWords(5).transform(images)
    bag = BagOfWords(5, features="dense").fit(images)
    with pytest.raises(InputError, match=r"Call add\(images\)"):
        bag.search(images[0])
    with pytest.raises(InputError, match=r"Call fit_classes"):
        bag.predict(images)
    with pytest.raises(InputError, match="of two classes at least"):
        bag.fit_classes(images, ["one"] * 3)
    with pytest.raises(InputError, match="descriptors must be N×36 float32"):
        bag.transform([sl.features.sift(sl.data.sample("coffee")[:80, :80])])
    with pytest.raises(InputError, match="method must be one of"):
        BagOfWords(5, method="means")
    assert bag.transform(flat).shape == (1, 5)
