"""Checks of w5d6: the arithmetic of receptive fields."""

from sightline.lab.grading import Case


def solution(layers):
    """Follow the three equations."""
    reach, step, centre = 1, 1, 0.0
    for kernel, stride, padding in layers:
        reach += (kernel - 1) * step
        centre += ((kernel - 1) / 2 - padding) * step
        step *= stride
    return reach, step, centre


VGG16 = [layer for count in (2, 2, 3, 3, 3) for layer in [(3, 1, 1)] * count + [(2, 2, 0)]]


def cases():
    """Yield nothing, one layer, a stride that comes before a kernel, a network with a published figure."""
    yield Case("no layer", ([],), 1e-9, "A unit of the picture sees itself.")
    yield Case("one kernel", ([(5, 1, 0)],))
    yield Case("a stride first", ([(1, 2, 0), (3, 1, 0)],), 1e-9, "The step of before counts, not that of this layer.")
    yield Case("padding", ([(3, 2, 1), (3, 2, 1)],), 1e-9, "Padding moves the centre, not the reach.")
    yield Case("VGG-16: 212 pixels", (VGG16,))


def wrong_without_strides(layers):
    """Add the kernels up."""
    return 1 + sum(kernel - 1 for kernel, _, _ in layers), 1, 0.0


def wrong_step_too_early(layers):
    """Lengthen the step before it is used."""
    reach, step, centre = 1, 1, 0.0
    for kernel, stride, padding in layers:
        step *= stride
        reach += (kernel - 1) * step
        centre += ((kernel - 1) / 2 - padding) * step
    return reach, step, centre


def wrong_no_padding(layers):
    """Forget the padding."""
    reach, step, centre = 1, 1, 0.0
    for kernel, stride, _ in layers:
        reach += (kernel - 1) * step
        centre += (kernel - 1) / 2 * step
        step *= stride
    return reach, step, centre
