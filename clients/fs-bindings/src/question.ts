// From a question to what it was answered, whatever way it went.

import { badAnswer, FileError } from "./errors";
import { FLAG } from "./generated/hostfs";
import { type Head, type Message, readJson } from "./message";
import { asFailed } from "./shapes";

/** Checks that an answer belongs to its question and did not fail. */
export function settle(asked: Head, answer: Message): Message {
  const { head, payload } = answer;
  if (head.op !== asked.op || head.request !== asked.request) {
    throw badAnswer(`${asked.op} ${asked.request} was answered by ${head.op} ${head.request}`);
  }
  if ((head.flags & FLAG.failed) !== 0) throw FileError.of(asFailed(readJson(payload)));
  return answer;
}

/** Returns an answer's JSON. */
export function readAnswer(asked: Head, answer: Message): unknown {
  return readJson(settle(asked, answer).payload);
}
