#!/usr/bin/env bash
# Stops a command that would destroy the system or the home folder, and tells of files with secrets.
#
# The program `oriel hook claude-code` reads a command as a shell does. This looks at its words only:
# it catches accidents in their usual forms.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

SAFETY="${ORIEL_SAFETY:-${AGENTMONITOR_SAFETY:-1}}"
[ "$SAFETY" = 0 ] && exit 0

# Prints why a command must not run; nothing where it may.
danger() {
  jq -r --arg home "${HOME%/}" '
    # Words in quotes that hold blanks are text and no commands, unless a shell is told to run them.
    def unquoted: gsub("(?<s>\\b(ba|z|da|k)?sh\\s+-[a-z]*c\\s+|\\beval\\s+)[\"\u0027](?<t>[^\"\u0027]*)[\"\u0027]"; "\(.s); \(.t) ;")
      | gsub("\"(?<t>[^\"\\s]*)\""; "\(.t)") | gsub("\u0027(?<t>[^\u0027\\s]*)\u0027"; "\(.t)")
      | gsub("\"[^\"]*\""; "TEXT") | gsub("\u0027[^\u0027]*\u0027"; "TEXT");
    def target: gsub("^\\$\\{?HOME\\}?(?=/|$)|^~(?=/|$)"; $home) | gsub("/(\\./)+"; "/") | gsub("/+"; "/")
      | sub("/\\.?\\*+$"; "/") | sub("/\\.$"; "/") | sub("(?<=.)/$"; "");
    def lost: target as $t
      | ["/", $home, "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/root",
         "/sbin", "/srv", "/sys", "/usr", "/usr/bin", "/usr/lib", "/var", "/System", "/Users"]
      | index($t) != null or ($t | test("^(\\.\\./?)+\\*?$|^/(etc|tmp|usr|var|home)/\\.\\.$"));
    def skip: until(length == 0 or (.[0] | test("^(-.*|[A-Za-z_][A-Za-z_0-9]*=.*|sudo|doas|env|nohup|time|nice|command|exec|xargs|then|do|else|[0-9]+s?|[({!])$") | not);
      if .[0] == "-u" or .[0] == "-g" or .[0] == "-k" then .[2:] else .[1:] end);
    def judge: . as $all | skip as $w
      | (($w[0] // "" | split("/") | last) // "" | ltrimstr("\\")) as $name | $w[1:] as $args
      | ($args | map(select(test("^-[a-zA-Z]*[rR]|^--rec"))) | length > 0) as $deep
      | ($args | map(select(startswith("-") | not))) as $rest
      | if $name == "rm" and $deep and (any($rest[]; lost) or any($args[]; startswith("--no-pres"))) then "rm would remove what cannot be made again"
        elif ($name | test("^(chmod|chown|chgrp)$")) and any($args[]; test("^-[a-zA-Z]*R|^--rec")) and any($rest[1:][]; target == "/") then "\($name) would change the whole system"
        elif ($name | test("^mkfs")) and any($rest[]; startswith("/dev/")) then "\($name) would make a new file system over a device"
        elif ($name | test("^(wipefs|shred|blkdiscard|truncate)$")) and any($rest[]; test("^/dev/(sd|hd|vd|xvd|nvme|mmcblk|disk)")) then "\($name) would wipe a device"
        elif $name == "dd" and any($args[]; test("^of=/dev/(sd|hd|vd|xvd|nvme|mmcblk|r?disk)")) then "dd would write over a device"
        elif $name == "mv" and any($rest[:-1][]; lost and (startswith("..") | not)) then "mv would move away what the system needs"
        elif $name == "find" and (any($args[]; . == "-delete") and (any($args[]; test("^-i?(name|path|regex)$")) | not)) and any($rest[:1][]; lost) then "find would delete what cannot be made again"
        elif any($all[]; test("^[0-9&]*>+[|]?/dev/(sd|hd|vd|xvd|nvme|mmcblk|r?disk)")) then "the output would be written over a device"
        else empty end;
    (.tool_input.command? // "" | strings)
    | if test(":\\s*\\(\\)\\s*\\{\\s*:\\s*\\|\\s*:\\s*&") then "it would start itself again and again"
      else gsub("\\\\\n"; " ") | gsub("<<-?\\s*[\u0027\"]?(?<d>[A-Za-z_]+)[\u0027\"]?[^\\n]*\\n(.|\\n)*?\\n\\s*\\k<d>(?=\\n|$)"; "")
        | gsub("(^|\\s)#[^\\n]*"; " ") | unquoted | gsub(">\\s+(?=/dev/)"; ">")
        | [splits("&&|\\|\\||[;|&\\n`]|\\$\\(|[()]")]
        | map([splits("\\s+") | select(. != "")] | judge) | first // empty
      end' <<<"$INPUT" 2>/dev/null
}

TOOL="$(jq -r '.tool_name // "" | strings' <<<"$INPUT")"
if [ "$TOOL" = Bash ]; then
  REASON="$(danger)"
  if [ -n "$REASON" ]; then
    tell error '{ status: "error", tool_name: "Bash", metadata: { blocked: true,
      reason: "destructive_command", command: .tool_input.command } }'
    echo "oriel: blocked: $REASON; set ORIEL_SAFETY=0 to allow it" >&2
    exit 2
  fi
fi

FILE="$(jq -r '.tool_input.file_path? // "" | strings' <<<"$INPUT")"
case "${FILE##*/}" in
  *.example | *.sample | *.template | *.pub) ;;
  .env | .env.* | *.env | *.pem | *.key | id_rsa* | id_ed25519* | .credentials* | *.credentials | *.secret | .netrc)
    tell tool_use '{ tool_name: .tool_name, metadata: { security_warning: true,
      reason: "sensitive_file_access", file_path: .tool_input.file_path } }'
    ;;
esac
exit 0
