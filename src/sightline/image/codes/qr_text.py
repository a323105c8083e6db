"""Text as the bits of a QR symbol, and back: numbers, capitals, bytes and kanji, each in the mode that is shortest.

ISO/IEC 18004:2015, section 7.4; character sets by the AIM's ECI numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

CAPITALS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
MODES = ("numeric", "alphanumeric", "byte", "kanji")
_INDICATOR = {"numeric": 1, "alphanumeric": 2, "byte": 4, "kanji": 8}
_COUNT_BITS = {"numeric": (10, 12, 14), "alphanumeric": (9, 11, 13), "byte": (8, 16, 16), "kanji": (8, 10, 12)}
_APPEND, _ECI, _FNC1_FIRST, _FNC1_SECOND = 3, 7, 5, 9
_UTF8 = 26
_GROUP = "\x1d"  # parts fields of GS1 data; FNC1 in the bars

_CHARSETS = {0: "cp437", 1: "latin-1", 2: "cp437", 3: "latin-1", 20: "shift_jis", 21: "cp1250", 22: "cp1251"}
_CHARSETS |= {number: f"iso8859-{number - 2}" for number in (*range(4, 14), *range(15, 19))}
_CHARSETS |= {23: "cp1252", 24: "cp1256", 25: "utf-16-be", 26: "utf-8", 27: "ascii", 28: "big5", 29: "gb18030"}
_CHARSETS |= {30: "euc-kr", 32: "gb18030", 33: "utf-16-le", 34: "utf-32-be", 35: "utf-32-le", 170: "ascii"}


@dataclass(frozen=True)
class Message:
    """What the bits of a symbol say.

    Parameters
    ----------
    text, data
        The characters, and the bytes that they were stored as.
    charset
        ECI number of the bytes' character set; None when the symbol names none.
    gs1
        Whether the text is GS1 data (FNC1 stands first); its fields then end in the group separator (29).
    part
        ``(index from 0, number of symbols, parity)`` of a text that is spread over several symbols, or None.
    """

    text: str
    data: bytes
    charset: int | None = None
    gs1: bool = False
    part: tuple[int, int, int] | None = None


# --- text to bits ---


def segments_of(text: str | bytes, version: int, mode: str = "auto") -> list[tuple[str, str | bytes]] | None:
    """Return (mode, characters) of the runs that take fewest bits; None when a character does not go into ``mode``."""
    if isinstance(text, bytes):
        return [("byte", text)] if mode in ("auto", "byte") else None
    if mode != "auto":
        fits = all(_bits(character, mode) is not None for character in set(text))
        return ([(mode, text)] if text else []) if fits else None
    runs: list[tuple[str, str]] = []
    for chosen, character in zip(_cheapest_modes(text, version), text, strict=True):
        if runs and runs[-1][0] == chosen:
            runs[-1] = (chosen, runs[-1][1] + character)
        else:
            runs.append((chosen, character))
    return list(runs)


def _cheapest_modes(text: str, version: int) -> list[str]:
    """Return a mode for each character, by dynamic programming; costs are in sixths of a bit.

    Readers differ in how they take kanji after a named character set: a text has the one or the other.
    """
    kanji = all(character.isascii() or _bits(character, "kanji") is not None for character in set(text))
    heads = {mode: 6 * (4 + count_bits(mode, version)) for mode in MODES}
    costs: dict[str, float] = {mode: heads[mode] for mode in MODES}
    came_from: list[dict[str, str]] = []
    for character in text:
        here, origins = dict.fromkeys(MODES, float("inf")), {}
        for mode in MODES:
            bits = _bits(character, mode)
            allowed = (mode != "byte" or character.isascii()) if kanji else mode != "kanji"
            if bits is not None and allowed:
                here[mode], origins[mode] = costs[mode] + bits, mode
        best = min(MODES, key=here.__getitem__)
        switched = -(-here[best] // 6) * 6  # a run ends at a whole bit
        came_from.append(origins)
        costs = {}
        for mode in MODES:
            entered = switched + heads[mode]
            costs[mode] = here[mode]
            if entered < here[mode]:
                costs[mode] = entered
                origins[f"into {mode}"] = best
    return _trace_back(text, came_from, costs)


def _trace_back(text: str, came_from: list[dict[str, str]], costs: dict[str, float]) -> list[str]:
    if not text:
        return []
    last = came_from[-1]
    mode = min((m for m in MODES if m in last), key=lambda m: (costs[m], MODES.index(m)))
    mode = last.get(f"into {mode}", mode)
    chosen = [mode]
    for origins in reversed(came_from[:-1]):
        mode = origins.get(f"into {mode}", mode)
        chosen.append(mode)
    return chosen[::-1]


@lru_cache(maxsize=4096)
def _bits(character: str, mode: str) -> int | None:
    """Return the sixths of a bit that a character takes in a mode, None when it has no place there."""
    if mode == "numeric":
        return 20 if character in "0123456789" else None
    if mode == "alphanumeric":
        return 33 if character in CAPITALS else None
    if mode == "byte":
        return 48 * len(character.encode("utf-8", "surrogatepass"))
    return 78 if _kanji_number(character) is not None else None


def _kanji_number(character: str) -> int | None:
    """Return the 13 bits of a double-byte character of Shift-JIS."""
    try:
        pair = character.encode("shift_jis")
        if len(pair) != 2 or pair.decode("shift_jis") != character:
            return None
    except UnicodeError:
        return None
    code = int.from_bytes(pair, "big")
    if not (0x8140 <= code <= 0x9FFC or 0xE040 <= code <= 0xEBBF):
        return None
    code -= 0x8140 if code <= 0x9FFC else 0xC140
    return (code >> 8) * 0xC0 + (code & 0xFF)


def count_bits(mode: str, version: int) -> int:
    """Return the length of the field that says how many characters follow."""
    return _COUNT_BITS[mode][0 if version <= 9 else 1 if version <= 26 else 2]


def bits_of(segments: list[tuple[str, str | bytes]], version: int, *, gs1: bool = False) -> str | None:
    """Return the bits of segments as a string of 0 and 1, without end mark; None when a run is too long to count."""
    bits = [f"{_FNC1_FIRST:04b}"] if gs1 else []
    named = False
    for mode, run in segments:
        stored = run.encode("utf-8") if mode == "byte" and isinstance(run, str) else run
        if gs1 and mode == "alphanumeric":
            stored = str(run).replace("%", "%%")
        if mode == "byte" and isinstance(run, str) and not run.isascii() and not named:
            bits.append(f"{_ECI:04b}{_UTF8:08b}")
            named = True
        width = count_bits(mode, version)
        if len(stored) >= 1 << width:
            return None
        bits.append(f"{_INDICATOR[mode]:04b}{len(stored):0{width}b}")
        bits.append(_run_bits(mode, stored))
    return "".join(bits)


def _run_bits(mode: str, run: str | bytes) -> str:
    if isinstance(run, bytes):
        return "".join(f"{byte:08b}" for byte in run)
    if mode == "numeric":
        groups = [run[i : i + 3] for i in range(0, len(run), 3)]
        return "".join(f"{int(group):0{(0, 4, 7, 10)[len(group)]}b}" for group in groups)
    if mode == "alphanumeric":
        values = [CAPITALS.index(character) for character in run]
        pairs = "".join(f"{a * 45 + b:011b}" for a, b in zip(values[::2], values[1::2], strict=False))
        return pairs + (f"{values[-1]:06b}" if len(values) % 2 else "")
    return "".join(f"{_kanji_number(character):013b}" for character in run)


# --- bits to text ---


class _Reader:
    """Takes bits off the front; what lies beyond the end reads as zero, which means the end."""

    def __init__(self, data: bytes) -> None:
        self.bits = int.from_bytes(data, "big")
        self.left = 8 * len(data)

    def take(self, count: int) -> int:
        self.left -= count
        value = self.bits >> self.left if self.left >= 0 else self.bits << -self.left
        self.bits &= (1 << max(self.left, 0)) - 1
        return value


class _Writer:
    """Collects text; bytes wait until their character set ends, for a character may be cut by the end of a run."""

    def __init__(self) -> None:
        self.text, self.data, self.waiting, self.charset = "", b"", b"", -1

    def put(self, data: bytes) -> None:
        self.waiting += data

    def flush(self) -> None:
        self.data += self.waiting
        self.text += characters_of(self.waiting, self.charset)
        self.waiting = b""


def read_message(data: bytes, version: int) -> Message | None:
    """Return what the data bytes of a symbol say; None when they break the rules."""
    reader, writer = _Reader(data), _Writer()
    gs1, part, charset = False, None, None
    while reader.left >= 4:
        indicator = reader.take(4)
        if indicator == 0:
            break
        if indicator == _APPEND:
            index, last, parity = reader.take(4), reader.take(4), reader.take(8)
            part = (index, last + 1, parity)
        elif indicator == _ECI:
            number = _charset_number(reader)
            if number is None:
                return None
            writer.flush()
            writer.charset = charset = number
        elif indicator == _FNC1_FIRST:
            gs1 = True
        elif indicator == _FNC1_SECOND:
            reader.take(8)  # whose rules the text follows: not part of it
        elif not _read_run(reader, writer, indicator, version, gs1):
            return None
    if reader.left < 0:
        return None
    writer.flush()
    return Message(writer.text, writer.data, charset, gs1, part)


def _charset_number(reader: _Reader) -> int | None:
    first = reader.take(8)
    if first < 0x80:
        return first
    if first < 0xC0:
        return (first & 0x3F) << 8 | reader.take(8)
    return (first & 0x1F) << 16 | reader.take(16) if first < 0xE0 else None


def _read_run(reader: _Reader, writer: _Writer, indicator: int, version: int, gs1: bool) -> bool:
    mode = next((mode for mode, value in _INDICATOR.items() if value == indicator), None)
    if mode is None:
        return False
    count = reader.take(count_bits(mode, version))
    if mode == "numeric":
        for length in [3] * (count // 3) + [count % 3] * (count % 3 > 0):
            value = reader.take((0, 4, 7, 10)[length])
            if reader.left < 0 or value >= 10**length:
                return False
            writer.put(f"{value:0{length}d}".encode())
    elif mode == "alphanumeric":
        run = _read_capitals(reader, count)
        if run is None:
            return False
        if gs1:
            run = run.replace("%%", "\0").replace("%", _GROUP).replace("\0", "%")
        writer.put(run.encode())
    elif mode == "byte":
        if 8 * count > reader.left:
            return False
        writer.put(reader.take(8 * count).to_bytes(count, "big"))
    else:
        return _read_kanji(reader, writer, count)
    return reader.left >= 0


def _read_capitals(reader: _Reader, count: int) -> str | None:
    run = ""
    for _ in range(count // 2):
        value = reader.take(11)
        if reader.left < 0 or value >= 45 * 45:
            return None
        run += CAPITALS[value // 45] + CAPITALS[value % 45]
    if count % 2:
        value = reader.take(6)
        if value >= 45:
            return None
        run += CAPITALS[value]
    return run


def _read_kanji(reader: _Reader, writer: _Writer, count: int) -> bool:
    writer.flush()
    pairs = []
    for _ in range(count):
        value = reader.take(13)
        if reader.left < 0:
            return False
        code = (value // 0xC0) << 8 | value % 0xC0
        pairs.append((code + (0x8140 if code < 0x1F00 else 0xC140)).to_bytes(2, "big"))
    run = b"".join(pairs)
    writer.data += run
    try:
        writer.text += run.decode("shift_jis")
    except UnicodeDecodeError:
        writer.text += run.decode("cp932", "replace")  # the vendors' characters besides
    return True


def characters_of(data: bytes, charset: int = -1) -> str:
    """Return bytes as text: in the set that was named, or else UTF-8, Shift-JIS or Latin-1, whichever they can be."""
    if charset in _CHARSETS:
        return data.decode(_CHARSETS[charset], "replace")
    for name in ("utf-8", "shift_jis"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        # Half of all Latin-1 texts are Shift-JIS, too, with half-width katakana: these alone prove nothing.
        if name == "utf-8" or sum(ord(c) >= 0x3000 and not 0xFF61 <= ord(c) <= 0xFF9F for c in text) >= 2:
            return text
    return data.decode("latin-1")
