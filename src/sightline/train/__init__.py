"""The one engine that trains any recipe, and the runs that it leaves. The package can be called: ``train(…)``."""

from typing import Any

from sightline.core.lazy import LazyPackage, make_lazy


class _Callable(LazyPackage):
    """The package ``sightline.train``, which is also the function."""

    def __call__(self, recipe: str, data: Any, **settings: Any) -> Any:
        """Train a recipe on data; see :func:`sightline.train.train.train`."""
        from sightline.train.train import train

        return train(recipe, data, **settings)


__all__ = make_lazy(__name__, kind=_Callable)
