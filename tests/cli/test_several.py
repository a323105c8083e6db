"""A command on several pictures: one that fails is named, the others are done, and each result has its place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.apply.source import Source
from sightline.cli.app import main
from sightline.cli.several import answer_of, check_output, rows_of, target_of
from sightline.core.errors import InputError
from sightline.image import read

CHAIN = '[[steps]]\nmethod = "image.sobel"\n\n[[steps]]\nmethod = "image.dilate"\n'


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for name in ("a", "c"):
        noise = np.random.default_rng(ord(name)).integers(0, 256, (9, 12, 3), dtype=np.uint8)
        Image.fromarray(noise).save(f"photos/{name}.png")
    Path("photos/b.png").write_bytes(b"\x89PNG no more")
    return tmp_path


def work(source: Source) -> dict[str, int]:
    if source.stem == "bad":
        raise InputError("work: no.")
    return {"length": len(source.name)}


def test_one_of_several_that_fails_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of([Source("x.png"), Source("bad.png"), Source("xyz.png")], "try", work)
    assert rows == [
        {"source": "x.png", "length": 5},
        {"source": "bad.png", "error": "work: no."},
        {"source": "xyz.png", "length": 7},
    ]
    assert "work: no." in capsys.readouterr().err
    shown: list[str] = []
    answer = answer_of(rows, lambda _, done: shown.extend(row["source"] for row in done), True)
    assert (answer.value, answer.code, answer.as_json) == (rows, 1, True)
    answer.show(None)  # type: ignore[arg-type]
    assert shown == ["x.png", "xyz.png"]


def test_a_lone_one_fails_as_a_whole_and_is_no_list() -> None:
    with pytest.raises(InputError, match="work: no"):
        rows_of([Source("bad.png")], "try", work)
    answer = answer_of(rows_of([Source("x.png")], "try", work), lambda *_: None, False)
    assert (answer.value, answer.code) == ({"source": "x.png", "length": 5}, 0)


def test_where_results_go(photos: Path) -> None:
    assert target_of("try", None, "a.png", "a.jpg", several=True) == Path("a.png")
    assert target_of("try", Path("b.png"), "a.png", "a.jpg", several=False) == Path("b.png")
    assert target_of("try", Path("new/deep"), "a.png", "a.jpg", several=False) == Path("new/deep/a.png")
    assert Path("new/deep").is_dir()
    Path("made.d").mkdir()
    assert target_of("try", Path("made.d"), "a.png", "a.jpg", several=False) == Path("made.d/a.png")
    Path("note").write_text("x")
    with pytest.raises(InputError, match="must be a folder for several pictures; got the file 'note'"):
        target_of("try", Path("note"), "a.png", "a.jpg", several=True)
    with pytest.raises(InputError, match="the output must not be the source"):
        target_of("try", Path("photos/a.png"), "a.png", "photos/a.png", several=False)
    two = [Source("x.png"), Source("y.png")]
    with pytest.raises(InputError, match=r"try: --output must be a folder .* got 'b.png'. So it is"):
        check_output("try", Path("b.png"), two, " So it is.")
    check_output("try", Path("b.png"), two[:1])
    check_output("try", Path("made.d"), two)


def test_a_chain_on_several_pictures(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("chain.toml").write_text(CHAIN)
    assert main(["pipeline", "chain.toml", "photos", "-o", "out", "--trace", "steps.zip", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert ["error" in row for row in rows] == [False, True, False]
    assert [row["source"][-5:] for row in rows if Path(row.get("output", "none")).is_file()] == ["a.png", "c.png"]
    assert not np.array_equal(read(rows[0]["output"]), read(rows[2]["output"]))
    assert ["trace" in row for row in rows] == [True, False, False]
    assert main(["pipeline", "chain.toml", "photos", "-o", "one.png"]) == 2
    assert "pipeline: --output must be a folder for several pictures" in capsys.readouterr().err.replace("\n", " ")
    assert main(["pipeline", "chain.toml", "photos/a.png"]) == 0
    assert "photos/a.png: a-pipeline.png (" in capsys.readouterr().out


def test_a_chain_that_begins_with_nothing(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("drawn.toml").write_text('[[steps]]\nmethod = "image.make_code"\n[steps.parameters]\ntext = "hi"\n')
    assert main(["pipeline", "drawn.toml", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["source"], row["output"]) == ("drawn.toml", "made-pipeline.png")
    assert set(read("made-pipeline.png").ravel().tolist()) == {0, 255}
