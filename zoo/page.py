"""The page at `/` of a served model, where a person can try it."""

from __future__ import annotations

import json
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse

PAGE = Path(__file__).with_name("page.html")


def mount(app: FastAPI, description: Path) -> None:
    """Adds the page at `/`, and at `/about` what it has to know of the model.

    Args:
      app: MLflow's scoring app.
      description: The export's `model.json`.
    """
    about = json.loads(description.read_text())

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return PAGE.read_text()

    @app.get("/about")
    def described() -> JSONResponse:
        return JSONResponse(about)
