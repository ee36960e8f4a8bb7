#!/usr/bin/env bash
# Tells what was asked. An empty prompt is none.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
if [ -n "$(jq -r '.prompt // "" | strings' <<<"$INPUT")" ]; then
  tell user_prompt '{ metadata: ({ message: .prompt, prompt_id: .prompt_id } | present) }'
fi
exit 0
