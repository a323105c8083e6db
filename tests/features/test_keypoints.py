import json

import numpy as np
import pytest

import sightline as sl
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.features import Features


@pytest.fixture
def found():
    random = np.random.default_rng(2)
    return Features(
        random.uniform(10, 50, (5, 2)),
        random.uniform(1, 4, 5),
        random.uniform(0, 6, 5),
        random.random((5, 8), np.float32),
        np.array([3, 1, 5, 2, 4]),
    )


def test_features_index_and_filter(found):
    assert len(found) == 5
    assert found.points.dtype == np.float32
    assert not found.is_binary
    assert np.array_equal(found[found.responses > 2].responses, [3, 5, 4])
    assert np.array_equal(found.best(2).responses, [5, 4])
    assert np.array_equal(found[1].descriptors, found.descriptors[1:2])
    assert found[:0].descriptors.shape == (0, 8)


def test_a_hand_points_where_the_angle_says():
    one = Features(np.array([[10.0, 20.0]]), np.array([2.0]), np.array([np.pi / 2]), None, np.array([1.0]))
    assert np.allclose(one.outlines()[-1], [10, 20, 10, 26], atol=1e-5)


def test_features_draw_themselves(found):
    image = np.zeros((60, 60), np.uint8)
    drawn = found.draw(image)
    assert drawn.shape == (60, 60, 3)
    assert drawn.any()
    assert not image.any()
    assert np.array_equal(found[:0].draw(image), np.zeros((60, 60, 3), np.uint8))


def test_features_survive_a_file(found, tmp_path):
    found.save(tmp_path / "a.npz")
    again = Features.load(tmp_path / "a.npz")
    for name in ("points", "scales", "angles", "responses", "descriptors"):
        assert np.array_equal(getattr(found, name), getattr(again, name))
    Features(found.points, found.scales, found.angles, None, found.responses).save(tmp_path / "b.npz")
    assert Features.load(tmp_path / "b.npz").descriptors is None
    assert json.loads(json.dumps(found.to_json()))[2]["response"] == 5


def test_a_file_that_holds_no_features_is_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 nothing")
    np.savez(tmp_path / "b.npz", points=np.zeros((3, 2)))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(FormatError, match="not an archive of features"):
            Features.load(tmp_path / name)
    with pytest.raises(MissingFileError, match="does not exist"):
        Features.load(tmp_path / "c.npz")


def test_parts_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="of one length"):
        Features(np.zeros((3, 2)), np.zeros(3), np.zeros(2), None, np.zeros(3))
    with pytest.raises(InputError, match="descriptors must be"):
        Features(np.zeros((1, 2)), np.zeros(1), np.zeros(1), np.zeros((1, 8)), np.zeros(1))


def test_packed_bits_are_binary():
    one = np.ones(1)
    assert sl.features.Features(np.zeros((1, 2)), one, one, np.zeros((1, 32), np.uint8), one).is_binary
