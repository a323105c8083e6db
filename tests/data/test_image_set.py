"""Image sets: splits, and the ways to divide them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import DataError, InputError
from sightline.data.image_set import ImageSet, Split, join


def make_split(labels: list[int], name: str = "train") -> Split:
    images = np.arange(len(labels) * 4, dtype=np.uint32).astype(np.uint8).reshape(-1, 2, 2)
    return Split(images, np.array(labels, np.int64), [f"{name}/{index}" for index in range(len(labels))])


def make_set(**labels: list[int]) -> ImageSet:
    splits = {name: make_split(row, name) for name, row in labels.items()}
    classes = 1 + max(max(row) for row in labels.values())
    return ImageSet("toy", tuple(map(str, range(classes))), splits, "toy", "0")


def test_a_split_gives_images_labels_and_keys() -> None:
    split = make_split([0, 1, 0])
    image, label = split[-1]
    assert (len(split), label, split.keys[2]) == (3, 0, "train/2")
    assert image.tolist() == [[8, 9], [10, 11]]
    assert [label for _, label in split] == [0, 1, 0]
    with pytest.raises(IndexError):
        split[3]


def test_images_and_labels_are_read_only() -> None:
    split = make_split([0, 1])
    with pytest.raises(ValueError, match="read-only"):
        split[0][0][0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        split.labels[0] = 1


def test_a_subset_of_a_subset_keeps_its_samples() -> None:
    part = make_split([0, 1, 2, 3, 4]).subset([4, 2, 0]).subset([1, 2])
    assert part.labels.tolist() == [2, 0]
    assert list(part.keys) == ["train/2", "train/0"]
    assert part[0][0][0, 0] == 8
    assert part.array is not None
    assert part.array[:, 0, 0].tolist() == [8, 0]


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(DataError, match="of one length; got 2, 1, 2"):
        Split(np.zeros((2, 4, 4), np.uint8), [0], ["a", "b"])


def test_labels_beyond_the_classes_are_refused() -> None:
    with pytest.raises(DataError, match="must be in 0–0; got 0 to 1"):
        ImageSet("toy", ("a",), {"train": make_split([0, 1])}, "toy", "0")


def test_subset_refuses_indices_outside() -> None:
    with pytest.raises(InputError, match="indices must be in 0–1; got 0 to 2"):
        make_split([0, 1]).subset([0, 2])


def test_joined_splits_follow_one_another() -> None:
    pool = join([make_split([0, 1]), make_split([2, 3, 4], "test")])
    assert [label for _, label in pool] == [0, 1, 2, 3, 4]
    assert pool.keys[2] == "test/0"
    assert pool[2][0].tolist() == [[0, 1], [2, 3]]


def test_split_off_takes_the_same_share_of_each_class() -> None:
    parts = make_set(train=[0] * 50 + [1] * 20 + [2] * 2 + [3]).split_off(0.1, seed=3)
    assert parts.val.counts(4).tolist() == [5, 2, 1, 0]
    assert parts.train.counts(4).tolist() == [45, 18, 1, 1]
    assert not set(parts.val.keys) & set(parts.train.keys)
    assert parts.notes == ("10% of train became val by seed 3, by class.",)


def test_split_off_depends_on_the_seed_only() -> None:
    whole = make_set(train=[0, 1] * 40)
    assert whole.split_off(0.2, seed=5).val.keys == whole.split_off(0.2, seed=5).val.keys
    assert whole.split_off(0.2, seed=5).val.keys != whole.split_off(0.2, seed=6).val.keys


def test_a_set_without_val_says_how_to_make_one() -> None:
    with pytest.raises(DataError, match=r"no split 'val'; it has train\. Make one with split_off"):
        _ = make_set(train=[0, 1]).val


def test_test_is_val_where_that_is_all_there_is() -> None:
    found = make_set(train=[0, 1], val=[1, 0])
    assert found.test is found.val
    assert make_set(train=[0, 1], val=[1], test=[0]).test.labels.tolist() == [0]


def test_folds_share_out_train() -> None:
    folds = list(make_set(train=[0] * 11 + [1] * 9, test=[0]).k_fold(4, seed=1))
    assert sorted(key for fold in folds for key in fold.val.keys) == sorted(make_split([0] * 20).keys)
    assert [len(fold.val) for fold in folds] == [5, 5, 5, 5]
    assert all(len(fold.test) == 1 and fold.val.counts(2).min() >= 2 for fold in folds)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 15)), min_size=6, max_size=80), st.integers(0, 99))
def test_no_group_is_torn_apart(samples: list[tuple[int, int]], seed: int) -> None:
    labels, groups = [label for label, _ in samples], [group for _, group in samples]
    found = make_set(train=labels)
    found = ImageSet("toy", ("0", "1", "2"), found.splits, "toy", "0")
    again = found.merge_and_split(groups, fractions={"train": 0.75, "test": 0.25}, seed=seed)
    place = {key: name for name, split in again.splits.items() for key in split.keys}
    assert len(place) == len(samples)
    for group in set(groups):
        assert len({place[f"train/{index}"] for index, own in enumerate(groups) if own == group}) == 1


def test_merge_and_split_keeps_the_sizes_where_it_can() -> None:
    again = make_set(train=[0, 1] * 60, test=[0, 1] * 20).merge_and_split(seed=2)
    assert {name: split.counts(2).tolist() for name, split in again.splits.items()} == {
        "train": [60, 60],
        "test": [20, 20],
    }


def test_merge_and_split_refuses_shares_that_do_not_sum_to_one() -> None:
    with pytest.raises(InputError, match="positive and sum to 1"):
        make_set(train=[0, 1]).merge_and_split(fractions={"train": 0.5, "test": 0.4})
