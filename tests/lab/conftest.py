"""A lab in this process, its listing kept in a folder of its own, and a client that asks as a page does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sightline.lab.app import make_app
from sightline.lab.lab import Lab
from sightline.lab.listing import Listing


@pytest.fixture(scope="session")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Listing:
    made = Listing(tmp_path_factory.mktemp("listing"))
    made.rows(whole=True)
    return made


@pytest.fixture
def lab(listing: Listing, tmp_path: Path) -> Lab:
    return Lab(tmp_path, listing=listing)


def _client_of(lab: Lab) -> TestClient:
    return TestClient(make_app(lab), base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.fixture
def client(lab: Lab) -> Iterator[TestClient]:
    with _client_of(lab) as made:
        yield made


@pytest.fixture(scope="module")
def standing_client(listing: Listing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Yield the client of one lab for many questions: a fresh lab reads the ledger anew before its first answer."""
    with _client_of(Lab(tmp_path_factory.mktemp("lab"), listing=listing)) as made:
        yield made
