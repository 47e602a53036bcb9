# SPDX-License-Identifier: MIT
"""A web server on loopback that answers each request after a delay, however many there are: a store far away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping


class DelayedStore:
    """Serves bytes by name, in a thread of its own, until `close`.

    Args:
        objects: Name to content.
        delay_s: From a request to its answer.

    Attributes:
        url: Its address.
    """

    def __init__(self, objects: Mapping[str, bytes], delay_s: float) -> None:
        self._objects, self._delay_s = objects, delay_s
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def close(self) -> None:
        """End the server."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(self._delay_s)
                writer.write(self._answer(head.decode()))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, head: str) -> bytes:
        request, *lines = head.split("\r\n")
        method, path, _ = request.split(" ")
        content = self._objects.get(path.partition("?")[0].lstrip("/"))
        if content is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status, length, more, body = "200 OK", len(content), "", content
        if "range" in fields:
            first, _, last = fields["range"].removeprefix("bytes=").partition("-")
            body = content[int(first) : int(last or length - 1) + 1]
            status = "206 Partial Content"
            more = f"Content-Range: bytes {first}-{int(first) + len(body) - 1}/{length}\r\n"
        answer = f'HTTP/1.1 {status}\r\nETag: "{hash(content):x}"\r\nAccept-Ranges: bytes\r\n{more}'
        answer += f"Content-Length: {len(body)}\r\n\r\n"
        return answer.encode() + (b"" if method == "HEAD" else body)
