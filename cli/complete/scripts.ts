/**
 * The scripts that `koor completion` prints. A shell loads its script once. The script calls `koor __complete` at each
 * Tab. It contains no commands itself, so it stays valid when commands change. answer.ts describes the answer. Pure;
 * runs in the CLI process.
 */

const BASH = `# Completion of koor for bash. To load it: source <(koor completion bash)
_koor_complete() {
  local answer line
  COMPREPLY=()
  answer=$(command PROGRAM __complete bash "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done <<< "$answer"
  case "\${COMPREPLY[0]}" in
    files) COMPREPLY=(); compopt -o default 2>/dev/null ;;
    commands) COMPREPLY=($(compgen -c -- "\${COMP_WORDS[COMP_CWORD]}")); compopt -o default 2>/dev/null ;;
    *) COMPREPLY=("\${COMPREPLY[@]:1}") ;;
  esac
  # More of a name follows a slash at the end.
  case "\${COMPREPLY[0]}" in
    */) compopt -o nospace 2>/dev/null ;;
  esac
  return 0
}
complete -F _koor_complete koor koor-cli
`;

const ZSH = `#compdef koor koor-cli
# Completion of koor for zsh. To load it: source <(koor completion zsh), after compinit
_koor() {
  local -a lines plain plain_shown open open_shown
  local line value shown
  local -a earlier
  (( CURRENT > 2 )) && earlier=("\${(@Q)words[2,CURRENT-1]}")
  lines=("\${(@f)$(command PROGRAM __complete words "\${earlier[@]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  case "\${lines[1]}" in
    files) _files; return ;;
    commands) _command_names -e; _files; return ;;
  esac
  for line in "\${(@)lines[2,-1]}"; do
    value=\${line%%$'\\t'*}
    shown=$value
    [[ $line == *$'\\t'* ]] && shown="$value  -- \${line#*$'\\t'}"
    if [[ $value == */ ]]; then
      open+=("$value") open_shown+=("$shown")
    else
      plain+=("$value") plain_shown+=("$shown")
    fi
  done
  (( \${#plain} )) && compadd -l -d plain_shown -a plain
  # More of a name follows a slash at the end.
  (( \${#open} )) && compadd -S '' -l -d open_shown -a open
  return 0
}
if [[ "\${funcstack[1]}" == _koor ]]; then
  _koor "$@"
else
  compdef _koor koor koor-cli
fi
`;

const FISH = `# Completion of koor for fish. To load it: koor completion fish | source
function __koor_complete
  set -l words (commandline -opc)
  set -e words[1]
  set -l current (commandline -ct | string unescape)
  set -l answer (command PROGRAM __complete words $words "$current" 2>/dev/null)
  switch "$answer[1]"
    case files
      __fish_complete_path (commandline -ct)
    case commands
      __fish_complete_command
    case values
      set -e answer[1]
      set -q answer[1]; and printf '%s\\n' $answer
  end
end
complete -c koor -f -a '(__koor_complete)'
complete -c koor-cli -f -a '(__koor_complete)'
`;

const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
export type Shell = keyof typeof SCRIPTS;
export const SHELLS = Object.keys(SCRIPTS) as readonly Shell[];

export function isShell(name: string): name is Shell {
  return Object.hasOwn(SCRIPTS, name);
}

/**
 * Returns the script of a shell. The script looks for the program on PATH, under the name with which it was called now.
 */
export function completionScript(shell: Shell, program: string): string {
  return SCRIPTS[shell].replaceAll("PROGRAM", program);
}
