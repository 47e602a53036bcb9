# SPDX-License-Identifier: MIT
"""A store on loopback with faults: serves a folder with ranges and entity tags, or stands before another server."""

import hashlib
import http.client
import http.server
import threading
import time
from pathlib import Path


class Faults:
    """What the server does wrong. `bad(path)` returns "503", "403", "cut", "stall" or None for each request."""

    def __init__(self):
        self.bad = lambda path: None
        self.latency_s = 0.0
        self.stalls_heads = True  # "stall" concerns requests without a body, too
        self.n_stalled = 0
        self.lock = threading.Lock()  # guards what follows
        self.n_requests = 0
        self.n_bytes = 0
        self.most_at_once = 0
        self.n_now = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, has_body):
        faults = self.server.faults
        with faults.lock:
            faults.n_requests += 1
            faults.n_now += 1
            faults.most_at_once = max(faults.most_at_once, faults.n_now)
        try:
            self.serve(has_body, faults, faults.bad(self.path))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with faults.lock:
                faults.n_now -= 1

    def serve(self, has_body, faults, bad):
        time.sleep(faults.latency_s)
        if bad == "stall" and (has_body or faults.stalls_heads):
            faults.n_stalled += 1
            self.server.ended.wait(20)
            self.close_connection = True
            return
        status, headers, body = self.found(has_body)
        if bad in ("503", "403"):
            status, headers, body = int(bad), {}, b"<Error><Code>ExpiredToken</Code></Error>" if bad == "403" else b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if has_body:
            if bad == "cut":
                body = body[: len(body) // 2]
                self.close_connection = True
            self.wfile.write(body)
            with faults.lock:
                faults.n_bytes += len(body)

    def found(self, has_body):
        if self.server.upstream:
            return self.passed_on(has_body)
        path = self.server.folder / self.path.partition("?")[0].lstrip("/")
        return self.part_of(path.read_bytes(), has_body) if path.is_file() else (404, {}, b"")

    def part_of(self, content, has_body):
        headers = {"ETag": '"' + hashlib.md5(content).hexdigest() + '"', "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range")
        if asked and has_body:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            part = content[int(first) : int(last or len(content) - 1) + 1]
            headers["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
            return 206, {**headers, "Content-Length": str(len(part))}, part
        return 200, {**headers, "Content-Length": str(len(content))}, content

    def passed_on(self, has_body):
        connection = http.client.HTTPConnection(*self.server.upstream, timeout=30)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in ("connection",)}
        connection.request(self.command, self.path, headers=kept)
        answer = connection.getresponse()
        body = answer.read() if has_body else b""
        headers = {n: v for n, v in answer.getheaders() if n.lower() not in ("connection", "transfer-encoding", "date")}
        headers = {n: v for n, v in headers.items() if not has_body or n.lower() != "content-length"}
        connection.close()
        return answer.status, headers, body


class StoreServer:
    """The server, in threads. `url` is its address; `close()` ends it."""

    def __init__(self, folder=None, upstream=None, handler=Handler):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.faults = self.faults = Faults()
        self.server.folder = Path(folder) if folder else None
        self.server.upstream = upstream
        self.server.ended = threading.Event()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.server.ended.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
