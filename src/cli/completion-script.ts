/** Shells that lines can be completed in. */
export type CompletionShell = 'bash' | 'zsh' | 'fish' | 'powershell'

/**
 * A script by which a shell asks `PROGRAM __complete WORD…` how a line may go on. The answer is a choice per line, its
 * description behind a tab, and last `:` with the sum of directives: 2 no blank behind it, 4 no files, 16 folders only.
 */
export function completionScript(shell: CompletionShell, program: string): string {
  return scripts[shell]
    .replaceAll('PROGRAM', program)
    .replaceAll('NAME', program.replaceAll(/\W/g, '_'))
    .replace(/^\n/, '')
}

const scripts: Readonly<Record<CompletionShell, string>> = {
  bash: String.raw`
# bash completion for PROGRAM
_NAME_complete() {
    local current="$2" line answer directive
    local -a words=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
    COMPREPLY=()
    answer=$(PROGRAM __completeNoDesc "\${words[@]}" "$current" 2>/dev/null) || return
    directive=\${answer##*:}
    while IFS= read -r line; do
        [[ -n $line && $line != :* && $line == "$current"* ]] && COMPREPLY+=("$line")
    done <<<"$answer"
    ((directive & 2)) && compopt -o nospace 2>/dev/null
    if ((directive & 16)); then
        compopt -o dirnames 2>/dev/null
    elif ! ((directive & 4)) && ((\${#COMPREPLY[@]} == 0)); then
        compopt -o default 2>/dev/null
    fi
}
complete -F _NAME_complete PROGRAM
`.replaceAll('\\$', '$'),
  zsh: String.raw`
#compdef PROGRAM
_NAME() {
    local line name
    local -a lines choices
    lines=("\${(@f)$(PROGRAM __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
    local directive=\${lines[-1]#:}
    for line in "\${(@)lines[1,-2]}"; do
        [[ -n $line ]] || continue
        name=\${line%%$'\t'*}
        name=\${name//:/\\:}
        [[ $line == *$'\t'* ]] && name+=":\${line#*$'\t'}"
        choices+=("$name")
    done
    if ((directive & 16)); then
        _path_files -/
    elif (($#choices)); then
        if ((directive & 2)); then _describe choice choices -S ''; else _describe choice choices; fi
    elif ! ((directive & 4)); then
        _files
    fi
}
if [[ $funcstack[1] == _NAME ]]; then _NAME "$@"; else compdef _NAME PROGRAM; fi
`.replaceAll('\\$', '$'),
  fish: String.raw`
# fish completion for PROGRAM
function __NAME_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (PROGRAM __complete $words[2..] 2>/dev/null)
    test (count $lines) -gt 0; or return
    set -l directive (string replace ':' '' -- $lines[-1])
    if test (count $lines) -gt 1
        string join \n -- $lines[1..-2]
    else if test (math "bitand($directive, 16)") -ne 0
        __fish_complete_directories (commandline -ct)
    else if test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path (commandline -ct)
    end
end
complete -c PROGRAM -f -a '(__NAME_complete)'
`,
  powershell: String.raw`
# PowerShell completion for PROGRAM
Register-ArgumentCompleter -Native -CommandName 'PROGRAM' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    $lines = @(& 'PROGRAM' __complete @words "$wordToComplete" 2>$null)
    $lines | Where-Object { $_ -and -not $_.StartsWith(':') } | ForEach-Object {
        $name, $description = $_ -split "\x60t", 2
        if (-not $description) { $description = $name }
        [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $description)
    }
}
`.replaceAll('\\x60', '`'),
}
