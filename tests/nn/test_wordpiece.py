"""WordPiece against transformers' tokenizer on the same vocabulary: accents, Han characters, punctuation, strangers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import BertTokenizer

from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.nn.wordpiece import WordPiece

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = (
    "a cat cats remote control un ##aff ##able cafe naive ##s ##e run ##n ##ing 中 国 ##国 the 3 ##3 & 1 ² ß i ##i e ##́"
)
PUNCTUATION = ". , ? ! ' - $ _ ` ~ ^ « » … ı ss σ ##σ"
PIECES = [*MARKS, *f"{WORDS} {PUNCTUATION}".split()]
TEXTS = [
    "A cat. remote control.",
    "unaffable cats, running... runn!",
    "Café NAÏVE cafe\u0301 İI ΣΑΣ straße",
    "中国 cat中国cat",
    "tab\tnew\nline\r\u00a0space\u3000wide\u2028line",
    "zero\u200bwidth\u0000nul\ufffdbad\u00adsoft",
    "$3_3`~^ «cat»… don't cat-cats",
    "a" * 100 + " " + "a" * 101 + " 🐱 ☃ zebra",
    "",
    "   ",
    "＂cat，cat。",
    "cat\x85cat\x0bcat\x1ccat \ue506 cat\u0378",  # controls that are spaces elsewhere, private use, not given out yet
]


@pytest.fixture(scope="module")
def peer() -> BertTokenizer:
    return BertTokenizer(vocab={piece: number for number, piece in enumerate(PIECES)})


def test_wordpiece_equals_transformers(peer: BertTokenizer) -> None:
    words = WordPiece(PIECES)
    for text in TEXTS:
        assert words.split(text) == peer.tokenize(text), text
        numbers = words.encode(text)
        assert numbers == peer(text)["input_ids"], text
        assert words.decode(numbers[1:-1]) == peer.decode(numbers[1:-1]), text
        assert words.decode(numbers[2:-1]) == peer.decode(numbers[2:-1]), text  # may begin inside a word


def test_a_cased_vocabulary_keeps_capitals_and_accents() -> None:
    pieces = [*MARKS, "Caf", "##é", "Cat", "cat"]
    peer = BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, do_lower_case=False)
    words = WordPiece(pieces, lowercase=False)
    for text in ("Café Cat cat", "CAT"):
        assert words.split(text) == peer.tokenize(text)


def test_both_files_are_read(tmp_path: Path, peer: BertTokenizer) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n", "utf-8")
    assert WordPiece.read(tmp_path / "vocab.txt").pieces == tuple(PIECES)
    peer.save_pretrained(tmp_path)
    read = WordPiece.read(tmp_path / "tokenizer.json")
    assert (read.pieces, read.lowercase) == (tuple(PIECES), True)
    cased = json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))
    cased["normalizer"]["lowercase"] = False
    (tmp_path / "cased.json").write_text(json.dumps(cased), "utf-8")
    assert not WordPiece.read(tmp_path / "cased.json").lowercase


def test_what_is_no_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"WordPiece.read: '.*none' does not exist"):
        WordPiece.read(tmp_path / "none")
    wrong = {
        "words.txt": b"cat\ndog\n",
        "bytes": b"\xff\xfe\x00",
        "half.json": b'{"model": {"vocab": {"cat"',
        "bpe.json": b'{"model": {"type": "BPE", "vocab": {}}}',
        "gaps.json": json.dumps({"model": {"vocab": {piece: 2 * n for n, piece in enumerate(MARKS)}}}).encode(),
        "list.json": b'{"model": []}',
    }
    for name, content in wrong.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FormatError, match=f"WordPiece.read: '.*{name}'"):
            WordPiece.read(tmp_path / name)
    with pytest.raises(InputError, match=r"got 6 pieces, a piece twice"):
        WordPiece([*MARKS, "[PAD]"])
    with pytest.raises(InputError, match="text must be a str; got int 3"):
        WordPiece(MARKS).split(3)  # type: ignore[arg-type]
