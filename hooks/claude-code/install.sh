#!/usr/bin/env bash
# Puts these hooks into Claude Code's settings, beside the hooks that are there, or takes them out.
#
#   install.sh [--python] [--url URL] [--uninstall]
#
# Whoever has the program `oriel` uses `oriel hooks install claude-code` instead.
set -eu

usage() {
  echo "usage: install.sh [--python] [--url URL] [--uninstall]" >&2
  exit 2
}

kind=bash url="" uninstall=no
while [ $# -gt 0 ]; do
  case "$1" in
    --python) kind=python ;;
    --url)
      [ $# -gt 1 ] || usage
      url="$2"
      shift
      ;;
    --uninstall) uninstall=yes ;;
    *) usage ;;
  esac
  shift
done

if ! command -v jq >/dev/null 2>&1; then
  echo "install.sh needs jq to change settings safely; install it first" >&2
  exit 1
fi

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
settings="${CLAUDE_CONFIG_DIR:-$HOME/.claude}/settings.json"
mkdir -p "$(dirname "$settings")"
if [ -e "$settings" ]; then
  if ! jq -e 'type == "object" and ((.hooks // {}) | type == "object")' "$settings" >/dev/null 2>&1; then
    echo "$settings is no settings file; mend it first, nothing was changed" >&2
    exit 1
  fi
  backup="$settings.bak.$(date -u +%Y%m%dT%H%M%SZ)"
  cp -p "$settings" "$backup"
  echo "the old settings are in $backup"
  before="$(cat "$settings")"
else
  before='{}'
fi

# Ours are the commands that name a script in this folder.
after="$(jq --arg here "$here/" --arg kind "$kind" --arg url "$url" --arg uninstall "$uninstall" '
  def quoted: "\u0027" + gsub("\u0027"; "\u0027\\\u0027\u0027") + "\u0027";
  def ours: (.command? // "") | tostring | contains(($here | quoted | .[:-1]));
  def without: map(if (.hooks? | type) == "array" and any(.hooks[]; ours)
      then .hooks |= map(select(ours | not)) | select(.hooks != []) else . end);
  def script($name): (if $url == "" then "" else "ORIEL_URL=\($url | quoted) " end)
    + ("\($here)\($kind)/\($name).\(if $kind == "bash" then "sh" else "py" end)" | quoted);
  def entry($name; $async):
    { hooks: [{ type: "command", command: script($name) } + $async + { timeout: 10 }] };
  (.hooks // {}) as $old
  | ($old | map_values(if type == "array" then without else . end)
      | with_entries(select(.value != []))) as $kept
  | if $uninstall == "yes" then $kept else
      reduce ( ["SessionStart", "session_start"], ["SessionEnd", "session_end"],
        ["UserPromptSubmit", "user_prompt_submit"], ["PostToolUse", "post_tool_use"],
        ["Notification", "notification"], ["PreToolUse", "pre_tool_use"] ) as [$event, $name]
        ($kept; .[$event] = (.[$event] // [])
          + [entry($name; if $event == "PreToolUse" then {} else { async: true } end)])
    end' <<<"$before")"
jq --argjson hooks "$after" 'if $hooks == {} then del(.hooks) else .hooks = $hooks end' \
  <<<"$before" >"$settings.new.$$"
mv "$settings.new.$$" "$settings"
if [ "$uninstall" = yes ]; then
  echo "$settings has none of these hooks any more"
else
  echo "$settings has the $kind hooks; Claude Code uses them from its next session on"
fi
