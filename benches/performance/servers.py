"""MCP clients of the standard library only, so that what they add to a measurement is small and the same for all."""

import http.client
import json
import os
import pathlib
import subprocess
import time

CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}


class Stdio:
    """A server on standard input and output; `command` is started when this is made."""

    def __init__(self, command):
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.number = 0
        self.request("initialize", CLIENT)
        self.initialized = time.perf_counter() - self.started
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def exchange(self, method, parameters):
        """The whole answer to a request: `result` or `error`."""
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": parameters})
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"the server ended: {self.process.args}")
            answer = json.loads(line)
            if answer.get("id") == self.number:
                return answer

    def request(self, method, parameters):
        answer = self.exchange(method, parameters)
        if "error" in answer:
            raise SystemExit(f"{self.process.args}: {answer['error']}")
        return answer["result"]

    def call(self, tool, arguments):
        return self.request("tools/call", {"name": tool, "arguments": arguments})

    def until_whole(self, tool, arguments):
        """Asks until the answer is not one of words alone."""
        while self.call(tool, arguments).get("structuredContent", {}).get("degraded"):
            pass

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


class Http:
    """One connection to a streamable HTTP server, kept open."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.number = 0

    def call(self, tool, arguments):
        """HTTP status, and the answer where there is one."""
        self.number += 1
        body = {"jsonrpc": "2.0", "id": self.number, "method": "tools/call",
                "params": {"name": tool, "arguments": arguments}}
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                   "MCP-Protocol-Version": "2025-06-18"}
        self.connection.request("POST", "/mcp", json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.getheader("Content-Type", "").startswith("application/json") else None


def serve_http(docent, index):
    """`docent serve --http` on a port of its choice, and that port."""
    command = [str(docent), "serve", "--http", "127.0.0.1:0", "--index", str(index)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    return process, int(line.rsplit(":", 1)[1].split("/")[0])


def memory(process, *fields):
    """Sizes of a process in MB, by their names in /proc/PID/status (VmRSS, VmHWM, RssAnon)."""
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    sizes = dict(line.split(":", 1) for line in lines)
    return [int(sizes[field].split()[0]) / 1024 for field in fields]


def peak_of(command):
    """Seconds and peak memory (MB) of a command that has to succeed."""
    started = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command}: status {status}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024
