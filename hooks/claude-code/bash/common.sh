# What the hooks share: reading what Claude Code says, and telling the daemon without waiting for it.
#
# A hook must never disturb the agent, so whatever goes wrong here ends with exit code 0.

ORIEL_URL="${ORIEL_URL:-${AGENTMONITOR_URL:-http://127.0.0.1:3142}}"

for needed in jq curl; do
  if ! command -v "$needed" >/dev/null 2>&1; then
    echo "oriel: the Bash hooks need $needed; install it, or use the Python hooks" >&2
    exit 0
  fi
done

INPUT="$(cat)"
if ! jq -e 'type == "object"' >/dev/null 2>&1 <<<"$INPUT"; then
  echo "oriel: the hook was given no JSON object" >&2
  exit 0
fi

# Prints the branch of the folder that Claude Code works in, if it has one.
branch() {
  local folder
  folder="$(jq -r '.cwd // "" | strings' <<<"$INPUT")"
  [ -n "$folder" ] && git -C "$folder" symbolic-ref --quiet --short HEAD 2>/dev/null
  return 0
}

# Tells the daemon of an event: its type, and a jq program that makes its other fields of the input.
# The name of the event is made of all that was said, so to tell it twice changes nothing. jq writes
# the JSON, so nothing that an agent says can break out of it.
tell() {
  local hash event
  hash="$(printf '%s %s' "$1" "$INPUT" | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c1-32)"
  event="$(jq -c --arg type "$1" --arg id "hook-$hash" --arg branch "$(branch)" '
    def present: with_entries(select(.value != null and .value != ""));
    . as $in
    | { event_id: $id, session_id: (.session_id // "unknown"), agent_type: "claude_code",
        event_type: $type, source: "hook",
        project: ((.cwd // "") | tostring | rtrimstr("/") | split("/") | last),
        branch: $branch }
      + ($in | '"$2"')
    | present' <<<"$INPUT" 2>/dev/null)" || return 0
  [ -n "$event" ] || return 0
  # In the background and cut off from our output, or Claude Code would wait for it.
  printf '%s' "$event" | curl -s -o /dev/null --connect-timeout 1 --max-time 2 --noproxy '*' \
    -H 'content-type: application/json' --data-binary @- "$ORIEL_URL/api/events" \
    >/dev/null 2>&1 &
}
