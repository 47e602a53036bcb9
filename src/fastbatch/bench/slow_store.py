# SPDX-License-Identifier: MIT
"""A web server as slow as a store: serves the files of a folder, with latency, over one link, with errors.

    python -m fastbatch.bench.slow_store FOLDER --latency 0.05 --rate 100e6 --errors 0.01

It prints its port, and ends with its standard input. `/-/bytes` answers with the bytes that it has sent of files.
"""

from __future__ import annotations

import argparse
import http.server
import random
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from types import TracebackType

from fastbatch.locks import new_lock

PIECE = 256 * 1024  # bytes that are sent at once


class Link:
    """One link, which all answers share. Threads: any."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._lock = new_lock()  # guards what follows
        self._free_at = 0.0
        self.sent = 0

    def wait(self, n_bytes: int) -> None:
        """Return when as many bytes have passed."""
        with self._lock:
            self._free_at = max(self._free_at, time.perf_counter()) + n_bytes / self._bytes_per_s
            until = self._free_at
            self.sent += n_bytes
        time.sleep(max(0.0, until - time.perf_counter()))


class Server(http.server.ThreadingHTTPServer):
    """The server; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, folder: Path, latency_s: float, bytes_per_s: float, errors: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.latency_s, self.errors = folder, latency_s, errors
        self.link = Link(bytes_per_s)
        self._random, self._lock = random.Random(0), new_lock()

    def fault(self) -> str:
        """Return what goes wrong with a request: "" for most."""
        with self._lock:
            is_bad, kind = self._random.random() < self.errors, self._random.choice(("503", "cut"))
        return kind if is_bad else ""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def do_GET(self) -> None:
        if self.path == "/-/bytes":
            self._send(200, {}, str(self.server.link.sent).encode())
        else:
            self._answer(has_body=True)

    def _answer(self, has_body: bool) -> None:
        time.sleep(self.server.latency_s)
        path = self.server.folder / self.path.lstrip("/")
        fault = self.server.fault() if has_body else ""
        if fault == "503" or not path.is_file():
            self._send(503 if fault else 404, {}, b"")
            return
        size = path.stat().st_size
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last or size), size - 1) + 1
        headers = {"ETag": f'"{size}-{path.stat().st_mtime_ns}"', "Accept-Ranges": "bytes"}
        if "Range" in self.headers:
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
        self._send(206 if "Range" in self.headers else 200, {**headers, "Content-Length": str(end - begin)}, b"")
        if not has_body:
            return
        if fault == "cut":
            end, self.close_connection = (begin + end) // 2, True
        with path.open("rb") as file:
            file.seek(begin)
            while begin < end and (piece := file.read(min(PIECE, end - begin))):
                self.server.link.wait(len(piece))
                self.wfile.write(piece)
                begin += len(piece)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class SlowStore:
    """The server in a process of its own, as a context."""

    def __init__(self, folder: str | Path, latency_s: float, bytes_per_s: float, errors: float) -> None:
        command = [sys.executable, "-m", "fastbatch.bench.slow_store", str(folder)]
        command += ["--latency", str(latency_s), "--rate", str(bytes_per_s), "--errors", str(errors)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def sent(self) -> int:
        """Return the bytes that were sent of files."""
        with urllib.request.urlopen(f"{self.url}/-/bytes") as answer:
            return int(answer.read())

    def __enter__(self) -> SlowStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name in ("latency", "rate", "errors"):
        parser.add_argument(f"--{name}", type=float, required=True)
    given = parser.parse_args()
    server = Server(given.folder, given.latency, given.rate, given.errors)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
