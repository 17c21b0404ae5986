"""What is shown of an address that says who asks."""

from __future__ import annotations

import pytest

from zoo import tracking
from zoo.credentials import hidden
from zoo.types import UsageError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:p%40ss@db:5432/mlflow", "postgresql://...db:5432/mlflow"),
        ("https://t0ken@example.org/x?a=1", "https://...example.org/x?a=1"),
        ("mysql://db/mlflow?user=me&password=hush", "mysql://db/mlflow?..."),
        (
            "GET http://me:hush@a/b?token=c failed (see 'http://you@d')",
            "GET http://...a/b?... failed (see 'http://...d')",
        ),
        ("sqlite:////home/a@b/mlflow.db", "sqlite:////home/a@b/mlflow.db"),
        ("mail me@example.org about https://example.org/@me", "mail me@example.org about https://example.org/@me"),
    ],
)
def test_who_asks_is_hidden_and_nothing_else(text: str, shown: str):
    assert hidden(text) == shown


def test_a_server_shows_its_own_pages(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hush@example.org:5000")
    with pytest.raises(UsageError, match=r"^`zoo ui` is for .* open http://\.\.\.example\.org:5000 instead\.$"):
        tracking.ui()
