from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from torch import nn

from sightline.core.errors import InputError
from sightline.core.files import read_json
from sightline.train.charts import Series, calibration_chart, line_chart, matrix_chart, nice_ticks
from sightline.train.folder import write_config, write_environment, write_metrics
from sightline.train.page import facts, page, picture
from sightline.train.recipe import Section
from sightline.train.report import write_report
from sightline.train.settings import Settings

EVIL = '<script>alert("x")</script>'
VOID = {"meta", "img", "br"}


class Outlet(HTMLParser):
    """Collects tags, and fails on one that is not closed where it was opened."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.wrong = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


class Told:
    """As much of a recipe as a report asks for."""

    name, metric, higher_is_better, defaults = "classify/toy", "accuracy", True, {"learning_rate": 0.5}

    def __init__(self, evaluated=True):
        self.evaluated = evaluated

    def evaluate(self, model, data, split):
        if not self.evaluated:
            raise InputError("evaluate: toy cannot be evaluated on a dataset.")
        return {"split": "test", "images": 359, "accuracy": 0.9861, "accuracy_interval": [0.972, 0.997]}

    def sections(self, model):
        return [Section(f"Data {EVIL}", facts([(EVIL, EVIL)]))] if self.evaluated else []


@pytest.fixture
def folder(tmp_path):
    """The folder of a finished run of 6 epochs."""
    folder = tmp_path / "run 'one'"
    folder.mkdir()
    settings = Settings(epochs=6, learning_rate=0.5, batch_size=32)
    config = {"recipe": "classify/toy", "data": f"/photos/{EVIL}", "settings": settings.to_dict()}
    write_config(folder, {**config, "options": {"augment": "none", "note": EVIL}, "model": {}})
    rows = [
        {"epoch": i, "step": 20 * i, "learning_rate": 0.5 / i, "train_loss": 2 / i, "val_loss": 2.2 / i}
        | {"val_accuracy": (0.3, 0.5, 0.8, 0.97, 0.96, 0.95)[i - 1], "seconds": 1.5, "images_per_second": 800.0}
        for i in range(1, 7)
    ]
    write_metrics(folder, rows)
    outline = {"images": 1295, "parameters": 272_474, "flops": 5e6, "loaded_per_second": 5400.4, "facts": {}}
    write_environment(folder, outline, {"device": "cpu"})
    return folder


def _report(folder, recipe=None, **more):
    path = write_report(folder, recipe or Told(), nn.Linear(1, 1), **more)
    return path.read_text("utf-8")


def test_head_says_what_how_well_how_fast(folder):
    text = _report(folder).replace("\u00a0", " ")
    assert "1,295 images" in text
    assert "98.6 %" in text
    assert "97.2 % and 99.7 %" in text
    assert "<dd>97.0 %<small>epoch 4 of 6</small></dd>" in text
    assert "<dd>9 s<small>800 images/s</small></dd>" in text
    assert "<dd>272 k<small>5 MFLOPs an image</small></dd>" in text
    assert "5,400 images a second by one process" in text
    assert read_json(folder / "evaluation.json")["accuracy"] == 0.9861


def test_nothing_that_a_user_named_becomes_markup(folder):
    text = _report(folder, extra_sections=[Section(EVIL, "<p>ours</p>")])
    assert "<script" not in text.lower()
    assert "&lt;script&gt;" in text


def test_it_is_one_file_that_asks_for_nothing(folder):
    text = _report(folder)
    found = Outlet(text)
    assert not re.search(r"(?:https?:)?//(?!\*)\w", re.sub(r"/\*.*?\*/", "", text))
    assert not found.all("link")
    assert not found.all("script")
    policy = next(item["content"] for item in found.all("meta") if "http-equiv" in item)
    assert policy.startswith("default-src 'none'; img-src data:")
    assert all(item["src"].startswith("data:image/") for item in found.all("img"))


def test_it_is_well_formed_and_accessible(folder):
    found = Outlet(_report(folder))
    assert found.wrong == []
    assert found.open == []
    assert found.all("html") == [{"lang": "en"}]
    assert all(item.get("alt") for item in found.all("img"))
    assert all(item.get("role") == "img" and item.get("aria-label") for item in found.all("svg"))
    ids = [item["id"] for _, item in found.tags if "id" in item]
    assert len(ids) == len(set(ids))
    assert {item["href"] for item in found.all("a")} <= {f"#{name}" for name in ids}


def test_commands_are_ready_to_paste(folder):
    text = _report(folder)
    assert "sightline train classify/toy &#x27;/photos/&lt;script&gt;" in text
    assert "batch_size=32" in text
    assert "augment=none" in text
    assert "--resume" in text
    quoted = "&#x27;&quot;&#x27;&quot;&#x27;one&#x27;"
    assert f"run {quoted}" in text


def test_order_of_sections(folder):
    text = _report(folder, extra_sections=[Section("Pixels", "<p>first</p>")])
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", text)
    assert titles[0] == "Pixels"
    assert titles[1].startswith("Data")
    assert titles[2:] == ["How it learnt", "How fast", "With what", "How to do it again"]


def test_a_recipe_that_cannot_be_evaluated(folder):
    text = _report(folder, Told(evaluated=False))
    assert "best accuracy (val)" in text
    assert not (folder / "evaluation.json").exists()


def test_a_run_without_an_epoch(folder):
    (folder / "metrics.csv").unlink()
    assert "No epoch was finished." in _report(folder)


def test_pictures_stay_as_they_are():
    small = picture(np.zeros((8, 8), np.uint8), EVIL)
    assert 'class="pixels"' in small
    assert "data:image/png" in small
    assert "<script" not in small
    assert "data:image/jpeg" in picture(np.zeros((300, 400, 3), np.uint8), "large")


def test_contents_name_every_section_once():
    found = Outlet(page("t", [Section("Same", ""), Section("Same", ""), Section("…", "")]))
    assert [item["href"] for item in found.all("a")] == ["#same", "#same-1", "#section"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.13, 0.94, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 0, [-0.1, -0.05, 0, 0.05, 0.1]), (3, 57, [0, 20, 40, 60])],
)
def test_ticks_enclose_the_values(low, high, expected):
    assert nice_ticks(low, high) == pytest.approx(expected)


def test_lines_leave_out_what_is_not_finite():
    drawn = line_chart([Series("a", [1, 2, 3], [1.0, float("nan"), 2.0])], title=EVIL, x_label=EVIL)
    assert "nan" not in drawn
    assert "<script" not in drawn
    assert len(re.search(r'points="([^"]*)"', drawn).group(1).split()) == 2
    assert "nothing was measured" in line_chart([Series("a", [1], [float("inf")])], title="t", x_label="x")


def test_one_epoch_is_a_dot():
    drawn = line_chart([Series("a", [1], [0.4])], title="t", x_label="epoch", percent=True)
    assert "nan" not in drawn
    assert drawn.count('class="end"') == 1


def test_matrix_in_numbers_and_as_a_picture():
    counts = np.diag(np.full(3, 7))
    counts[0, 2] = 2
    numbers = matrix_chart(counts, [EVIL, "b", "c"])
    assert numbers.count('class="hit"') == 3
    assert numbers.count('class="miss"') == 1
    assert "<script" not in numbers
    large = matrix_chart(np.eye(30, dtype=int), [EVIL] * 30)
    assert large.count("<rect") == 31
    assert "<script" not in large


def test_calibration_leaves_out_empty_bins():
    drawn = calibration_chart(np.array([np.nan, 0.7]), np.array([np.nan, 0.5]), np.array([0, 4]))
    assert drawn.count('class="bar"') == 1
    assert "said 70%, right 50%, 4 images" in drawn
    assert "nan" not in drawn
