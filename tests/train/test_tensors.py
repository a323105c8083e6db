"""Weight files: read by the peer's library, refused after any change."""

from __future__ import annotations

import random

import pytest
import safetensors.torch
import torch
from torch import nn

from sightline.core.errors import MissingFileError, WeightsError
from sightline.train.tensors import load_tensors, load_weights, save_tensors


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {
        "filters": torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last),
        "turned": torch.randn(5, 2).T,
        "half": torch.randn(3).bfloat16(),
        "count": torch.tensor(7),
        "mask": torch.tensor([True, False, True]),
        "none": torch.empty(0, 4),
        "double": torch.randn(2, dtype=torch.float64),
    }


def test_safetensors_reads_our_files(tmp_path, tensors):
    save_tensors(tmp_path / "a.safetensors", tensors, {"epoch": 3})
    found = safetensors.torch.load_file(tmp_path / "a.safetensors")
    assert set(found) == set(tensors)
    assert all(torch.equal(found[name], value) and found[name].dtype == value.dtype for name, value in tensors.items())


def test_round_trip_keeps_what_was_said(tmp_path, tensors):
    digest = save_tensors(tmp_path / "a.safetensors", tensors, {"epoch": 3, "name": "é"})
    found, about, again = load_tensors(tmp_path / "a.safetensors")
    assert (about, again) == ({"epoch": 3, "name": "é"}, digest)
    assert all(torch.equal(found[name], value) for name, value in tensors.items())


def test_same_tensors_same_bytes(tmp_path, tensors):
    save_tensors(tmp_path / "a", tensors, {"b": 1, "a": 2})
    save_tensors(tmp_path / "b", dict(reversed(tensors.items())), {"a": 2, "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_load_and_save_to_the_same_path(tmp_path, tensors):
    path = tmp_path / "a.safetensors"
    save_tensors(path, tensors, {})
    found, about, _ = load_tensors(path)
    save_tensors(path, found, about)
    assert torch.equal(load_tensors(path)[0]["filters"], tensors["filters"])


def test_any_flipped_bit_is_refused(tmp_path, tensors):
    path = tmp_path / "a.safetensors"
    save_tensors(path, tensors, {"epoch": 3})
    whole, chance = path.read_bytes(), random.Random(1)
    for _ in range(300):
        data = bytearray(whole)
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        with pytest.raises(WeightsError, match=r"a\.safetensors"):
            load_tensors(path)


def test_any_cut_is_refused(tmp_path, tensors):
    path = tmp_path / "a.safetensors"
    save_tensors(path, tensors, {})
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError, match=r"cut|changed|readable header"):
            load_tensors(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickle_is_named_and_never_run(tmp_path, zipped):
    path = tmp_path / "weights.safetensors"
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match="is a Python pickle"):
        load_tensors(path)


def test_a_header_whose_length_begins_as_a_pickle_does_is_read(tmp_path):
    path, seen = tmp_path / "weights.safetensors", set()
    for length in range(1, 300, 8):
        save_tensors(path, {"a" * length: torch.ones(2)}, {})
        seen.add(path.read_bytes()[0])
        assert list(load_tensors(path)[0]) == ["a" * length]
    assert 0x80 in seen


def test_weights_of_another_library_are_refused_by_name(tmp_path):
    safetensors.torch.save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="no readable header of a Sightline checkpoint"):
        load_tensors(tmp_path / "a.safetensors")


def test_missing_file(tmp_path):
    with pytest.raises(MissingFileError, match="does not exist"):
        load_tensors(tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="is a folder"):
        load_tensors(tmp_path)


def test_other_architecture_lists_every_difference_and_changes_nothing():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    given = {
        "0.weight": torch.ones(3, 2),
        "0.bias": torch.ones(4),
        "1.weight": torch.ones(2, 3),
        "2.bias": torch.ones(1),
    }
    with pytest.raises(WeightsError) as caught:
        load_weights(model, given, "'best.safetensors'")
    for words in ("3 differences", "0.bias is 4, not 3", "1.bias is missing", "2.bias is not in the model"):
        assert words in str(caught.value)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
