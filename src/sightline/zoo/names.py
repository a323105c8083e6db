"""Name maps: what torchvision, timm and transformers call the parameters of our models.

A map goes from our key to the keys that hold it elsewhere; several keys are laid one after the other along the first
axis, as transformers' separate q, k and v make our one matrix.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial

from sightline.core.checks import choice
from sightline.zoo.families import naming_of

NAMINGS = ("sightline", "torchvision", "timm", "transformers", "cifar", "caffe")
Names = dict[str, tuple[str, ...]]

_NORM = r"(weight|bias|running_mean|running_var|num_batches_tracked)"

# One rule for each kind of key: pattern over our key, what it is called elsewhere. Order does not matter.
_RESNET_TORCHVISION: dict[str, str] = {
    r"stem\.conv1\.conv\.weight": "conv1.weight",
    rf"stem\.conv1\.norm\.{_NORM}": r"bn1.\1",
    r"stages\.(\d+)\.(\d+)\.conv(\d)\.conv\.weight": r"layer{1+1}.\2.conv\3.weight",
    rf"stages\.(\d+)\.(\d+)\.conv(\d)\.norm\.{_NORM}": r"layer{1+1}.\2.bn\3.\4",
    r"stages\.(\d+)\.(\d+)\.shortcut\.conv\.weight": r"layer{1+1}.\2.downsample.0.weight",
    rf"stages\.(\d+)\.(\d+)\.shortcut\.norm\.{_NORM}": r"layer{1+1}.\2.downsample.1.\3",
    r"head\.linear\.(weight|bias)": r"fc.\1",
}
_RESNET_TRANSFORMERS: dict[str, str] = {
    r"stem\.conv1\.conv\.weight": "resnet.embedder.embedder.convolution.weight",
    rf"stem\.conv1\.norm\.{_NORM}": r"resnet.embedder.embedder.normalization.\1",
    r"stages\.(\d+)\.(\d+)\.conv(\d)\.conv\.weight": (
        r"resnet.encoder.stages.\1.layers.\2.layer.{3-1}.convolution.weight"
    ),
    rf"stages\.(\d+)\.(\d+)\.conv(\d)\.norm\.{_NORM}": (
        r"resnet.encoder.stages.\1.layers.\2.layer.{3-1}.normalization.\4"
    ),
    r"stages\.(\d+)\.(\d+)\.shortcut\.conv\.weight": r"resnet.encoder.stages.\1.layers.\2.shortcut.convolution.weight",
    rf"stages\.(\d+)\.(\d+)\.shortcut\.norm\.{_NORM}": r"resnet.encoder.stages.\1.layers.\2.shortcut.normalization.\3",
    r"head\.linear\.(weight|bias)": r"classifier.1.\1",
}
_VIT_TIMM: dict[str, str] = {
    r"class_token": "cls_token",
    r"positions": "pos_embed",
    r"patches\.(weight|bias)": r"patch_embed.proj.\1",
    r"blocks\.(\d+)\.norm([12])\.(weight|bias)": r"blocks.\1.norm\2.\3",
    r"blocks\.(\d+)\.attention\.qkv\.(weight|bias)": r"blocks.\1.attn.qkv.\2",
    r"blocks\.(\d+)\.attention\.out\.(weight|bias)": r"blocks.\1.attn.proj.\2",
    r"blocks\.(\d+)\.mlp\.0\.(weight|bias)": r"blocks.\1.mlp.fc1.\2",
    r"blocks\.(\d+)\.mlp\.3\.(weight|bias)": r"blocks.\1.mlp.fc2.\2",
    r"norm\.(weight|bias)": r"norm.\1",
    r"head\.(weight|bias)": r"head.\1",
}
_VIT_TORCHVISION: dict[str, str] = {
    r"class_token": "class_token",
    r"positions": "encoder.pos_embedding",
    r"patches\.(weight|bias)": r"conv_proj.\1",
    r"blocks\.(\d+)\.norm([12])\.(weight|bias)": r"encoder.layers.encoder_layer_\1.ln_\2.\3",
    r"blocks\.(\d+)\.attention\.qkv\.(weight|bias)": r"encoder.layers.encoder_layer_\1.self_attention.in_proj_\2",
    r"blocks\.(\d+)\.attention\.out\.(weight|bias)": r"encoder.layers.encoder_layer_\1.self_attention.out_proj.\2",
    r"blocks\.(\d+)\.mlp\.([03])\.(weight|bias)": r"encoder.layers.encoder_layer_\1.mlp.\2.\3",
    r"norm\.(weight|bias)": r"encoder.ln.\1",
    r"head\.(weight|bias)": r"heads.head.\1",
}
_QKV = "|".join(rf"vit.layers.\1.attention.{part}_proj.\2" for part in "qkv")
_VIT_TRANSFORMERS: dict[str, str] = {
    r"class_token": "vit.embeddings.cls_token",
    r"positions": "vit.embeddings.position_embeddings",
    r"patches\.(weight|bias)": r"vit.embeddings.patch_embeddings.projection.\1",
    r"blocks\.(\d+)\.norm1\.(weight|bias)": r"vit.layers.\1.layernorm_before.\2",
    r"blocks\.(\d+)\.norm2\.(weight|bias)": r"vit.layers.\1.layernorm_after.\2",
    r"blocks\.(\d+)\.attention\.qkv\.(weight|bias)": _QKV,
    r"blocks\.(\d+)\.attention\.out\.(weight|bias)": r"vit.layers.\1.attention.o_proj.\2",
    r"blocks\.(\d+)\.mlp\.0\.(weight|bias)": r"vit.layers.\1.mlp.fc1.\2",
    r"blocks\.(\d+)\.mlp\.3\.(weight|bias)": r"vit.layers.\1.mlp.fc2.\2",
    r"norm\.(weight|bias)": r"vit.layernorm.\1",
    r"head\.(weight|bias)": r"classifier.\1",
}
_DEIT_TIMM: dict[str, str] = {
    **_VIT_TIMM,
    r"teacher_token": "dist_token",
    r"head\.label\.(weight|bias)": r"head.\1",
    r"head\.teacher\.(weight|bias)": r"head_dist.\1",
}
_DEIT_TRANSFORMERS: dict[str, str] = {
    **{ours: theirs.replace("vit.", "deit.") for ours, theirs in _VIT_TRANSFORMERS.items()},
    r"teacher_token": "deit.embeddings.distillation_token",
    r"head\.label\.(weight|bias)": r"cls_classifier.\1",
    r"head\.teacher\.(weight|bias)": r"distillation_classifier.\1",
}
_SWIN_TORCHVISION: dict[str, str] = {
    r"body\.patches\.projection\.(weight|bias)": r"features.0.0.\1",
    r"body\.patches\.norm\.(weight|bias)": r"features.0.2.\1",
    r"body\.merge(\d)\.(norm|reduction)\.(weight|bias)": r"features.{1*2}.\2.\3",
    r"body\.stage(\d)\.(\d+)\.norm([12])\.(weight|bias)": r"features.{1*2+1}.\2.norm\3.\4",
    r"body\.stage(\d)\.(\d+)\.attention\.qkv\.(weight|bias)": r"features.{1*2+1}.\2.attn.qkv.\3",
    r"body\.stage(\d)\.(\d+)\.attention\.out\.(weight|bias)": r"features.{1*2+1}.\2.attn.proj.\3",
    r"body\.stage(\d)\.(\d+)\.attention\.bias": r"features.{1*2+1}.\2.attn.relative_position_bias_table",
    r"body\.stage(\d)\.(\d+)\.mlp\.0\.(weight|bias)": r"features.{1*2+1}.\2.mlp.0.\3",
    r"body\.stage(\d)\.(\d+)\.mlp\.2\.(weight|bias)": r"features.{1*2+1}.\2.mlp.3.\3",
    r"body\.norm\.(weight|bias)": r"norm.\1",
    r"head\.linear\.(weight|bias)": r"head.\1",
}
_SWIN_TIMM: dict[str, str] = {
    r"body\.patches\.projection\.(weight|bias)": r"patch_embed.proj.\1",
    r"body\.patches\.norm\.(weight|bias)": r"patch_embed.norm.\1",
    r"body\.merge(\d)\.(norm|reduction)\.(weight|bias)": r"layers.\1.downsample.\2.\3",
    r"body\.stage(\d)\.(\d+)\.norm([12])\.(weight|bias)": r"layers.\1.blocks.\2.norm\3.\4",
    r"body\.stage(\d)\.(\d+)\.attention\.qkv\.(weight|bias)": r"layers.\1.blocks.\2.attn.qkv.\3",
    r"body\.stage(\d)\.(\d+)\.attention\.out\.(weight|bias)": r"layers.\1.blocks.\2.attn.proj.\3",
    r"body\.stage(\d)\.(\d+)\.attention\.bias": r"layers.\1.blocks.\2.attn.relative_position_bias_table",
    r"body\.stage(\d)\.(\d+)\.mlp\.0\.(weight|bias)": r"layers.\1.blocks.\2.mlp.fc1.\3",
    r"body\.stage(\d)\.(\d+)\.mlp\.2\.(weight|bias)": r"layers.\1.blocks.\2.mlp.fc2.\3",
    r"body\.norm\.(weight|bias)": r"norm.\1",
    r"head\.linear\.(weight|bias)": r"head.fc.\1",
}
_SWIN = "swin.encoder.layers"
_SWIN_TRANSFORMERS: dict[str, str] = {
    r"body\.patches\.projection\.(weight|bias)": r"swin.embeddings.patch_embeddings.projection.\1",
    r"body\.patches\.norm\.(weight|bias)": r"swin.embeddings.norm.\1",
    r"body\.merge(\d)\.(norm|reduction)\.(weight|bias)": rf"{_SWIN}.{{1-1}}.downsample.\2.\3",
    r"body\.stage(\d)\.(\d+)\.norm1\.(weight|bias)": rf"{_SWIN}.\1.blocks.\2.layernorm_before.\3",
    r"body\.stage(\d)\.(\d+)\.norm2\.(weight|bias)": rf"{_SWIN}.\1.blocks.\2.layernorm_after.\3",
    r"body\.stage(\d)\.(\d+)\.attention\.qkv\.(weight|bias)": "|".join(
        rf"{_SWIN}.\1.blocks.\2.attention.{part}_proj.\3" for part in "qkv"
    ),
    r"body\.stage(\d)\.(\d+)\.attention\.out\.(weight|bias)": rf"{_SWIN}.\1.blocks.\2.attention.o_proj.\3",
    r"body\.stage(\d)\.(\d+)\.attention\.bias": (
        rf"{_SWIN}.\1.blocks.\2.attention.relative_position_bias.relative_position_bias_table"
    ),
    r"body\.stage(\d)\.(\d+)\.mlp\.0\.(weight|bias)": rf"{_SWIN}.\1.blocks.\2.mlp.fc1.\3",
    r"body\.stage(\d)\.(\d+)\.mlp\.2\.(weight|bias)": rf"{_SWIN}.\1.blocks.\2.mlp.fc2.\3",
    r"body\.norm\.(weight|bias)": r"swin.layernorm.\1",
    r"head\.linear\.(weight|bias)": r"classifier.\1",
}
_RULES: dict[str, dict[str, dict[str, str]]] = {
    "resnet": {
        "torchvision": _RESNET_TORCHVISION,
        "timm": _RESNET_TORCHVISION,
        "transformers": _RESNET_TRANSFORMERS,
        "cifar": {**_RESNET_TORCHVISION, r"head\.linear\.(weight|bias)": r"linear.\1"},  # the public CIFAR-10 nets
    },
    "vit": {"torchvision": _VIT_TORCHVISION, "timm": _VIT_TIMM, "transformers": _VIT_TRANSFORMERS},
    "deit": {"timm": _DEIT_TIMM, "transformers": _DEIT_TRANSFORMERS},
    "swin": {"torchvision": _SWIN_TORCHVISION, "timm": _SWIN_TIMM, "transformers": _SWIN_TRANSFORMERS},
}

# What files carry and no one reads: which entry of a table belongs to which pair of places, and the last
# normalisation of a backbone whose maps are normalised one by one.
COMPUTED = re.compile(
    r".*(relative_position_index|attn_mask)|.*\.conv_encoder\.model\.(swin\.)?layernorm\.(weight|bias)"
)

# transformers before version 5 spelled its vision transformer so, and most files on disk still do; torchvision's
# DenseNets are of a time when a name could have a dot in it; its detectors, when a convolution stood for itself.
_OLD: dict[str, str | Callable[[re.Match[str]], str]] = {
    r"^(backbone\.fpn\.(inner|layer)_blocks\.\d)\.(weight|bias)$": r"\1.0.\3",
    r"^rpn\.head\.conv\.(weight|bias)$": r"rpn.head.conv.0.0.\1",
    r"^(head\.\w+_head\.conv\.)0\.(weight|bias)$": r"\g<1>0.0.\2",
    r"^(head\.\w+_head\.conv\.)2\.(weight|bias)$": r"\g<1>1.0.\2",
    r"^(head\.\w+_head\.conv\.)4\.(weight|bias)$": r"\g<1>2.0.\2",
    r"^(head\.\w+_head\.conv\.)6\.(weight|bias)$": r"\g<1>3.0.\2",
    r"^model\.backbone\.conv_encoder\.": "model.backbone.",
    r"^(model\.(en|de)coder\.layers\.\d+\.(self|encoder)_attn)\.out_proj\.": r"\1.o_proj.",
    r"^(model\.(en|de)coder\.layers\.\d+)\.fc([12])\.": r"\1.mlp.fc\3.",
    r"^model\.decoder\.(bbox|class)_embed\.": r"\1_embed.",  # the same answers once more, as they are tied there
    r"^model\.encoder\.encoder\.(\d\.layers\.\d)\.": r"model.encoder.aifi.\1.",
    r"^(model\.encoder\.aifi\.\d\.layers\.\d\.self_attn)\.out_proj\.": r"\1.o_proj.",
    r"^(model\.encoder\.aifi\.\d\.layers\.\d)\.fc([12])\.": r"\1.mlp.fc\2.",
    r"^(features\.denseblock\d+\.denselayer\d+\.)(norm|conv)\.(\d)\.": r"\1\2\3.",
    r"^(vit|deit)\.encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.": (
        lambda match: f"{match[1]}.layers.{match[2]}.attention.{match[3][0]}_proj."
    ),
    r"^(vit|deit)\.encoder\.layer\.(\d+)\.attention\.output\.dense\.": r"\1.layers.\2.attention.o_proj.",
    r"^(vit|deit)\.encoder\.layer\.(\d+)\.intermediate\.dense\.": r"\1.layers.\2.mlp.fc1.",
    r"^(vit|deit)\.encoder\.layer\.(\d+)\.output\.dense\.": r"\1.layers.\2.mlp.fc2.",
    r"^(vit|deit)\.encoder\.layer\.(\d+)\.layernorm_": r"\1.layers.\2.layernorm_",
    r"^model\.backbone\.(conv_encoder\.)?model\.(encoder\.layers|embeddings\.(norm|patch_embeddings))\.": (
        r"model.backbone.conv_encoder.model.swin.\2."
    ),
    r"^(.*swin\.encoder\.layers\.\d+\.blocks\.\d+\.attention)\.self\.(query|key|value)\.": (
        lambda match: f"{match[1]}.{match[2][0]}_proj."
    ),
    r"^(.*swin\.encoder\.layers\.\d+\.blocks\.\d+\.attention)\.self\.relative_position_bias_table": (
        r"\1.relative_position_bias.relative_position_bias_table"
    ),
    r"^(.*swin\.encoder\.layers\.\d+\.blocks\.\d+\.attention)\.output\.dense\.": r"\1.o_proj.",
    r"^(.*swin\.encoder\.layers\.\d+\.blocks\.\d+)\.intermediate\.dense\.": r"\1.mlp.fc1.",
    r"^(.*swin\.encoder\.layers\.\d+\.blocks\.\d+)\.output\.dense\.": r"\1.mlp.fc2.",
}


def names(keys: Iterable[str], naming: str) -> Names:
    """Return ``{our key: the keys that hold it in another naming}``.

    Parameters
    ----------
    keys
        The keys of one of our state dicts.
    naming
        ``"sightline"``, ``"torchvision"``, ``"timm"``, ``"transformers"`` or ``"cifar"`` (the ResNets for CIFAR-10 in
        torchvision's style) or ``"caffe"``. A model that this naming does not know keeps its own keys.

    Examples
    --------
    >>> names(["stages.0.1.conv2.norm.bias"], "torchvision")
    {'stages.0.1.conv2.norm.bias': ('layer1.1.bn2.bias',)}
    """
    keys = list(keys)
    choice("names", "naming", naming, NAMINGS)
    rules = next((family[naming] for family in _RULES.values() if naming in family and _cover(family, keys)), None)
    if rules is None:
        return {key: tuple(theirs.split("|")) for key, theirs in naming_of(keys, naming).spell(keys).items()}
    return {key: tuple(_rename(key, rules).split("|")) for key in keys}


def detect(keys: Iterable[str], found: Iterable[str]) -> str:
    """Return the naming in which most keys of a file belong to a model.

    Parameters
    ----------
    keys
        The keys of the model, in our naming.
    found
        The keys of the file.
    """
    keys, found = list(keys), set(found)
    found |= {modern(key) for key in found}
    score: Callable[[str], int] = lambda naming: len(
        found & {theirs for group in names(keys, naming).values() for theirs in group}
    )
    return max(NAMINGS, key=score)


def modern(key: str) -> str:
    """Return today's spelling of a key that an older version of its library wrote."""
    for pattern, spelling in _OLD.items():
        key = re.sub(pattern, spelling, key)
    return key


def _cover(family: dict[str, dict[str, str]], keys: list[str]) -> bool:
    rules = next(iter(family.values()))
    return bool(keys) and all(any(re.fullmatch(pattern, key) for pattern in rules) for key in keys)


def _rename(key: str, rules: dict[str, str]) -> str:
    for pattern, spelling in rules.items():
        match = re.fullmatch(pattern, key)
        if match:
            # {1+1} counts group 1 up: our stages begin with 0, torchvision's layers with 1. {1*2} doubles it.
            groups = match.groups()
            counted = re.sub(r"\{(\d)(\*2)?([+-]\d)?\}", partial(_count, groups), spelling)
            return match.expand(counted)
    return key


def _count(groups: tuple[str, ...], found: re.Match[str]) -> str:
    return str(int(groups[int(found[1]) - 1]) * (2 if found[2] else 1) + int(found[3] or 0))
