"""Maximum flow through a grid too large to hold all that is known of its pixels: tile by tile.

Shekhovtsov & Hlaváč 2013, "A Distributed Mincut/Maxflow Algorithm Combining Path Augmentation and Push-Relabel", IJCV
104(3): only flow through links is kept. A tile is taken by itself, its surplus is sent to sinks within it, and then,
where it has none, over its border to the tiles from which a sink is nearest, counted in borders.

Three things are done in another way. Distances are measured anew after each round, until they are exact; so what cannot
reach a sink any more is known at once. Each round shifts the tiles, so that what would go to and fro over a border lies
well inside a tile of the next; after some rounds they stay, from when on distances never shrink. And nothing is sent
over borders in the first few rounds: most surplus is found to be of no use anywhere before it is carried far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.image.grid_max_flow import WAYS, GridCut
from sightline.image.tile_borders import FAR, Tile, TileBorders

_SIDE = 384  # of a tile, of which 30 bytes a pixel are held at once
_WHOLE = 1 << 21  # pixels, of which 28 bytes each are held
_INSIDE, _SHIFTS = 4, 40  # first rounds, in which all stays within its tile; those in which tiles are shifted
_ROWS = 64  # whose terminals are asked for together
_NEITHER, _LACK, _SURPLUS, _CHANGED, _KEEP = range(5)  # what a pixel has left, in two bits, and that it stays as it is
_FULL, _EMPTY, _NONE = 32767, -32767, -32768  # links that can take no more, send none back, or are none at all
_DY, _DX = (np.array(steps) for steps in zip(*WAYS, strict=True))


Given = Callable[[slice, slice], Array]


class TiledCut:
    """Least cuts through one grid, as :class:`GridCut` finds them, with little more than 8 bytes a pixel.

    A grid of up to ``_WHOLE`` pixels is taken as a whole. Links allow as much either way.

    Parameters
    ----------
    height, width
        Of the grid.
    link
        ``link(y, x, links)`` fills in the capacities between the pixels of a part, R×C×8 uint16 zeros (see
        :class:`GridCut`), whose first pixel is (y, x): the same ones each time.
    """

    def __init__(self, height: int, width: int, link: Callable[[int, int, Array], object]) -> None:
        self.link = link
        self.whole: GridCut | None = None
        if height * width <= _WHOLE:
            self.whole = GridCut(height, width)
            self.side = np.zeros((height, width), np.bool_)
            self.before: Given = _nothing
            link(0, 0, self.whole.links)
        else:
            self.flows = np.zeros((height, width, 4), np.int16)  # to the last four of `WAYS`
            self.left = np.zeros(-(-height * width // 4), np.uint8)  # what each pixel has left, two bits

    def cut(self, given: Given) -> None:
        """Find the least cut.

        Parameters
        ----------
        given
            Returns the capacities of the terminals of rows and columns, int32: from the source, where positive, or to
            the sink, where negative.
        """
        if self.whole is not None:
            height, width = self.side.shape
            for y in range(0, height, _ROWS):
                part = slice(y, min(y + _ROWS, height)), slice(0, width)
                self.whole.give(y, given(*part) - self.before(*part))
            self.side, self.before = self.whole.cut(), given
            return
        tiles, turn = TileBorders(*self.flows.shape[:2], _SIDE, 0), 0
        active: Iterable[int] = range(len(tiles.all))
        while active:
            for n in active:
                self._send(tiles, n, given, turn >= _INSIDE)
            for tile in tiles.all:
                if _holds(self.left, self.flows.shape[1], _CHANGED, *tile):
                    self._note(tile, self._load(tile, given))
            turn += 1
            tiles = TileBorders(*self.flows.shape[:2], _SIDE, turn if turn < _SHIFTS else 0)
            active = self._measure(tiles)
        self._spread(tiles)

    def front(self, y0: int, y1: int) -> Array:
        """Return which pixels of rows lie on the source's side of the least cut, bool."""
        if self.whole is not None:
            return self.side[y0:y1]
        found = np.empty((y1 - y0, self.flows.shape[1]), np.bool_)
        _unpack(self.left, y0, found)
        return found

    def _load(self, tile: Tile, given: Given) -> GridCut:
        """Return a tile with the pixels around it, whose terminals are left out."""
        y0, y1, x0, x1 = tile
        around, inside = self._around(tile)
        grid = GridCut(around.y1 - around.y0, around.x1 - around.x0)
        self.link(around.y0, around.x0, grid.links)
        _subtract(grid.links, self.flows, around.y0, around.x0)
        rest = grid.rest[1:-1, 1:-1][inside]
        _balance(grid.capacity, inside[0].start + 1, inside[1].start + 1, _DY, _DX, rest)
        for y in range(y0, y1, _ROWS):
            rows = slice(y, min(y + _ROWS, y1))
            rest[y - y0 : rows.stop - y0] += given(rows, slice(x0, x1))
        return grid

    def _around(self, tile: Tile) -> tuple[Tile, tuple[slice, slice]]:
        """Return the tile with the pixels around it, and where in that it lies."""
        (height, width), (y0, y1, x0, x1) = self.flows.shape[:2], tile
        top, left = max(y0 - 1, 0), max(x0 - 1, 0)
        inside = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        return Tile(top, min(y1 + 1, height), left, min(x1 + 1, width)), inside

    def _note(self, tile: Tile, grid: GridCut, stuck: Array | np.bool_ = np.False_) -> None:
        """Write down what the pixels of a tile have left, and which ones around it have been sent something."""
        around, inside = self._around(tile)
        rest = grid.rest[1:-1, 1:-1]
        codes = np.where(grid.taken(), np.uint8(_CHANGED), np.uint8(_KEEP))
        codes[inside] = np.where((rest[inside] > 0) | stuck, np.uint8(_SURPLUS), (rest[inside] < 0).view(np.uint8))
        _pack(self.left, self.flows.shape[1], around.y0, around.x0, codes)

    def _send(self, tiles: TileBorders, n: int, given: Given, over: bool) -> None:
        """Send a tile's surplus to its sinks, and what is left ``over`` its border."""
        tile = tiles.all[n]
        grid, stuck = self._load(tile, given), np.zeros((), np.bool_)
        around, inside = self._around(tile)
        rest, far = grid.rest[1:-1, 1:-1], np.zeros(0, np.uint16)
        if over:
            self._note(tile, grid)
            far = tiles.distances(n)
            _measure(self.flows, self.left, *tile, far, np.empty(rest.size, np.int32), _DY, _DX)
            stuck = (rest[inside] > 0) & (far[1:-1, 1:-1] == FAR)
            rest[inside][stuck] = 0
            y, x = around.y0 - tile.y0 + 1, around.x0 - tile.x0 + 1
            far = far[y : y + rest.shape[0], x : x + rest.shape[1]]
            far[inside] = FAR
        trees = grid.flow()
        for distance in np.unique(far):
            if distance < FAR and (rest[inside] > 0).any():
                grid.open(trees, far == distance)
        _add(grid.links, self.flows, around.y0, around.x0)
        self._note(tile, grid, stuck)

    def _measure(self, tiles: TileBorders) -> list[int]:
        """Measure distances to the sinks; return the tiles with a surplus that can reach one."""
        active, due = np.zeros(len(tiles.all), np.int64), set(range(len(tiles.all)))
        while due:
            changed: set[int] = set()
            for n in sorted(due):
                tile, far = tiles.all[n], tiles.distances(n)
                active[n] = _measure(self.flows, self.left, *tile, far, np.empty(far.size, np.int32), _DY, _DX)
                changed |= tiles.update(n, far)
            due = changed
        return np.flatnonzero(active).tolist()

    def _spread(self, tiles: TileBorders) -> None:
        """Mark all that the surplus can reach."""
        due = set(range(len(tiles.all)))
        while due:
            changed: set[int] = set()
            for n in sorted(due):
                y0, y1, x0, x1 = tiles.all[n]
                stack = np.empty((y1 - y0 + 2) * (x1 - x0 + 2), np.int32)
                if _spread(self.flows, self.left, y0, y1, x0, x1, stack, _DY, _DX):
                    changed |= tiles.beside(n, -1, 1, -1, 1)
            due = changed


