"""What must work in an environment with the lean core alone. Run as a script, outside the checkout."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np

import sightline as sl


def main() -> int:
    """Use the image folder without torch; return the exit code."""
    assert "site-packages" in (sl.__file__ or ""), f"not the installed package: {sl.__file__}"
    assert importlib.util.find_spec("torch") is None, "torch is installed: this is not the lean environment"
    image = np.tile(np.arange(64, dtype=np.uint8), (64, 1)) * np.uint8(3)
    assert sl.image.gaussian_blur(image, 1.0).shape == image.shape
    assert sl.image.canny(image, 10, 20).dtype == np.bool_
    assert len(sl.data.open_dataset("digits").classes) == 10
    try:
        sl.classify.resnet18()
    except ImportError as error:
        assert "pip install 'sightline[deep]'" in str(error), error
    else:
        raise AssertionError("classify works without torch?")
    print(f"lean core: ok ({len(sl.methods('image'))} image methods, no torch)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
