"""RoIAlign in torch against the one for arrays, and its gradients against differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from box_cases import random_boxes
from sightline.core.errors import InputError
from sightline.detect import roi_align
from sightline.nn.aligned_regions import aligned_regions


@pytest.mark.parametrize(("size", "samples"), [((7, 7), 2), ((2, 3), 1), ((3, 2), 3)])
def test_it_equals_the_one_for_arrays(size: tuple[int, int], samples: int) -> None:
    features = torch.rand(2, 6, 20, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    boxes = torch.from_numpy(random_boxes(25, 3, 250.0)).double() - 20  # some reach beyond the border
    images = torch.arange(25) % 2
    ours = aligned_regions(features, boxes, images, size, 1 / 8, samples)
    for i, found in enumerate(ours):
        layers = features[images[i]].permute(1, 2, 0).numpy()
        expected = roi_align(layers, boxes[i : i + 1].numpy(), size, 1 / 8, samples)[0]
        np.testing.assert_allclose(found.permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_its_gradients_equal_differences() -> None:
    features = torch.rand(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    boxes, images = (
        torch.tensor([[1.0, 0.5, 5.5, 4.2], [0.0, 0.0, 2.0, 2.0]], dtype=torch.float64),
        torch.tensor([0, 1]),
    )
    assert torch.autograd.gradcheck(lambda maps: aligned_regions(maps, boxes, images, (2, 2), 1.0), (features,))


def test_no_boxes_and_a_map_of_one_cell() -> None:
    empty = aligned_regions(torch.rand(1, 4, 3, 3), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), (7, 7), 1.0)
    assert empty.shape == (0, 4, 7, 7)
    one = aligned_regions(torch.full((1, 1, 1, 1), 5.0), torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([0]), (2, 2), 1.0)
    assert one.flatten().tolist() == [5.0] * 4


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(
        InputError, match=r"aligned_regions: features, boxes and images must be B×C×H×W, N×4 and N; got"
    ):
        aligned_regions(torch.rand(3, 4, 4), torch.zeros(1, 4), torch.zeros(1, dtype=torch.int64), (2, 2), 1.0)
