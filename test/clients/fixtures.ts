/**
 * Configs of clients as their documentation shows them, with the comments and odd formatting that
 * people leave in them. Every one has the server "memory", most have one with a literal secret.
 */
export type Fixture = {
  readonly text: string;
  /** The servers of it that can be shared. */
  readonly servers: readonly string[];
  /** Those that stay, because we cannot or must not run them. */
  readonly left?: readonly string[];
};

const MEMORY = '{ "command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory"] }';

export const FIXTURES: { readonly [client: string]: Fixture } = {
  "claude-code": {
    text: `{
  "numStartups": 41,
  "mcpServers": {
    "memory": {
      "type": "stdio", "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-memory"],
      "env": {}
    },
    "github": { "type": "http", "url": "https://api.githubcopilot.com/mcp/",
                "headers": {"Authorization": "Bearer ghp_0123456789abcdefghijABCDEFGHIJ012345"} }
  },
  "projects": {"/work/app": {"allowedTools": [], "mcpServers": {"local-one": {"command": "x"}}}}
}`,
    servers: ["memory", "github"],
  },
  "claude-desktop": {
    text: `{"globalShortcut": "",  "mcpServers":{"memory": ${MEMORY},"files":{"command":"/usr/bin/files","args":["/srv"],"env":{"API_TOKEN":"sk-abcdefghijklmnop0123456789"}}}}\r\n`,
    servers: ["memory", "files"],
  },
  cursor: {
    text: `{
\t"mcpServers": {
\t\t"memory": ${MEMORY},
\t\t"search": {
\t\t\t"command": "npx",
\t\t\t"args": ["-y", "search-mcp", "--api-key", "key-0123456789abcdef"],
\t\t\t"env": { "REGION": "\${env:REGION}" }
\t\t},
\t\t"off": { "command": "off", "disabled": true }
\t}
}
`,
    servers: ["memory", "search"],
    left: ["off"],
  },
  vscode: {
    text: `// My servers
{
    "inputs": [ { "type": "promptString", "id": "key", "description": "Key", "password": true } ],
    "servers": {
        // remembers
        "memory": { "type": "stdio", "command": "npx",
            "args": ["-y", "@modelcontextprotocol/server-memory"] }, // trailing
        "asks": { "type": "http", "url": "https://example.com/mcp",
            "headers": { "Authorization": "Bearer \${input:key}" } },
    },
}
`,
    servers: ["memory"],
    left: ["asks"],
  },
  windsurf: {
    text: `{\r\n  "mcpServers": {\r\n    "memory": ${MEMORY},\r\n    "docs": { "serverUrl": "https://docs.example.com/mcp" }\r\n  }\r\n}\r\n`,
    servers: ["memory", "docs"],
  },
  zed: {
    text: `// Zed settings
//
{
  "theme": "One Dark", // dark
  /* servers */
  "context_servers": {
    "memory": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-memory"],
      "env": {},
    },
    "ext-one": { "settings": { "database": "x" } },
  },
  "vim_mode": true
}
`,
    servers: ["memory"],
    left: ["ext-one"],
  },
  codex: {
    text: `# My Codex
model = "gpt-5"   # the model
notify = [
  "python3", # comment ] in a list
  "/opt/[x]/notify.py",
]

# remembers
[mcp_servers.memory]
command = "npx"
args = ["-y", "@modelcontextprotocol/server-memory"]

[mcp_servers."team.search"]
url = "https://search.example.com/mcp"
bearer_token_env_var = "SEARCH_TOKEN"

[mcp_servers.db]
command = "db-mcp"
  [mcp_servers.db.env]
  DB_PASSWORD = "hunter2hunter2"

[projects."/work/app"]
trust_level = "trusted"
instructions = """
[mcp_servers.not-a-table]
"""
`,
    servers: ["memory", "team.search", "db"],
  },
  "gemini-cli": {
    text: `{
  "security": {"auth": {"selectedType": "oauth-personal"}},
  "mcpServers": {
    "memory": ${MEMORY},
    "stream": { "httpUrl": "http://127.0.0.1:9/mcp", "headers": {"X-Key": "$STREAM_KEY"}, "timeout": 5000 },
    "old": { "url": "http://127.0.0.1:9/sse" }
  }
}
`,
    servers: ["memory", "stream", "old"],
  },
  opencode: {
    text: `{
  "$schema": "https://opencode.ai/config.json",
  "mcp": {
    "memory": {
      "type": "local",
      "command": ["npx", "-y", "@modelcontextprotocol/server-memory"],
      "environment": { "HINT": "{env:HINT}" }
    },
    "idle": { "type": "remote", "url": "https://idle.example.com", "enabled": false }
  },
  // keep
  "theme": "opencode"
}
`,
    servers: ["memory"],
    left: ["idle"],
  },
  cline: {
    text: `{
  "mcpServers": {
    "memory": { "autoApprove": [], "disabled": false, "timeout": 60, "command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory"] },
    "remote": { "type": "streamableHttp", "url": "https://remote.example.com/mcp" }
  }
}`,
    servers: ["memory", "remote"],
  },
  continue: {
    text: `name: Local Config
version: 1.0.0
schema: v1   # the schema
models: []
mcpServers:
  # remembers
  - name: memory
    command: npx
    args:
      - -y
      - "@modelcontextprotocol/server-memory"

  - name: hub
    command: npx
    args: ["hub-mcp"]
    env:
      HUB_TOKEN: \${{ secrets.HUB_TOKEN }}
rules:
  - Be brief   # please
`,
    servers: ["memory"],
    left: ["hub"],
  },
  junie: { text: `{ "mcpServers": { "memory": ${MEMORY} } }\n`, servers: ["memory"] },
  goose: {
    text: `GOOSE_PROVIDER: anthropic
extensions:
  developer:
    bundled: true
    enabled: true
    name: developer
    type: builtin
  # remembers
  memory:
    cmd: npx
    args: [-y, "@modelcontextprotocol/server-memory"]   # in one line
    enabled: true
    envs: {}
    name: memory
    timeout: 300
    type: stdio
  vault:
    cmd: vault-mcp
    args: []
    enabled: true
    env_keys:
    - VAULT_TOKEN
    name: vault
    type: stdio

GOOSE_MODE: smart_approve
`,
    servers: ["memory"],
    left: ["developer", "vault"],
  },
  "lm-studio": { text: `{"mcpServers":{"memory":${MEMORY}}}`, servers: ["memory"] },
  warp: {
    text: `{
  "mcpServers": {
    "memory": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory"], "working_directory": "/srv" }
  }
}
`,
    servers: ["memory"],
  },
  amp: {
    text: `{
  "amp.notifications.enabled": true,
  "amp.mcpServers": {
    "memory": ${MEMORY}
    // no more
  }
}
`,
    servers: ["memory"],
  },
};
