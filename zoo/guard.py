"""What stands before the scoring app: limits of size and time, and errors that say in one line what was wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

MOST_BYTES = 32 << 20  # of a request: ten minutes of speech as base64
SECONDS = 30.0  # for a request to arrive
LONGEST = 300  # characters of a reason
# What parsing raises on input that it was not made for; of anything else the server is to blame.
THEIR_FAULT = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError)
# What was raised last, at the end of a traceback: MLflow sends the whole.
RAISED = re.compile(r"^(?:[\w.]+\.)?\w+(?:Error|Exception): ", re.MULTILINE)
# What TensorFlow says of its inside.
GRAPH = re.compile(r"Graph execution error:.*?<stack traces unavailable>\s*(?:assertion failed:\s*)?", re.DOTALL)
NODE = re.compile(r"\{\{.*?\}\}\s*|\[\[.*?\]\]\s*|\[Op:\w+\]\s*| \[type\.googleapis.*", re.DOTALL)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Refused(Exception):
    """A request is not handed on."""

    def __init__(self, status: HTTPStatus, reason: str):
        super().__init__(reason)
        self.status, self.reason = status, reason


class Guard:
    """An ASGI app around another.

    Args:
      app: MLflow's scoring app.
      most_bytes: Of a request's body.
      seconds: For the body to arrive.
    """

    def __init__(self, app: App, most_bytes: int = MOST_BYTES, seconds: float = SECONDS):
        self.app, self.most_bytes, self.seconds = app, most_bytes, seconds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(self._body(scope, receive), self.seconds)
        except Refused as refused:
            await _refuse(send, refused.status, refused.reason)
        except TimeoutError:
            await _refuse(send, HTTPStatus.REQUEST_TIMEOUT, f"the request did not arrive within {self.seconds:g} s")
        else:
            await self._answer(scope, body, receive, send)

    async def _body(self, scope: Message, receive: Receive) -> bytes:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self.most_bytes:
                raise self._too_large()
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(HTTPStatus.BAD_REQUEST, "the request was cut off")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.most_bytes:
                raise self._too_large()
            if not message.get("more_body"):
                return b"".join(parts)

    def _too_large(self) -> Refused:
        most = f"{self.most_bytes / 2**20:g} MiB"
        return Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request may have {most}, this one has more; send several"
        )

    async def _answer(self, scope: Message, body: bytes, receive: Receive, send: Send) -> None:
        given, refused, content = False, 0, []

        async def replayed() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def filtered(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
                refused = message["status"]
            elif refused:
                content.append(message.get("body", b""))
            else:
                await send(message)

        try:
            await self.app(scope, replayed, filtered)
        except THEIR_FAULT as error:
            await _refuse(send, HTTPStatus.BAD_REQUEST, f"{type(error).__name__}: {error}")
        except Exception as error:
            logging.getLogger(__name__).exception("a request failed")
            await _refuse(send, HTTPStatus.INTERNAL_SERVER_ERROR, type(error).__name__)
        else:
            if refused:
                await _refuse(send, HTTPStatus(refused), reason(b"".join(content)))


def reason(content: bytes) -> str:
    """The one line worth reading in an error of MLflow's: without its stack trace and the echo of the request."""
    try:
        told = json.loads(content)
    except ValueError:
        return _line(content.decode(errors="replace")) or "it cannot be answered"
    if not isinstance(told, dict):
        return _line(str(told))
    raised = RAISED.split(str(told.get("stack_trace") or ""))
    if len(raised) > 1:
        return _line(NODE.sub("", GRAPH.sub("", raised[-1])))
    text = str(told.get("message") or told.get("detail") or "it cannot be answered")
    return _line(text.rsplit("\nError: ", 1)[-1].split("\nInput:")[0])


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


async def _refuse(send: Send, status: HTTPStatus, why: str) -> None:
    content = json.dumps({"error": _line(why)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if status in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT):
        headers.append((b"connection", b"close"))  # what is left of the request is not read
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": content})
