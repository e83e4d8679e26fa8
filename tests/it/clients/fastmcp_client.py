"""The fastmcp client against a real server.

usage: fastmcp_client.py URL-OR-COMMAND

Prints one JSON object with what came back.
"""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main(target):
    transport = target if target.startswith("http") else StdioTransport(command=target, args=[])
    async with Client(transport) as client:
        found = await client.call_tool("search", {"query": "rotate an API key", "limit": 2})
        refused = await client.call_tool("search", {"querry": "a"}, raise_on_error=False)
        resource = await client.read_resource("docs:///keys.md")
        report = {
            "tools": [tool.name for tool in await client.list_tools()],
            "structured": found.structured_content,
            "text": "".join(block.text for block in found.content),
            "resource": "Rotate an API key" in resource[0].text,
            "refused": "".join(block.text for block in refused.content) if refused.is_error else "",
        }
    print(json.dumps(report))


asyncio.run(main(sys.argv[1]))
