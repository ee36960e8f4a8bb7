#!/usr/bin/env bash
# Tells that Claude Code has something to say, such as that it waits.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
tell response '{ metadata: ({ notification_type: .notification_type, message: .message } | present) }'
exit 0
