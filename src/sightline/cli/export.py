"""``sightline export``: a trained model as one ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from sightline.cli.sources import find_sources
from sightline.cli.terminal import FAILED, OK, Answer, table


def export(
    model: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    int8: Annotated[bool, Parameter(negative="")] = False,
    images: Annotated[list[str] | None, Parameter(negative="")] = None,
    classes: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Write a trained classifier or detector as one ONNX file, from a picture's bytes to the answer, and a report.

    Parameters
    ----------
    model
        Folder of a run, or a name of the zoo, for example resnet50-imagenet.
    output
        File to write, for example model.onnx; model.agreement.json and model.agreement.html come beside it.
    int8
        Eight bits for weights and activations: a quarter of the size.
    images
        Pictures, folders or patterns to compare on; the run's own data or the sample photos when left out.
    classes
        Text file with the names of a zoo network's classes, one a line.
    json
        Give the agreement as JSON.
    """
    import sightline

    pictures = None if images is None else [source.read("stored") for source in find_sources(images)]
    found = sightline.export(model, output, int8=int8, images=pictures, classes=classes)

    def show(console: Console) -> None:
        share = "paired" if "paired" in found["cases"][0] else "top1_agreement"  # of boxes, or of classes
        told = "same boxes" if share == "paired" else "same best"
        columns = ("what went in", "pictures", "difference", told, "torch ms", "ONNX ms")
        rows = [
            (
                case["name"],
                case["images"],
                f"{case['max_difference']:.1e}",
                f"{case[share]:.1%}",
                f"{case['torch_ms']:.2f}",
                f"{case['onnx_ms']:.2f}",
            )
            for case in found["cases"]
        ]
        console.print(table(columns, rows, right=columns[1:]))
        report = output.with_suffix(".agreement.html")
        size = f"{found['bytes'] / 1e6:.1f} MB"
        console.print(f"{output}: {size}. Report: {report}", markup=False, soft_wrap=True)

    return Answer(found, show, json, OK if found["agrees"] else FAILED)
