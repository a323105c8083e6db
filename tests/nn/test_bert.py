"""BERT against transformers at random weights: whole sentences, blocks of words that see one another only."""

from __future__ import annotations

import pytest
import torch
from transformers import BertConfig as Sizes
from transformers import BertModel

from classify.parity import randomise
from sightline.nn.attention import Attention
from sightline.nn.bert import VARIANTS, Bert, BertConfig
from sightline.zoo import export_weights, load_weights

SMALL = BertConfig(pieces=50, dim=24, depth=2, num_heads=3, hidden=40, longest=20, eps=1e-12)


def peer() -> BertModel:
    sizes = Sizes(
        vocab_size=50,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=40,
        max_position_embeddings=20,
    )
    return randomise(BertModel(sizes, add_pooling_layer=False))  # type: ignore[return-value]


def test_bert_equals_transformers() -> None:
    theirs = peer()
    ours = load_weights(Bert(SMALL), theirs.state_dict(), naming="transformers").eval()
    ids = torch.randint(0, 50, (2, 9), generator=torch.Generator().manual_seed(0))
    attends = torch.block_diag(torch.ones(4, 4), torch.ones(5, 5)).bool().expand(2, 9, 9)
    positions = torch.tensor([[0, 1, 2, 3, 0, 1, 2, 3, 4]]).expand(2, 9)
    with torch.no_grad():
        assert (ours(ids) - theirs(ids).last_hidden_state).abs().max() < 1e-5
        expected = theirs(ids, attention_mask=attends[:, None], position_ids=positions).last_hidden_state
        assert (ours(ids, attends, positions) - expected).abs().max() < 1e-5


def test_weights_go_out_as_they_came() -> None:
    theirs = peer().state_dict()
    back = export_weights(load_weights(Bert(SMALL), theirs), naming="transformers")
    assert back.keys() == theirs.keys()
    assert all(torch.equal(back[key], theirs[key]) for key in back)


def test_the_weights_of_attention_are_those_it_uses() -> None:
    torch.manual_seed(0)
    attention = Attention(8, 2)
    asking, asked = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    attends = torch.tensor([True, True, False, True, False]).expand(2, 1, 5)
    weights = attention.weights(asking, asked, attends)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 2, 3))
    assert (weights[..., [2, 4]] == 0).all()
    values = attention.value(asked).unflatten(2, (2, 4)).transpose(1, 2)
    by_hand = attention.out((weights @ values).transpose(1, 2).flatten(2))
    assert torch.allclose(attention(asking, asked, asked, attends), by_hand, atol=1e-6)


@pytest.mark.parametrize(("variant", "count"), [("base", 108_891_648), ("large", 334_092_288)])
def test_variants_have_the_published_number_of_parameters(variant: str, count: int) -> None:
    with torch.device("meta"):  # Devlin 2019, section 3: 110 and 340 million, of which the pooler is not part here
        model = Bert(VARIANTS[variant])
    assert sum(p.numel() for p in model.parameters()) == count
