"""A server of one's own and a client for it. Lines `ok NAME` and `not ok NAME: why` are what a case prints."""
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile

SLOW = float(os.environ.get("slow", "1"))


def check(name, good, why=""):
    print(f"ok {name}" if good else f"not ok {name}: {str(why)[:500]!r}")


class Server:
    """The server; `with Server("--rpm", "5") as s`."""

    def __init__(self, *options):
        self.dir = tempfile.mkdtemp(dir=".")
        self.process = subprocess.Popen(
            [os.environ["server"], "--die-with-parent", *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on http://127.0.0.1:"):
            print("not ok start: the server said", repr(line))
            sys.exit(1)
        self.port = int(line.rsplit(":", 1)[1].split("/")[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(60 * SLOW)
        if status != 0:
            print(f"not ok end: exit status {status}")

    def open(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout * SLOW)

    def call(self, method, path, body=None, headers=None, connection=None, timeout=30):
        """→ status, headers, bytes. Failures of the way are exceptions."""
        c = connection or self.open(timeout)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        data = r.read()
        if connection is None:
            c.close()
        return r.status, r.headers, data

    def chat(self, messages="你好", seed=1, connection=None, timeout=30, headers=None, **rest):
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        body = {"model": "m", "messages": messages, "seed": seed, **rest}
        return self.call("POST", "/v1/chat/completions", body, headers, connection, timeout)

    def content(self, *args, **kw):
        status, _, data = self.chat(*args, **kw)
        return json.loads(data)["choices"][0]["message"]["content"] if status == 200 else f"status {status}"

    def stats(self):
        return json.loads(self.call("GET", "/stats")[2])

    def switch(self, **changes):
        status, _, data = self.call("POST", "/switch", {k.replace("_", "-"): v for k, v in changes.items()})
        return status, json.loads(data)

    def reset(self):
        self.call("POST", "/reset")


def ending(server, seed=1, timeout=30, **rest):
    """How an exchange ends: a status, or the name of what broke."""
    try:
        return server.chat(seed=seed, timeout=timeout, **rest)[0]
    except ConnectionResetError:
        return "reset"
    except http.client.IncompleteRead:
        return "truncated"
    except http.client.RemoteDisconnected:
        return "closed"
    except (socket.timeout, TimeoutError):
        return "timeout"
    except ConnectionRefusedError:
        return "refused"