def _nothing(rows: slice, columns: slice) -> Array:
    return np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.int32)


# --- What flows through a link of weight w is kept as a number within −w..w, and told by name at either end. ---


@kernel
def _subtract(links, flows, top, left):
    """Turn the capacities of a part's links into what the flow leaves of them."""
    height, width = links.shape[:2]
    for y in range(height):
        for x in range(width):
            for d in range(4, 8):
                dy, dx = (0, 1) if d == 4 else (1, d - 6)
                if y + dy < height and 0 <= x + dx < width:
                    weight, flow = np.int32(links[y, x, d]), np.int32(flows[top + y, left + x, d - 4])
                    flow = weight if flow == _FULL else -weight if flow <= _EMPTY else flow
                    links[y, x, d] = weight - flow
                    links[y + dy, x + dx, 7 - d] = weight + flow


@kernel
def _add(links, flows, top, left):
    """Keep the flow through a part's links."""
    height, width = links.shape[:2]
    for y in range(height):
        for x in range(width):
            for d in range(4, 8):
                dy, dx = (0, 1) if d == 4 else (1, d - 6)
                if y + dy < height and 0 <= x + dx < width:
                    more, back = np.int32(links[y, x, d]), np.int32(links[y + dy, x + dx, 7 - d])
                    flow = (back - more) // 2
                    flow = _FULL if more == 0 else _EMPTY if back == 0 else flow
                    flows[top + y, left + x, d - 4] = _NONE if more + back == 0 else flow


