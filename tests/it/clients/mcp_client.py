"""The official MCP client for Python against a real server: lists its tools and calls `search`.

usage: mcp_client.py MODE URL
       mcp_client.py MODE COMMAND ARGUMENT...

MODE is legacy, auto or 2026-07-28. Prints one JSON object with what came back.
"""

import asyncio
import json
import sys

from mcp import Client, StdioServerParameters


def outcome(result):
    return {
        "is_error": bool(result.is_error),
        "text": "".join(block.text for block in result.content),
        "structured": result.structured_content,
    }


async def main(mode, command, arguments):
    server = command if command.startswith("http") else StdioServerParameters(command=command, args=arguments)
    async with Client(server, mode=mode) as client:
        tools = (await client.list_tools()).tools
        # The client checks structured content against the declared outputSchema by itself.
        found = await client.call_tool("search", {"query": "How often do I rotate an API key?", "limit": 2})
        told = []

        async def progress(done, total, message):
            told.append([done, total])

        several = {"queries": ["rotate a key", "log in"]}
        await client.call_tool("search", several, progress_callback=progress)
        refused = await client.call_tool("search", {"querry": "a"})
        report = {
            "protocol": client.protocol_version,
            "server": client.server_info.name if client.server_info else None,
            "instructions": client.instructions,
            "tools": [tool.name for tool in tools],
            "found": outcome(found),
            "progress": told,
            "refused": outcome(refused),
        }
    print(json.dumps(report))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
