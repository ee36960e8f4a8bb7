//! The client's pages in a plain browser: files of the browser keep the contract that the host's keep,
//! and the workbench works under its strict policy, with queries that read parts of files.
//!
//! The bundle is built by `cargo xtask test`.

mod server;

use oriel_tests::browser::Browser;
use serde_json::{Value, json};

use server::Pages;

/// A browser at a page of the client.
fn at(pages: &Pages, path: &str) -> Browser {
    let browser = Browser::start();
    browser.visit(pages.addr(), path);
    browser
}

#[test]
fn files_of_a_browser_keep_the_contract() {
    let pages = Pages::start();
    let browser = at(&pages, "/contract");
    browser.eval(
        "(() => { orielContract({ transport: 'opfs', worker: '/contract/opfs-worker.js' })
            .then((report) => { window.report = report; }, (error) => { window.report = String(error); });
        })()",
    );
    browser.until("the contract to be gone through", "window.report !== undefined");
    let report = browser.eval("window.report");
    assert_eq!(report["failed"], Value::Array(Vec::new()), "{report:#}");
    assert!(30 < report["passed"].as_u64().unwrap_or(0), "{report:#}");
}

#[test]
fn the_workbench_asks_a_table_and_reads_a_part_of_it() {
    let pages = Pages::start();
    let browser = at(&pages, "/client/workbench/index.html");
    browser.until("the page", "document.querySelector('[role=tree]') !== null");
    browser.eval(
        "(async () => {
            const top = await navigator.storage.getDirectory();
            const folder = await top.getDirectoryHandle('workspace', { create: true });
            const file = await folder.getFileHandle('runs.csv', { create: true });
            const stream = await file.createWritable();
            const lines = Array.from({ length: 400_000 }, (_, at) => `${at},${at % 7},${'x'.repeat(20)}`);
            await stream.write('id,kind,text\\n' + lines.join('\\n'));
            await stream.close();
        })()",
    );
    ask(&browser, "select kind, count(*) n from 'runs.csv' group by kind order by kind");
    let rows = browser.eval("document.querySelectorAll('.grid-row').length");
    assert_eq!(rows, 8, "seven kinds below the head");
    ask(&browser, "select count(*) n from (select * from 'runs.csv' limit 3)");
    let told = browser.text(".sql [role=status]");
    assert!(told.contains("1 rows") && told.contains(" read in "), "{told}");
    browser.no_trouble(pages.addr(), "the workbench");
}

#[test]
fn a_worker_reads_and_writes_tables_through_memory_that_it_shares_with_its_page() {
    let pages = Pages::isolated();
    let browser = at(&pages, "/client/workbench/index.html");
    browser.until("the page", "document.querySelector('[role=tree]') !== null");
    assert_eq!(browser.eval("crossOriginIsolated"), true);
    let made = "select range id, range % 7 kind, 'text ' || range word from range(200000)";
    for kind in ["parquet", "csv"] {
        ask(&browser, &format!("copy ({made}) to 'made.{kind}' (format {kind})"));
        let sum = format!("select count(*) n, sum(id)::bigint s, max(word) m from 'made.{kind}'");
        ask(&browser, &sum);
        let row = browser.eval(
            "[...document.querySelectorAll('.grid-rows [role=cell]')].map((one) => one.textContent)",
        );
        assert_eq!(row, json!(["200000", "19999900000", "text 99999"]), "{kind}");
    }
    ask(&browser, "select sum(kind) from 'made.parquet'");
    let told = browser.text(".sql [role=status]");
    assert!(told.contains(" KB read in "), "only one column is read: {told}");
    browser.no_trouble(pages.addr(), "the workbench");
}

#[test]
fn a_query_can_be_ended_and_the_next_one_works() {
    let pages = Pages::start();
    let browser = at(&pages, "/client/workbench/index.html");
    browser.until("the page", "document.querySelector('[role=tree]') !== null");
    ask(&browser, "select 1 one");
    start(&browser, "select count(*) from range(1000000000) a, range(1000000) b");
    let is_going = "/Asking … [\\d.]+ /.test(document.querySelector('.sql > .note')?.textContent)";
    browser.until("the time that it takes", is_going);
    browser.click(".question .danger");
    let is_over =
        "document.querySelector('.sql [role=status]').textContent.startsWith('Stopped after')";
    browser.until("the query to be ended", is_over);
    assert!(!browser.has(".question .danger"), "there is nothing more to stop");
    ask(&browser, "select 42 answer");
    assert_eq!(browser.text(".grid-rows [role=cell]"), "42");
    browser.no_trouble(pages.addr(), "the workbench");
}

