#!/usr/bin/env bash
# Tells that a session ended.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
tell session_end '{ metadata: ({ reason: .reason } | present) }'
exit 0
