"""Opening a folder or file by what it is, and refusing what is not understood or contradicts itself."""

from __future__ import annotations

import gzip
import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import DataError, FormatError, InputError
from sightline.data import ImageSet, open_dataset


def put_image(path: Path, value: int = 100, size: tuple[int, int] = (9, 7), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(value).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(path)
    return path


def put_classes(root: Path, split: str = "", count: int = 5, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    for place, name in enumerate(classes):
        for index in range(count):
            put_image(root / split / name / f"{index}.png", 10 * place + index)
    return root


def sizes(found: ImageSet) -> dict[str, list[int]]:
    return {name: split.counts(len(found.classes)).tolist() for name, split in found.splits.items()}


def test_class_folders_are_split_by_class_and_seed(tmp_path: Path) -> None:
    found = open_dataset(put_classes(tmp_path / "photos"), seed=4)
    assert (found.name, found.classes, sizes(found)) == ("photos", ("cat", "dog"), {"train": [4, 4], "test": [1, 1]})
    assert found.notes == ("It came without a test split: 20% of each class became test, by seed 4.",)
    assert found.test.keys == open_dataset(tmp_path / "photos", seed=4).test.keys
    image, label = found.train[0]
    assert (image.shape, image.dtype, label) == ((9, 7, 3), np.uint8, 0)
    assert Path(found.train.keys[0]).exists()


@pytest.mark.parametrize(
    ("train", "held_out", "name"), [("train", "val", "val"), ("Training", "VALID", "val"), ("TRAIN", "Test", "test")]
)
def test_split_folders_are_known_by_their_names(tmp_path: Path, train: str, held_out: str, name: str) -> None:
    put_classes(tmp_path, train, 3)
    put_classes(tmp_path, held_out, 2)
    assert sizes(open_dataset(tmp_path)) == {"train": [3, 3], name: [2, 2]}


def test_a_train_folder_alone_is_split(tmp_path: Path) -> None:
    assert sizes(open_dataset(put_classes(tmp_path, "train"))) == {"train": [4, 4], "test": [1, 1]}


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    found = open_dataset(put_classes(tmp_path, classes=("car", "train")))
    assert found.classes == ("car", "train")


def test_hidden_files_are_passed_over_and_others_are_told(tmp_path: Path) -> None:
    put_classes(tmp_path)
    for name in (".DS_Store", "Thumbs.db", "cat/.DS_Store", "cat/._0.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "cat" / "notes.txt").write_text("x")
    found = open_dataset(tmp_path)
    assert sum(map(sum, sizes(found).values())) == 10
    assert "1 files have no image's name and were left out: " in found.notes[0]
    assert "notes.txt" in found.notes[0]


def test_images_of_mixed_sizes_and_modes_come_as_rgb(tmp_path: Path) -> None:
    put_classes(tmp_path)
    put_image(tmp_path / "cat" / "gray.png", size=(3, 4), mode="L")
    put_image(tmp_path / "cat" / "wide.gif", size=(2, 8), mode="P")
    put_image(tmp_path / "dog" / "deep" / "inside.bmp")
    Image.fromarray(np.full((5, 5), 40000, np.uint16)).save(tmp_path / "dog" / "deep.tif")
    found = open_dataset(tmp_path)
    pixels = [image for split in found.splits.values() for image, _ in split]
    assert len(pixels) == 14
    assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in pixels)


def test_a_copied_folder_keeps_its_digest(tmp_path: Path) -> None:
    first, second = open_dataset(put_classes(tmp_path / "a")), open_dataset(put_classes(tmp_path / "b"))
    assert first.digest == second.digest
    put_image(tmp_path / "b" / "cat" / "more.png")
    assert open_dataset(tmp_path / "b").digest != first.digest


def test_names_that_are_no_utf8_are_names(tmp_path: Path) -> None:
    put_classes(tmp_path)
    odd = os.fsdecode(bytes(tmp_path / "cat") + b"/\xff.png")
    Path(odd).write_bytes((tmp_path / "cat" / "0.png").read_bytes())
    found = open_dataset(tmp_path)
    keys = [key for split in found.splits.values() for key in split.keys]
    assert odd in keys
    assert len(keys) == 11


def test_an_opened_set_comes_back(tmp_path: Path) -> None:
    found = open_dataset(put_classes(tmp_path))
    assert open_dataset(found) is found


def refused(path: Path | str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        open_dataset(path)
    assert "\n" not in str(caught.value)


def test_an_empty_class_folder_is_refused(tmp_path: Path) -> None:
    put_classes(tmp_path)
    (tmp_path / "bird").mkdir()
    refused(tmp_path, re.escape(f"class folder '{tmp_path / 'bird'}' has no images"))


def test_one_image_of_a_class_is_refused(tmp_path: Path) -> None:
    put_classes(tmp_path)
    put_image(tmp_path / "bird" / "only.png")
    refused(tmp_path, r"has 1 image of class 'bird' \('.*only.png'\); every class needs two or more. 1 of 3 classes")


def test_one_training_image_per_class_is_refused(tmp_path: Path) -> None:
    put_classes(tmp_path, "train", 1)
    put_classes(tmp_path, "val", 1)
    refused(tmp_path, "has 1 image of class 'cat'")


def test_a_class_that_is_only_in_test_is_refused(tmp_path: Path) -> None:
    put_classes(tmp_path, "train")
    put_classes(tmp_path, "test", classes=("cat", "dog", "fox"))
    refused(tmp_path, r"class 'fox' is in '.*test' but not in '.*train'")


def test_two_folders_of_one_split_are_refused(tmp_path: Path) -> None:
    for split in ("train", "val", "valid"):
        put_classes(tmp_path, split)
    refused(tmp_path, "has two val folders, 'val' and 'valid'")


def test_folders_beside_splits_are_refused(tmp_path: Path) -> None:
    put_classes(tmp_path, "train")
    put_classes(tmp_path, "extra")
    refused(tmp_path, r"split folders \('train'\) and others beside them \('extra'\)")


def test_one_class_is_refused(tmp_path: Path) -> None:
    refused(put_classes(tmp_path, classes=("cat",)), "has one class only, 'cat'")


def test_a_detection_set_is_not_taken_for_classes(tmp_path: Path) -> None:
    refused(put_classes(tmp_path, classes=("images", "masks")), "looks like a set for detection or segmentation")


def test_images_without_class_folders_are_refused(tmp_path: Path) -> None:
    put_image(tmp_path / "a.png")
    refused(tmp_path, "folder with 1 images right inside it; each class needs a folder of its own. Understood: ")


def test_what_is_not_understood_says_what_is(tmp_path: Path) -> None:
    refused(tmp_path, "is an empty folder. Understood: contact sheets.*idx files.*npz.*CSV.*class folders")
    (tmp_path / "a.xyz").write_bytes(b"1")
    refused(tmp_path, "a folder of 1 entries without images: 'a.xyz'")
    refused(tmp_path / "a.xyz", r"a file of a form that is not understood \(\.xyz\)")


def test_a_name_that_nobody_knows_gets_the_nearest() -> None:
    refused("mnits", "nor a known name .* Did you mean 'mnist'")
    with pytest.raises(InputError, match="source must be a name, a folder or a file; got int 3"):
        open_dataset(3)  # type: ignore[arg-type]


# --- tables ---


def put_table(root: Path, text: str, name: str = "labels.csv") -> Path:
    for index in range(4):
        put_image(root / f"{index}.png", index)
    table = root / name
    table.write_text(text, "utf-8-sig")
    return table


ROWS = "0.png,cat\n1.png,cat\n2.png,dog\n3.png,dog\n"


def test_a_table_of_paths_is_opened(tmp_path: Path) -> None:
    table = put_table(tmp_path, "path,label\n" + ROWS)
    found = open_dataset(table)
    assert (found.classes, sizes(found)) == (("cat", "dog"), {"train": [1, 1], "test": [1, 1]})
    assert found.digest == open_dataset(tmp_path).digest


def test_a_table_may_name_splits_and_use_semicolons(tmp_path: Path) -> None:
    rows = (
        "filename;x;class;set\n0.png;;10;train\n1.png;;9;Training\n0.png;;10;train\n2.png;;10;valid\n\n3.png;;9;test\n"
    )
    found = open_dataset(put_table(tmp_path, rows))
    assert (found.classes, sizes(found)) == (("9", "10"), {"train": [1, 2], "val": [0, 1], "test": [1, 0]})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,label\n" + ROWS + "no.png,cat\n../gone.png,dog\n", r"do not exist \(line 6: '.*no.png'; line 7: "),
        ("path,label\n0.png,\n", r"labels.csv' line 2: the label is missing"),
        (
            "path,label,split\n0.png,cat,train\n1.png,cat,holdout\n",
            r"line 3: split must be train, val or test; got 'ho",
        ),
        ("path,label,split\n0.png,a,train\n1.png,b,test\n", r"line 3: class 'b' is in test but never in train"),
        ("path,label\n", "names no images"),
        ("a,b\n1,2\n", "must begin with the columns path,label in UTF-8; got '.*a,b'"),
        ("", "must begin with the columns path,label"),
        ("path,label\n0.png,cat\n1.png,cat\n2.png,dog\n", "has 1 image of class 'dog'"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    refused(put_table(tmp_path, text), sentence)


# --- arrays ---


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def put_idx(root: Path, count: int = 20, zipped: bool = True) -> Path:
    random = np.random.default_rng(1)
    for word, number in (("train", count), ("t10k", count // 2)):
        images = random.integers(0, 256, (number, 6, 5), dtype=np.uint8)
        labels = (np.arange(number) % 2 + 3).astype(np.uint8)
        for name, array in ((f"{word}-images-idx3-ubyte", images), (f"{word}-labels-idx1-ubyte", labels)):
            data = idx_bytes(array)
            (root / (name + ".gz" if zipped else name)).write_bytes(gzip.compress(data) if zipped else data)
    return root


@pytest.mark.parametrize("zipped", [True, False])
def test_idx_files_are_opened(tmp_path: Path, zipped: bool) -> None:
    found = open_dataset(put_idx(tmp_path, zipped=zipped))
    assert (found.classes, sizes(found)) == (("3", "4"), {"train": [10, 10], "test": [5, 5]})
    assert found.train[0][0].shape == (6, 5)
    alone = open_dataset(next(tmp_path.glob("train-images*")))
    assert sizes(alone) == {"train": [8, 8], "test": [2, 2]}


def test_idx_files_may_have_longer_names(tmp_path: Path) -> None:
    for file in list(put_idx(tmp_path).iterdir()):
        file.rename(tmp_path / f"emnist-digits-{file.name.replace('t10k', 'test')}")
    assert sizes(open_dataset(tmp_path)) == {"train": [10, 10], "test": [5, 5]}


def test_a_damaged_idx_file_is_refused(tmp_path: Path) -> None:
    put_idx(tmp_path)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    images.write_bytes(whole[:-30])
    with pytest.raises(FormatError, match=r"train-images-idx3-ubyte\.gz' is cut off or damaged"):
        open_dataset(tmp_path)
    images.write_bytes(gzip.compress(bytes([0, 0, 8, 3]) + struct.pack(">3I", 60000, 9999, 9999)))
    with pytest.raises(FormatError, match=r"more than its .* bytes can hold"):
        open_dataset(tmp_path)
    images.write_bytes(gzip.compress(idx_bytes(np.zeros((19, 6, 5), np.uint8))))
    refused(tmp_path, "do not belong together: images 19×6×5, labels 20")
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    refused(tmp_path, "has no labels beside it; expected 'train-labels-idx1-ubyte' or")


def test_archives_of_arrays_are_opened(tmp_path: Path) -> None:
    images, labels = np.zeros((10, 4, 4, 3), np.uint8), np.arange(10) % 2
    np.savez(tmp_path / "one.npz", images=images, labels=labels, classes=np.array(["cat", "dog"]))
    np.savez(tmp_path / "two.npz", x_train=images, y_train=labels + 5, x_test=images[:4], y_test=labels[:4] + 5)
    np.savez(
        tmp_path / "med.npz", train_images=images, train_labels=labels[:, None], val_images=images, val_labels=labels
    )
    assert open_dataset(tmp_path / "one.npz").classes == ("cat", "dog")
    assert (open_dataset(tmp_path / "two.npz").classes, sizes(open_dataset(tmp_path / "two.npz"))) == (
        ("5", "6"),
        {"train": [5, 5], "test": [2, 2]},
    )
    assert sizes(open_dataset(tmp_path / "med.npz")) == {"train": [5, 5], "val": [5, 5]}


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"pictures": np.zeros(3)}, "holds 'pictures'; understood are images"),
        ({"x": np.zeros((4, 3, 8, 8), np.uint8), "y": np.arange(4)}, r"got 4×3×8×8 uint8. Move the channels last"),
        ({"x": np.zeros((4, 8, 8)), "y": np.arange(4)}, "got 4×8×8 float64. Scale to 0–255"),
        ({"x": np.zeros((4, 8, 8), np.uint8), "y": np.eye(4)}, r"One-hot labels: y.argmax\(1\)"),
        (
            {"x": np.zeros((4, 8, 8), np.uint8), "y": np.array([0, 1, 2, 3]), "classes": np.array(["a"])},
            "labels without",
        ),
    ],
)
def test_an_archive_that_is_not_understood_is_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], sentence: str
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    refused(tmp_path / "a.npz", sentence)


def test_no_python_object_is_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "executed"),)

    np.savez(tmp_path / "a.npz", images=np.array([Bomb()], object), labels=np.zeros(1))
    with pytest.raises(FormatError, match="holds Python objects"):
        open_dataset(tmp_path / "a.npz")
    assert not (tmp_path / "executed").exists()
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:100])
    with pytest.raises(FormatError, match=r"is not a whole \.npz file"):
        open_dataset(tmp_path / "b.npz")


def put_cifar(root: Path, count: int = 4) -> Path:
    root.mkdir(exist_ok=True)
    (root / "batches.meta.txt").write_text("plane\ncar\n\n")
    for name in (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"):
        records = np.zeros((count, 3073), np.uint8)
        records[:, 0] = np.arange(count) % 2
        records[:, 1:1025], records[:, 1025:2049], records[:, 2049:] = 1, 2, 3
        (root / name).write_bytes(records.tobytes())
    return root


def test_cifar_binary_is_opened(tmp_path: Path) -> None:
    put_cifar(tmp_path / "cifar-10-batches-bin")
    found = open_dataset(tmp_path)
    assert (found.classes, sizes(found)) == (("plane", "car"), {"train": [10, 10], "test": [2, 2]})
    assert found.train[0][0][5, 6].tolist() == [1, 2, 3]
    (tmp_path / "cifar-10-batches-bin" / "data_batch_3.bin").write_bytes(b"1" * 3072)
    with pytest.raises(FormatError, match=r"data_batch_3.bin' has 3072 bytes, no multiple of a record's 3073"):
        open_dataset(tmp_path)


def test_cifar_pickles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    refused(tmp_path, "pickles that could run code. Fetch the binary version")
