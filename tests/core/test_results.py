import json
import pickle

import numpy as np
import pytest

import sightline as sl
from sightline.core.conversions import boxes_xywh_to_xyxy
from sightline.core.errors import InputError, WeightsError
from sightline.core.results import dumps


def detections(masks: bool = False) -> sl.Detections:
    boxes = np.array([[1, 2, 11, 22], [5, 5, 9, 9], [0, 0, 30.5, 20.25]], np.float32)
    layers = np.zeros((3, 40, 50), bool) if masks else None
    if layers is not None:
        layers[0, 2:22, 1:11] = layers[2, :20, :30] = True
    return sl.Detections(boxes, np.array([0.9, 0.4, 0.75]), np.array([1, 0, 7]), ("cat", "dog"), layers)


def test_detections_have_one_dtype_each():
    found = detections()
    assert (found.boxes.dtype, found.scores.dtype, found.labels.dtype) == (np.float32, np.float32, np.int64)


@pytest.mark.parametrize(
    ("index", "kept"),
    [
        (slice(1, None), [1, 2]),
        (np.array([2, 0]), [2, 0]),
        (np.array([True, False, True]), [0, 2]),
        (1, [1]),
        (-1, [2]),
        ([], []),
    ],
)
def test_detections_are_selected_together(index, kept):
    found = detections(masks=True)
    some = found[index if not isinstance(index, list) else np.array(index, int)]
    assert len(some) == len(kept)
    np.testing.assert_array_equal(some.boxes, found.boxes[kept])
    np.testing.assert_array_equal(some.scores, found.scores[kept])
    np.testing.assert_array_equal(some.labels, found.labels[kept])
    np.testing.assert_array_equal(some.masks, found.masks[kept])
    assert some.names == found.names


def test_filter_by_score():
    found = detections()
    assert found[found.scores > 0.5].labels.tolist() == [1, 7]


def test_names_fall_back_to_the_index():
    assert [detections().name(i) for i in range(3)] == ["dog", "cat", "7"]


def test_coco_goes_there_and_back():
    found = detections()
    records = json.loads(json.dumps(found.to_coco(42, categories=[17, 18, 3, 4, 5, 6, 7, 90])))
    assert [record["category_id"] for record in records] == [18, 17, 90]
    assert {record["image_id"] for record in records} == {42}
    np.testing.assert_allclose(boxes_xywh_to_xyxy(np.array([r["bbox"] for r in records])), found.boxes)
    np.testing.assert_allclose([record["score"] for record in records], found.scores)
    assert [record["category_id"] for record in found.to_coco(1)] == [1, 0, 7]


def test_json_of_results_holds_plain_values():
    found = detections()
    rows = json.loads(dumps({"found": found}))["found"]
    assert rows[0] == {"box": [1.0, 2.0, 11.0, 22.0], "score": pytest.approx(0.9), "label": 1, "name": "dog"}


def test_no_detections():
    found = sl.Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0))
    assert len(found) == 0
    assert found.to_json() == found.to_coco(1) == []
    image = np.zeros((9, 9), np.uint8)
    assert not found.draw(image).any()
    assert len(found[found.scores > 0.5]) == 0


def test_lengths_must_agree():
    with pytest.raises(InputError, match="Detections: boxes, scores and labels must be of one length; got 2, 1 and 2"):
        sl.Detections(np.zeros((2, 4)), np.zeros(1), np.zeros(2))


def test_detections_draw_on_a_copy():
    image = np.full((40, 50), 30, np.uint8)
    drawn = detections(masks=True).draw(image)
    assert drawn.shape == (40, 50, 3)
    assert (image == 30).all()
    assert (drawn[39, 49] == 30).all()
    assert (drawn[12, 1] != 30).any()


def test_classification():
    found = sl.Classification(("cat", "dog", "owl", "eel"), (0.6, 0.3, 0.07, 0.03))
    assert (found.label, found.score, len(found)) == ("cat", 0.6, 4)
    assert list(found.top(2)) == [("cat", 0.6), ("dog", 0.3)]
    assert found.to_json()["top"][3] == {"label": "eel", "score": 0.03}
    drawn = found.draw(np.zeros((60, 200, 3), np.uint8))
    assert drawn[:40].any()
    assert not drawn[50:, 150:].any()
    for labels, scores in (((), ()), (("a",), (0.5, 0.5))):
        with pytest.raises(InputError, match="Classification: labels and scores"):
            sl.Classification(labels, scores)


def test_classification_is_ranked_when_somebody_looks():
    found = sl.Classification.ranked(["cat", "dog", "owl", "eel"], np.array([0.125, 0.25, 0.5, 0.125], np.float32))
    copied = pickle.loads(pickle.dumps(found))
    assert found.scores == (0.5, 0.25, 0.125, 0.125)
    assert found.labels == ("owl", "dog", "cat", "eel")
    assert found == copied == sl.Classification(("owl", "dog", "cat", "eel"), (0.5, 0.25, 0.125, 0.125))
    assert hash(found) == hash(copied)
    with pytest.raises(AttributeError, match="no attribute 'names'"):
        found.names  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute '_unranked'"):
        sl.Classification(("a",), (1.0,))._unranked  # noqa: B018
    with pytest.raises(WeightsError, match="damaged"):
        sl.Classification.ranked(["a", "b"], np.array([0.5, np.nan]))
    for names in ([], ["a"]):
        with pytest.raises(InputError, match="Classification: labels and scores"):
            sl.Classification.ranked(names, np.full(2 * len(names), 0.5))


def test_segmentation():
    labels = np.zeros((10, 20), np.int32)
    labels[:5] = 1
    labels[:5, :5] = 2
    found = sl.Segmentation(labels, ("sky", "road", "car"))
    assert found.mask("car").sum() == 25
    np.testing.assert_array_equal(found.mask(1), labels == 1)
    assert found.to_json() == {"shares": {"sky": 0.5, "road": 0.375, "car": 0.125}}
    drawn = found.draw(np.full((10, 20), 40, np.uint8))
    assert (drawn[5:] == 40).all()
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == 3
    for wrong in (labels.astype(np.uint8), labels[None]):
        with pytest.raises(InputError, match="Segmentation: labels must be H×W int32"):
            sl.Segmentation(wrong)
