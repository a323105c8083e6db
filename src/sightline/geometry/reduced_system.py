"""The normal equations of a bundle adjustment, solved by way of the reduced camera system (Triggs 2000, 6.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import blas, lapack

from sightline.core.kernels import over_rows
from sightline.core.types import Array
from sightline.geometry import bundle_kernels as kernels
from sightline.geometry.bundle_problem import INTRINSICS, BundleProblem, rotation_matrices, rotation_vectors

LOSSES = {"squared": 0, "huber": 1, "cauchy": 2, "soft_l1": 3}
DENSE = 3000  # unknowns of cameras up to which the reduced system is a full matrix
_POINTS, _CAMERAS, _OBSERVATIONS = 512, 4, 4096  # in a strip


@dataclass(frozen=True, eq=False)
class Move:
    """A step: of the cameras C×B, the shared intrinsics M, the points P×3, and the decrease that the model promises."""

    cameras: Array
    border: Array
    points: Array
    promised: float = 0.0


@dataclass(frozen=True, eq=False)
class State:
    """Where the cameras and points are, and what that costs."""

    normal: Normal
    rotation: Array
    translation: Array
    intrinsics: Array
    points: Array
    cost: float = 0.0

    def moved(self, step: Move) -> State:
        """Return the state after a step."""
        normal = self.normal
        turn = rotation_matrices(step.cameras[:, :3])
        intrinsics = self.intrinsics.copy()
        change = step.cameras[:, 6:][np.argsort(normal.problem.group_of)] if normal.own else step.border
        intrinsics[:, normal.free] += change.reshape(len(intrinsics), -1)
        made = replace(
            self,
            rotation=turn @ self.rotation,
            translation=self.translation + step.cameras[:, 3:6],
            intrinsics=intrinsics,
            points=self.points + step.points,
        )
        return normal.costed(made)

    def as_problem(self) -> BundleProblem:
        """Return the problem with the values of this state."""
        poses = np.hstack([rotation_vectors(self.rotation), self.translation])
        return replace(self.normal.original, poses=poses, points=self.points, intrinsics=self.intrinsics)


class Normal:
    """The linearised problem at a state, ready to be solved for any damping.

    Parameters
    ----------
    problem
        With the intrinsics free that may change.
    loss, scale
        Number and width of the loss.
    held
        C bool: cameras whose poses stay.
    still
        Whether the points stay.
    """

    def __init__(self, problem: BundleProblem, loss: int, scale: float, held: Array, still: bool) -> None:
        self.original, self.loss, self.scale, self.still = problem, loss, scale, still
        order = np.argsort(problem.point_of, kind="stable")
        self.problem = problem = replace(
            problem,
            observations=problem.observations[order],
            camera_of=problem.camera_of[order],
            point_of=problem.point_of[order],
        )
        self.free = np.array([INTRINSICS.index(name) for name in problem.free], np.int64)
        cameras, points, count = len(problem.poses), len(problem.points), len(order)
        self.own = bool(np.array_equal(np.sort(problem.group_of), np.arange(len(problem.intrinsics))))
        self.width = 6 + len(self.free)
        self.block = self.width if self.own else 6
        many = 0 if self.own else len(self.free) * len(problem.intrinsics)
        self.starts = np.searchsorted(problem.point_of, np.arange(points + 1))
        self.camera_order = np.argsort(problem.camera_of, kind="stable")
        self.camera_starts = np.searchsorted(problem.camera_of[self.camera_order], np.arange(cameras + 1))
        self.stays = np.zeros((cameras, self.block), bool)
        self.stays[held, :6] = True
        pairs = problem.camera_of.astype(np.int64) * points + problem.point_of
        self.twice = len(np.unique(pairs)) < count  # a camera sees some point more than once
        self.residual = np.zeros((count, 2))
        self.by_camera = np.empty((count, 2, self.width))
        self.coupling = np.empty((count, 3, self.block))
        self.border = np.zeros((points, 3, many))
        self.v, self.v_gradient = np.empty((points, 6)), np.empty((points, 3))
        self.u, self.u_gradient = np.empty((cameras, self.width, self.width)), np.empty((cameras, self.width))

    def start(self) -> State:
        """Return the state that the problem begins with."""
        problem = self.problem
        rotation = rotation_matrices(problem.poses[:, :3])
        return self.costed(State(self, rotation, problem.poses[:, 3:].copy(), problem.intrinsics, problem.points))

    def costed(self, state: State) -> State:
        """Return the state with its cost."""
        problem = self.problem
        found = np.empty_like(problem.observations)
        over_rows(
            kernels.reproject,
            len(found),
            state.rotation,
            state.translation,
            state.intrinsics,
            problem.group_of,
            state.points,
            problem.observations,
            problem.camera_of,
            problem.point_of,
            found,
            strip=_OBSERVATIONS,
        )
        parts = over_rows(kernels.robust_cost, len(found), found, self.loss, self.scale, strip=_OBSERVATIONS)
        return replace(state, cost=float(sum(parts)))

    def linearise(self, state: State) -> None:
        """Compute derivatives, the blocks of cameras and points, and what couples them."""
        problem = self.problem
        over_rows(
            kernels.linearise,
            len(problem.points),
            state.rotation,
            state.translation,
            state.intrinsics,
            problem.group_of,
            state.points,
            problem.observations,
            problem.camera_of,
            self.starts,
            self.free,
            self.loss,
            self.scale,
            self.residual,
            self.by_camera,
            self.coupling,
            self.border,
            self.v,
            self.v_gradient,
            strip=_POINTS,
        )
        over_rows(
            kernels.camera_blocks,
            len(problem.poses),
            self.residual,
            self.by_camera,
            self.camera_order,
            self.camera_starts,
            self.u,
            self.u_gradient,
            strip=_CAMERAS,
        )

    @property
    def steepest(self) -> float:
        """The largest derivative of the cost, of those unknowns that may move."""
        cameras = np.where(np.pad(self.stays, ((0, 0), (0, self.width - self.block))), 0, self.u_gradient)
        parts = [cameras] if self.still else [cameras, self.v_gradient]
        return float(max(np.abs(part).max(initial=0) for part in parts))

    def solve(self, radius: float) -> Move | None:
        """Return the damped step, or None where the system cannot be solved."""
        points = len(self.problem.points)
        inverse, ahead = np.zeros((points, 6)), np.zeros((points, 3))
        if not self.still:
            over_rows(kernels.damped_inverses, points, self.v, self.v_gradient, radius, inverse, ahead, strip=_POINTS)
        blocks = self._own_blocks(radius)
        if not self.still and 3 * points + len(blocks.below) < min(blocks.right.size, DENSE):
            return self._solve_few_points(blocks, radius)
        solved = self._solve_cameras(blocks, inverse, ahead)
        if solved is None or not np.isfinite(solved).all():
            return None
        by_camera, by_border = solved[: blocks.right.size].reshape(blocks.right.shape), solved[blocks.right.size :]
        out = np.zeros((points, 3))
        over_rows(
            kernels.back_substitute,
            points,
            self.coupling,
            self.border,
            inverse,
            self.v_gradient,
            self.problem.camera_of,
            self.starts,
            by_camera,
            by_border,
            out,
            strip=_POINTS,
        )
        move = Move(by_camera, by_border, out)
        return replace(move, promised=self._promise(move, radius))

    def _own_blocks(self, radius: float) -> _Blocks:
        """Return the cameras' own part of the system, damped, before the points are taken out."""
        cameras, block, many = len(self.u), self.block, self.border.shape[2]
        own = self.u[:, :block, :block].copy()
        diagonal = np.arange(block)
        own[:, diagonal, diagonal] += _damping(own[:, diagonal, diagonal], radius)
        edge, corner, gradient = np.zeros((cameras, block, many)), np.zeros((many, many)), np.zeros(many)
        for group in range(len(self.problem.intrinsics) if many else 0):
            members = self.problem.group_of == group
            part = slice(group * (self.width - 6), (group + 1) * (self.width - 6))
            edge[members, :, part] = self.u[members, :6, 6:]
            corner[part, part] = self.u[members, 6:, 6:].sum(axis=0)
            gradient[part] = self.u_gradient[members, 6:].sum(axis=0)
        corner[np.arange(many), np.arange(many)] += _damping(np.diagonal(corner), radius)
        return _Blocks(own, edge, corner, -self.u_gradient[:, :block], -gradient)

    def _reduced(self, blocks: _Blocks, inverse: Array, ahead: Array, first: int, last: int) -> Array:
        """Return the rows of the cameras ``first`` to ``last`` of the reduced system, right of the diagonal."""
        block, many = self.block, self.border.shape[2]
        size = len(self.u) * block
        rows = np.zeros(((last - first) * block, size + many))
        cameras = np.arange(first, last)
        whole = rows.reshape(last - first, block, size + many)
        for i in range(block):
            whole[cameras[:, None] - first, i, cameras[:, None] * block + np.arange(block)] = blocks.own[first:last, i]
        whole[:, :, size:] = blocks.edge[first:last]

        def strip(*arguments: int) -> None:
            y0, y1 = arguments
            kernels.reduced_rows(
                self.coupling,
                self.border,
                inverse,
                ahead,
                self.problem.camera_of,
                self.problem.point_of,
                self.starts,
                self.camera_order,
                self.camera_starts,
                first,
                rows,
                blocks.right,
                first + y0,
                first + y1,
            )

        if not self.still:
            over_rows(strip, last - first, strip=_CAMERAS)
        return rows

    def _solve_cameras(self, blocks: _Blocks, inverse: Array, ahead: Array) -> Array | None:
        """Return the steps of the cameras and of the shared intrinsics, one after the other."""
        corner, below = blocks.corner, blocks.below
        if corner.size and not self.still:
            flat = self.border.reshape(-1, len(corner))
            below = below + flat.T @ ahead.reshape(-1)
            corner = corner - flat.T @ (_full(inverse) @ self.border).reshape(-1, len(corner))
        stays = np.concatenate([self.stays.reshape(-1), np.zeros(len(corner), bool)])
        cameras = len(self.u)
        if len(stays) <= DENSE:
            rows = self._reduced(blocks, inverse, ahead, 0, cameras)
            matrix = np.concatenate([rows, np.hstack([np.zeros((len(corner), rows.shape[0])), corner])])
            right = np.concatenate([blocks.right.reshape(-1), below])
            matrix[stays], matrix[:, stays], right[stays] = 0, 0, 0
            matrix[stays, stays] = 1
            _, solved, failed = lapack.dposv(matrix.T, right, lower=1, overwrite_a=1)  # pyrefly: ignore
            return None if failed else solved
        return self._solve_sparse(blocks, inverse, ahead, corner, below, stays)

    def _solve_few_points(self, blocks: _Blocks, radius: float) -> Move | None:
        """Return the step where the points have fewer unknowns than the cameras: those are taken out instead."""
        problem, cameras, points, many = self.problem, len(self.u), len(self.v), len(blocks.below)
        whole = np.zeros((cameras, self.block, 3 * points + many + 1))  # points, shared intrinsics, the right side
        across = whole[..., : 3 * points].reshape(cameras, self.block, points, 3)  # a view
        if self.twice:
            places = (problem.camera_of, slice(None), problem.point_of)
            np.add.at(across, places, self.coupling.transpose(0, 2, 1))  # pyrefly: ignore
        else:
            across[problem.camera_of, :, problem.point_of] = self.coupling.transpose(0, 2, 1)
        whole[..., 3 * points : -1], whole[..., -1] = blocks.edge, blocks.right
        whole[self.stays] = 0
        own = blocks.own.copy()
        own[self.stays[:, :, None] | self.stays[:, None, :]] = 0
        own[self.stays[:, :, None] & np.eye(self.block, dtype=bool)] = 1
        try:
            root = np.linalg.inv(np.linalg.cholesky(own))
        except np.linalg.LinAlgError:  # a smaller step has more damping
            return None
        ahead = root @ whole
        matrix = np.zeros((3 * points + many, 3 * points + many))
        place, inner = 3 * np.arange(points)[:, None, None], np.arange(3)
        matrix[place + inner[:, None], place + inner] = _full(self.v)
        matrix[: 3 * points, 3 * points :] = self.border.reshape(3 * points, many)
        matrix[3 * points :, 3 * points :] = blocks.corner
        diagonal = np.arange(3 * points)
        matrix[diagonal, diagonal] += _damping(matrix[diagonal, diagonal], radius)
        flat = ahead.reshape(-1, 3 * points + many + 1)
        reduced = blas.dsyrk(1.0, flat.T)  # upper triangle  # pyrefly: ignore
        below = np.concatenate([-self.v_gradient.reshape(-1), blocks.below]) - reduced[:-1, -1]
        _, solved, failed = lapack.dposv(matrix - reduced[:-1, :-1], below, lower=0)  # pyrefly: ignore
        if failed or not np.isfinite(solved).all():
            return None
        by_camera = np.einsum("cji,cj->ci", root, ahead[..., -1] - ahead[..., :-1] @ solved)
        move = Move(by_camera, solved[3 * points :], solved[: 3 * points].reshape(points, 3))
        return replace(move, promised=self._promise(move, radius))

    def _solve_sparse(
        self, blocks: _Blocks, inverse: Array, ahead: Array, corner: Array, below: Array, stays: Array
    ) -> Array | None:
        from scipy import sparse
        from scipy.sparse.linalg import splu

        cameras = len(self.u)
        parts = [
            sparse.csr_array(self._reduced(blocks, inverse, ahead, first, min(first + 64, cameras)))
            for first in range(0, cameras, 64)
        ]
        parts.append(sparse.csr_array(np.hstack([np.zeros((len(corner), cameras * self.block)), corner])))
        upper = sparse.triu(sparse.vstack(parts), format="csr")
        moves = sparse.diags_array((~stays).astype(np.float64))
        whole = moves @ (upper + sparse.triu(upper, 1).T) @ moves + sparse.diags_array(stays.astype(np.float64))
        right = np.concatenate([blocks.right.reshape(-1), below]) * ~stays
        try:
            solver = splu(
                whole.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
            )
        except RuntimeError:  # singular: a smaller step has more damping
            return None
        return solver.solve(right)

    def _promise(self, move: Move, radius: float) -> float:
        """Return by how much the linear model says the cost falls: half of step · (damping step - gradient)."""
        own = np.diagonal(self.u, axis1=1, axis2=2)
        total = 0.0
        many = self.border.shape[2]
        gradient = np.zeros(many)
        diagonal = np.zeros(many)
        for group in range(len(self.problem.intrinsics) if many else 0):
            members = self.problem.group_of == group
            part = slice(group * (self.width - 6), (group + 1) * (self.width - 6))
            gradient[part] = self.u_gradient[members, 6:].sum(axis=0)
            diagonal[part] = own[members, 6:].sum(axis=0)
        for step, slope, square in (
            (move.cameras, self.u_gradient[:, : self.block], own[:, : self.block]),
            (move.border, gradient, diagonal),
            (move.points, self.v_gradient, self.v[:, [0, 3, 5]]),
        ):
            total += float((step * (_damping(square, radius) * step - slope)).sum())
        return total / 2


@dataclass(frozen=True, eq=False)
class _Blocks:
    """The damped system of the cameras: own C×B×B, edge C×B×M, corner M×M; right sides C×B and M."""

    own: Array
    edge: Array
    corner: Array
    right: Array
    below: Array


def _damping(squares: Array, radius: float) -> Array:
    return np.clip(squares, 1e-6, 1e32) / radius


def _full(packed: Array) -> Array:
    """Return P×3×3 symmetric matrices of their P×6 upper triangles."""
    return packed[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3)