#[test]
fn a_query_shows_its_first_rows_and_says_so_and_a_wrong_one_says_why() {
    let pages = Pages::start();
    let browser = at(&pages, "/client/workbench/index.html");
    browser.until("the page", "document.querySelector('[role=tree]') !== null");
    ask(&browser, "select * from range(1000000)");
    let told = browser.text(".sql [role=status]");
    assert!(told.starts_with("The first 10,000 rows in ") && told.contains("more"), "{told}");
    let lines = browser.eval("document.querySelectorAll('.grid-row').length").as_u64();
    assert!(lines.is_some_and(|lines| lines < 200), "only rows in sight are there: {lines:?}");
    for (query, why) in
        [("select * from 'none.csv'", "none.csv"), ("selec 1", "syntax error"), ("select x", "x")]
    {
        start(&browser, query);
        browser.until("the query to fail", "document.querySelector('.sql [role=alert]') !== null");
        let told = browser.text(".sql [role=alert]");
        assert!(told.contains(why), "{query}: {told}");
        ask(&browser, "select 1 one");
    }
}

#[test]
fn everyone_can_use_the_workbench() {
    let pages = Pages::start();
    let browser = at(&pages, "/client/workbench/index.html");
    browser.until("the page", "document.querySelector('[role=tree]') !== null");
    browser.eval(
        "(async () => {
            const top = await navigator.storage.getDirectory();
            const folder = await top.getDirectoryHandle('workspace', { create: true });
            const file = await folder.getFileHandle('wave.m', { create: true });
            const stream = await file.createWritable();
            await stream.write('% Samples a wave.\\nfor k = 1:10\\n  disp(\"text\")\\nend\\n');
            await stream.close();
        })()",
    );
    browser.visit(pages.addr(), "/client/workbench/index.html");
    let file = "[...document.querySelectorAll('[role=treeitem]')].find((one) => one.textContent.includes('wave.m'))";
    browser.until("the file", &format!("{file} !== undefined"));
    browser.eval(&format!("{file}.click()"));
    browser.until(
        "the editor",
        "document.querySelector('.text')?.shadowRoot?.querySelector('.cm-line') != null",
    );
    ask(&browser, "select range, 'x' word from range(100)");
    for (width, dark) in [(1280, false), (1280, true), (360, false)] {
        browser.resize(width, 800);
        browser.prefer(dark);
        let barriers = browser.barriers();
        assert!(barriers.is_empty(), "{width} {dark}:\n{}", barriers.join("\n"));
    }
}

#[test]
fn the_workbench_makes_edits_and_saves_a_file() {
    let pages = Pages::start();
    let browser = at(&pages, "/client/workbench/index.html");
    browser.until("the page", "document.querySelector('[role=treeitem]') !== null");
    browser.eval(
        "(() => { [...document.querySelectorAll('.tools button')]
            .find((button) => button.textContent === 'New file').click(); })()",
    );
    browser.until("the question", "document.querySelector('dialog[open] input') !== null");
    browser.fill("dialog input", "notes.md");
    browser.click("dialog button[type=submit]");
    browser.until(
        "the editor",
        "document.querySelector('.text')?.shadowRoot?.querySelector('.cm-content') != null",
    );
    browser.eval(
        "(() => { const text = document.querySelector('.text').shadowRoot.querySelector('.cm-content');
            text.focus(); document.execCommand('insertText', false, '# Kept'); })()",
    );
    browser.until("what is not saved to be marked", "document.querySelector('.tab .dot') !== null");
    browser.eval(
        "(() => { [...document.querySelectorAll('.bar button')]
            .find((button) => button.textContent === 'Save').click(); })()",
    );
    browser.until("the mark to go", "document.querySelector('.tab .dot') === null");
    let kept = browser.eval(
        "navigator.storage.getDirectory()
            .then((top) => top.getDirectoryHandle('workspace'))
            .then((folder) => folder.getFileHandle('notes.md'))
            .then((file) => file.getFile()).then((file) => file.text())",
    );
    assert_eq!(kept, "# Kept");
    for (width, dark) in [(360, false), (1280, true), (2560, false)] {
        browser.resize(width, 800);
        browser.prefer(dark);
        let wide = browser.eval("document.documentElement.scrollWidth").as_u64();
        assert!(wide.is_some_and(|wide| wide <= u64::from(width)), "{wide:?} in {width}");
    }
    browser.no_trouble(pages.addr(), "the workbench");
}

/// Asks in the panel of queries, and waits for the end.
fn ask(browser: &Browser, query: &str) {
    start(browser, query);
    let over = "/ rows in /.test(document.querySelector('.sql [role=status]')?.textContent ?? '') \
                || document.querySelector('.sql [role=alert]') !== null";
    browser.until("the query to end", over);
    assert!(!browser.has(".sql [role=alert]"), "{}", browser.text(".sql [role=alert]"));
}

/// Asks in the panel of queries.
fn start(browser: &Browser, query: &str) {
    browser.eval(
        "(() => { [...document.querySelectorAll('[role=tab]')]
            .find((tab) => tab.textContent === 'SQL').click(); })()",
    );
    browser.until("the panel", "document.querySelector('.question textarea') !== null");
    browser.fill(".question textarea", query);
    browser.click(".question button[type=submit]");
}
