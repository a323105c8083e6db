"""Checks of w4d3: how many weights sharing saves."""

from sightline.lab.grading import Case


def solution(width, kernel, maps):
    """Count them."""
    outputs = maps * (width - kernel + 1) ** 2
    return maps * (kernel**2 + 1), outputs * (width**2 + 1)


def cases():
    """Yield LeNet's first layer and others."""
    yield Case("28×28, six 5×5 kernels", (28, 5, 6))
    yield Case("one kernel over the whole picture", (8, 8, 1), hint="Then both are the same.")
    yield Case("1×1 kernels", (4, 1, 3))
    yield Case("32×32, sixteen 3×3 kernels", (32, 3, 16))


def wrong_no_bias(width, kernel, maps):
    """Forget the biases."""
    outputs = maps * (width - kernel + 1) ** 2
    return maps * kernel**2, outputs * width**2


def wrong_padded(width, kernel, maps):
    """Take the output to be as large as the input."""
    return maps * (kernel**2 + 1), maps * width**2 * (width**2 + 1)


def wrong_bias_per_output(width, kernel, maps):
    """Give the convolution one bias for each output."""
    outputs = maps * (width - kernel + 1) ** 2
    return maps * kernel**2 + outputs, outputs * (width**2 + 1)
