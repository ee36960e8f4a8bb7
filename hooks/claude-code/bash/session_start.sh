#!/usr/bin/env bash
# Tells that a session began, or went on.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
tell session_start '{ model: ((.model | strings) // null), metadata: ({ hook_source: .source } | present) }'
exit 0