@kernel
def _balance(capacity, top, left, dy, dx, rest):
    """Write what more flows into each pixel of a part than out of it."""
    for y in range(rest.shape[0]):
        for x in range(rest.shape[1]):
            i, j, total = top + y, left + x, 0
            for d in range(8):
                total += np.int32(capacity[i, j, d]) - np.int32(capacity[i + dy[d], j + dx[d], 7 - d])
            rest[y, x] = total // 2


@kernel(inline=True)
def _can_take(flows, y, x, d, dy, dx):
    """Return whether the link from a pixel in direction d can take more."""
    if d >= 4:
        flow = flows[y, x, d - 4]
        return flow != _FULL and flow != _NONE
    flow = flows[y + dy[d], x + dx[d], 3 - d]
    return flow > _EMPTY


@kernel(inline=True)
def _read(left, i):
    return (left[i >> 2] >> (2 * (i & 3))) & 3


@kernel(inline=True)
def _write(left, i, code):
    shift = 2 * (i & 3)
    left[i >> 2] = (left[i >> 2] & ~(3 << shift)) | (code << shift)


@kernel
def _pack(left, width, top, first, codes):
    for y in range(codes.shape[0]):
        for x in range(codes.shape[1]):
            if codes[y, x] != _KEEP:
                _write(left, (top + y) * width + first + x, codes[y, x])


@kernel
def _unpack(left, top, found):
    height, width = found.shape
    for y in range(height):
        for x in range(width):
            found[y, x] = _read(left, (top + y) * width + x) == _SURPLUS


@kernel
def _holds(left, width, code, y0, y1, x0, x1):
    """Return whether a pixel along a tile's border has this code."""
    for y in range(y0, y1):
        step = 1 if y in (y0, y1 - 1) else max(1, x1 - 1 - x0)
        for x in range(x0, x1, step):
            if _read(left, y * width + x) == code:
                return True
    return False


@kernel
def _measure(flows, left, y0, y1, x0, x1, far, stack, dy, dx):
    """Write the distances of a tile's pixels, given those around it; return how many with a surplus have one."""
    width, across = flows.shape[1], far.shape[1]
    far[1:-1, 1:-1] = FAR
    top, distance = 0, 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            if _read(left, y * width + x) == _LACK:
                far[y - y0 + 1, x - x0 + 1] = 0
                stack[top] = (y - y0 + 1) * across + x - x0 + 1
                top += 1
    while True:
        while top > 0:
            top -= 1
            i, j = stack[top] // across, stack[top] % across
            for d in range(8):
                k, m = i + dy[d], j + dx[d]
                if k in (0, far.shape[0] - 1) or m in (0, across - 1) or far[k, m] != FAR:
                    continue
                if _can_take(flows, y0 + k - 1, x0 + m - 1, 7 - d, dy, dx):
                    far[k, m] = distance
                    stack[top] = k * across + m
                    top += 1
        nearest = FAR  # of what is left, over the border
        for i in range(1, far.shape[0] - 1):
            step = 1 if i in (1, far.shape[0] - 2) else max(1, across - 3)
            for j in range(1, across - 1, step):
                if far[i, j] != FAR:
                    continue
                mine = FAR
                for d in range(8):
                    k, m = i + dy[d], j + dx[d]
                    if 0 < k < far.shape[0] - 1 and 0 < m < across - 1:
                        continue
                    if far[k, m] + 1 < mine and _can_take(flows, y0 + i - 1, x0 + j - 1, d, dy, dx):
                        mine = np.int64(far[k, m]) + 1
                if mine < nearest:
                    top, nearest = 0, mine
                if mine == nearest and mine < FAR:
                    stack[top] = i * across + j
                    top += 1
        if nearest == FAR:
            break
        distance = nearest
        for n in range(top):
            far[stack[n] // across, stack[n] % across] = distance
    count = 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            count += far[y - y0 + 1, x - x0 + 1] != FAR and _read(left, y * width + x) == _SURPLUS
    return count


@kernel
def _spread(flows, left, y0, y1, x0, x1, stack, dy, dx):
    """Mark what a tile's surplus and that around it can reach within it; return whether any lies at the border."""
    height, width = flows.shape[:2]
    top, found = 0, False
    for y in range(max(y0 - 1, 0), min(y1 + 1, height)):
        for x in range(max(x0 - 1, 0), min(x1 + 1, width)):
            if _read(left, y * width + x) == _SURPLUS:
                stack[top] = y * width + x
                top += 1
    while top > 0:
        top -= 1
        y, x = stack[top] // width, stack[top] % width
        for d in range(8):
            k, m = y + dy[d], x + dx[d]
            if k < y0 or k >= y1 or m < x0 or m >= x1 or _read(left, k * width + m) == _SURPLUS:
                continue
            if _can_take(flows, y, x, d, dy, dx):
                _write(left, k * width + m, _SURPLUS)
                stack[top] = k * width + m
                top += 1
                found = found or k in (y0, y1 - 1) or m in (x0, x1 - 1)
    return found
