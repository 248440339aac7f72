import { exitCodes } from "../../src/cli/exit-codes.ts";
import { FAULTS } from "../../src/core/fault.ts";

/** Every error there is, from the closed table, and the exit codes. */
export function faultsPage(): string {
  const families = Object.entries(
    Object.groupBy(Object.entries(FAULTS), ([code]) => code.split(".")[0] ?? ""),
  );
  const sections = families.map(([family, faults = []]) => {
    const rows = faults.map(([code, { title, hint, exit, http }]) => {
      return `| \`${code}\` | ${title} | ${shown(hint)} | ${exit} | ${http} |`;
    });
    return `## ${family}\n\n| code | what | what to do | exit | HTTP |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}`;
  });
  const codes = exitCodes().map(({ code, meaning }) => `| ${code} | ${meaning} |`);
  return `# Errors

<!-- Made by "bun run guide" from the table of faults: change that. -->

Every error of mcpd has a code. It stands in \`--json\` output (\`error.code\`), in answers to MCP
clients (\`data.fault\`), in the log, and as the name of a condition in \`mcpd status\`. SUBJECT is
what it is about.

${sections.join("\n\n")}

## Exit codes

| code | says |
| --- | --- |
${codes.join("\n")}
`;
}

function shown(hint: string): string {
  return hint
    .replaceAll("{subject}", "SUBJECT")
    .replaceAll("|", "\\|")
    .replaceAll(/'(mcpd [^']+)'/g, "`$1`")
    .replaceAll(/[<>*_](?=[^`]*(?:`[^`]*`[^`]*)*$)/g, (sign) => `\\${sign}`);
}
