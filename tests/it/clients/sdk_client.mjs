// The TypeScript clients of both generations against a real server.
//
// usage: sdk_client.mjs v1|v2-legacy|v2-auto|v2-2026-07-28 URL-OR-COMMAND
//
// Prints one JSON object with what came back.

const [mode, target] = process.argv.slice(2);
const isUrl = target.startsWith("http");
const info = { name: "test", version: "0" };

async function connected() {
  if (mode === "v1") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    const client = new Client(info);
    await client.connect(
      isUrl ? new StreamableHTTPClientTransport(new URL(target)) : new StdioClientTransport({ command: target }),
    );
    return client;
  }
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
  const negotiation = { "v2-legacy": undefined, "v2-auto": "auto", "v2-2026-07-28": { pin: "2026-07-28" } }[mode];
  const client = new Client(info, negotiation && { versionNegotiation: { mode: negotiation } });
  await client.connect(
    isUrl ? new StreamableHTTPClientTransport(new URL(target)) : new StdioClientTransport({ command: target }),
  );
  return client;
}

const textOf = (result) => result.content.map((block) => block.text).join("");
const client = await connected();
const tools = (await client.listTools()).tools;
const found = await client.callTool({ name: "search", arguments: { query: "rotate an API key", limit: 2 } });
const refused = await client.callTool({ name: "search", arguments: { querry: "a" } });
const resource = await client.readResource({ uri: "docs:///keys.md" });
console.log(
  JSON.stringify({
    tools: tools.map((tool) => tool.name),
    structured: found.structuredContent,
    text: textOf(found),
    resource: resource.contents[0].text.includes("Rotate an API key"),
    refused: refused.isError ? textOf(refused) : "",
  }),
);
await client.close();
