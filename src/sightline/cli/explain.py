"""``sightline explain``: where a model looks, and what it is like inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from sightline.apply.explaining import Explanation, class_index, heat_of, heat_over, sanity_of
from sightline.apply.inside import INSIDE, Inside, look_inside, map_of
from sightline.apply.lenses import LENSES, Lens, look_through
from sightline.apply.source import Source
from sightline.cli.sources import find_picture, find_sources
from sightline.cli.terminal import Answer
from sightline.core.errors import InputError


def explain(
    run: str,
    image: str,
    /,
    *,
    method: Literal[Explanation, Inside, Lens] = "grad_cam",
    target: Annotated[str | None, Parameter(alias="-t")] = None,
    sanity: Annotated[bool, Parameter(negative="")] = False,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Show where a model looks: writes the image with the evidence for one class as heat over it.

    Parameters
    ----------
    run
        Folder of a run, for example runs/digits-1.
    image
        The image, or - for stdin; for embedding_plot a folder, whose folders become colours.
    method
        grad_cam: the last feature map, grad_cam_plus_plus: place by place, eigen_cam: what stands out in it, for any
        class; saliency: each pixel's gradient, smooth_grad: the mean of many, integrated_gradients: each pixel's share
        of the score; occlusion: what a grey patch costs; guided_backprop, deconvnet: the pattern, of a network with
        ReLU; attention_rollout: where a transformer attends, for any class. Inside: feature_maps, filters,
        attention_map, receptive_field; embedding_plot: a page with a map of many images. Of detectors query_attention:
        where a DETR's query looks that becomes a box; word_attention: where Grounding DINO's words look.
    target
        Name or number of the class to look for; the predicted one, or the surest query's, when left out. For
        word_attention the words, with a full stop behind each phrase.
    sanity
        Also look what the explanation is worth: forget the weights, layer by layer, and tell how like itself the map
        stays. All maps go to FILE-sanity.png.
    output
        File to write; IMAGE-METHOD.png in this folder when left out, .html for embedding_plot.
    json
        Give the prediction, the class and the file as JSON.
    """
    import sightline
    from sightline.image.write import write

    sources = find_sources([image]) if method == "embedding_plot" else [find_picture("explain", image, "the image")]
    source, predictor = sources[0], sightline.load(run)
    if sanity and (method in INSIDE or method in LENSES):
        raise InputError(f"explain: {method} explains no answer; sanity is for methods that do, such as grad_cam.")
    if method in INSIDE:
        return _inside(predictor, method, sources, output or Path(f"{Path(image).stem or source.stem}-{method}"), json)
    if method in LENSES:
        return _lens(predictor, method, source, target, output or Path(f"{source.stem}-{method}.png"), json)
    picture = source.read()
    found = predictor.predict([picture])[0]
    wanted = found.label if target is None else predictor.recipe.classes[class_index(predictor, target)]
    heat = heat_of(predictor, picture, method, wanted)
    path = output or Path(f"{source.stem}-{method}.png")
    write(path, heat_over(picture, heat))
    value = {"source": source.name, "method": method, "class": wanted, "output": str(path), **found.to_json()}
    text = f"{found.label} {found.score:.1%}; {method} for '{wanted}': {path}"
    if sanity:
        checked, sheet = sanity_of(predictor, picture, method, wanted), path.with_stem(f"{path.stem}-sanity")
        write(sheet, checked.draw())
        value["sanity"] = {"output": str(sheet), **checked.to_json()}
        text += (
            f"\nLike itself when the last layer is forgotten: {checked.correlations[1]:.2f}; "
            f"when all {len(checked.layers)} are: {checked.last:.2f}. A map that stays near 1 explains nothing: {sheet}"
        )

    def show(console: Console) -> None:
        console.print(text, markup=False, soft_wrap=True)

    return Answer(value, show, json)


def _inside(predictor: Any, method: str, sources: list[Source], path: Path, json: bool) -> Answer:
    """Write what a model is like inside; a name without a suffix gets the usual one."""
    from sightline.image.write import write

    if method == "embedding_plot":
        path = path if path.suffix else path.with_suffix(".html")
        found = map_of(predictor, [source.read() for source in sources], [source.name for source in sources])
        if path.suffix == ".html":
            found.save(path, title=f"{len(sources)} images as {predictor.recipe.name} sees them")
        else:
            write(path, found.draw())
    else:
        path = path if path.suffix else path.with_suffix(".png")
        write(path, look_inside(predictor, sources[0].read(), method))
    value = {"method": method, "images": len(sources), "output": str(path)}

    def show(console: Console) -> None:
        console.print(f"{method}: {path}", markup=False, soft_wrap=True)

    return Answer(value, show, json)


def _lens(predictor: Any, method: str, source: Source, target: str | None, path: Path, json: bool) -> Answer:
    """Write where a detector's query or words look."""
    from sightline.image.write import write

    sheet, told = look_through(predictor, source.read(), method, target)
    write(path, sheet)
    value = {"source": source.name, "method": method, "output": str(path), **told}
    if method == "query_attention":
        text = f"{told['class']} {told['score']:.1%}; {method} of query {told['query']}: {path}"
    else:
        text = f"{method} of {', '.join(repr(one['phrase']) for one in told['phrases'])}: {path}"

    def show(console: Console) -> None:
        console.print(text, markup=False, soft_wrap=True)

    return Answer(value, show, json)
