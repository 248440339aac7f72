/** What a client has to do so that a client scenario sees what it looks for. */
import { Client } from "@modelcontextprotocol/client";

type Context = { readonly [key: string]: unknown };
type Visit = (client: Client, context: Context) => Promise<void>;
type ToolCall = { readonly name: string; readonly arguments: Context };

const VISITS: { readonly [scenario: string]: Visit } = {
  initialize: (client) => list(client),
  tools_call: (client) => call(client, "add_numbers", { a: 5, b: 3 }),
  "elicitation-sep1034-client-defaults": (client) =>
    call(client, "test_client_elicitation_defaults"),
  "sse-retry": (client) => call(client, "test_reconnection"),
  "request-metadata": (client) => list(client),
  "json-schema-ref-no-deref": (client) => list(client),
  "json-schema-2020-12-preservation": echoSchema,
  "sep-2322-client-request-state": answerQuestions,
  "http-standard-headers": readEverything,
  "http-custom-headers": callAsTold,
  "http-invalid-tool-headers": callEverything,
};

/** Scenarios without a visit of their own are about authorization: any call will do. */
export async function visit(client: Client, scenario: string, context: Context): Promise<void> {
  const own = VISITS[scenario];
  if (own !== undefined) return await own(client, context);
  await call(client, "test-tool");
}

/** A client of the era that can answer everything it may be asked. */
export function newClient(scenario: string, modern: boolean): Client {
  const client = new Client(
    { name: "conformance-client", version: "1.0.0" },
    {
      capabilities: {
        roots: { listChanged: true },
        sampling: {},
        elicitation: { form: { applyDefaults: true } },
      },
      versionNegotiation: { mode: modern ? "auto" : "legacy" },
    },
  );
  const content: { readonly [field: string]: boolean } =
    scenario === "sep-2322-client-request-state" ? { confirmed: true } : {};
  client.setRequestHandler("elicitation/create", () => ({ action: "accept", content }));
  client.setRequestHandler("roots/list", () => ({ roots: [] }));
  return client;
}

async function list(client: Client): Promise<void> {
  await client.listTools();
}

/** Lists first, as clients do: a tool's schema says which arguments become headers. */
async function call(client: Client, name: string, args: Context = {}): Promise<void> {
  await client.listTools();
  await client.callTool({ name, arguments: args });
}

async function echoSchema(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  const schema = tools.find(({ name }) => name === "json_schema_2020_12_tool")?.inputSchema;
  await client.callTool({ name: "json_schema_echo", arguments: { schema } });
}

async function answerQuestions(client: Client): Promise<void> {
  for (const name of ["test_mrtr_echo_state", "test_mrtr_no_state", "test_mrtr_unrelated"]) {
    await call(client, name);
  }
  // A client may refuse a result without a type: what counts is that it does not call again.
  await call(client, "test_mrtr_no_result_type").catch(() => {});
}

async function readEverything(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  for (const { name } of tools) await client.callTool({ name, arguments: {} });
  const { resources } = await client.listResources();
  for (const { uri } of resources) await client.readResource({ uri });
  const { prompts } = await client.listPrompts();
  for (const { name } of prompts) await client.getPrompt({ name, arguments: {} });
}

async function callAsTold(client: Client, context: Context): Promise<void> {
  const calls = context["toolCalls"] as readonly ToolCall[];
  for (const told of calls) await call(client, told.name, told.arguments);
}

/** Every tool that is left: those with broken annotations must be gone from the list. */
async function callEverything(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  for (const { name } of tools) {
    await client.callTool({ name, arguments: { region: "us-west1" } });
  }
}
