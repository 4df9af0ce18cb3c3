// A server of both eras, made with npm's @modelcontextprotocol/server: `node modern_server.mjs` over pipes,
// `node modern_server.mjs --http` over Streamable HTTP; then the first line it prints is its address.
//   --modern  the older era is refused.
//
// Tools: echo, add (structured), where (its argument travels in a header as well), fail, slow (tells its progress), ask (needs an answer of the person's), grow (registers
// another tool). A prompt "greet", a resource "test://note".
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The packages lie in the folder of script/mcp-servers, which is $MCP_SERVERS.
const require = createRequire(`${process.env.MCP_SERVERS}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { McpServer, acceptedContent, createMcpHandler, inputRequired } = await load('@modelcontextprotocol/server');
const { serveStdio } = await load('@modelcontextprotocol/server/stdio');
const { z } = await load('zod');

const legacy = process.argv.includes('--modern') ? 'reject' : undefined;
const text = (words) => ({ content: [{ type: 'text', text: words }] });

function makeServer() {
  const server = new McpServer(
    { name: 'modern', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true } }, instructions: 'For tests.' },
  );
  server.registerTool('echo', { description: 'Says it again', inputSchema: z.object({ message: z.string() }) },
    ({ message }) => text(message));
  server.registerTool('add', {
    inputSchema: z.object({ a: z.number(), b: z.number() }), outputSchema: z.object({ sum: z.number() }),
    annotations: { readOnlyHint: true },
  }, ({ a, b }) => ({ ...text(String(a + b)), structuredContent: { sum: a + b } }));
  server.registerTool('where', { inputSchema: z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }) }) },
    ({ region }) => text(`in ${region}`));
  server.registerTool('fail', {}, () => { throw new Error('it does not work today'); });
  server.registerTool('slow', {}, async (ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    for (let progress = 1; progress <= 3; ++progress) {
      await new Promise((done) => setTimeout(done, 50));
      if (progressToken !== undefined) {
        await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 3 } });
      }
    }
    return text('done');
  });
  server.registerTool('ask', {}, (ctx) => {
    const given = acceptedContent(ctx.mcpReq.inputResponses, 'name');
    if (given) return text(`hello ${given.name}`);
    return inputRequired({
      inputRequests: {
        name: inputRequired.elicit({
          message: 'What is your name?',
          requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
        }),
      },
    });
  });
  let grown = 0;
  server.registerTool('grow', {}, () => {
    server.registerTool(`grown_${++grown}`, {}, () => text('grown'));
    return text('grown');
  });
  server.registerPrompt('greet', { argsSchema: z.object({ name: z.string() }) },
    ({ name }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Greet ${name}.` } }] }));
  server.registerResource('note', 'test://note', { mimeType: 'text/plain' },
    (uri) => ({ contents: [{ uri: uri.href, text: 'a note' }] }));
  return server;
}

if (!process.argv.includes('--http')) {
  serveStdio(makeServer, { legacy });
} else {
  const handler = createMcpHandler(makeServer, { legacy });
  const http = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const ended = new AbortController();
    outgoing.on('close', () => ended.abort());
    const response = await handler.fetch(new Request(`http://127.0.0.1${incoming.url}`, {
      method: incoming.method, headers: incoming.headers, signal: ended.signal,
      body: chunks.length > 0 ? Buffer.concat(chunks) : undefined,
    }));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    try {
      if (response.body) for await (const part of response.body) outgoing.write(part);
    } catch { /* the client has gone */ }
    outgoing.end();
  });
  http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${http.address().port}/mcp`));
}
