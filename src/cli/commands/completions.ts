import { didYouMean } from "../../core/spelling.ts";
import { command } from "../command.ts";
import { usage } from "../parse.ts";

// The scripts only ask 'mcpd complete': what is completed is decided in one place, and is never
// older than the program.
const SCRIPTS: { readonly [shell: string]: string } = {
  bash: `_mcpd() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(mcpd complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _mcpd mcpd
`,
  zsh: `#compdef mcpd
_mcpd() {
  local name text
  local -a candidates
  while IFS=$'\\t' read -r name text; do
    candidates+=("\${name//:/\\\\:}:$text")
  done < <(mcpd complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#candidates} )); then
    _describe mcpd candidates
  else
    _files
  fi
}
compdef _mcpd mcpd
`,
  fish: `complete -c mcpd -a '(mcpd complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
  powershell: `Register-ArgumentCompleter -Native -CommandName mcpd -ScriptBlock {
  param($word, $ast, $position)
  $words = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($word -eq '') { $words += '' }
  mcpd complete -- $words 2>$null | ForEach-Object {
    $name, $text = $_ -split "\`t", 2
    if (-not $text) { $text = $name }
    [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $text)
  }
}
`,
};

export const SHELLS: readonly string[] = Object.keys(SCRIPTS);

export default command({
  meta: {
    name: "completions",
    description: "Print the completion script of a shell: bash, zsh, fish or powershell.",
  },
  args: {
    shell: { type: "positional", required: true, description: SHELLS.join(", ") },
  },
  examples: [
    { line: "source <(mcpd completions bash)", text: "In ~/.bashrc" },
    { line: "source <(mcpd completions zsh)", text: "In ~/.zshrc, after compinit" },
    { line: "mcpd completions fish > ~/.config/fish/completions/mcpd.fish", text: "Once" },
    {
      line: "mcpd completions powershell | Out-String | Invoke-Expression",
      text: "In the file that $PROFILE names",
    },
  ],
  execute({ args, options, output }) {
    const script = SCRIPTS[args.shell];
    if (script === undefined) {
      const text = `Unknown shell "${args.shell}": the shells are ${SHELLS.join(", ")}`;
      throw usage(text + didYouMean(args.shell, SHELLS), "completions");
    }
    if (options.json) output.json({ shell: args.shell, script });
    else output.write(script);
    return 0;
  },
});
