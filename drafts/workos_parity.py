"""Drives two MCP servers over stdio with the same calls and tells how they differ.

usage: workos_parity.py ORIGINAL_FOLDER QUESTIONS [DOCENT INDEX]
ORIGINAL_FOLDER: the unpacked npm package with its dependencies installed.
"""
import json, re, subprocess, sys, pathlib

class Client:
    def __init__(self, command, cwd=None):
        self.process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.number = 0
        self.request("initialize", {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "parity", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    def send(self, message):
        self.process.stdin.write(json.dumps(message) + "\n"); self.process.stdin.flush()
    def request(self, method, params):
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        while True:
            answer = json.loads(self.process.stdout.readline())
            if answer.get("id") == self.number:
                return answer
    def call(self, tool, arguments):
        answer = self.request("tools/call", {"name": tool, "arguments": arguments})
        if "error" in answer:
            return True, "protocol error: " + answer["error"]["message"]
        result = answer["result"]
        return bool(result.get("isError")), "\n".join(part.get("text", "") for part in result["content"])

def share(client, questions, top=5):
    found = 0
    for question in questions:
        _, text = client.call("workos_search", {"query": question["query"], "maxResults": top})
        paths = re.findall(r"^## \U0001F4C4 (.+)$", text, re.M)[:top]
        relevant = {re.sub(r"\.mdx?$", "", hit["path"]).removeprefix("docs/") for hit in question["relevant"]}
        found += any(path.removeprefix("docs/") in relevant for path in paths)
    return found

def bodies(client, docs):
    same, different = 0, []
    for page in sorted(docs.rglob("*.md*")):
        path = re.sub(r"\.mdx?$", "", str(page.relative_to(docs)))
        failed, text = client.call("workos_docs", {"path": path})
        body = page.read_bytes().decode()
        if not failed and text.startswith(body):
            same += 1
        else:
            different.append(path)
    return same, different

CALLS = [
    ("workos_docs", {"path": "sso/domains"}), ("workos_docs", {"path": "sso"}), ("workos_docs", {"path": "sso/domans"}),
    ("workos_docs", {}), ("workos_docs", {"path": 7}), ("workos_docs", {"path": "../../../package"}),
    ("workos_docs", {"path": "../../../README"}), ("workos_docs", {"path": "/etc/passwd"}), ("workos_docs", {"path": "..%2f..%2f..%2fREADME"}),
    ("workos_search", {"query": "SAML metadata"}), ("workos_search", {"query": "how do I verify a webhook?"}), ("workos_search", {}), ("workos_search", {"query": 7}),
    ("workos_examples", {"example": "sso"}), ("workos_examples", {"example": "../changelogs"}), ("workos_examples", {}),
    ("workos_changelogs", {"package": "workos-platform"}), ("workos_changelogs", {"package": "workos"}), ("workos_changelogs", {"package": "../../../package"}), ("workos_changelogs", {}),
    ("workos_nothing", {}),
]

def main():
    folder, questions = pathlib.Path(sys.argv[1]), [json.loads(line) for line in open(sys.argv[2])]
    clients = {"original": Client(["node", "dist/index.js"], cwd=folder)}
    if len(sys.argv) > 4:
        clients["docent"] = Client([sys.argv[3], "serve", "--index", sys.argv[4], "--preset", "workos"])
    docs = folder / ".docs/organized/docs"
    for name, client in clients.items():
        same, different = bodies(client, docs)
        print(f"{name}: {same} page bodies byte for byte, {len(different)} not: {different[:5]}")
        print(f"{name}: {share(client, questions)} of {len(questions)} questions answered in the top 5")
        for tool, arguments in CALLS:
            failed, text = client.call(tool, arguments)
            print(f"{name} | {tool} {json.dumps(arguments)} | {'error' if failed else 'ok'} | {text[:90]!r}")

main()
