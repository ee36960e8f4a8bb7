#!/usr/bin/env bash
# Tells what a tool did.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
tell tool_use '
  def lines: if type == "string" and . != "" then (rtrimstr("\n") | split("\n") | length) else null end;
  { tool_name: .tool_name,
    duration_ms: ((.duration_ms | numbers) // null),
    metadata: (((.tool_input | objects) // {}) as $i
      | { tool_use_id: .tool_use_id, command: $i.command, file_path: $i.file_path,
          pattern: $i.pattern, query: $i.query, url: $i.url,
          lines_added: (($i.new_string // $i.content) | lines),
          lines_removed: ($i.old_string | lines) } | present) }'
exit 0
