// How text is edited and coloured. The editor lives in a shadow root, where its rules are a sheet of
// their own, as the page's policy wants it.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { markdown } from "@codemirror/lang-markdown";
import { python } from "@codemirror/lang-python";
import { sql } from "@codemirror/lang-sql";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  StreamLanguage,
  syntaxHighlighting,
} from "@codemirror/language";
import { octave } from "@codemirror/legacy-modes/mode/octave";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--c3)" },
  { tag: [tags.string, tags.regexp], color: "var(--warn)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--c4)" },
  { tag: [tags.comment, tags.quote], color: "var(--ink-2)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.standard(tags.name)], color: "var(--c1)" },
  { tag: [tags.typeName, tags.className, tags.propertyName], color: "var(--c1)" },
  { tag: tags.heading, fontWeight: "bold" },
  { tag: tags.link, textDecoration: "underline" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--paper)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "var(--t-s)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--accent)" },
  ".cm-cursor": { borderLeftColor: "var(--accent)" },
  ".cm-gutters": { backgroundColor: "var(--paper)", color: "var(--ink-3)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "var(--accent-ground)" },
  ".cm-matchingBracket": { backgroundColor: "var(--warn-ground)" },
  ".cm-panels": { backgroundColor: "var(--sunk)", color: "var(--ink)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-ground)" },
});

const BY_ENDING: Record<string, () => Extension> = {
  js: () => javascript({ jsx: true }),
  mjs: () => javascript(),
  cjs: () => javascript(),
  jsx: () => javascript({ jsx: true }),
  ts: () => javascript({ typescript: true }),
  tsx: () => javascript({ typescript: true, jsx: true }),
  json: () => json(),
  md: () => markdown(),
  py: () => python(),
  m: () => StreamLanguage.define(octave),
  sql: () => sql(),
};

/** Returns what stands in the editor at first. */
export function stateOf(
  path: string,
  text: string,
  isReadOnly: boolean,
  save: () => void,
  touched: () => void,
): EditorState {
  return EditorState.create({
    doc: text,
    extensions: [extensions(path, save, touched), EditorState.readOnly.of(isReadOnly)],
  });
}

/** Shows it in a place. */
export const show = (state: EditorState, root: ShadowRoot) =>
  new EditorView({ state, parent: root, root });

function extensions(path: string, save: () => void, touched: () => void): Extension {
  const ending = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  return [
    lineNumbers(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    search({ top: true }),
    EditorState.tabSize.of(4),
    EditorView.contentAttributes.of({ "aria-label": path }),
    keymap.of([
      {
        key: "Mod-s",
        preventDefault: true,
        run: () => {
          save();
          return true;
        },
      },
      // Whoever moves by Tab leaves the editor after Escape.
      ...searchKeymap,
      ...historyKeymap,
      ...defaultKeymap,
      indentWithTab,
    ]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) touched();
    }),
    syntaxHighlighting(colours),
    theme,
    BY_ENDING[ending]?.() ?? [],
  ];
}
