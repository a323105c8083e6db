"""Lazy packages: nothing is loaded before its use, and a method wins over the file that shares its name."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_sightline_loads_nothing_heavy() -> None:
    code = "import sys, sightline; print(sorted({'numpy', 'numba', 'torch', 'PIL', 'scipy'} & set(sys.modules)))"
    assert run(code) == "[]"


def test_a_method_wins_over_the_file_of_the_same_name() -> None:
    code = (
        "import sightline as sl\n"
        "from sightline.image.canny import canny\n"
        "import sightline.image.threshold\n"
        "print(callable(sl.image.canny), sl.image.canny is canny, callable(sl.image.threshold))"
    )
    assert run(code) == "True True True"


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    import sightline as sl

    with pytest.raises(AttributeError, match="no attribute 'cany'"):
        _ = sl.image.cany


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("cany", "canny"), ("GaussianBlur", "gaussian_blur"), ("warpAffine", "warp_affine"), ("dilation", "dilate")],
)
def test_the_nearest_name_is_named(asked: str, meant: str) -> None:
    import sightline as sl

    with pytest.raises(AttributeError, match=f"no attribute '{asked}'. Did you mean '{meant}'\\?$"):
        getattr(sl.image, asked)
    with pytest.raises(AttributeError, match=r"no attribute '__wrapped__'$"):
        _ = sl.image.__wrapped__


def test_every_exported_name_resolves() -> None:
    import sightline as sl

    for folder in (sl, sl.image, sl.data, sl.metrics, sl.nn, sl.train, sl.zoo, sl.classify, sl.explain, sl.attack):
        for name in folder.__all__:
            assert getattr(folder, name) is not None
        assert set(folder.__all__) <= set(dir(folder))


def test_a_missing_extra_names_its_install_line() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import sightline as sl\n"
        "try: sl.classify.resnet18\n"
        "except ImportError as error: print(error)"
    )
    assert "pip install 'sightline[deep]'" in run(code)
